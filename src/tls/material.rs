//! Certificates, keys and authorities as they are in memory: read, checked, and ready for shards to
//! make their sites from.
//!
//! Owns loading and validation. What is wrong with a file is an error and the old set stays; what
//! works but will not work for all or for long is a warning. Knows no connection.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::digest;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::chain;
use super::client_auth::ClientAuth;
use super::config::{Parts, own_provider};
use super::error::{TlsError, TlsFault, TlsFile};
use super::findings::Findings;
use super::name::Pattern;
use super::ocsp::{self, Staple};
use super::policy::{DEMANDS_BYTES, Policy};
use super::settings::TlsSite;
use super::sites::{Site, Sites};
use super::ticket::{FINGERPRINT_BYTES, TicketKeys};
use super::transcript::restoring_provider;
use super::warning::{TlsConcern, TlsWarning};
use super::x509::CertificateFacts;
use crate::features::TlsVersion;
use crate::http::Protocols;

/// Everything that the sites of a server are made of. Never changed: a new set of files is a new
/// material.
///
/// It may be looked at from every shard's thread while the server starts or reloads, but what a
/// shard makes of it is its own (see [`Sites`]).
pub(crate) struct Material {
    sites: Vec<SiteMaterial>,
    warnings: Vec<TlsWarning>,
    stale_from: Option<SystemTime>,
}

impl Material {
    /// Reads and checks all files, and holds their dates against `now`.
    pub(super) fn load(sites: &[(Pattern, TlsSite)], now: SystemTime) -> Result<Self, TlsError> {
        let mut material = Self {
            sites: Vec::with_capacity(sites.len()),
            warnings: Vec::new(),
            stale_from: None,
        };
        for (pattern, site) in sites {
            let mut findings = Findings::new(&pattern.to_string(), now);
            material
                .sites
                .push(SiteMaterial::load(pattern, site, &mut findings)?);
            let (warnings, stale_from) = findings.into_parts();
            material.warnings.extend(warnings);
            material.stale_from = material.stale_from.into_iter().chain(stale_from).min();
        }
        match material.sites.as_slice() {
            [] => Err(TlsError::of_site("*", TlsFault::NoSite)),
            [_, ..] => Ok(material),
        }
    }

    /// What its operator should know, though it can be served.
    pub(crate) fn warnings(&self) -> &[TlsWarning] {
        &self.warnings
    }

    /// When the first certificate or revocation list expires, or OCSP response ceases to count. To
    /// load the same files again from then on brings a warning, and sites without that response.
    pub(crate) fn stale_from(&self) -> Option<SystemTime> {
        self.stale_from
    }

    /// The sites of one shard, with keys for its tickets. Called on the shard's thread; shares
    /// nothing with what another shard has made.
    pub(crate) fn sites(&self, tickets: &TicketKeys) -> Result<Sites, TlsError> {
        let sites = self
            .sites
            .iter()
            .enumerate()
            .map(|(place, site)| Ok((site.pattern.clone(), site.build(tickets, place)?)))
            .collect::<Result<Vec<_>, TlsError>>()?;
        Ok(Sites::new(sites))
    }
}

#[cfg(test)]
impl Material {
    /// The OCSP responses that sites are made with.
    pub(super) fn staples(&self) -> Vec<&[u8]> {
        let staples = self.sites.iter().filter_map(|site| site.staple.as_ref());
        staples.map(|staple| staple.response.as_slice()).collect()
    }

    /// The certificate of the first site, in DER form.
    pub(crate) fn first_certificate(&self) -> &[u8] {
        let chain = self.sites.first().map(|site| site.chain.as_slice());
        chain
            .unwrap_or_default()
            .first()
            .map_or(&[], |der| der.as_ref())
    }

    /// How many certificates the first site shows.
    pub(crate) fn certificates(&self) -> usize {
        self.sites.first().map_or(0, |site| site.chain.len())
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
    staple: Option<Staple>,
    protocols: Protocols,
    lowest_version: TlsVersion,
    client_auth: ClientAuth,
}

impl SiteMaterial {
    fn load(pattern: &Pattern, site: &TlsSite, findings: &mut Findings) -> Result<Self, TlsError> {
        let provider = own_provider();
        let chain = chain::load(site, pattern, findings)?;
        let key = chain::load_key(site, &chain, &provider, findings)?;
        let staple = site
            .ocsp
            .as_deref()
            .and_then(|path| load_staple(path, &chain, findings));
        let material = Self {
            pattern: pattern.clone(),
            chain,
            key,
            staple,
            protocols: site.protocols,
            lowest_version: site.lowest_version,
            client_auth: ClientAuth::load(&site.client_certificates, &provider, findings)?,
        };
        // What a shard will do is tried once, so that it does not fail there.
        TicketKeys::generate()
            .map_err(|_| TlsFault::Refused)
            .and_then(|tickets| material.try_build(&tickets, 0))
            .map_err(|fault| findings.fault_of_site(fault))?;
        Ok(material)
    }

    /// The site of one shard, at its place in the settings.
    fn build(&self, tickets: &TicketKeys, place: usize) -> Result<Site, TlsError> {
        self.try_build(tickets, place)
            .map_err(|fault| TlsError::of_site(&self.pattern.to_string(), fault))
    }

    fn try_build(&self, tickets: &TicketKeys, place: usize) -> Result<Site, TlsFault> {
        let provider = own_provider();
        let verifier = self.client_auth.verifier(&provider)?;
        let key = chain::signing_key(&self.key, &provider)?;
        let certified = CertifiedKey {
            cert: self.chain.clone(),
            key,
            ocsp: self.staple.as_ref().and_then(Staple::response_now),
        };
        let ticketer = tickets.ticketer(self.fingerprint());
        let parts = Parts {
            certified: Arc::new(certified.into()),
            verifier: verifier.clone(),
            ticketer: Arc::new(ticketer.ok_or(TlsFault::Refused)?),
            protocols: self.protocols,
            lowest_version: self.lowest_version,
        };
        let config = parts.config(provider).map_err(|_| TlsFault::Refused)?;
        let mut chacha_config = config.clone();
        chacha_config.ignore_client_order = false;
        let restoring_config = parts
            .config(restoring_provider())
            .map_err(|_| TlsFault::Refused)?;
        Ok(Site {
            config: Arc::new(config),
            chacha_config: Arc::new(chacha_config),
            restoring_config: Arc::new(restoring_config),
            lowest_version: self.lowest_version,
            protocols: self.protocols,
            verifier,
            policy: Policy {
                site: place,
                demands: self.demands(),
            },
        })
    }

    /// A digest of everything that decides who is served here, and as whom: the pattern, the
    /// certificates, the lowest version, and the demands on clients down to each byte of the
    /// authorities and their revocation lists. Bound to each ticket, so that no session outlives
    /// the policy under which it began.
    fn fingerprint(&self) -> [u8; FINGERPRINT_BYTES] {
        digest_of(|part| {
            part(self.pattern.to_string().as_bytes());
            part(&self.chain.len().to_be_bytes());
            self.chain.iter().for_each(|der| part(der));
            self.describe_demands(part);
        })
    }

    /// A digest of what is demanded of connections, whatever the name: the same for sites whose
    /// connections may serve each other's requests.
    fn demands(&self) -> [u8; DEMANDS_BYTES] {
        digest_of(|part| {
            self.describe_demands(part);
            part(&[
                u8::from(self.protocols.allow_http1()),
                u8::from(self.protocols.allow_http2()),
            ]);
        })
    }

    fn describe_demands(&self, part: &mut dyn FnMut(&[u8])) {
        part(match self.lowest_version {
            TlsVersion::Tls12 => b"1.2",
            TlsVersion::Tls13 => b"1.3",
        });
        self.client_auth.describe(part);
    }
}

/// A digest of parts, each with its length, so that no two sequences of parts look the same.
fn digest_of<const BYTES: usize>(describe: impl FnOnce(&mut dyn FnMut(&[u8]))) -> [u8; BYTES] {
    let mut context = digest::Context::new(&digest::SHA256);
    describe(&mut |bytes| {
        context.update(&bytes.len().to_be_bytes());
        context.update(bytes);
    });
    let mut digest = [0; BYTES];
    for (to, from) in digest.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    digest
}

/// The OCSP response of a site, if it can be sent.
fn load_staple(
    path: &Path,
    chain: &[CertificateDer<'static>],
    findings: &mut Findings,
) -> Option<Staple> {
    let certificate = chain.first().and_then(|der| CertificateFacts::read(der))?;
    match ocsp::load(path, certificate.serial, findings.now) {
        Ok(staple) => {
            findings.holds_until(staple.until);
            Some(staple)
        }
        Err(fault) => {
            findings.warn(TlsFile::Ocsp, path, TlsConcern::NoStaple(fault));
            None
        }
    }
}

/// A site whose certificate is made on the spot.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct GeneratedSite {
    /// The names that it answers for.
    pub(crate) pattern: &'static str,
    /// What it speaks.
    pub(crate) protocols: Protocols,
    /// From which version on.
    pub(crate) lowest_version: TlsVersion,
    /// Whether clients must show a certificate of an authority of its own.
    pub(crate) requires_clients: bool,
}

#[cfg(any(test, feature = "testing"))]
impl Material {
    /// One site for all names, with a certificate made on the spot for these names: ECDSA P-256,
    /// signed by its own key. Answers the certificate too, for a client to trust.
    pub(crate) fn generated(
        names: &[&str],
        protocols: Protocols,
    ) -> Option<(Self, CertificateDer<'static>)> {
        let site = GeneratedSite {
            pattern: "*",
            protocols,
            lowest_version: TlsVersion::default(),
            requires_clients: false,
        };
        Self::generated_sites(names, &[site])
    }

    /// As `generated`, with these sites, which show the same certificate.
    pub(crate) fn generated_sites(
        names: &[&str],
        sites: &[GeneratedSite],
    ) -> Option<(Self, CertificateDer<'static>)> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).ok()?;
        let certificate = made.cert.der().clone();
        let site = |site: &GeneratedSite| {
            let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).ok()?;
            Some(SiteMaterial {
                pattern: Pattern::parse(site.pattern).ok()?,
                chain: vec![certificate.clone()],
                key: Zeroizing::new(key),
                staple: None,
                protocols: site.protocols,
                lowest_version: site.lowest_version,
                client_auth: if site.requires_clients {
                    ClientAuth::of_authority(certificate.clone())
                } else {
                    ClientAuth::None
                },
            })
        };
        let material = Self {
            sites: sites.iter().map(site).collect::<Option<_>>()?,
            warnings: Vec::new(),
            stale_from: None,
        };
        Some((material, certificate))
    }
}
