//! Sessions that go on: on other shards, after rotations; and where they must not.

use std::sync::Arc;

use rcgen::KeyPair;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};

use super::authority::{Authority, VALID};
use super::client_certificates::Server;
use super::peers::{Client, meet};
use crate::features::TlsVersion;
use crate::tls::{ClientCertificates, Sites, TicketKeys, Tls, TlsSite};

const NAME: &str = "site.example";
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// Meets the site for all names; whether a session went on.
fn is_resumed(client: &Arc<ClientConfig>, sites: &Sites) -> bool {
    let mut met = meet(client, sites.choose(None).unwrap(), NAME).unwrap();
    // The ticket of TLS 1.3 comes behind the handshake; `meet` has delivered it.
    assert!(met.client.process_new_packets().is_ok());
    met.kind() == HandshakeKind::Resumed
}

fn client(server: &Server, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let client = Client {
        trusts: vec![server.root.certificate()],
        version: Some(version),
        ..Client::default()
    };
    client.config()
}

#[test]
fn a_session_goes_on_at_any_shard() {
    let server = Server::new();
    let tls = Tls::new().site("*", server.site()).unwrap();
    let material = tls.load().unwrap();
    let shards = [(); 3].map(|()| material.sites(&server.keys.clone()).unwrap());
    for version in VERSIONS {
        let client = client(&server, version);
        assert!(!is_resumed(&client, &shards[0]));
        for shard in &shards {
            assert!(is_resumed(&client, shard), "{version:?}");
        }
    }
}

#[test]
fn a_session_survives_one_rotation() {
    let server = Server::new();
    let tls = Tls::new().site("*", server.site()).unwrap();
    let material = tls.load().unwrap();
    for version in VERSIONS {
        let mut keys = TicketKeys::generate().unwrap();
        let before = material.sites(&keys).unwrap();
        let kept = [(); 2].map(|()| {
            let client = client(&server, version);
            assert!(!is_resumed(&client, &before));
            client
        });
        keys.rotate().unwrap();
        let after = material.sites(&keys).unwrap();
        assert!(is_resumed(&kept[0], &after), "{version:?}");
        keys.rotate().unwrap();
        let later = material.sites(&keys).unwrap();
        // This one has had a ticket of the new key since.
        assert!(is_resumed(&kept[0], &later), "{version:?}");
        assert!(!is_resumed(&kept[1], &later), "{version:?}");
    }
}

#[test]
fn another_servers_keys_make_a_full_handshake() {
    let server = Server::new();
    let tls = Tls::new().site("*", server.site()).unwrap();
    let material = tls.load().unwrap();
    for version in VERSIONS {
        let client = client(&server, version);
        let sites = [(); 2].map(|()| {
            let keys = TicketKeys::generate().unwrap();
            material.sites(&keys).unwrap()
        });
        assert!(!is_resumed(&client, &sites[0]));
        assert!(!is_resumed(&client, &sites[1]), "{version:?}");
    }
}

/// Whether a session that began with `before` goes on with `after`, of a client with a certificate.
fn goes_on(server: &Server, clients: &Authority, before: &Sites, after: &Sites) -> bool {
    let issued = clients.issue("one");
    let outcomes = VERSIONS.map(|version| {
        let client = Client {
            trusts: vec![server.root.certificate()],
            version: Some(version),
            shows: Some((&issued, None)),
            ..Client::default()
        };
        let client = client.config();
        assert!(!is_resumed(&client, before));
        // Where the certificate is not taken any more the full handshake fails.
        let met = meet(&client, after.choose(None).unwrap(), NAME);
        met.is_ok_and(|met| met.kind() == HandshakeKind::Resumed)
    });
    assert_eq!(outcomes[0], outcomes[1]);
    outcomes[0]
}

#[test]
fn no_session_goes_on_under_other_demands() {
    let server = Server::new();
    let (clients, others) = (Authority::new("clients"), Authority::new("others"));
    let trust = |authorities: &[&Authority], revoked: Option<&[&str]>| {
        let lists = revoked.map(|names| {
            let lists = authorities.iter().map(|these| these.revoke(names, 2999));
            lists.collect::<Vec<_>>()
        });
        server.trust(authorities, &lists.unwrap_or_default())
    };
    // Each is read before the next overwrites the files.
    let demands = [
        server.sites(ClientCertificates::None),
        server.sites(ClientCertificates::Allow(trust(&[&clients], None))),
        server.sites(ClientCertificates::Require(trust(&[&clients], None))),
        server.sites(ClientCertificates::Require(trust(
            &[&clients, &others],
            None,
        ))),
        server.sites(ClientCertificates::Require(trust(&[&clients], Some(&[])))),
        server.sites(ClientCertificates::Require(trust(
            &[&clients],
            Some(&["two"]),
        ))),
    ];
    for (at, before) in demands.iter().enumerate() {
        for (other, after) in demands.iter().enumerate() {
            assert_eq!(
                goes_on(&server, &clients, before, after),
                at == other,
                "{at} {other}"
            );
        }
    }
}

#[test]
fn a_reload_ends_the_sessions_of_those_who_are_not_trusted_any_more() {
    let server = Server::new();
    let (clients, others) = (Authority::new("clients"), Authority::new("others"));
    let mode = |authorities: &[&Authority], lists: &[Vec<u8>]| {
        server.sites(ClientCertificates::Require(
            server.trust(authorities, lists),
        ))
    };
    let before = mode(&[&clients, &others], &[]);
    let without = mode(&[&others], &[]);
    assert!(!goes_on(&server, &clients, &before, &without));
    // One for one, so that only the bytes tell the difference.
    let (before, exchanged) = (mode(&[&clients], &[]), mode(&[&others], &[]));
    assert!(!goes_on(&server, &clients, &before, &exchanged));
    let before = mode(&[&clients], &[clients.revoke(&[], 2999)]);
    let revoked = mode(&[&clients], &[clients.revoke(&["one"], 2999)]);
    assert!(!goes_on(&server, &clients, &before, &revoked));
}

#[test]
fn a_reload_that_changes_nothing_ends_no_session() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let list = clients.revoke(&["two"], 2999);
    let sites = || {
        let trust = server.trust(&[&clients], std::slice::from_ref(&list));
        server.sites(ClientCertificates::Require(trust))
    };
    assert!(goes_on(&server, &clients, &sites(), &sites()));
}

#[test]
fn the_certificates_of_the_client_come_back_with_the_session() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let sites = server.sites(ClientCertificates::Require(server.trust(&[&clients], &[])));
    let site = sites.choose(None).unwrap();
    let issued = clients.issue("one");
    for version in VERSIONS {
        let client = Client {
            trusts: vec![server.root.certificate()],
            version: Some(version),
            shows: Some((&issued, None)),
            ..Client::default()
        };
        let client = client.config();
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let met = meet(&client, site, NAME).unwrap();
            assert_eq!(met.kind(), kind);
            let chain = met.server.peer_certificates().unwrap();
            assert_eq!(chain, std::slice::from_ref(&issued.certificate));
            assert!(site.admits(chain));
        }
    }
}

#[test]
fn no_session_goes_on_at_another_site() {
    let server = Server::new();
    let tls = Tls::new()
        .site("one.example", server.site())
        .unwrap()
        .site("*.example", server.site())
        .unwrap()
        .site("*", server.site())
        .unwrap();
    let sites = tls.load().unwrap().sites(&server.keys).unwrap();
    let names = [Some("one.example"), Some("two.example"), None];
    for version in VERSIONS {
        for one in names {
            for other in names {
                let client = client(&server, version);
                let meet_at = |name| meet(&client, sites.choose(name).unwrap(), NAME).unwrap();
                assert_eq!(meet_at(one).kind(), HandshakeKind::Full);
                let is_resumed = meet_at(other).kind() == HandshakeKind::Resumed;
                assert_eq!(is_resumed, one == other, "{one:?} {other:?}");
            }
        }
    }
}

#[test]
fn a_new_certificate_or_a_higher_version_ends_sessions() {
    let server = Server::new();
    let sites = |site: TlsSite| {
        let tls = Tls::new().site("*", site).unwrap();
        tls.load().unwrap().sites(&server.keys).unwrap()
    };
    let before = sites(server.site());
    let higher = sites(server.site().lowest_version(TlsVersion::Tls13));
    let renewed = server
        .root
        .issue_for(NAME, VALID, KeyPair::generate().unwrap());
    let renewed = sites(TlsSite::files(
        server.folder.file("new.pem", renewed.pem()),
        server.folder.file("new.key", renewed.key_pem()),
    ));
    for after in [&higher, &renewed] {
        let client = client(&server, &TLS13);
        assert!(!is_resumed(&client, &before));
        assert!(!is_resumed(&client, after));
    }
}

#[test]
fn one_ticket_is_given_for_a_handshake() {
    let server = Server::new();
    let sites = server.sites(ClientCertificates::None);
    let mut met = meet(&client(&server, &TLS13), sites.choose(None).unwrap(), NAME).unwrap();
    assert!(met.client.process_new_packets().is_ok());
    assert_eq!(met.client.tls13_tickets_received(), 1);
}
