//! TLS as the comparison uses it: one certificate for all servers, clients that leave them one
//! choice of version, cipher suite and key exchange, and proof that it was taken.
#![forbid(unsafe_code)]

pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod offer;
pub(crate) mod sessions;

use std::fmt::{self, Display, Formatter};

use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConnection, NamedGroup, ProtocolVersion};
use serde::Serialize;

use crate::mode::{Protocol, Version};

/// The name in the certificate, and what clients ask for (RFC 6066, section 3).
pub(crate) const NAME: &str = "localhost";

/// [`NAME`] in the type that rustls takes.
pub(crate) fn server_name() -> Result<ServerName<'static>, InvalidDnsNameError> {
    ServerName::try_from(NAME)
}

/// What a handshake came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Negotiated {
    version: String,
    suite: String,
    key_exchange: String,
    alpn: String,
}

impl Negotiated {
    /// What `connection` has agreed on; `None` before the end of its handshake.
    pub(crate) fn of(connection: &ClientConnection) -> Option<Self> {
        let version = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
            ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
            other => format!("{other:?}"),
        };
        let suite = connection.negotiated_cipher_suite()?.suite();
        let group = connection
            .negotiated_key_exchange_group()
            .map(|group| group.name());
        let alpn = connection.alpn_protocol().unwrap_or_default();
        Some(Self {
            version,
            suite: suite
                .as_str()
                .unwrap_or("an unknown suite")
                .replace("TLS13_", "TLS_"),
            key_exchange: match group {
                Some(NamedGroup::secp256r1) => "P-256".to_owned(),
                Some(group) => format!("{group:?}"),
                None => "no key exchange".to_owned(),
            },
            alpn: String::from_utf8_lossy(alpn).into_owned(),
        })
    }

    /// Fails unless it is what a client of `version` leaves to a server.
    pub(crate) fn expect(&self, version: Version, protocol: Protocol) -> anyhow::Result<()> {
        let (name, suite, groups): (_, _, &[&str]) = match version {
            Version::Tls12 => (
                "TLS 1.2",
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                &["X25519", "P-256"],
            ),
            Version::Tls13 => ("TLS 1.3", "TLS_AES_128_GCM_SHA256", &["X25519"]),
        };
        anyhow::ensure!(
            self.version == name
                && self.suite == suite
                && groups.contains(&self.key_exchange.as_str())
                && self.alpn.as_bytes() == client::alpn(protocol),
            "it negotiates {self}, so that it would be compared unequally"
        );
        Ok(())
    }
}

impl Display for Negotiated {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            suite,
            key_exchange,
            alpn,
        } = self;
        write!(f, "{version}, {suite}, {key_exchange}, ALPN {alpn}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_choice_that_all_servers_have_will_do() {
        let right = Negotiated {
            version: "TLS 1.3".to_owned(),
            suite: "TLS_AES_128_GCM_SHA256".to_owned(),
            key_exchange: "X25519".to_owned(),
            alpn: "h2".to_owned(),
        };
        right.expect(Version::Tls13, Protocol::Http2).unwrap();
        assert!(right.expect(Version::Tls13, Protocol::Http1).is_err());
        assert!(right.expect(Version::Tls12, Protocol::Http2).is_err());
        let other = Negotiated {
            key_exchange: "P-256".to_owned(),
            ..right
        };
        assert!(other.expect(Version::Tls13, Protocol::Http2).is_err());
    }
}
