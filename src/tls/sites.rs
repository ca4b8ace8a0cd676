//! The sites of one shard: which of them answers for a name, and the configuration of each.
//!
//! Owns the choice by name. Configurations are made from a [`Material`](super::Material) on the
//! shard's own thread and never leave it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;

use super::hello::Asked;
use super::name::Pattern;
use super::policy::Policy;
use crate::features::TlsVersion;
use crate::http::Protocols;

/// One site as a shard uses it.
pub(crate) struct Site {
    /// What a connection to this site is made with. The shard's own: no other clones this `Arc`.
    pub(crate) config: Arc<ServerConfig>,
    /// The protocols that are offered by ALPN.
    pub(crate) protocols: Protocols,
    /// The same for clients that prefer ChaCha20-Poly1305, whose order of suites is followed.
    pub(super) chacha_config: Arc<ServerConfig>,
    /// The same for clients that name something which is no host name: see `transcript`.
    pub(super) restoring_config: Arc<ServerConfig>,
    /// From which version on it answers.
    pub(super) lowest_version: TlsVersion,
    pub(super) verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// What its connections are made under.
    pub(super) policy: Policy,
}

impl Site {
    /// What a connection of such a client is made with.
    pub(super) fn config_for(&self, asked: &Asked) -> Arc<ServerConfig> {
        Arc::clone(if asked.unfit.is_some() {
            &self.restoring_config
        } else if asked.prefers_chacha {
            &self.chacha_config
        } else {
            &self.config
        })
    }

    /// Whether it speaks a version of such a client.
    pub(super) fn speaks_a_version_of(&self, asked: &Asked) -> bool {
        match self.lowest_version {
            TlsVersion::Tls12 => asked.tls12 || asked.tls13,
            TlsVersion::Tls13 => asked.tls13,
        }
    }

    /// Whether a client with this chain, its own certificate first, is let in now.
    ///
    /// rustls asks this in full handshakes. In a resumed one it takes the chain from the ticket and
    /// does not ask again, so a certificate may have expired since, or a revocation list run out.
    /// Whoever makes the connection is to ask then.
    pub(crate) fn admits(&self, chain: &[CertificateDer<'_>]) -> bool {
        match (&self.verifier, chain) {
            (None, _) => true,
            (Some(verifier), []) => !verifier.client_auth_mandatory(),
            (Some(verifier), [certificate, issuers @ ..]) => {
                self.config.time_provider.current_time().is_some_and(|now| {
                    verifier
                        .verify_client_cert(certificate, issuers, now)
                        .is_ok()
                })
            }
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("protocols", &self.protocols)
            .finish_non_exhaustive()
    }
}

/// The sites of one shard.
#[derive(Debug)]
pub(crate) struct Sites {
    /// By name, sorted: a search needs no hash and takes the same time for every name.
    exact: Vec<(Box<str>, Site)>,
    /// By what follows the `*.`, sorted.
    below: Vec<(Box<str>, Site)>,
    any: Option<Site>,
    /// Whether two of them demand different things.
    differ: bool,
}

impl Sites {
    pub(super) fn new(sites: Vec<(Pattern, Site)>) -> Self {
        let differ = sites.windows(2).any(|pair| match pair {
            [(_, one), (_, other)] => one.policy.demands != other.policy.demands,
            _ => false,
        });
        let (mut exact, mut below, mut any) = (Vec::new(), Vec::new(), None);
        for (pattern, site) in sites {
            match pattern {
                Pattern::Exact(name) => exact.push((name, site)),
                Pattern::Below(name) => below.push((name, site)),
                Pattern::Any => any = Some(site),
            }
        }
        exact.sort_by(|(one, _), (other, _)| one.cmp(other));
        below.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self {
            exact,
            below,
            any,
            differ,
        }
    }

    /// Whether some demand of their clients what others do not, so that it matters which of them a
    /// connection was made for.
    #[inline]
    pub(crate) fn differ(&self) -> bool {
        self.differ
    }

    /// The site that answers for a name in lower case, or for none: the one of exactly this name,
    /// else the longest `*.` pattern that the name lies below, by one label or more, else `*`.
    /// Without one the handshake is to be refused.
    pub(crate) fn choose(&self, name: Option<&str>) -> Option<&Site> {
        let Some(name) = name else {
            return self.any.as_ref();
        };
        find(&self.exact, name)
            .or_else(|| {
                // From the longest suffix to the shortest.
                name.match_indices('.')
                    .filter_map(|(dot, _)| name.get(dot + 1..))
                    .find_map(|suffix| find(&self.below, suffix))
            })
            .or(self.any.as_ref())
    }
}

fn find<'a>(sites: &'a [(Box<str>, Site)], name: &str) -> Option<&'a Site> {
    let at = sites
        .binary_search_by(|(other, _)| other.as_ref().cmp(name))
        .ok()?;
    sites.get(at).map(|(_, site)| site)
}
