//! Certificates, keys and authorities as they are in memory: read, checked, and ready for shards to
//! make their sites from.
//!
//! Owns loading and validation. What is wrong with a file is an error and the old set stays; what
//! works but will not work for all or for long is a warning. Knows no connection.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use zeroize::Zeroizing;

use super::client_auth::ClientAuth;
use super::config::{Parts, own_provider};
use super::error::{Place, TlsError, TlsFault, TlsFile};
use super::name::Pattern;
use super::pem::{self, Sections};
use super::settings::TlsSite;
use super::sites::{Site, Sites};
use super::ticket::{FINGERPRINT_BYTES, TicketKeys};
use crate::features::TlsVersion;
use crate::http::Protocols;

/// Everything that the sites of a server are made of. Never changed: a new set of files is a new
/// material.
///
/// It may be looked at from every shard's thread while the server starts or reloads, but what a
/// shard makes of it is its own (see [`Sites`]).
pub(crate) struct Material {
    sites: Vec<SiteMaterial>,
}

impl Material {
    /// Reads and checks all files.
    pub(super) fn load(sites: &[(Pattern, TlsSite)]) -> Result<Self, TlsError> {
        if sites.is_empty() {
            return Err(TlsError::of_site("*", TlsFault::NoSite));
        }
        let sites = sites
            .iter()
            .map(|(pattern, site)| SiteMaterial::load(pattern, site))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { sites })
    }

    /// The sites of one shard, with keys for its tickets. Called on the shard's thread; shares
    /// nothing with what another shard has made.
    pub(crate) fn sites(&self, tickets: &TicketKeys) -> Result<Sites, TlsError> {
        let sites = self
            .sites
            .iter()
            .map(|site| Ok((site.pattern.clone(), site.build(tickets)?)))
            .collect::<Result<Vec<_>, TlsError>>()?;
        Ok(Sites::new(sites))
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.sites.iter().map(|site| site.pattern.to_string());
        f.debug_list().entries(patterns).finish()
    }
}

/// What one site is made of.
struct SiteMaterial {
    pattern: Pattern,
    chain: Vec<CertificateDer<'static>>,
    key: Zeroizing<PrivateKeyDer<'static>>,
    ocsp: Option<Vec<u8>>,
    protocols: Protocols,
    lowest_version: TlsVersion,
    client_auth: ClientAuth,
}

impl SiteMaterial {
    fn load(pattern: &Pattern, site: &TlsSite) -> Result<Self, TlsError> {
        let place = Place::site(&pattern.to_string());
        let fault =
            |kind: TlsFile, path: &Path, what| TlsError::new(place.in_file(kind, path), what);
        let provider = own_provider();
        let certificate = |what| fault(TlsFile::Certificate, &site.certificate, what);
        let chain = read_sections(&site.certificate)
            .and_then(|sections| sections.certificates())
            .map_err(certificate)?;
        let key = read_sections(&site.key)
            .and_then(|sections| sections.key())
            .map_err(|what| fault(TlsFile::Key, &site.key, what))?;
        let client_auth = ClientAuth::load(&site.client_certificates, &provider, fault)?;
        let material = Self {
            pattern: pattern.clone(),
            chain,
            key,
            ocsp: None,
            protocols: site.protocols,
            lowest_version: site.lowest_version,
            client_auth,
        };
        Ok(material)
    }

    /// The site of one shard.
    fn build(&self, tickets: &TicketKeys) -> Result<Site, TlsError> {
        self.try_build(tickets)
            .map_err(|fault| TlsError::of_site(&self.pattern.to_string(), fault))
    }

    fn try_build(&self, tickets: &TicketKeys) -> Result<Site, TlsFault> {
        let provider = own_provider();
        let verifier = self.client_auth.verifier(&provider)?;
        let key = signing_key(&self.key, &provider)?;
        let parts = Parts {
            certified: CertifiedKey {
                cert: self.chain.clone(),
                key,
                ocsp: self.ocsp.clone(),
            },
            verifier: verifier.clone(),
            ticketer: tickets
                .ticketer(self.fingerprint())
                .ok_or(TlsFault::Refused)?,
            protocols: self.protocols,
            lowest_version: self.lowest_version,
            provider,
        };
        Ok(Site {
            config: Arc::new(parts.config().map_err(|_| TlsFault::Refused)?),
            protocols: self.protocols,
            verifier,
        })
    }

    /// A digest of everything that decides who is served here, and as whom: the pattern, the
    /// certificates, the lowest version, and the demands on clients down to each byte of the
    /// authorities and their revocation lists. Bound to each ticket, so that no session outlives
    /// the policy under which it began.
    fn fingerprint(&self) -> [u8; FINGERPRINT_BYTES] {
        let mut context = digest::Context::new(&digest::SHA256);
        // Each part with its length, so that no two sequences of parts look the same.
        let mut part = |bytes: &[u8]| {
            context.update(&bytes.len().to_be_bytes());
            context.update(bytes);
        };
        part(self.pattern.to_string().as_bytes());
        part(match self.lowest_version {
            TlsVersion::Tls12 => b"1.2",
            TlsVersion::Tls13 => b"1.3",
        });
        part(&self.chain.len().to_be_bytes());
        self.chain.iter().for_each(|der| part(der));
        self.client_auth.describe(&mut part);
        let mut fingerprint = [0; FINGERPRINT_BYTES];
        for (to, from) in fingerprint.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        fingerprint
    }
}

fn read_sections(path: &Path) -> Result<Sections, TlsFault> {
    Sections::read(&pem::read_file(path, pem::CERTIFICATES_BYTES_MAX)?)
}

/// The key as a shard signs with it. rustls overwrites the copy that it reads it from.
fn signing_key(
    key: &PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn SigningKey>, TlsFault> {
    provider
        .key_provider
        .load_private_key(key.clone_key())
        .map_err(|_| TlsFault::UnusableKey)
}

#[cfg(any(test, feature = "testing"))]
impl Material {
    /// One site for all names, with a certificate made on the spot for these names: ECDSA P-256,
    /// signed by its own key. Answers the certificate too, for a client to trust.
    pub(crate) fn generated(
        names: &[&str],
        protocols: Protocols,
    ) -> Option<(Self, CertificateDer<'static>)> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).ok()?;
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).ok()?;
        let site = SiteMaterial {
            pattern: Pattern::Any,
            chain: vec![certificate.clone()],
            key: Zeroizing::new(key),
            ocsp: None,
            protocols,
            lowest_version: TlsVersion::default(),
            client_auth: ClientAuth::None,
        };
        Some((Self { sites: vec![site] }, certificate))
    }
}
