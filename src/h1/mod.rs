//! HTTP/1.0 and HTTP/1.1 (RFC 9112), sans-IO.
//!
//! Bytes and time come in, bytes and events go out. Owns the syntax of messages (`head`,
//! `chunked`, `encode`), what is refused and how (`reject`, `framing`), and the state of one
//! connection (`connection`, with `receive` and `transmit` for its two directions). Must not know
//! HTTP/2, TLS, a ring, a shard, a clock or a file descriptor.

#![forbid(unsafe_code)]

mod chunked;
mod connection;
mod encode;
mod ending;
mod framing;
mod head;
mod line;
mod plain;
mod receive;
mod reject;
mod scan;
#[cfg(test)]
mod tests;
mod transmit;

#[cfg(any(test, feature = "testing"))]
pub(crate) use self::{
    chunked::{ChunkedDecoder, Step},
    encode::{
        CHUNK_END, ConnectionOption, ResponseFraming, ResponseHead, encode_chunk_head, encode_head,
        encode_last_chunk,
    },
    head::{Parse, parse, parse_by_record},
    scan::HeadScan,
};
pub(crate) use connection::Connection;
pub(crate) use reject::Reject;
