//! Records of the peer: checked and deciphered where they lie.

use std::ops::Range;

use aws_lc_rs::aead::Nonce;
use rustls::ConnectionTrafficSecrets;

use super::protection::{Associated, EXPLICIT_NONCE_BYTES, Protection, Scheme, TAG_BYTES, Version};
use super::{ContentType, HEADER_BYTES, PLAINTEXT_MAX};
use crate::tls::fault::Fault;

/// The peer's direction of a connection.
pub(in crate::tls) struct Opener(Protection);

impl Opener {
    /// From the record with this number on; `None` for a suite that is not spoken here.
    pub(in crate::tls) fn new(
        version: Version,
        sequence: u64,
        secrets: &ConnectionTrafficSecrets,
    ) -> Option<Self> {
        Protection::new(version, sequence, secrets).map(Self)
    }

    /// Records that the peer should still seal with this key.
    pub(in crate::tls) fn records_left(&self) -> u64 {
        self.0.records_left()
    }

    /// So many records are left from here on.
    #[cfg(test)]
    pub(in crate::tls) fn leave(&mut self, records: u64) {
        self.0.leave(records);
    }

    /// Opens one whole record in place: what it is, and where in `record` its content lies now.
    ///
    /// # Errors
    /// A record that was tampered with, or whose content is malformed or too long.
    pub(in crate::tls) fn open(
        &mut self,
        record: &mut [u8],
    ) -> Result<(ContentType, Range<usize>), Fault> {
        let Some((header, protected)) = record.split_first_chunk_mut::<HEADER_BYTES>() else {
            return Err(Fault::BadRecordMac);
        };
        let sequence = self.0.advance().ok_or(Fault::KeyExhausted)?;
        match self.0.scheme {
            Scheme::Tls13 => self.open_tls13(*header, protected, sequence),
            Scheme::Tls12Gcm | Scheme::Tls12ChaCha => self.open_tls12(*header, protected, sequence),
        }
    }

    fn open_tls13(
        &self,
        header: [u8; HEADER_BYTES],
        protected: &mut [u8],
        sequence: u64,
    ) -> Result<(ContentType, Range<usize>), Fault> {
        // Everything is protected, and says so on the outside (RFC 8446, 5.2).
        if ContentType::of(header[0]) != Some(ContentType::ApplicationData) {
            return Err(Fault::UnprotectedRecord);
        }
        let nonce = Nonce::assume_unique_for_key(self.0.nonce(sequence));
        let plain = self.decipher(nonce, &Associated::Header(header), protected)?;
        // Padding is zeros behind the type (RFC 8446, 5.4); a record of padding alone is no record.
        let end = plain.iter().rposition(|&byte| byte != 0);
        let end = end.ok_or(Fault::RecordOfPadding)?;
        let content = plain.get(end).copied().and_then(ContentType::of);
        if end > PLAINTEXT_MAX {
            return Err(Fault::RecordOverflow);
        }
        Ok((
            content.ok_or(Fault::UnknownContentType)?,
            HEADER_BYTES..HEADER_BYTES + end,
        ))
    }

    fn open_tls12(
        &self,
        header: [u8; HEADER_BYTES],
        protected: &mut [u8],
        sequence: u64,
    ) -> Result<(ContentType, Range<usize>), Fault> {
        let content = ContentType::of(header[0]).ok_or(Fault::UnknownContentType)?;
        let (nonce, start, sealed) = if self.0.scheme == Scheme::Tls12Gcm {
            let (explicit, sealed) = protected
                .split_first_chunk_mut::<EXPLICIT_NONCE_BYTES>()
                .ok_or(Fault::BadRecordMac)?;
            let start = HEADER_BYTES + EXPLICIT_NONCE_BYTES;
            (self.0.nonce_with(*explicit), start, sealed)
        } else {
            let nonce = Nonce::assume_unique_for_key(self.0.nonce(sequence));
            (nonce, HEADER_BYTES, protected)
        };
        let length = sealed
            .len()
            .checked_sub(TAG_BYTES)
            .ok_or(Fault::BadRecordMac)?;
        if length > PLAINTEXT_MAX {
            return Err(Fault::RecordOverflow);
        }
        let associated = Associated::numbered(sequence, content, length);
        self.decipher(nonce, &associated, sealed)?;
        Ok((content, start..start + length))
    }

    /// Deciphers what stands before the tag, and answers it.
    fn decipher<'a>(
        &self,
        nonce: Nonce,
        associated: &Associated,
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], Fault> {
        let (bytes, tag) = sealed
            .split_last_chunk_mut::<TAG_BYTES>()
            .ok_or(Fault::BadRecordMac)?;
        self.0
            .key
            .open_in_place_separate_tag(nonce, associated.aad(), tag, bytes)
            .map_err(|_| Fault::BadRecordMac)
    }
}
