//! The record layer of a TLS connection whose handshake is done (RFC 8446, 5; RFC 5246, 6.2).
//!
//! Owns the shape of records and their protection, in place on the way in, straight into the send
//! block on the way out. Knows nothing of handshakes, nor of what the content means.

mod open;
mod protection;
mod seal;
mod secret;
#[cfg(test)]
mod tests;

pub(super) use open::Opener;
pub(super) use protection::{TAG_BYTES, Version};
pub(super) use seal::Sealer;

use super::fault::Fault;

/// Bytes before the content of each record: type, version, length.
pub(super) const HEADER_BYTES: usize = 5;

/// The most content of one record, in bytes (RFC 8446, 5.1).
pub(super) const PLAINTEXT_MAX: usize = 1 << 14;

/// The most bytes behind a record's header: TLS 1.3 allows 256 for type, padding and tag (RFC 8446,
/// 5.2). TLS 1.2 allows more, for compression and CBC, neither of which is spoken here.
pub(super) const PROTECTED_MAX: usize = PLAINTEXT_MAX + 256;

/// The longest record.
pub(super) const RECORD_MAX: usize = HEADER_BYTES + PROTECTED_MAX;

/// What a record carries (RFC 8446, 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentType {
    /// A change of cipher spec, which means nothing once the handshake is done.
    ChangeCipherSpec,
    /// An alert.
    Alert,
    /// A message of the handshake protocol.
    Handshake,
    /// Bytes of the application.
    ApplicationData,
}

impl ContentType {
    /// The byte that stands for it.
    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::ChangeCipherSpec => 20,
            Self::Alert => 21,
            Self::Handshake => 22,
            Self::ApplicationData => 23,
        }
    }

    /// What a byte stands for; `None` for types that nobody speaks here.
    pub(super) const fn of(byte: u8) -> Option<Self> {
        match byte {
            20 => Some(Self::ChangeCipherSpec),
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::ApplicationData),
            _ => None,
        }
    }
}

/// The length of the record that `bytes` begin with, its header included; `None` while the header
/// is not there whole.
///
/// # Errors
/// A type that does not exist, a version that is not 3.x, a record that is too long. Each is told
/// from the bytes that are there, so that no peer is waited for in vain.
pub(super) fn record_length(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    if let Some(&first) = bytes.first()
        && ContentType::of(first).is_none()
    {
        return Err(Fault::UnknownContentType);
    }
    if bytes.get(1).is_some_and(|&major| major != 3) {
        return Err(Fault::RecordVersion);
    }
    let Some(&[_, _, _, high, low]) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > PROTECTED_MAX {
        return Err(Fault::RecordOverflow);
    }
    Ok(Some(HEADER_BYTES + length))
}
