//! RST_STREAM (RFC 9113, 6.4): the end of one stream.

use super::head::{FrameHead, Kind};
use crate::h2::error::{ConnectionError, Violation};

/// The error code of a RST_STREAM frame, known or not (RFC 9113, 7).
///
/// # Errors
/// A wrong length.
pub(crate) fn parse(payload: &[u8]) -> Result<u32, ConnectionError> {
    let code = payload
        .try_into()
        .map_err(|_| ConnectionError(Violation::WrongFrameLength))?;
    Ok(u32::from_be_bytes(code))
}

/// Appends a RST_STREAM frame.
pub(crate) fn encode_rst_stream(out: &mut Vec<u8>, stream: u32, code: u32) {
    let head = FrameHead {
        length: 4,
        kind: Kind::RstStream,
        flags: 0,
        stream,
    };
    out.extend_from_slice(&head.to_bytes());
    out.extend_from_slice(&code.to_be_bytes());
}
