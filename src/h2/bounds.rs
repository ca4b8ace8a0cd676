//! How large a field block may be, and what it means for the connection that one cannot be decoded.
//!
//! Owns the step from the server's limits to those of the decoder. Knows nothing of what lines mean.

use super::error::{ConnectionError, Violation};
use crate::hpack::{Bounds, DecodeError};
use crate::http::Counters;
use crate::limits::Limits;

/// Bounds beyond which a block ends the connection: twice what a request may have, so that one
/// that is a little too large is answered.
pub(super) fn bounds(limits: &Limits) -> Bounds {
    let twice = |value: usize| u32::try_from(value.saturating_mul(2)).unwrap_or(u32::MAX);
    Bounds {
        line_bytes_max: twice(
            limits
                .http2
                .field_bytes_max
                .max(limits.request_line_bytes_max),
        ),
        lines_max: twice(limits.field_count_max),
        list_bytes_max: twice(list_bytes_max(limits)),
    }
}

/// The largest field section that is taken, as SETTINGS_MAX_HEADER_LIST_SIZE says it: 32 bytes are
/// counted for each line, and pseudo-header fields are lines too.
pub(super) fn list_bytes_max(limits: &Limits) -> usize {
    limits
        .head_bytes_max
        .saturating_add(limits.request_line_bytes_max)
}

/// The longest field block that is taken: no encoder needs more for the largest list that is
/// decoded.
pub(super) fn block_bytes_max(limits: &Limits) -> usize {
    list_bytes_max(limits).saturating_mul(2)
}

/// The connection error behind a block that cannot be decoded.
#[cold]
pub(super) fn undecodable(error: DecodeError, counters: &mut Counters) -> ConnectionError {
    counters.reject(error.name());
    ConnectionError(match error {
        DecodeError::TooManyLines => Violation::TooManyFields,
        _ if error.is_bound() => Violation::HeaderListTooLarge,
        _ => Violation::Compression,
    })
}
