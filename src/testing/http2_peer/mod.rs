//! The client's side of HTTP/2, for tests and fuzz targets.
//!
//! Owns the writing of frames, whole or broken, and a strict reading of what a server sends: every
//! byte is held against what the client has said before. Written against the RFCs and not against
//! the server's own framing; only field blocks are decoded with the codec of the server, which is
//! held against others elsewhere.

mod frames;
mod ledger;
mod reader;
mod response;

#[cfg(test)]
pub(crate) use frames::request;
pub(crate) use frames::{
    ACK, CONTINUATION, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PADDED, PING, PRIORITY,
    SETTINGS, block,
};
pub(crate) use ledger::Ledger;
pub(crate) use reader::{Reading, read};
pub(crate) use response::Response;
