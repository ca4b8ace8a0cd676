//! The configuration that rustls gets for one site of one shard.
//!
//! Owns the choices that are the same for every site: versions, suites, tickets, what is switched
//! off. Reads no file.

use std::sync::Arc;

use rustls::CipherSuite;
use rustls::compress::CompressionCache;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, NoServerSessionStorage, ServerConfig};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};

use super::aside::OwnSecret;
use super::ticket::Ticketer;
use crate::features::TlsVersion;
use crate::http::Protocols;

/// The cryptography, in an allocation of the caller's own. What it points to (suites, groups,
/// algorithms) is constant and counts nothing, so shards may all read it.
pub(super) fn own_provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    // The server's order: AES-128 is as safe as anybody needs, and the fastest with AES in hardware.
    provider
        .cipher_suites
        .sort_by_key(|suite| (suite.tls13().is_none(), rank(suite.suite())));
    Arc::new(provider)
}

fn rank(suite: CipherSuite) -> usize {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 0,
        CipherSuite::TLS13_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 1,
        _ => 2,
    }
}

/// What makes one site differ from another.
pub(super) struct Parts {
    pub(super) certified: Arc<SingleCertAndKey>,
    pub(super) verifier: Option<Arc<dyn ClientCertVerifier>>,
    pub(super) ticketer: Arc<Ticketer>,
    pub(super) protocols: Protocols,
    pub(super) lowest_version: TlsVersion,
}

impl Parts {
    /// The configuration with this cryptography; an error only when it lacks what TLS needs.
    pub(super) fn config(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<ServerConfig, rustls::Error> {
        let versions: &[_] = match self.lowest_version {
            TlsVersion::Tls12 => &[&TLS13, &TLS12],
            TlsVersion::Tls13 => &[&TLS13],
        };
        let verifier = self.verifier.clone();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(verifier.unwrap_or_else(|| Arc::new(NoClientAuth)))
            .with_cert_resolver(Arc::clone(&self.certified) as _);
        config.alpn_protocols = alpn(self.protocols);
        // Whose order counts is decided for each client: see `Site::config_for`.
        config.ignore_client_order = true;
        config.ticketer = Arc::clone(&self.ticketer) as _;
        // One is enough for a client that comes back; each costs a seal and a send.
        config.send_tls13_tickets = 1;
        // A session lives in its ticket. A store here would have a lock, and serve one shard only.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // Early data can be replayed (RFC 8446, 8), and an application cannot tell. What clients send
        // of it all the same, with another server's ticket, rustls skips up to 16 KiB.
        config.max_early_data_size = 0;
        // Records are sealed and opened by our own layer, which takes the secrets over.
        config.enable_secret_extraction = true;
        // Alerts of our own while rustls has the keys.
        config.key_log = Arc::new(OwnSecret);
        // No compressor is compiled in; the default would keep a lock and a list all the same.
        config.cert_compression_cache = Arc::new(CompressionCache::Disabled);
        Ok(config)
    }
}

/// The names of protocols for ALPN (RFC 7301), the preferred one first.
fn alpn(protocols: Protocols) -> Vec<Vec<u8>> {
    let mut names = Vec::with_capacity(2);
    if protocols.allow_http2() {
        names.push(b"h2".to_vec());
    }
    if protocols.allow_http1() {
        names.push(b"http/1.1".to_vec());
    }
    names
}
