//! PRIORITY (RFC 9113, 6.3), which is deprecated.
//!
//! Owns the check of the dependency that it and HEADERS may carry. Clients of today send it out of
//! habit; nothing comes of it.

use super::STREAM_MASK;
use super::head::FrameHead;
use crate::h2::error::{ConnectionError, Fault, StreamError, Violation};

/// Bytes of the exclusive bit, the dependency and the weight.
pub(super) const FIELD_BYTES: usize = 5;

/// Checks the payload of a PRIORITY frame.
///
/// # Errors
/// A wrong length ends the stream, a dependency of the stream on itself the connection.
pub(crate) fn parse(head: FrameHead, payload: &[u8]) -> Result<(), Fault> {
    let fields: [u8; FIELD_BYTES] = payload
        .try_into()
        .map_err(|_| StreamError(Violation::WrongFrameLength))?;
    check_dependency(head.stream, fields)?;
    Ok(())
}

/// Refuses a stream that is to depend on itself (RFC 7540, 5.3.1).
pub(super) fn check_dependency(
    stream: u32,
    [d0, d1, d2, d3, _weight]: [u8; FIELD_BYTES],
) -> Result<(), ConnectionError> {
    if u32::from_be_bytes([d0, d1, d2, d3]) & STREAM_MASK == stream {
        return Err(ConnectionError(Violation::SelfDependency));
    }
    Ok(())
}
