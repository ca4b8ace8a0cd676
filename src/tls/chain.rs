//! The certificates of a site and the key to them.
//!
//! Owns reading both and whether they fit together. Whether clients trust the chain is theirs to
//! say; what they are sure to dislike is a warning.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::SigningKey;
use zeroize::Zeroizing;

use super::error::{CertificateFault, KeyFault, TlsError, TlsFault, TlsFile};
use super::findings::Findings;
use super::name::Pattern;
use super::pem::{self, Sections};
use super::settings::TlsSite;
use super::warning::TlsConcern;
use super::x509::CertificateFacts;

/// Reads the certificates of a site: its own first, then those of its issuers.
pub(super) fn load(
    site: &TlsSite,
    pattern: &Pattern,
    findings: &mut Findings,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let path = &site.certificate;
    let now = findings.now;
    let fault = |what| findings.fault(TlsFile::Certificate, path, what);
    let sections = read(path).map_err(fault)?;
    let chain = sections.certificates().map_err(|what| fault(what.into()))?;
    let mut concerns = check(&chain, pattern, now).map_err(|what| fault(what.into()))?;
    if sections.has_key() && site.key != *path {
        concerns.push(TlsConcern::KeyBesideCertificate);
    }
    for concern in concerns {
        findings.warn(TlsFile::Certificate, path, concern);
    }
    let ends = chain.iter().filter_map(|der| CertificateFacts::read(der));
    // The last second is a valid one.
    let ends = ends.filter_map(|facts| facts.not_after.checked_add(Duration::from_secs(1)));
    for end in ends.filter(|&end| end > now) {
        findings.holds_until(end);
    }
    Ok(chain)
}

/// Reads the private key of a site, which belongs to the first of its certificates.
pub(super) fn load_key(
    site: &TlsSite,
    chain: &[CertificateDer<'static>],
    provider: &CryptoProvider,
    findings: &Findings,
) -> Result<Zeroizing<PrivateKeyDer<'static>>, TlsError> {
    let load = || {
        let key = read(&site.key)?.key()?;
        check_key(&*signing_key(&key, provider)?, chain)?;
        Ok(key)
    };
    load().map_err(|what: TlsFault| findings.fault(TlsFile::Key, &site.key, what))
}

/// The key as it signs. rustls overwrites the copy that it reads it from.
pub(super) fn signing_key(
    key: &PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn SigningKey>, KeyFault> {
    provider
        .key_provider
        .load_private_key(key.clone_key())
        .map_err(|_| KeyFault::Unusable)
}

fn read(path: &Path) -> Result<Sections, TlsFault> {
    let content = pem::read_file(path, pem::CERTIFICATES_BYTES_MAX)?;
    Ok(Sections::read(&content)?)
}

/// Whether the chain can be sent, and what clients may dislike about it.
fn check(
    chain: &[CertificateDer<'static>],
    pattern: &Pattern,
    now: SystemTime,
) -> Result<Vec<TlsConcern>, CertificateFault> {
    let mut concerns = Vec::new();
    let mut issuer = None;
    for (place, der) in (1..).zip(chain) {
        let facts = CertificateFacts::read(der).ok_or(CertificateFault::Broken(place))?;
        if facts.version != 3 {
            return Err(CertificateFault::Version(place));
        }
        if facts.not_after < now {
            concerns.push(TlsConcern::Expired(place, facts.not_after));
        } else if facts.not_before > now {
            concerns.push(TlsConcern::NotYetValid(place, facts.not_before));
        }
        if issuer.is_some_and(|issuer| issuer != facts.subject) {
            concerns.push(TlsConcern::ChainOrder(place));
        }
        issuer = Some(facts.issuer);
    }
    let first = chain.first().ok_or(CertificateFault::Missing)?;
    let first = ParsedCertificate::try_from(first).map_err(|_| CertificateFault::Broken(1))?;
    let facts = chain.first().and_then(|der| CertificateFacts::read(der));
    if !facts.is_some_and(|facts| facts.has_names) {
        concerns.push(TlsConcern::NoNames);
    } else if !is_for(&first, pattern) {
        concerns.push(TlsConcern::OtherName);
    }
    Ok(concerns)
}

/// Whether clients take the certificate for a site with this pattern. A site for all names may have
/// any certificate.
fn is_for(certificate: &ParsedCertificate<'_>, pattern: &Pattern) -> bool {
    let name = match pattern {
        Pattern::Any => return true,
        Pattern::Exact(name) => name.to_string(),
        // One name in the place of all that the pattern stands for.
        Pattern::Below(name) => format!("a.{name}"),
    };
    ServerName::try_from(name).is_ok_and(|name| verify_server_name(certificate, &name).is_ok())
}

/// Whether the key is that of the first certificate.
fn check_key(key: &dyn SigningKey, chain: &[CertificateDer<'static>]) -> Result<(), KeyFault> {
    // Every kind of key that is loaded here knows its public part.
    let public_key = key.public_key().ok_or(KeyFault::Unusable)?;
    let place = chain.iter().position(|der| {
        CertificateFacts::read(der).is_some_and(|facts| facts.public_key == public_key.as_ref())
    });
    match place {
        Some(0) => Ok(()),
        Some(place) => Err(KeyFault::OfLaterCertificate(place + 1)),
        None => Err(KeyFault::Mismatch),
    }
}
