//! Files of an operator and the PEM sections in them (RFC 7468).
//!
//! Owns reading with a bound, and telling apart what is no PEM at all. Knows no certificate.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::error::TlsFault;

/// Bytes of the largest file of certificates or keys. A bundle of all public authorities has 250 KB.
pub(super) const CERTIFICATES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes of the largest file of revocation lists. Some authorities have lists of 100 MB, but not for
/// client certificates; each shard keeps its own copy.
pub(super) const REVOCATION_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of the largest OCSP response. One has some hundreds, or 2,000 with its signer's certificate;
/// each full handshake sends it.
pub(super) const OCSP_BYTES_MAX: u64 = 16 * 1024;

/// The content of a file that may hold a secret, overwritten when it is dropped.
pub(super) type Content = Zeroizing<Vec<u8>>;

/// Reads a whole file of at most `limit` bytes.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Content, TlsFault> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::IsADirectory => TlsFault::Directory,
        _ => TlsFault::Unreadable(error.raw_os_error().unwrap_or(libc::EIO)),
    };
    let file = File::open(path).map_err(unreadable)?;
    // Room for all of it from the start, so that growing leaves no copies of a secret behind.
    let length = file.metadata().map_err(unreadable)?.len().min(limit);
    let room = usize::try_from(length).unwrap_or(0) + 1;
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(limit + 1)
        .read_to_end(&mut content)
        .map_err(unreadable)?;
    match u64::try_from(content.len()) {
        Ok(0) => Err(TlsFault::Empty),
        Ok(length) if length <= limit => Ok(content),
        Ok(_) | Err(_) => Err(TlsFault::TooLarge(limit)),
    }
}

/// The sections of a PEM file that TLS can be interested in, in their order.
pub(super) struct Sections {
    pub(super) found: Vec<(SectionKind, Content)>,
    /// A private key is there but encrypted.
    pub(super) has_encrypted_key: bool,
}

impl Sections {
    /// Reads all sections; those of kinds that TLS does not have are left out.
    pub(super) fn read(content: &[u8]) -> Result<Self, TlsFault> {
        // Editors of other systems put a byte order mark in front.
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        if content.iter().all(u8::is_ascii_whitespace) {
            return Err(TlsFault::Empty);
        }
        let mut lines = content.split(|byte| matches!(byte, b'\n' | b'\r'));
        if !lines.any(|line| line.starts_with(b"-----BEGIN ")) {
            return Err(if is_der(content) {
                TlsFault::Der
            } else {
                TlsFault::NotPem
            });
        }
        let has_encrypted_key = content
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .any(is_sign_of_encryption);
        // In the older form an encrypted key is no base64, so there is no use in reading on.
        if has_encrypted_key {
            return Ok(Self {
                found: Vec::new(),
                has_encrypted_key,
            });
        }
        let found = <(SectionKind, Vec<u8>)>::pem_slice_iter(content)
            .map(|section| section.map(|(kind, der)| (kind, Zeroizing::new(der))))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| TlsFault::BrokenPem)?;
        Ok(Self {
            found,
            has_encrypted_key,
        })
    }

    /// All certificates, of which there is one at least.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
        let certificates: Vec<_> = self
            .found
            .iter()
            .filter(|(kind, _)| *kind == SectionKind::Certificate)
            .map(|(_, der)| CertificateDer::from(der.to_vec()))
            .collect();
        if !certificates.is_empty() {
            return Ok(certificates);
        }
        Err(if self.has_key() {
            TlsFault::KeyInsteadOfCertificate
        } else if self.has(SectionKind::Csr) {
            TlsFault::RequestInsteadOfCertificate
        } else {
            TlsFault::NoCertificate
        })
    }

    /// The private key, of which there is exactly one.
    pub(super) fn key(&self) -> Result<Zeroizing<PrivateKeyDer<'static>>, TlsFault> {
        let mut keys = self
            .found
            .iter()
            .filter_map(|(kind, der)| PrivateKeyDer::from_pem(*kind, der.to_vec()))
            .map(Zeroizing::new);
        match (keys.next(), keys.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(TlsFault::KeyRepeated),
            (None, _) if self.has_encrypted_key => Err(TlsFault::EncryptedKey),
            (None, _) if self.has(SectionKind::Certificate) => {
                Err(TlsFault::CertificateInsteadOfKey)
            }
            (None, _) => Err(TlsFault::NoKey),
        }
    }

    /// Whether there is a section of this kind.
    pub(super) fn has(&self, kind: SectionKind) -> bool {
        self.found.iter().any(|(found, _)| *found == kind)
    }

    /// Whether there is a private key.
    pub(super) fn has_key(&self) -> bool {
        self.has_encrypted_key || self.found.iter().any(|(kind, _)| is_key(*kind))
    }
}

/// Whether sections of this kind are private keys.
pub(super) fn is_key(kind: SectionKind) -> bool {
    matches!(
        kind,
        SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey
    )
}

/// PKCS #8 says it in the name of the section, the older form in a header.
fn is_sign_of_encryption(line: &[u8]) -> bool {
    line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || (line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED"))
}

/// Whether bytes begin as a SEQUENCE of more than 127 bytes does, as every certificate, key, list
/// and store is.
fn is_der(content: &[u8]) -> bool {
    matches!(content, [0x30, 0x81..=0x84, ..])
}
