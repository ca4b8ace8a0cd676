//! What an operator says about TLS: sites, files, client certificates, versions.
//!
//! Owns the public builder types and their defaults. Opens no file: [`super::material`] reads what
//! is described here.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::{TlsError, TlsFault};
use super::material::Material;
use super::name::Pattern;
use crate::features::TlsVersion;
use crate::http::Protocols;

/// What `https` endpoints answer with: one site for each name, or one for all.
///
/// ```
/// use lanner::{Tls, TlsSite};
///
/// let tls = Tls::files("cert.pem", "key.pem");
/// let many = Tls::new()
///     .site("example.com", TlsSite::files("example.pem", "example.key"))?
///     .site("*.example.com", TlsSite::files("star.pem", "star.key"))?;
/// # Ok::<(), lanner::TlsError>(())
/// ```
///
/// A client names the host that it wants when it connects. The site of exactly that name answers,
/// otherwise that of the longest `*.` pattern above it, otherwise `*`, which also answers clients
/// that name none. Where there is no such site the handshake is refused.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    sites: Vec<(Pattern, TlsSite)>,
}

impl Tls {
    /// Settings without a site yet; a server cannot start with them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One certificate for every name, with its key; both files in PEM form.
    #[must_use]
    pub fn files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            sites: vec![(Pattern::Any, TlsSite::files(certificate, key))],
        }
    }

    /// Adds the site that answers for `pattern`: a name (`example.com`), all names below one
    /// (`*.example.com`, which has one label or more in the place of the `*`), or all (`*`).
    ///
    /// # Errors
    ///
    /// [`TlsFault::Pattern`] when it is none of these, [`TlsFault::SiteRepeated`] when there is
    /// such a site already.
    pub fn site(mut self, pattern: &str, site: TlsSite) -> Result<Self, TlsError> {
        let parsed = Pattern::parse(pattern)
            .map_err(|fault| TlsError::of_site(pattern, TlsFault::Pattern(fault)))?;
        if self.sites.iter().any(|(other, _)| *other == parsed) {
            return Err(TlsError::of_site(pattern, TlsFault::SiteRepeated));
        }
        self.sites.push((parsed, site));
        Ok(self)
    }

    /// Every file that [`load`](Self::load) reads, each once.
    pub(crate) fn watched_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self
            .sites
            .iter()
            .flat_map(|(_, site)| site.files_read())
            .map(Path::to_owned)
            .collect();
        files.sort();
        files.dedup();
        files
    }

    /// Reads every file and checks that shards can be made from what is in them. Blocks; not for
    /// the thread of a shard.
    ///
    /// # Errors
    ///
    /// The first fault that is found: one line with the file, what was expected and what to do.
    pub(crate) fn load(&self) -> Result<Material, TlsError> {
        Material::load(&self.sites, SystemTime::now())
    }
}

/// One site: its certificate, and what it demands of clients.
#[derive(Clone, Debug)]
pub struct TlsSite {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) ocsp: Option<PathBuf>,
    pub(super) protocols: Protocols,
    pub(super) client_certificates: ClientCertificates,
    pub(super) lowest_version: TlsVersion,
}

impl TlsSite {
    /// A site with this certificate and key, files in PEM form; they may be one and the same file.
    ///
    /// The file of the certificate holds it first and then the certificates of its issuers, each
    /// behind the one that it certifies. The key is ECDSA (P-256, P-384 or P-521), RSA (2048 to
    /// 8192 bits) or Ed25519, as PKCS #8, SEC 1 or PKCS #1, not encrypted.
    #[must_use]
    pub fn files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            ocsp: None,
            protocols: Protocols::default(),
            client_certificates: ClientCertificates::default(),
            lowest_version: TlsVersion::default(),
        }
    }

    /// Hands clients this response of the issuer's OCSP responder, a file in DER form, with the
    /// certificate. A response that cannot be used is left out, with a warning.
    #[must_use]
    pub fn ocsp(mut self, response: impl Into<PathBuf>) -> Self {
        self.ocsp = Some(response.into());
        self
    }

    /// Which protocols are offered by ALPN; HTTP/2 and HTTP/1.1 by default.
    #[must_use]
    pub fn protocols(mut self, protocols: Protocols) -> Self {
        self.protocols = protocols;
        self
    }

    /// Whether clients are asked for a certificate; not by default.
    #[must_use]
    pub fn client_certificates(mut self, client_certificates: ClientCertificates) -> Self {
        self.client_certificates = client_certificates;
        self
    }

    /// The lowest version of TLS that is spoken; 1.2 by default.
    #[must_use]
    pub fn lowest_version(mut self, lowest_version: TlsVersion) -> Self {
        self.lowest_version = lowest_version;
        self
    }

    fn files_read(&self) -> impl Iterator<Item = &Path> {
        let authorities = self.client_certificates.authorities();
        [&self.certificate, &self.key]
            .into_iter()
            .chain(&self.ocsp)
            .chain(authorities.into_iter().flat_map(|these| {
                std::iter::once(&these.certificates).chain(&these.revocation_lists)
            }))
            .map(PathBuf::as_path)
    }
}

/// Whether a site asks clients for a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// It does not ask.
    #[default]
    None,
    /// It asks. A client may go without one, but one that it shows must be valid.
    Allow(ClientAuthorities),
    /// It asks, and refuses clients that show none or none that is valid.
    Require(ClientAuthorities),
}

impl ClientCertificates {
    pub(super) fn authorities(&self) -> Option<&ClientAuthorities> {
        match self {
            Self::None => None,
            Self::Allow(authorities) | Self::Require(authorities) => Some(authorities),
        }
    }
}

/// Whose client certificates are valid: the authorities, and what they have revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthorities {
    pub(super) certificates: PathBuf,
    pub(super) revocation_lists: Vec<PathBuf>,
}

impl ClientAuthorities {
    /// The authorities whose certificates are in this file in PEM form.
    #[must_use]
    pub fn file(certificates: impl Into<PathBuf>) -> Self {
        Self {
            certificates: certificates.into(),
            revocation_lists: Vec::new(),
        }
    }

    /// Adds a file of revocation lists (CRLs), in PEM or DER form.
    ///
    /// Once there is a list, every certificate of a client's chain but that of the authority itself
    /// must be covered by one that has not expired; where the lists cannot tell, the client is
    /// refused. A chain over an intermediate authority needs the lists of both.
    #[must_use]
    pub fn revocation_list(mut self, file: impl Into<PathBuf>) -> Self {
        self.revocation_lists.push(file.into());
        self
    }
}
