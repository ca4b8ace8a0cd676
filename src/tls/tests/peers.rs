//! A client, a site, and the bytes between them.

use std::sync::Arc;

use rustls::client::ClientConnection;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ServerConnection;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore};

use crate::tls::sites::Site;

/// A client that trusts these certificates, and offers these protocols.
pub(super) fn client(trusted: &[CertificateDer<'static>], alpn: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// Both ends after a handshake.
pub(super) struct Met {
    pub(super) client: ClientConnection,
    pub(super) server: ServerConnection,
}

impl Met {
    pub(super) fn version(&self) -> ProtocolVersion {
        self.client.protocol_version().unwrap()
    }

    pub(super) fn is_resumed(&self) -> bool {
        let resumed = self.client.handshake_kind() == Some(HandshakeKind::Resumed);
        let server = self.server.handshake_kind() == Some(HandshakeKind::Resumed);
        assert_eq!(resumed, server, "both ends agree");
        resumed
    }
}

/// Lets a client meet a site and asks for `name`; the error is of the end that gave up first.
pub(super) fn meet(
    client: &Arc<ClientConfig>,
    site: &Site,
    name: &str,
) -> Result<Met, rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(&site.config)).unwrap();
    let mut bytes = Vec::new();
    while client.wants_write() || server.wants_write() {
        bytes.clear();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok(Met { client, server })
}
