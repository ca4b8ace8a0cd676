//! Frames (RFC 9113, 4 and 6; RFC 9218, 7.1), one file for each type.
//!
//! Owns their syntax in both directions: the head, what can be said from it alone, payloads that
//! are parsed where they lie, and encoders that append to a buffer. Knows no connection: which
//! frame may come when, and what it does, is not decided here.

pub(crate) mod continuation;
pub(crate) mod data;
pub(crate) mod goaway;
mod head;
pub(crate) mod headers;
pub(crate) mod ping;
pub(crate) mod priority;
pub(crate) mod priority_update;
pub(crate) mod rst_stream;
pub(crate) mod settings;
#[cfg(test)]
mod tests;
pub(crate) mod window_update;

pub(crate) use data::encode_data_head;
pub(crate) use goaway::encode_goaway;
pub(crate) use head::{FrameHead, HEAD_BYTES, Kind};
#[cfg(any(test, feature = "testing"))]
pub(crate) use headers::encode_headers;
pub(crate) use headers::{begin_headers, encode_short_headers, finish_headers};
pub(crate) use ping::encode_ping;
pub(crate) use rst_stream::encode_rst_stream;
pub(crate) use settings::{LocalSettings, RemoteSettings, encode_settings_ack};
pub(crate) use window_update::encode_window_update;

/// The largest payload that every endpoint takes: the initial SETTINGS_MAX_FRAME_SIZE and its
/// lowest value (RFC 9113, 6.5.2).
pub(crate) const FRAME_BYTES_DEFAULT: u32 = 1 << 14;

/// The largest payload that a frame can have, and the highest SETTINGS_MAX_FRAME_SIZE.
pub(crate) const FRAME_BYTES_CEILING: u32 = (1 << 24) - 1;

/// The 31 bits of a stream identifier; the bit before them is reserved and means nothing
/// (RFC 9113, 4.1).
const STREAM_MASK: u32 = u32::MAX >> 1;

/// The 32-bit number at the front of a payload, and what follows it.
fn split_number(payload: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = payload.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}
