//! PRIORITY_UPDATE (RFC 9218, 7.1): a priority sent apart from its request.
//!
//! Owns the frame only; what the field value says is read by `h2::priority`.

use super::{STREAM_MASK, split_number};
use crate::h2::error::{ConnectionError, Violation};

/// The stream that is meant and its Priority field value, which replaces the one before whole.
/// The stream may not have been opened yet.
///
/// # Errors
/// A payload without a stream, stream zero, or a stream that only a server could have opened and
/// none has (RFC 9218, 7.1).
pub(crate) fn parse(payload: &[u8]) -> Result<(u32, &[u8]), ConnectionError> {
    let (stream, value) = split_number(payload).ok_or(ConnectionError(Violation::FrameTooShort))?;
    match stream & STREAM_MASK {
        0 => Err(ConnectionError(Violation::PriorityUpdateOfStreamZero)),
        even if even.is_multiple_of(2) => Err(ConnectionError(Violation::EvenStreamId)),
        stream => Ok((stream, value)),
    }
}
