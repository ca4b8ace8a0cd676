//! A TLS client in memory: rustls at the other end of a connection, for tests and fuzz targets.
//!
//! Owns the client's state and the bytes on their way to the server.

#![allow(clippy::unwrap_used)]

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore};

/// What a client offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'a> {
    /// By ALPN; nothing at all when empty.
    pub(crate) protocols: &'a [&'a str],
    /// A part of the name of the only suite, such as `TLS13_AES_128`; empty for all of them.
    pub(crate) suite: &'a str,
    /// A part of the names of the suites that are offered first.
    pub(crate) preferred: &'a str,
    /// Whether TLS 1.2 is the highest version.
    pub(crate) tls12: bool,
}

impl Offer<'_> {
    /// HTTP/1.1 with any version and suite.
    pub(crate) const HTTP1: Self = Self {
        protocols: &["http/1.1"],
        suite: "",
        preferred: "",
        tls12: false,
    };

    /// The configuration of clients that trust `certificate`. Those that share one resume each
    /// other's sessions.
    pub(crate) fn config(self, certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider
            .cipher_suites
            .retain(|suite| format!("{:?}", suite.suite()).contains(self.suite));
        provider
            .cipher_suites
            .sort_by_key(|suite| !format!("{:?}", suite.suite()).contains(self.preferred));
        let versions: &[_] = if self.tls12 {
            &[&rustls::version::TLS12]
        } else {
            rustls::ALL_VERSIONS
        };
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self
            .protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        config.resumption = Resumption::in_memory_sessions(8);
        Arc::new(config)
    }
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    connection: ClientConnection,
    /// What the server has sent in the clear of TLS, in order.
    plain: Vec<u8>,
    /// Whether the server has said that it is done.
    closed: bool,
    /// What rustls says is wrong with the server, or what alert the server has sent.
    error: Option<rustls::Error>,
}

impl Client {
    /// One that asks for `localhost`.
    pub(crate) fn new(config: &Arc<ClientConfig>) -> Self {
        Self::named(config, "localhost")
    }

    /// One that asks for this name.
    pub(crate) fn named(config: &Arc<ClientConfig>, name: &'static str) -> Self {
        let name = ServerName::try_from(name).unwrap();
        Self {
            connection: ClientConnection::new(Arc::clone(config), name).unwrap(),
            plain: Vec::new(),
            closed: false,
            error: None,
        }
    }

    /// Says something, in one record where it fits. After an error nothing is said any more.
    pub(crate) fn say(&mut self, plain: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.connection.set_buffer_limit(None);
        self.connection.writer().write_all(plain).unwrap();
    }

    /// Says that it is done.
    pub(crate) fn close(&mut self) {
        if self.error.is_none() {
            self.connection.send_close_notify();
        }
    }

    /// Takes new keys and asks the server to do the same.
    pub(crate) fn update_keys(&mut self) {
        if self.error.is_none() {
            self.connection.refresh_traffic_keys().unwrap();
        }
    }

    /// Whether its version has keys that can be updated.
    pub(crate) fn can_update_keys(&self) -> bool {
        self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// What is to be sent to the server.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut output).unwrap();
        }
        output
    }

    /// Takes what the server has sent.
    pub(crate) fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.error.is_none() {
            self.connection.read_tls(&mut bytes).unwrap();
            self.error = self.connection.process_new_packets().err();
            let mut piece = [0; 4096];
            loop {
                match self.connection.reader().read(&mut piece) {
                    Ok(0) => {
                        self.closed = true;
                        break;
                    }
                    Ok(length) => self.plain.extend(piece.iter().take(length)),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        break;
                    }
                }
            }
        }
    }

    /// What the server has said since the last call.
    pub(crate) fn take_plain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.plain)
    }

    /// Whether the handshake is done.
    pub(crate) fn is_connected(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// Whether the server has said that it is done.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the session was one of an earlier connection.
    pub(crate) fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// What was wrong, as text; empty for nothing.
    pub(crate) fn error(&self) -> String {
        self.error
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}
