//! Our records: enciphered from where the plain bytes lie straight into the block to be sent.

use aws_lc_rs::aead::Nonce;
use rustls::{CipherSuite, ConnectionTrafficSecrets};

use super::protection::{Associated, EXPLICIT_NONCE_BYTES, Protection, Scheme, TAG_BYTES, Version};
use super::{ContentType, HEADER_BYTES, PLAINTEXT_MAX};
use crate::tls::fault::Fault;

/// The most that a record adds to its content, in bytes.
const OVERHEAD_MAX: usize = HEADER_BYTES + EXPLICIT_NONCE_BYTES + TAG_BYTES;

/// Our direction of a connection.
pub(in crate::tls) struct Sealer(Protection);

impl Sealer {
    /// From the record with this number on; `None` for a suite that is not spoken here.
    pub(in crate::tls) fn new(
        version: Version,
        sequence: u64,
        secrets: &ConnectionTrafficSecrets,
    ) -> Option<Self> {
        Protection::new(version, sequence, secrets).map(Self)
    }

    /// Of TLS 1.3, from the first record under this traffic secret on; `None` for a suite of another
    /// version.
    pub(in crate::tls) fn of_secret(suite: CipherSuite, secret: &[u8]) -> Option<Self> {
        Protection::of_secret(suite, secret).map(Self)
    }

    /// Records that may still be sealed with this key.
    pub(in crate::tls) fn records_left(&self) -> u64 {
        self.0.records_left()
    }

    /// So many records are left from here on.
    #[cfg(test)]
    pub(in crate::tls) fn leave(&mut self, records: u64) {
        self.0.leave(records);
    }

    /// Appends one record with this content to `out`.
    ///
    /// # Errors
    /// The key may seal no more, or the content is more than a record takes (16 KiB). `out` is
    /// unchanged then.
    pub(in crate::tls) fn seal(
        &mut self,
        content: ContentType,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if plain.len() > PLAINTEXT_MAX {
            return Err(Fault::RecordOverflow);
        }
        if self.0.records_left() == 0 {
            return Err(Fault::KeyExhausted);
        }
        let sequence = self.0.advance().ok_or(Fault::KeyExhausted)?;
        let nonce = self.0.nonce(sequence);
        let start = out.len();
        out.reserve(plain.len() + OVERHEAD_MAX);
        match self.0.scheme {
            Scheme::Tls13 => {
                let header = header(ContentType::ApplicationData, plain.len() + 1 + TAG_BYTES);
                out.extend_from_slice(&header);
                let associated = Associated::Header(header);
                self.encipher(nonce, &associated, plain, &[content.byte()], out)
            }
            Scheme::Tls12Gcm => {
                let length = EXPLICIT_NONCE_BYTES + plain.len() + TAG_BYTES;
                out.extend_from_slice(&header(content, length));
                out.extend_from_slice(nonce.get(4..).unwrap_or_default());
                let associated = Associated::numbered(sequence, content, plain.len());
                self.encipher(nonce, &associated, plain, &[], out)
            }
            Scheme::Tls12ChaCha => {
                out.extend_from_slice(&header(content, plain.len() + TAG_BYTES));
                let associated = Associated::numbered(sequence, content, plain.len());
                self.encipher(nonce, &associated, plain, &[], out)
            }
        }
        .inspect_err(|_| out.truncate(start))
    }

    fn encipher(
        &self,
        nonce: [u8; 12],
        associated: &Associated,
        plain: &[u8],
        extra: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let start = out.len();
        out.resize(start + plain.len() + extra.len() + TAG_BYTES, 0);
        let sealed = out.get_mut(start..).unwrap_or_default();
        let (ciphered, tail) = sealed
            .split_at_mut_checked(plain.len())
            .ok_or(Fault::Internal)?;
        self.0
            .key
            .seal_out_of_place_scatter(
                Nonce::assume_unique_for_key(nonce),
                associated.aad(),
                plain,
                ciphered,
                extra,
                tail,
            )
            .map_err(|_| Fault::Internal)
    }
}

fn header(content: ContentType, length: usize) -> [u8; HEADER_BYTES] {
    // At most 16 KiB and the overhead.
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [content.byte(), 3, 3, high, low]
}
