//! What is wrong with the TLS settings of a server or with a file that they name: one line each,
//! with what was expected and what to do.
//!
//! Owns the texts. Reads nothing: who finds a fault names it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::name::NameFault;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsFile {
    /// The certificate of a site with its chain, in PEM form.
    Certificate,
    /// The private key of a site, in PEM form.
    Key,
    /// The response of the issuer's OCSP responder, in DER form.
    Ocsp,
    /// The authorities whose client certificates are accepted, in PEM form.
    ClientCa,
    /// What these authorities have revoked, in PEM or DER form.
    Crl,
}

impl fmt::Display for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate file",
            Self::Key => "key file",
            Self::Ocsp => "OCSP response",
            Self::ClientCa => "client CA file",
            Self::Crl => "revocation list",
        })
    }
}

/// TLS settings that a server cannot start with, or a new set of files that it cannot change to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    place: Place,
    fault: TlsFault,
}

impl TlsError {
    pub(super) fn of_site(pattern: &str, fault: TlsFault) -> Self {
        Self {
            place: Place::site(pattern),
            fault,
        }
    }

    pub(super) fn new(place: Place, fault: TlsFault) -> Self {
        Self { place, fault }
    }

    /// The pattern of the site, as it was given; `*` for a server with a single certificate.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.place.site
    }

    /// The file, where it lies in one.
    #[must_use]
    pub fn file(&self) -> Option<(TlsFile, &Path)> {
        self.place.file()
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> TlsFault {
        self.fault
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

impl std::error::Error for TlsError {}

/// Where a fault or a concern lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    site: Box<str>,
    file: Option<(TlsFile, PathBuf)>,
}

impl Place {
    pub(super) fn site(pattern: &str) -> Self {
        Self {
            site: pattern.into(),
            file: None,
        }
    }

    pub(super) fn in_file(&self, kind: TlsFile, path: &Path) -> Self {
        Self {
            site: self.site.clone(),
            file: Some((kind, path.to_owned())),
        }
    }

    fn file(&self) -> Option<(TlsFile, &Path)> {
        let (kind, path) = self.file.as_ref()?;
        Some((*kind, path))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS site {}", self.site)?;
        if let Some((kind, path)) = &self.file {
            write!(f, ": {kind} {}", path.display())?;
        }
        Ok(())
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFault {
    /// The pattern of the site is none.
    Pattern(NameFault),
    /// Two sites have the same pattern.
    SiteRepeated,
    /// No site was described.
    NoSite,
    /// The file cannot be read, for the reason of this error number.
    Unreadable(i32),
    /// The path is that of a directory.
    Directory,
    /// The file is larger than this number of bytes, which none of its kind is.
    TooLarge(u64),
    /// The file has no byte.
    Empty,
    /// Nothing in the file begins like PEM.
    NotPem,
    /// The file is in DER form, or a PKCS #12 store.
    Der,
    /// A section has no end, or what it holds is not base64.
    BrokenPem,
    /// There is no certificate in the file, but a private key.
    KeyInsteadOfCertificate,
    /// There is no certificate in the file, but a certificate request.
    RequestInsteadOfCertificate,
    /// There is no certificate in the file, but something else in PEM form.
    NoCertificate,
    /// A certificate cannot be read; its place in the file, counted from 1.
    BrokenCertificate(usize),
    /// The certificate is not of X.509 version 3, which TLS demands; its place in the file.
    CertificateVersion(usize),
    /// There is no key in the file, but a certificate.
    CertificateInsteadOfKey,
    /// There is no private key in the file, but something else in PEM form.
    NoKey,
    /// There is more than one private key in the file.
    KeyRepeated,
    /// The private key is encrypted.
    EncryptedKey,
    /// The private key is of a kind that TLS does not have, or broken.
    UnusableKey,
    /// The key belongs to another certificate of the file, whose place this is.
    KeyOfLaterCertificate(usize),
    /// The key belongs to none of the certificates.
    KeyMismatch,
    /// There is no revocation list in the file.
    NoRevocationList,
    /// A revocation list cannot be read; its place in the file, counted from 1.
    BrokenRevocationList(usize),
    /// The cryptography refuses what the site is made of.
    Refused,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::Pattern(fault) => return fault.fmt(f),
            Self::SiteRepeated => "there are two sites for this name; remove one of them",
            Self::NoSite => {
                "there is no certificate; name one with --cert and --key, or describe a site"
            }
            Self::Unreadable(libc::ENOENT | libc::ENOTDIR) => {
                "there is no such file; check the path, which counts from the working directory \
                 unless it begins with /"
            }
            Self::Unreadable(libc::EACCES | libc::EPERM) => {
                "permission denied; let the user that runs the server read it and pass the \
                 directories above it"
            }
            Self::Unreadable(code) => {
                return write!(f, "{}", io::Error::from_raw_os_error(code));
            }
            Self::Directory => "this is a directory; name the file in it",
            Self::TooLarge(limit) => {
                return write!(
                    f,
                    "the file has more than {} KiB, which none of its kind has; check the path",
                    limit / 1024
                );
            }
            Self::Empty => "the file is empty; write it anew",
            Self::NotPem => {
                "there is nothing in PEM form in it; expected a line that begins with -----BEGIN"
            }
            Self::Der => {
                "the file is in DER form or a PKCS #12 store; expected PEM, as openssl x509, \
                 openssl pkey and openssl pkcs12 write it"
            }
            Self::BrokenPem => "a PEM section is cut off or not base64; copy the file anew, whole",
            Self::KeyInsteadOfCertificate => {
                "there is a private key in it and no certificate; the files of certificate and key \
                 may have been exchanged"
            }
            Self::RequestInsteadOfCertificate => {
                "there is a certificate request in it; expected the certificate that the issuer \
                 sent back"
            }
            Self::NoCertificate => {
                "there is no certificate in it; expected -----BEGIN CERTIFICATE-----"
            }
            Self::BrokenCertificate(place) => {
                return write!(
                    f,
                    "certificate {place} of the file cannot be read; get it from its issuer anew"
                );
            }
            Self::CertificateVersion(place) => {
                return write!(
                    f,
                    "certificate {place} of the file is of an old version of X.509; make one of \
                     version 3, with a subject alternative name"
                );
            }
            Self::CertificateInsteadOfKey => {
                "there is a certificate in it and no private key; the files of certificate and key \
                 may have been exchanged"
            }
            Self::NoKey => {
                "there is no private key in it; expected -----BEGIN PRIVATE KEY-----, EC PRIVATE \
                 KEY or RSA PRIVATE KEY"
            }
            Self::KeyRepeated => "there are several private keys in it; leave the one in use",
            Self::EncryptedKey => {
                "the private key is encrypted and nobody is here to type its password; decrypt it \
                 with openssl pkey -in FILE -out NEW, and let only the server read the new file"
            }
            Self::UnusableKey => {
                "the private key cannot be used; expected ECDSA on P-256, P-384 or P-521, RSA of \
                 2048 to 8192 bits, or Ed25519"
            }
            Self::KeyOfLaterCertificate(place) => {
                return write!(
                    f,
                    "the key belongs to certificate {place} of the certificate file; put that one \
                     first, and its issuers behind it"
                );
            }
            Self::KeyMismatch => {
                "the key belongs to another certificate; name the key that the certificate was \
                 requested with"
            }
            Self::NoRevocationList => {
                "there is no revocation list in it; expected -----BEGIN X509 CRL-----"
            }
            Self::BrokenRevocationList(place) => {
                return write!(
                    f,
                    "revocation list {place} of the file cannot be used; expected a complete list \
                     of one authority (no delta, no indirect list)"
                );
            }
            Self::Refused => "the cryptographic library refuses what the site is made of",
        };
        f.write_str(text)
    }
}
