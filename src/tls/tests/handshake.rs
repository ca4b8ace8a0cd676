//! What a site agrees on with clients of all kinds.

use std::sync::Arc;

use rustls::ProtocolVersion;

use super::peers::{client, meet};
use crate::http::Protocols;
use crate::tls::{Material, TicketKeys};

#[test]
fn a_generated_site_answers_for_all_names() {
    let (material, certificate) =
        Material::generated(&["localhost"], Protocols::Http1AndHttp2).unwrap();
    let sites = material.sites(&TicketKeys::generate().unwrap()).unwrap();
    let client = Arc::new(client(&[certificate], &["h2", "http/1.1"]));
    for name in [Some("localhost"), Some("example.com"), None] {
        let met = meet(&client, sites.choose(name).unwrap(), "localhost").unwrap();
        assert_eq!(met.version(), ProtocolVersion::TLSv1_3);
        assert_eq!(met.server.alpn_protocol(), Some(&b"h2"[..]));
    }
}
