//! Which certificates a server has: those that it was given, or the development certificate.
//!
//! Owns the decision, ahead of binding. What is in the files, `tls` finds out.

use std::time::SystemTime;

use super::development::{DevelopmentCertificate, Outcome};
use super::error::StartError;
use crate::http::Protocols;
use crate::journal;
use crate::net::{Endpoint, Place, UrlScheme};
use crate::tls::{Tls, TlsSite};

/// The settings with which the `https` addresses among `endpoints` are served; none if there are no
/// such addresses.
///
/// A certificate without such an address is an error and no warning: whoever names one counts on
/// TLS, and would be served in cleartext instead.
///
/// # Errors
///
/// [`StartError::CertificateUnused`], [`StartError::CertificateMissing`], and those of making the
/// development certificate.
pub(super) fn settings(
    endpoints: &[Endpoint],
    given: Option<Tls>,
    protocols: Protocols,
) -> Result<Option<Tls>, StartError> {
    let mut secure = endpoints
        .iter()
        .filter(|endpoint| endpoint.scheme == UrlScheme::Https)
        .peekable();
    match (secure.peek(), given) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(StartError::CertificateUnused),
        (Some(_), Some(tls)) => Ok(Some(tls)),
        (Some(_), None) => {
            if let Some(public) = secure.find(|endpoint| !is_localhost(&endpoint.place)) {
                return Err(StartError::CertificateMissing(public.clone()));
            }
            development(&DevelopmentCertificate::of_user()?, protocols).map(Some)
        }
    }
}

/// Whether clients can only mean localhost here, whatever name they use. A Unix domain socket stands
/// for no host: mostly a proxy is in front of it, and that has a certificate of its own.
fn is_localhost(place: &Place) -> bool {
    match place {
        Place::Localhost { .. } => true,
        Place::Ip(address) => address.ip().to_canonical().is_loopback(),
        Place::AnyIp { .. } | Place::Unix { .. } | Place::Abstract { .. } => false,
    }
}

fn development(
    certificate: &DevelopmentCertificate,
    protocols: Protocols,
) -> Result<Tls, StartError> {
    let file = certificate.server_file();
    if certificate.ensure(SystemTime::now())? == Outcome::Made {
        journal::say_directly(
            &mut std::io::stderr(),
            format_args!(
                "made a development certificate for localhost, {}; lanner dev-certs trust says how \
                 clients come to accept it",
                file.display()
            ),
        );
    }
    let site = TlsSite::files(&file, &file).protocols(protocols);
    Tls::new().site("*", site).map_err(StartError::Tls)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn endpoints(urls: &str) -> Vec<Endpoint> {
        Endpoint::parse_list(urls).unwrap()
    }

    fn settings_of(urls: &str, given: Option<Tls>) -> Result<Option<Tls>, StartError> {
        settings(&endpoints(urls), given, Protocols::default())
    }

    #[test]
    fn only_localhost_has_a_development_certificate() {
        for local in [
            "https://localhost:1",
            "https://app.localhost:1",
            "https://127.0.0.1:0",
            "https://127.9.8.7:0",
            "https://[::1]:0",
            "https://[::ffff:127.0.0.1]:0",
        ] {
            assert!(is_localhost(&endpoints(local)[0].place), "{local}");
        }
        for public in [
            "https://*:1",
            "https://example.com",
            "https://0.0.0.0:1",
            "https://[::]:1",
            "https://192.0.2.1:1",
            "https://unix:/run/a.sock",
            "https://unix:@a",
        ] {
            let urls = format!("https://localhost:1;{public}");
            let error = settings_of(&urls, None).unwrap_err();
            assert!(
                matches!(error, StartError::CertificateMissing(_)),
                "{public}"
            );
            let line = error.to_string();
            assert!(line.contains("--cert") && line.contains("--key"), "{line}");
            assert!(settings_of(&urls, Some(Tls::new())).unwrap().is_some());
        }
    }

    #[test]
    fn a_certificate_that_nobody_would_see_is_refused() {
        let error = settings_of("http://localhost:1", Some(Tls::new())).unwrap_err();
        assert!(matches!(error, StartError::CertificateUnused));
        assert!(settings_of("http://*:1", None).unwrap().is_none());
    }
}
