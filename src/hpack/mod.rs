//! RFC 7541: field sections as HTTP/2 sends them.
//!
//! Owns the codec: integers, strings, Huffman code, the static table, the dynamic tables of both
//! directions. Bytes in, field lines out, and the other way round. Knows no frame, no stream and
//! no field's meaning: what a reader makes of a line is a [`Verdict`] of its own, which the tables
//! keep with the line so that it is found once and not in each request.

#![forbid(unsafe_code)]

mod decoder;
mod encoder;
mod error;
mod huffman;
mod integer;
mod static_table;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use decoder::{Bounds, Decoder, Line, ListSize, Verdict};
pub(crate) use encoder::{Encoder, Indexing};
pub(crate) use error::DecodeError;
#[cfg(any(test, feature = "testing"))]
pub(crate) use huffman::byte_codes;
#[cfg(any(test, feature = "testing"))]
pub(crate) use static_table::STATIC_LINES;
pub(crate) use static_table::{STATIC_LINES_COUNT, StaticName};
pub(crate) use table::is_same;
