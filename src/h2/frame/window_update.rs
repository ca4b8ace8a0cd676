//! WINDOW_UPDATE (RFC 9113, 6.9): more room for DATA.

use super::STREAM_MASK;
use super::head::{FrameHead, Kind};
use crate::h2::error::{ConnectionError, Fault, StreamError, Violation};

/// The increment of a WINDOW_UPDATE frame, from 1 to 2^31-1.
///
/// # Errors
/// A wrong length ends the connection; an increment of zero ends what the window is of.
#[inline]
pub(crate) fn parse(head: FrameHead, payload: &[u8]) -> Result<u32, Fault> {
    let increment = payload
        .try_into()
        .map_err(|_| ConnectionError(Violation::WrongFrameLength))?;
    match u32::from_be_bytes(increment) & STREAM_MASK {
        0 if head.stream == 0 => Err(ConnectionError(Violation::ZeroWindowIncrement).into()),
        0 => Err(StreamError(Violation::ZeroWindowIncrement).into()),
        increment => Ok(increment),
    }
}

/// Appends a WINDOW_UPDATE frame for a stream, or for the connection if that is zero. The
/// increment is from 1 to 2^31-1.
pub(crate) fn encode_window_update(out: &mut Vec<u8>, stream: u32, increment: u32) {
    debug_assert!((1..=STREAM_MASK).contains(&increment));
    let head = FrameHead {
        length: 4,
        kind: Kind::WindowUpdate,
        flags: 0,
        stream,
    };
    out.extend_from_slice(&head.to_bytes());
    out.extend_from_slice(&increment.to_be_bytes());
}
