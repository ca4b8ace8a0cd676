//! PING (RFC 9113, 6.7): eight bytes that come back.

use super::head::{FrameHead, Kind};
use crate::h2::error::{ConnectionError, Violation};

/// Bytes that a PING carries and its answer repeats.
pub(crate) const OPAQUE_BYTES: usize = 8;

/// The opaque data of a PING frame; its head says whether it is an answer.
///
/// # Errors
/// A wrong length.
pub(crate) fn parse(payload: &[u8]) -> Result<[u8; OPAQUE_BYTES], ConnectionError> {
    payload
        .try_into()
        .map_err(|_| ConnectionError(Violation::WrongFrameLength))
}

/// Appends a PING frame, or with `ack` the answer to one.
pub(crate) fn encode_ping(out: &mut Vec<u8>, ack: bool, opaque: [u8; OPAQUE_BYTES]) {
    let head = FrameHead {
        length: OPAQUE_BYTES as u32,
        kind: Kind::Ping,
        flags: if ack { FrameHead::ACK } else { 0 },
        stream: 0,
    };
    out.extend_from_slice(&head.to_bytes());
    out.extend_from_slice(&opaque);
}
