//! What is wrong with the TLS settings of a server or with a file that they name: one line each,
//! with what was expected and what to do.
//!
//! Owns the texts. Reads nothing: who finds a fault names it.

mod file;

use std::fmt;
use std::path::{Path, PathBuf};

pub use file::{CertificateFault, FileFault, KeyFault, RevocationFault};

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
#[derive(Clone, PartialEq, Eq)]
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

// What a `main` prints that returns it.
impl fmt::Debug for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
    /// The file cannot be read, or is not of the right form.
    File(FileFault),
    /// The certificates are not what was expected.
    Certificate(CertificateFault),
    /// The private key is not what was expected.
    Key(KeyFault),
    /// The revocation lists are not what was expected.
    RevocationList(RevocationFault),
    /// The cryptographic library refuses what the site is made of.
    Refused,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(fault) => fault.fmt(f),
            Self::SiteRepeated => {
                f.write_str("there are two sites for this name; remove one of them")
            }
            Self::NoSite => f.write_str(
                "there is no certificate; name one with --cert and --key, or describe a site",
            ),
            Self::File(fault) => fault.fmt(f),
            Self::Certificate(fault) => fault.fmt(f),
            Self::Key(fault) => fault.fmt(f),
            Self::RevocationList(fault) => fault.fmt(f),
            Self::Refused => {
                f.write_str("the cryptographic library refuses what the site is made of")
            }
        }
    }
}

impl From<FileFault> for TlsFault {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<CertificateFault> for TlsFault {
    fn from(fault: CertificateFault) -> Self {
        Self::Certificate(fault)
    }
}

impl From<KeyFault> for TlsFault {
    fn from(fault: KeyFault) -> Self {
        Self::Key(fault)
    }
}

impl From<RevocationFault> for TlsFault {
    fn from(fault: RevocationFault) -> Self {
        Self::RevocationList(fault)
    }
}
