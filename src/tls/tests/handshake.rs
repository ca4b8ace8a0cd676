//! What a site agrees on with clients of all kinds.

use std::sync::{Arc, Mutex};

use rcgen::{KeyPair, RsaKeySize};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, HandshakeKind, NamedGroup, ProtocolVersion,
    SignatureScheme,
};

use super::authority::{Authority, VALID, pem};
use super::folder::Folder;
use super::peers::{Client, meet};
use crate::features::TlsVersion;
use crate::http::Protocols;
use crate::tls::config::own_provider;
use crate::tls::ocsp::tests::response;
use crate::tls::{Material, TicketKeys, Tls, TlsSite};

#[test]
fn a_generated_site_answers_for_all_names() {
    let (material, certificate) =
        Material::generated(&["localhost"], Protocols::Http1AndHttp2).unwrap();
    let sites = material.sites(&TicketKeys::generate().unwrap()).unwrap();
    let client = Client {
        trusts: vec![certificate],
        alpn: &["h2", "http/1.1"],
        ..Client::default()
    };
    for name in [Some("localhost"), Some("example.com"), None] {
        let met = meet(&client.config(), sites.choose(name).unwrap(), "localhost").unwrap();
        assert_eq!(met.version(), ProtocolVersion::TLSv1_3);
        assert_eq!(met.server.alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(met.kind(), HandshakeKind::Full);
    }
}

#[test]
fn protocols_decide_what_alpn_chooses() {
    let refused = Err(Error::NoApplicationProtocol);
    for (protocols, offered, expected) in [
        (
            Protocols::Http1AndHttp2,
            &["h2", "http/1.1"][..],
            Ok(Some("h2")),
        ),
        // The order is ours.
        (
            Protocols::Http1AndHttp2,
            &["http/1.1", "h2"],
            Ok(Some("h2")),
        ),
        (
            Protocols::Http1AndHttp2,
            &["http/1.1"],
            Ok(Some("http/1.1")),
        ),
        (Protocols::Http1AndHttp2, &[], Ok(None)),
        (Protocols::Http1AndHttp2, &["h3"], refused.clone()),
        (Protocols::Http1, &["h2", "http/1.1"], Ok(Some("http/1.1"))),
        (Protocols::Http1, &["h2"], refused.clone()),
        (Protocols::Http2, &["http/1.1", "h2"], Ok(Some("h2"))),
        (Protocols::Http2, &["http/1.1"], refused.clone()),
    ] {
        let (material, certificate) = Material::generated(&["localhost"], protocols).unwrap();
        let sites = material.sites(&TicketKeys::generate().unwrap()).unwrap();
        let site = sites.choose(None).unwrap();
        assert_eq!(site.protocols, protocols);
        let client = Client {
            trusts: vec![certificate],
            alpn: offered,
            ..Client::default()
        };
        let chosen = meet(&client.config(), site, "localhost").map(|met| {
            let name = met.server.alpn_protocol()?;
            Some(String::from_utf8(name.to_vec()).unwrap())
        });
        let expected = expected.map(|name| name.map(str::to_owned));
        assert_eq!(chosen, expected, "{protocols:?} {offered:?}");
    }
}

/// A site of these files.
fn site_of(certificate: &str, key: &str) -> (Folder, TlsSite) {
    let folder = Folder::new();
    let site = TlsSite::files(
        folder.file("cert.pem", certificate),
        folder.file("key.pem", key),
    );
    (folder, site)
}

fn load(site: TlsSite) -> Material {
    Tls::new().site("*", site).unwrap().load().unwrap()
}

#[test]
fn keys_of_every_kind_and_form_serve_both_versions() {
    let authority = Authority::new("root");
    let ecdsa = |algorithm| KeyPair::generate_for(algorithm).unwrap();
    let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    for (key, older) in [
        (
            ecdsa(&rcgen::PKCS_ECDSA_P256_SHA256),
            Some("EC PRIVATE KEY"),
        ),
        (
            ecdsa(&rcgen::PKCS_ECDSA_P384_SHA384),
            Some("EC PRIVATE KEY"),
        ),
        (
            ecdsa(&rcgen::PKCS_ECDSA_P521_SHA512),
            Some("EC PRIVATE KEY"),
        ),
        (ecdsa(&rcgen::PKCS_ED25519), None),
        (rsa, Some("RSA PRIVATE KEY")),
    ] {
        let issued = authority.issue_for("site.example", VALID, key);
        let mut forms = vec![issued.key_pem()];
        forms.extend(older.map(|label| pem(label, &issued.inner_key())));
        for form in forms {
            let (_folder, site) = site_of(&issued.pem(), &form);
            let material = load(site);
            assert_eq!(material.warnings(), []);
            let sites = material.sites(&TicketKeys::generate().unwrap()).unwrap();
            for version in [&TLS12, &TLS13] {
                let client = Client {
                    trusts: vec![authority.certificate()],
                    version: Some(version),
                    ..Client::default()
                };
                let site = sites.choose(None).unwrap();
                let met = meet(&client.config(), site, "site.example").unwrap();
                assert_eq!(met.version(), version.version);
            }
        }
    }
}

#[test]
fn the_whole_chain_is_sent() {
    let root = Authority::new("root");
    let between = root.below("between");
    let issued = between.issue("site.example");
    let (_folder, site) = site_of(&(issued.pem() + &between.pem()), &issued.key_pem());
    let sites = load(site).sites(&TicketKeys::generate().unwrap()).unwrap();
    let client = Client {
        trusts: vec![root.certificate()],
        ..Client::default()
    };
    meet(
        &client.config(),
        sites.choose(None).unwrap(),
        "site.example",
    )
    .unwrap();
}

#[test]
fn one_file_may_hold_certificate_and_key() {
    let issued = Authority::new("root").issue("site.example");
    let folder = Folder::new();
    for text in [
        issued.pem() + &issued.key_pem(),
        issued.key_pem() + &issued.pem(),
        // As tools of other systems leave it.
        format!("\u{feff}{}\r\n\r\n{}", issued.key_pem(), issued.pem()).replace('\n', "\r\n"),
        format!(
            "subject=CN = x\n{}\nissuer=\n{}",
            issued.pem(),
            issued.key_pem()
        ),
    ] {
        let path = folder.file("both.pem", text);
        let material = Tls::files(&path, &path).load().unwrap();
        assert_eq!(material.warnings(), []);
    }
}

#[test]
fn the_lowest_version_is_kept() {
    let authority = Authority::new("root");
    let issued = authority.issue("site.example");
    let (_folder, site) = site_of(&issued.pem(), &issued.key_pem());
    let sites = load(site.lowest_version(TlsVersion::Tls13))
        .sites(&TicketKeys::generate().unwrap())
        .unwrap();
    let met = |version| {
        let client = Client {
            trusts: vec![authority.certificate()],
            version: Some(version),
            ..Client::default()
        };
        meet(
            &client.config(),
            sites.choose(None).unwrap(),
            "site.example",
        )
    };
    assert!(met(&TLS13).is_ok());
    assert!(met(&TLS12).is_err());
}

/// A second round trip costs more than any key exchange.
#[test]
fn clients_that_share_a_key_of_a_group_of_ours_are_not_asked_again() {
    let (material, certificate) = Material::generated(&["localhost"], Protocols::Http1).unwrap();
    let sites = material.sites(&TicketKeys::generate().unwrap()).unwrap();
    for groups in [
        vec![kx_group::X25519],
        vec![kx_group::SECP256R1],
        vec![kx_group::SECP384R1],
        vec![kx_group::SECP256R1, kx_group::X25519],
        vec![
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::X25519MLKEM768,
        ],
        vec![kx_group::X25519MLKEM768, kx_group::X25519],
    ] {
        let preferred: NamedGroup = groups[0].name();
        let client = Client {
            trusts: vec![certificate.clone()],
            version: Some(&TLS13),
            groups,
            ..Client::default()
        };
        let met = meet(&client.config(), sites.choose(None).unwrap(), "localhost").unwrap();
        assert_eq!(met.kind(), HandshakeKind::Full, "{preferred:?}");
        let group = met.server.negotiated_key_exchange_group().unwrap();
        assert_eq!(group.name(), preferred);
    }
}

#[test]
fn nothing_is_shared_between_shards() {
    let (material, _) = Material::generated(&["localhost"], Protocols::Http1).unwrap();
    let keys = TicketKeys::generate().unwrap();
    let shards = [(); 2].map(|()| material.sites(&keys.clone()).unwrap());
    let [one, other] = shards
        .each_ref()
        .map(|sites| &sites.choose(None).unwrap().config);
    let address = |pointer: *const ()| pointer.addr();
    for (one, other) in [
        (
            address(Arc::as_ptr(one).cast()),
            address(Arc::as_ptr(other).cast()),
        ),
        (
            address(Arc::as_ptr(one.crypto_provider()).cast()),
            address(Arc::as_ptr(other.crypto_provider()).cast()),
        ),
        (
            address(Arc::as_ptr(&one.ticketer).cast()),
            address(Arc::as_ptr(&other.ticketer).cast()),
        ),
        (
            address(Arc::as_ptr(&one.cert_resolver).cast()),
            address(Arc::as_ptr(&other.cert_resolver).cast()),
        ),
    ] {
        assert_ne!(one, other);
    }
    for config in [one, other] {
        assert_eq!(Arc::strong_count(config), 1);
        // The configurations of the shard's site have these in common, and nobody else.
        assert_eq!(Arc::strong_count(&config.ticketer), 3);
        assert_eq!(Arc::strong_count(&config.cert_resolver), 3);
        assert_eq!(Arc::strong_count(&config.key_log), 2);
        assert_eq!(Arc::strong_count(&config.session_storage), 2);
        assert_eq!(Arc::strong_count(&config.time_provider), 2);
        assert_eq!(Arc::strong_count(&config.cert_compression_cache), 2);
        assert!(!config.session_storage.can_cache());
        assert!(config.cert_compressors.is_empty());
    }
}

/// Takes any certificate, and keeps the OCSP response that came with it.
#[derive(Debug, Default)]
struct Stapled(Mutex<Vec<u8>>);

impl ServerCertVerifier for Stapled {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = ocsp.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

#[test]
fn a_good_ocsp_response_comes_with_the_certificate() {
    let issued = Authority::new("root").issue("site.example");
    let (folder, site) = site_of(&issued.pem(), &issued.key_pem());
    let staple = response("site.example", "20200101000000Z", Some("29990101000000Z"));
    let material = load(site.ocsp(folder.file("ocsp.der", &staple)));
    assert_eq!(material.warnings(), []);
    let sites = material.sites(&TicketKeys::generate().unwrap()).unwrap();
    for version in [&TLS12, &TLS13] {
        let verifier = Arc::new(Stapled::default());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_no_client_auth();
        meet(
            &Arc::new(config),
            sites.choose(None).unwrap(),
            "site.example",
        )
        .unwrap();
        assert_eq!(*verifier.0.lock().unwrap(), staple);
    }
}

/// HTTP/2 must not be spoken over the suites of RFC 9113, appendix A: those without forward secrecy
/// or without authenticated encryption. None of them can be negotiated, so that there is no
/// connection that INADEQUATE_SECURITY would be for.
#[test]
fn no_suite_is_too_weak_for_http2() {
    for suite in &own_provider().cipher_suites {
        let name = format!("{:?}", suite.suite());
        let is_authenticated = name.contains("_GCM_") || name.contains("_CHACHA20_POLY1305_");
        let is_ephemeral = name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_");
        assert!(is_authenticated && is_ephemeral, "{name}");
    }
}
