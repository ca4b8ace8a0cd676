//! Files of an operator and the PEM sections in them (RFC 7468).
//!
//! Owns reading with a bound, and telling apart what is no PEM at all. Knows no certificate.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::error::{CertificateFault, FileFault, KeyFault};

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
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Content, FileFault> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::IsADirectory => FileFault::Directory,
        _ => FileFault::Os(error.raw_os_error().unwrap_or(libc::EIO)),
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
        Ok(0) => Err(FileFault::Empty),
        Ok(length) if length <= limit => Ok(content),
        Ok(_) | Err(_) => Err(FileFault::TooLarge(limit)),
    }
}

/// The sections of a PEM file that TLS can be interested in, in their order.
pub(super) struct Sections {
    found: Vec<(SectionKind, Content)>,
    /// A private key is there but encrypted.
    has_encrypted_key: bool,
}

impl Sections {
    /// Reads all sections; those of kinds that TLS does not have are left out.
    pub(super) fn read(content: &[u8]) -> Result<Self, FileFault> {
        // Editors of other systems put a byte order mark in front.
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        if content.iter().all(u8::is_ascii_whitespace) {
            return Err(FileFault::Empty);
        }
        let mut lines = content.split(|byte| matches!(byte, b'\n' | b'\r'));
        if !lines.any(|line| line.starts_with(b"-----BEGIN ")) {
            return Err(if is_der(content) {
                FileFault::Der
            } else {
                FileFault::NotPem
            });
        }
        let has_encrypted_key = content
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .any(is_sign_of_encryption);
        let mut found = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(content) {
            match section {
                Ok((kind, der)) => found.push((kind, Zeroizing::new(der))),
                // In the older form an encrypted key is no base64.
                Err(_) if has_encrypted_key => {}
                Err(_) => return Err(FileFault::BrokenPem),
            }
        }
        Ok(Self {
            found,
            has_encrypted_key,
        })
    }

    /// All certificates, of which there is one at least.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
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
            CertificateFault::IsKey
        } else if self.has(SectionKind::Csr) {
            CertificateFault::IsRequest
        } else {
            CertificateFault::Missing
        })
    }

    /// The private key, of which there is exactly one.
    pub(super) fn key(&self) -> Result<Zeroizing<PrivateKeyDer<'static>>, KeyFault> {
        let mut keys = self
            .found
            .iter()
            .filter_map(|(kind, der)| PrivateKeyDer::from_pem(*kind, der.to_vec()))
            .map(Zeroizing::new);
        match (keys.next(), keys.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(KeyFault::Repeated),
            (None, _) if self.has_encrypted_key => Err(KeyFault::Encrypted),
            (None, _) if self.has(SectionKind::Certificate) => Err(KeyFault::IsCertificate),
            (None, _) => Err(KeyFault::Missing),
        }
    }

    /// All revocation lists.
    pub(super) fn revocation_lists(&self) -> Vec<CertificateRevocationListDer<'static>> {
        self.found
            .iter()
            .filter(|(kind, _)| *kind == SectionKind::Crl)
            .map(|(_, der)| der.to_vec().into())
            .collect()
    }

    /// Whether there is a section of this kind.
    fn has(&self, kind: SectionKind) -> bool {
        self.found.iter().any(|(found, _)| *found == kind)
    }

    /// Whether there is a private key.
    pub(super) fn has_key(&self) -> bool {
        self.has_encrypted_key || self.found.iter().any(|(kind, _)| is_key(*kind))
    }
}

/// Whether sections of this kind are private keys.
fn is_key(kind: SectionKind) -> bool {
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
