//! GOAWAY (RFC 9113, 6.8): the end of the connection, announced.

use super::head::{FrameHead, Kind};
use super::{FRAME_BYTES_DEFAULT, STREAM_MASK, split_number};
use crate::h2::error::{ConnectionError, ErrorCode, Violation};

/// Bytes before the debug data.
const FIXED_BYTES: usize = 8;

/// A parsed GOAWAY frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GoAway<'a> {
    /// The last stream of ours that the peer has, or may have, worked on.
    pub(crate) last_stream: u32,
    /// The error code, known or not (RFC 9113, 7).
    pub(crate) code: u32,
    /// Anything, for diagnosis only.
    pub(crate) debug: &'a [u8],
}

/// Parses the payload of a GOAWAY frame.
///
/// # Errors
/// A payload without the two numbers.
pub(crate) fn parse(payload: &[u8]) -> Result<GoAway<'_>, ConnectionError> {
    let too_short = ConnectionError(Violation::FrameTooShort);
    let (last_stream, rest) = split_number(payload).ok_or(too_short)?;
    let (code, debug) = split_number(rest).ok_or(too_short)?;
    Ok(GoAway {
        last_stream: last_stream & STREAM_MASK,
        code,
        debug,
    })
}

/// Appends a GOAWAY frame. Debug data beyond what fits the smallest frame is left out.
pub(crate) fn encode_goaway(out: &mut Vec<u8>, last_stream: u32, code: ErrorCode, debug: &[u8]) {
    const DEBUG_BYTES_MAX: usize = FRAME_BYTES_DEFAULT as usize - FIXED_BYTES;
    let debug = debug.get(..DEBUG_BYTES_MAX).unwrap_or(debug);
    let head = FrameHead {
        length: (FIXED_BYTES + debug.len()) as u32,
        kind: Kind::GoAway,
        flags: 0,
        stream: 0,
    };
    out.extend_from_slice(&head.to_bytes());
    out.extend_from_slice(&last_stream.to_be_bytes());
    out.extend_from_slice(&code.code().to_be_bytes());
    out.extend_from_slice(debug);
}
