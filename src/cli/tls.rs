//! The arguments that say with which certificates `https` addresses are served.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::http::Protocols;
use crate::tls::{ClientAuthorities, ClientCertificates, Tls, TlsError, TlsSite};

/// Certificates of the command line. Which of them need which others, the parser enforces.
#[derive(Args)]
#[command(next_help_heading = "Options for https")]
pub(super) struct TlsArgs {
    /// The certificate for https addresses, followed by those of its issuers, as PEM. Without one,
    /// localhost is served with the development certificate (see dev-certs).
    #[arg(long, env = "LANNER_CERT", value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of the certificate, as PEM.
    #[arg(long, env = "LANNER_KEY", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// A response of the issuer's OCSP responder, as DER, that clients get with the certificate.
    #[arg(long, env = "LANNER_OCSP", value_name = "FILE", requires = "cert")]
    ocsp: Option<PathBuf>,
    /// Whether clients are asked for a certificate of their own; with --client-ca they must show one
    /// unless this says otherwise.
    #[arg(
        long,
        env = "LANNER_CLIENT_CERTS",
        value_enum,
        requires_ifs = [
            ("allow", "cert"), ("allow", "client_ca"),
            ("require", "cert"), ("require", "client_ca"),
        ],
    )]
    client_certs: Option<ClientCertsArg>,
    /// The certificates of the authorities whose clients are accepted, as PEM.
    #[arg(long, env = "LANNER_CLIENT_CA", value_name = "FILE", requires = "cert")]
    client_ca: Option<PathBuf>,
    /// Lists of client certificates that their authorities have revoked, as PEM or DER; may be
    /// given several times.
    #[arg(
        long,
        env = "LANNER_CLIENT_CRL",
        value_name = "FILE",
        requires = "client_ca"
    )]
    client_crl: Vec<PathBuf>,
}

/// [`ClientCertificates`] as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClientCertsArg {
    /// They are not asked.
    None,
    /// They may show one, which must be valid.
    Allow,
    /// They must show one.
    Require,
}

impl TlsArgs {
    /// The settings that the arguments describe; none if there is no certificate among them.
    pub(super) fn settings(&self, protocols: Protocols) -> Result<Option<Tls>, TlsError> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else {
            return Ok(None);
        };
        let mut site = TlsSite::files(cert, key)
            .protocols(protocols)
            .client_certificates(self.client_certificates());
        if let Some(ocsp) = &self.ocsp {
            site = site.ocsp(ocsp);
        }
        Tls::new().site("*", site).map(Some)
    }

    fn client_certificates(&self) -> ClientCertificates {
        let Some(ca) = &self.client_ca else {
            return ClientCertificates::None;
        };
        let authorities = self.client_crl.iter().fold(
            ClientAuthorities::file(ca),
            ClientAuthorities::revocation_list,
        );
        match self.client_certs {
            // Said so, with the authorities left in place: one variable switches clients'
            // certificates off and on.
            Some(ClientCertsArg::None) => ClientCertificates::None,
            Some(ClientCertsArg::Allow) => ClientCertificates::Allow(authorities),
            // Who names the authorities of clients does not mean to serve everybody.
            Some(ClientCertsArg::Require) | None => ClientCertificates::Require(authorities),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        tls: TlsArgs,
    }

    fn parse(line: &str) -> Result<TlsArgs, String> {
        Only::try_parse_from(std::iter::once("x").chain(line.split_ascii_whitespace()))
            .map(|only| only.tls)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_needed() {
        let none = parse("").unwrap().settings(Protocols::default()).unwrap();
        assert!(none.is_none());
        assert!(parse("--client-certs none").is_ok());
    }

    #[test]
    fn what_is_missing_is_named() {
        let table = [
            ("--cert c", "--key <FILE>"),
            ("--key k", "--cert <FILE>"),
            ("--ocsp o", "--cert <FILE>"),
            (
                "--cert c --key k --client-certs allow",
                "--client-ca <FILE>",
            ),
            (
                "--cert c --key k --client-certs require",
                "--client-ca <FILE>",
            ),
            ("--client-certs require --client-ca a", "--cert <FILE>"),
            ("--client-ca a", "--cert <FILE>"),
            ("--cert c --key k --client-crl l", "--client-ca <FILE>"),
            (
                "--cert c --key k --client-certs maybe",
                "[possible values: none, allow, require]",
            ),
        ];
        for (line, expected) in table {
            let message = parse(line).map(|_| ()).unwrap_err();
            assert!(message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn clients_are_asked_as_the_arguments_say() {
        let of = |line: &str| parse(&format!("--cert c --key k {line}")).unwrap();
        let authorities = ClientAuthorities::file("a");
        let table = [
            ("", ClientCertificates::None),
            (
                "--client-ca a",
                ClientCertificates::Require(authorities.clone()),
            ),
            (
                "--client-ca a --client-crl l",
                ClientCertificates::Require(authorities.clone().revocation_list("l")),
            ),
            (
                "--client-certs none --client-ca a",
                ClientCertificates::None,
            ),
            (
                "--client-certs allow --client-ca a",
                ClientCertificates::Allow(authorities.clone()),
            ),
            (
                "--client-certs require --client-ca a --client-crl l --client-crl m",
                ClientCertificates::Require(authorities.revocation_list("l").revocation_list("m")),
            ),
        ];
        for (line, expected) in table {
            assert_eq!(of(line).client_certificates(), expected, "{line}");
            assert!(of(line).settings(Protocols::default()).unwrap().is_some());
        }
    }
}
