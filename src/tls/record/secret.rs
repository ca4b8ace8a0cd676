//! The protection that a traffic secret of TLS 1.3 stands for.
//!
//! Owns the derivation of RFC 8446, 7.3, for the one record that has to be sealed while rustls still
//! has the keys.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305, NONCE_LEN};
use aws_lc_rs::hkdf::{HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use rustls::CipherSuite;
use zeroize::Zeroizing;

use super::protection::Protection;

/// Bytes of the longest key.
const KEY_BYTES_MAX: usize = 32;

impl Protection {
    /// From the first record on; `None` for a suite that is not one of TLS 1.3.
    pub(super) fn of_secret(suite: CipherSuite, secret: &[u8]) -> Option<Self> {
        let (algorithm, hash) = match suite {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => (&AES_128_GCM, HKDF_SHA256),
            CipherSuite::TLS13_AES_256_GCM_SHA384 => (&AES_256_GCM, HKDF_SHA384),
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => (&CHACHA20_POLY1305, HKDF_SHA256),
            _ => return None,
        };
        let secret = Prk::new_less_safe(hash, secret);
        let mut key = Zeroizing::new([0; KEY_BYTES_MAX]);
        let key = key.get_mut(..algorithm.key_len())?;
        let mut iv = [0; NONCE_LEN];
        expand(&secret, b"key", key)?;
        expand(&secret, b"iv", &mut iv)?;
        Self::of_key(algorithm, key, iv)
    }
}

/// HKDF-Expand-Label without a context.
fn expand(secret: &Prk, label: &[u8], out: &mut [u8]) -> Option<()> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let info = [&length[..], &label_length, PREFIX, label, &[0]];
    let expanded = secret.expand(&info, Length(out.len())).ok()?;
    expanded.fill(out).ok()
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
