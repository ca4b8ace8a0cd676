//! The settings of our own TLS clients.
//!
//! They offer a single version, cipher suite and key exchange, so that the server has no choice and
//! all servers do the same cryptography.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, Tls12Resumption};
use rustls::crypto::aws_lc_rs::{self, cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned, SupportedProtocolVersion,
};

use super::sessions::Sessions;
use super::{Negotiated, server_name};
use crate::mode::{Protocol, Version};

/// The name of `protocol` in ALPN (RFC 7301).
pub(crate) fn alpn(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Http1 => b"http/1.1",
        Protocol::Http2 => b"h2",
    }
}

/// Completes a handshake on `stream` as a careful client does: the certificate has to be the one in
/// the file `certificate`, and the server has to have its key.
pub(crate) fn secure(
    mut stream: TcpStream,
    version: Version,
    protocol: Protocol,
    certificate: &Path,
) -> Result<(StreamOwned<ClientConnection, TcpStream>, Negotiated)> {
    let mut roots = RootCertStore::empty();
    roots.add(read(certificate)?)?;
    let mut config = ClientConfig::builder_with_provider(provider(version))
        .with_protocol_versions(&[protocol_version(version)])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn(protocol).to_vec()];
    config.resumption = Resumption::disabled();
    let mut connection = ClientConnection::new(Arc::new(config), server_name()?)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let negotiated = Negotiated::of(&connection)
        .ok_or_else(|| io::Error::other("it has ended without a result"))
        .context("the handshake")?;
    Ok((StreamOwned::new(connection, stream), negotiated))
}

/// The settings of a client that makes many connections over HTTP/1.1: it knows the certificate in
/// the file, so it does not verify it each time; [`secure`] does that once. `sessions` are resumed.
pub(crate) fn repeated(
    version: Version,
    certificate: &Path,
    sessions: Option<Arc<Sessions>>,
) -> Result<Arc<ClientConfig>> {
    let known = Known {
        certificate: read(certificate)?,
        provider: provider(version),
    };
    let mut config = ClientConfig::builder_with_provider(provider(version))
        .with_protocol_versions(&[protocol_version(version)])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(known))
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn(Protocol::Http1).to_vec()];
    config.resumption = match sessions {
        Some(sessions) => {
            Resumption::store(sessions).tls12_resumption(Tls12Resumption::SessionIdOrTickets)
        }
        None => Resumption::disabled(),
    };
    Ok(Arc::new(config))
}

fn read(certificate: &Path) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(certificate)
        .with_context(|| format!("reading {}", certificate.display()))
}

fn protocol_version(version: Version) -> &'static SupportedProtocolVersion {
    match version {
        Version::Tls12 => &TLS12,
        Version::Tls13 => &TLS13,
    }
}

/// What all servers have. With TLS 1.2 the curve of the certificate's key has to be among the groups
/// as well (RFC 8422, section 5.1); a resumed session exchanges no keys there.
fn provider(version: Version) -> Arc<CryptoProvider> {
    let (suite, groups) = match version {
        Version::Tls12 => (
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            vec![kx_group::X25519, kx_group::SECP256R1],
        ),
        Version::Tls13 => (
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            vec![kx_group::X25519 as &dyn SupportedKxGroup],
        ),
    };
    Arc::new(CryptoProvider {
        cipher_suites: vec![suite],
        kx_groups: groups,
        ..aws_lc_rs::default_provider()
    })
}

/// Accepts one certificate, and its key's signature unseen.
#[derive(Debug)]
struct Known {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("another certificate".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
