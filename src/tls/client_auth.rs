//! Client certificates: whom a site trusts, and the verifier that rustls asks.
//!
//! Owns the policy for chains and revocation. Signatures and validity are the business of webpki,
//! behind rustls.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::error::{CertificateFault, FileFault, RevocationFault, TlsError, TlsFault, TlsFile};
use super::findings::Findings;
use super::pem::{self, Sections};
use super::settings::{ClientAuthorities, ClientCertificates};
use super::warning::TlsConcern;
use super::witness::Witness;
use super::x509::{CertificateFacts, RevocationListFacts};

/// What a site demands of its clients, read and checked.
#[derive(Clone, Debug)]
pub(super) enum ClientAuth {
    /// No certificate is asked for.
    None,
    /// A certificate is asked for; one that is shown must be valid.
    Allow(Trust),
    /// A valid certificate is demanded.
    Require(Trust),
}

/// Authorities and their revocation lists.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub(super) authorities: Vec<CertificateDer<'static>>,
    pub(super) revocation_lists: Vec<CertificateRevocationListDer<'static>>,
}

impl ClientAuth {
    /// Reads the files that `settings` name.
    pub(super) fn load(
        settings: &ClientCertificates,
        provider: &Arc<CryptoProvider>,
        findings: &mut Findings,
    ) -> Result<Self, TlsError> {
        Ok(match settings {
            ClientCertificates::None => Self::None,
            ClientCertificates::Allow(authorities) => {
                Self::Allow(Trust::load(authorities, provider, findings)?)
            }
            ClientCertificates::Require(authorities) => {
                Self::Require(Trust::load(authorities, provider, findings)?)
            }
        })
    }

    /// The verifier of one shard; none where no certificate is asked for.
    ///
    /// Every certificate of a chain but the authority's own must be covered by a list when there are
    /// lists, and a list counts until the time for which its successor was announced. Where the
    /// lists cannot tell, the client is refused: a server that is told of revocations would
    /// otherwise let in whom it cannot judge. Other servers (nginx, HAProxy) do the same.
    pub(super) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsFault> {
        let (trust, is_required) = match self {
            Self::None => return Ok(None),
            Self::Allow(trust) => (trust, false),
            Self::Require(trust) => (trust, true),
        };
        trust.verifier(provider, is_required).map(Some)
    }

    /// Hands on everything that decides whom this lets in, in an order of its own.
    pub(super) fn describe(&self, part: &mut dyn FnMut(&[u8])) {
        let (mode, trust): (&[u8], _) = match self {
            Self::None => (b"none", None),
            Self::Allow(trust) => (b"allow", Some(trust)),
            Self::Require(trust) => (b"require", Some(trust)),
        };
        part(mode);
        if let Some(trust) = trust {
            part(&trust.authorities.len().to_be_bytes());
            trust.authorities.iter().for_each(|der| part(der));
            part(&trust.revocation_lists.len().to_be_bytes());
            trust.revocation_lists.iter().for_each(|der| part(der));
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl ClientAuth {
    /// Demands a certificate of this authority.
    pub(super) fn of_authority(authority: CertificateDer<'static>) -> Self {
        Self::Require(Trust {
            authorities: vec![authority],
            revocation_lists: Vec::new(),
        })
    }
}

impl Trust {
    fn load(
        authorities: &ClientAuthorities,
        provider: &Arc<CryptoProvider>,
        findings: &mut Findings,
    ) -> Result<Self, TlsError> {
        let path = &authorities.certificates;
        let mut trust = Self {
            authorities: read_authorities(path)
                .map_err(|what| findings.fault(TlsFile::ClientCa, path, what))?,
            revocation_lists: Vec::new(),
        };
        let strangers = trust.not_authorities();
        if strangers.len() == trust.authorities.len() {
            let what = CertificateFault::NoAuthority;
            return Err(findings.fault(TlsFile::ClientCa, path, what));
        }
        for place in strangers {
            findings.warn(TlsFile::ClientCa, path, TlsConcern::NotAuthority(place));
        }
        for path in &authorities.revocation_lists {
            let lists = trust
                .read_lists(path, provider)
                .map_err(|what| findings.fault(TlsFile::Crl, path, what))?;
            for (place, list) in (1..).zip(&lists) {
                let until = RevocationListFacts::read(list).map(|facts| facts.next_update);
                match until {
                    Some(until) if until <= findings.now => {
                        findings.warn(TlsFile::Crl, path, TlsConcern::ListExpired(place, until));
                    }
                    Some(until) => findings.holds_until(until),
                    None => {}
                }
            }
            trust.revocation_lists.extend(lists);
        }
        for place in trust.authorities_without_list() {
            findings.warn(TlsFile::ClientCa, path, TlsConcern::NoListOf(place));
        }
        Ok(trust)
    }

    /// The places of certificates that can have issued none: not authorities, nor a client's that it
    /// has issued to itself.
    fn not_authorities(&self) -> Vec<usize> {
        let can_issue = |der: &CertificateDer<'_>| {
            CertificateFacts::read(der)
                .is_some_and(|facts| facts.is_authority || facts.issuer == facts.subject)
        };
        (1..)
            .zip(&self.authorities)
            .filter(|(_, der)| !can_issue(der))
            .map(|(place, _)| place)
            .collect()
    }

    /// The places of the authorities of which there is no list, if there are lists at all.
    fn authorities_without_list(&self) -> Vec<usize> {
        if self.revocation_lists.is_empty() {
            return Vec::new();
        }
        let issuers: Vec<&[u8]> = self
            .revocation_lists
            .iter()
            .filter_map(|list| Some(RevocationListFacts::read(list)?.issuer))
            .collect();
        let has_list = |der: &CertificateDer<'_>| {
            CertificateFacts::read(der).is_some_and(|facts| issuers.contains(&facts.subject))
        };
        (1..)
            .zip(&self.authorities)
            .filter(|(_, der)| !has_list(der))
            .map(|(place, _)| place)
            .collect()
    }

    /// The lists of one file, each of which rustls can use.
    fn read_lists(
        &self,
        path: &Path,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsFault> {
        let content = pem::read_file(path, pem::REVOCATION_BYTES_MAX)?;
        let lists: Vec<CertificateRevocationListDer<'static>> = match Sections::read(&content) {
            Ok(sections) => sections.revocation_lists(),
            // As authorities publish them.
            Err(FileFault::Der) => vec![content.to_vec().into()],
            Err(fault) => return Err(fault.into()),
        };
        if lists.is_empty() {
            return Err(RevocationFault::Missing.into());
        }
        for (place, list) in (1..).zip(&lists) {
            let alone = Self {
                authorities: self.authorities.clone(),
                revocation_lists: vec![list.clone()],
            };
            if alone.verifier(provider, true).is_err() {
                return Err(RevocationFault::Broken(place).into());
            }
        }
        Ok(lists)
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
        is_required: bool,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsFault> {
        let mut roots = RootCertStore::empty();
        for der in &self.authorities {
            roots.add(der.clone()).map_err(|_| TlsFault::Refused)?;
        }
        let mut builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .with_crls(self.revocation_lists.iter().cloned())
                .enforce_revocation_expiration();
        if !is_required {
            builder = builder.allow_unauthenticated();
        }
        let verifier = builder.build().map_err(|_| TlsFault::Refused)?;
        Ok(Arc::new(Witness(verifier)))
    }
}

/// The certificates of a bundle, each of which can be an authority.
fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let content = pem::read_file(path, pem::CERTIFICATES_BYTES_MAX)?;
    let authorities = Sections::read(&content)?.certificates()?;
    let mut roots = RootCertStore::empty();
    for (place, der) in (1..).zip(&authorities) {
        if roots.add(der.clone()).is_err() {
            return Err(CertificateFault::Broken(place).into());
        }
    }
    Ok(authorities)
}
