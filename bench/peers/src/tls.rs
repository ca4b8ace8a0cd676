//! The TLS of the peers that rustls serves: the same provider and settings for all of them.
//!
//! Tickets are stateless, as they are by default in nginx, h2o and haproxy, so that all servers do
//! the same work at the end of a handshake.

use std::error::Error;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// An acceptor with the certificate chain and the key of these PEM files, which offers `protocol`
/// by ALPN (RFC 7301).
pub(crate) fn acceptor(
    certificate: &str,
    key: &str,
    protocol: &[u8],
) -> Result<TlsAcceptor, Box<dyn Error>> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![protocol.to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
