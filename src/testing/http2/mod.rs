//! A scripted HTTP/2 peer: writes whatever frames a test asks for, right or wrong, and reads what
//! the server sends with the strictness of RFC 9113.
//!
//! Owns an encoder and a reader of frames that share nothing with the server's, so that a mistake
//! in those is seen. Field blocks of requests are literals that enter no table; those of responses
//! are decoded by `hpack`, which has examples of its own to be held to. Knows no connection, no
//! shard and no socket.

mod bounds;
mod client;
mod event;
mod frames;

pub(crate) use client::Client;
pub(crate) use event::{Event, merged};
pub(crate) use frames::{Frames, block};

/// The types of frames (RFC 9113, 6; RFC 9218, 7.1).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0x0;
    pub(crate) const HEADERS: u8 = 0x1;
    pub(crate) const PRIORITY: u8 = 0x2;
    pub(crate) const RST_STREAM: u8 = 0x3;
    pub(crate) const SETTINGS: u8 = 0x4;
    pub(crate) const PUSH_PROMISE: u8 = 0x5;
    pub(crate) const PING: u8 = 0x6;
    pub(crate) const GOAWAY: u8 = 0x7;
    pub(crate) const WINDOW_UPDATE: u8 = 0x8;
    pub(crate) const CONTINUATION: u8 = 0x9;
    pub(crate) const PRIORITY_UPDATE: u8 = 0x10;
    /// One that nobody has defined.
    pub(crate) const UNKNOWN: u8 = 0xbe;
}

/// The flags of frames.
pub(crate) mod flag {
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// The parameters of SETTINGS (RFC 9113, 6.5.2).
pub(crate) mod setting {
    pub(crate) const HEADER_TABLE_SIZE: u16 = 0x1;
    pub(crate) const ENABLE_PUSH: u16 = 0x2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 0x5;
    pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}

/// The error codes (RFC 9113, 7) that tests send.
pub(crate) mod code {
    pub(crate) const NO_ERROR: u32 = 0x0;
    pub(crate) const CANCEL: u32 = 0x8;
}

/// The name of an error code.
pub(crate) fn code_name(code: u32) -> &'static str {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(code as usize).copied().unwrap_or("UNKNOWN")
}

/// The number at the front of a payload.
fn number(payload: &[u8]) -> u32 {
    let bytes = payload.first_chunk().expect("a payload of four bytes");
    u32::from_be_bytes(*bytes)
}
