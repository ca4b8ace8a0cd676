//! A client, a site, and the bytes between them.

use std::sync::Arc;

use rustls::client::ClientConnection;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ServerConnection;
use rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};

use super::authority::Issued;
use crate::tls::sites::Site;

/// What a client is like.
#[derive(Default)]
pub(super) struct Client<'a> {
    pub(super) trusts: Vec<CertificateDer<'static>>,
    pub(super) alpn: &'a [&'a str],
    /// Without one it speaks all that rustls does.
    pub(super) version: Option<&'static SupportedProtocolVersion>,
    pub(super) groups: Vec<&'static dyn SupportedKxGroup>,
    /// Its own certificate, with that of its issuer where that is not known to the server.
    pub(super) shows: Option<(&'a Issued, Option<CertificateDer<'static>>)>,
}

impl Client<'_> {
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        for certificate in &self.trusts {
            roots.add(certificate.clone()).unwrap();
        }
        let mut provider = aws_lc_rs::default_provider();
        if !self.groups.is_empty() {
            provider.kx_groups.clone_from(&self.groups);
        }
        let versions = match &self.version {
            Some(version) => std::slice::from_ref(version),
            None => rustls::ALL_VERSIONS,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(CryptoProvider { ..provider }))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.shows {
            Some((issued, issuer)) => {
                let chain = std::iter::once(issued.certificate.clone())
                    .chain(issuer.clone())
                    .collect();
                config
                    .with_client_auth_cert(chain, issued.key_der())
                    .unwrap()
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = self
            .alpn
            .iter()
            .map(|name| name.as_bytes().into())
            .collect();
        Arc::new(config)
    }
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

    /// What kind of handshake it was, on which both ends agree.
    pub(super) fn kind(&self) -> HandshakeKind {
        let kind = self.client.handshake_kind().unwrap();
        assert_eq!(self.server.handshake_kind(), Some(kind));
        kind
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
