//! How records of each version and suite are protected: key, nonce, associated data.
//!
//! Owns the differences between TLS 1.3 (RFC 8446, 5.2 and 5.3), AES-GCM in TLS 1.2 (RFC 5288, 3)
//! and ChaCha20-Poly1305 in TLS 1.2 (RFC 7905, 2). One direction of one connection each.

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce,
    UnboundKey,
};
use rustls::ConnectionTrafficSecrets;

use super::{ContentType, HEADER_BYTES};

/// Bytes of the tag of each suite.
pub(in crate::tls) const TAG_BYTES: usize = 16;

/// Bytes of the nonce that TLS 1.2 sends with each AES-GCM record.
pub(super) const EXPLICIT_NONCE_BYTES: usize = 8;

/// Records that one AES-GCM key may protect: below the 2^24.5 of RFC 8446, 5.5. It binds who seals;
/// who opens may ask for another key, but has no reason to break a connection.
const GCM_RECORDS_MAX: u64 = 1 << 24;

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tls) enum Version {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// How nonce and associated data are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// The type is protected with the content; the header is the associated data.
    Tls13,
    /// Half of the nonce comes with the record.
    Tls12Gcm,
    /// As TLS 1.3 makes its nonce, with the associated data of TLS 1.2.
    Tls12ChaCha,
}

/// The key of one direction.
pub(super) struct Protection {
    pub(super) key: LessSafeKey,
    pub(super) scheme: Scheme,
    iv: [u8; NONCE_LEN],
    /// The number of the next record.
    sequence: u64,
    records_max: u64,
}

impl Protection {
    /// Of what a handshake has agreed on. `None` for a suite that is not spoken here, or when the
    /// key cannot be set up.
    pub(super) fn new(
        version: Version,
        sequence: u64,
        secrets: &ConnectionTrafficSecrets,
    ) -> Option<Self> {
        let (algorithm, key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => return None,
        };
        let chacha = matches!(secrets, ConnectionTrafficSecrets::Chacha20Poly1305 { .. });
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).ok()?),
            scheme: match (version, chacha) {
                (Version::Tls13, _) => Scheme::Tls13,
                (Version::Tls12, false) => Scheme::Tls12Gcm,
                (Version::Tls12, true) => Scheme::Tls12ChaCha,
            },
            iv: iv.as_ref().try_into().ok()?,
            sequence,
            // Its limit is beyond the sequence number's.
            records_max: if chacha { u64::MAX } else { GCM_RECORDS_MAX },
        })
    }

    /// Of TLS 1.3, from the first record on.
    pub(super) fn of_key(
        algorithm: &'static Algorithm,
        key: &[u8],
        iv: [u8; NONCE_LEN],
    ) -> Option<Self> {
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?),
            scheme: Scheme::Tls13,
            iv,
            sequence: 0,
            records_max: GCM_RECORDS_MAX,
        })
    }

    /// Records that the key should still protect.
    pub(super) fn records_left(&self) -> u64 {
        self.records_max.saturating_sub(self.sequence)
    }

    /// The next record's number is taken; `None` when there are no more numbers.
    pub(super) fn advance(&mut self) -> Option<u64> {
        let sequence = self.sequence;
        self.sequence = sequence.checked_add(1)?;
        Some(sequence)
    }

    /// So many records are left from here on.
    #[cfg(test)]
    pub(super) fn leave(&mut self, records: u64) {
        self.records_max = self.sequence + records;
    }

    /// The nonce of a record: the number over the end of the vector (RFC 8446, 5.3).
    pub(super) fn nonce(&self, sequence: u64) -> [u8; NONCE_LEN] {
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
            *byte ^= number;
        }
        nonce
    }

    /// The nonce of a record that brings half of it along (RFC 5288, 3).
    pub(super) fn nonce_with(&self, explicit: [u8; EXPLICIT_NONCE_BYTES]) -> Nonce {
        let mut nonce = self.iv;
        for (byte, sent) in nonce.iter_mut().skip(4).zip(explicit) {
            *byte = sent;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What a record's tag covers besides its content.
pub(super) enum Associated {
    /// The header.
    Header([u8; HEADER_BYTES]),
    /// Number, type, version and length of the content (RFC 5246, 6.2.3.3).
    Numbered([u8; 13]),
}

impl Associated {
    /// That of TLS 1.2.
    pub(super) fn numbered(sequence: u64, content: ContentType, length: usize) -> Self {
        // Callers have checked the length against the longest record.
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let mut bytes = [0; 13];
        let (number, rest) = bytes.split_at_mut(8);
        number.copy_from_slice(&sequence.to_be_bytes());
        rest.copy_from_slice(&[content.byte(), 3, 3, high, low]);
        Self::Numbered(bytes)
    }

    /// As the cipher takes it.
    pub(super) fn aad(&self) -> Aad<&[u8]> {
        Aad::from(match self {
            Self::Header(bytes) => bytes,
            Self::Numbered(bytes) => bytes,
        })
    }
}
