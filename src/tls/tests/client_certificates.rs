//! Whom a site lets in, by its mode, its authorities and what they have revoked.

use rcgen::KeyPair;
use rustls::version::{TLS12, TLS13};
use rustls::{CertRevocationListError, CertificateError, Error};

use super::authority::{Authority, Issued, VALID, Years, pem};
use super::folder::Folder;
use super::peers::{Client, Met, meet};
use crate::tls::{ClientAuthorities, ClientCertificates, Sites, TicketKeys, Tls, TlsSite};

/// A server with its own certificate, and the authorities that matter to the tests.
pub(super) struct Server {
    pub(super) folder: Folder,
    pub(super) root: Authority,
    pub(super) certificate: Issued,
    pub(super) keys: TicketKeys,
}

impl Server {
    pub(super) fn new() -> Self {
        let root = Authority::new("server root");
        Self {
            folder: Folder::new(),
            certificate: root.issue("site.example"),
            root,
            keys: TicketKeys::generate().unwrap(),
        }
    }

    /// A site for all names.
    pub(super) fn site(&self) -> TlsSite {
        TlsSite::files(
            self.folder.file("cert.pem", self.certificate.pem()),
            self.folder.file("key.pem", self.certificate.key_pem()),
        )
    }

    pub(super) fn sites(&self, clients: ClientCertificates) -> Sites {
        let site = self.site().client_certificates(clients);
        let tls = Tls::new().site("*", site).unwrap();
        tls.load().unwrap().sites(&self.keys).unwrap()
    }

    /// The authorities in these certificates with these lists.
    pub(super) fn trust(&self, authorities: &[&Authority], lists: &[Vec<u8>]) -> ClientAuthorities {
        let authorities: String = authorities.iter().map(|these| these.pem()).collect();
        let file = self.folder.file("ca.pem", authorities);
        let lists = lists.iter().enumerate().map(|(number, list)| {
            let is_pem = number % 2 == 0;
            let content = if is_pem {
                pem("X509 CRL", list).into_bytes()
            } else {
                list.clone()
            };
            self.folder.file(&format!("{number}.crl"), content)
        });
        lists.fold(
            ClientAuthorities::file(file),
            ClientAuthorities::revocation_list,
        )
    }

    /// A client with this certificate meets the site, with both versions and the same outcome.
    pub(super) fn meet(
        &self,
        sites: &Sites,
        shows: Option<&Issued>,
        issuer: Option<&Authority>,
    ) -> Result<Met, Error> {
        let outcomes = [&TLS12, &TLS13].map(|version| {
            let client = Client {
                trusts: vec![self.root.certificate()],
                version: Some(version),
                shows: shows.map(|issued| (issued, issuer.map(Authority::certificate))),
                ..Client::default()
            };
            meet(
                &client.config(),
                sites.choose(None).unwrap(),
                "site.example",
            )
        });
        let errors = outcomes
            .each_ref()
            .map(|outcome| outcome.as_ref().err().cloned());
        assert_eq!(untimed(&errors[0]), untimed(&errors[1]));
        let [_, outcome] = outcomes;
        outcome
    }
}

/// What an error says, but for the second in which it was met: another one may have begun since.
fn untimed(error: &Option<Error>) -> String {
    let text = format!("{error:?}");
    match text.split_once("{ time: UnixTime(") {
        Some((before, rest)) => {
            let behind = rest.split_once(')').map_or("", |(_, behind)| behind);
            format!("{before}{behind}")
        }
        None => text,
    }
}

fn refusal(outcome: Result<Met, Error>) -> CertificateError {
    match outcome {
        Err(Error::InvalidCertificate(error)) => error,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it was let in"),
    }
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

#[test]
fn a_site_that_does_not_ask_gets_none() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let sites = server.sites(ClientCertificates::None);
    for shows in [None, Some(&clients.issue("one"))] {
        let met = server.meet(&sites, shows, None).unwrap();
        assert!(met.server.peer_certificates().is_none());
        assert!(sites.choose(None).unwrap().admits(&[]));
    }
}

#[test]
fn allow_takes_a_valid_certificate_or_none() {
    let server = Server::new();
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let sites = server.sites(ClientCertificates::Allow(server.trust(&[&clients], &[])));
    let one = clients.issue("one");
    let met = server.meet(&sites, Some(&one), None).unwrap();
    assert_eq!(met.server.peer_certificates(), Some(&[one.certificate][..]));
    let met = server.meet(&sites, None, None).unwrap();
    assert!(met.server.peer_certificates().is_none());
    let outcome = server.meet(&sites, Some(&strangers.issue("one")), None);
    assert_eq!(refusal(outcome), CertificateError::UnknownIssuer);
}

#[test]
fn require_takes_a_valid_certificate_only() {
    let server = Server::new();
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let sites = server.sites(ClientCertificates::Require(server.trust(&[&clients], &[])));
    assert!(
        server
            .meet(&sites, Some(&clients.issue("one")), None)
            .is_ok()
    );
    let outcome = server.meet(&sites, None, None);
    assert_eq!(outcome.err(), Some(Error::NoCertificatesPresented));
    let outcome = server.meet(&sites, Some(&strangers.issue("one")), None);
    assert_eq!(refusal(outcome), CertificateError::UnknownIssuer);
    // The same name does not make the same authority.
    let outcome = server.meet(&sites, Some(&Authority::new("clients").issue("one")), None);
    assert_eq!(refusal(outcome), CertificateError::BadSignature);
}

#[test]
fn certificates_out_of_their_time_are_refused() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let sites = server.sites(ClientCertificates::Allow(server.trust(&[&clients], &[])));
    let expired = clients.issue_for("one", Years(2020, 2021), key());
    let outcome = refusal(server.meet(&sites, Some(&expired), None));
    assert!(
        matches!(outcome, CertificateError::ExpiredContext { .. }),
        "{outcome:?}"
    );
    let early = clients.issue_for("one", Years(2998, 2999), key());
    let outcome = refusal(server.meet(&sites, Some(&early), None));
    assert!(
        matches!(outcome, CertificateError::NotValidYetContext { .. }),
        "{outcome:?}"
    );
}

#[test]
fn several_authorities_may_be_trusted() {
    let server = Server::new();
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let sites = server.sites(ClientCertificates::Require(
        server.trust(&[&one, &other], &[]),
    ));
    assert!(server.meet(&sites, Some(&one.issue("a")), None).is_ok());
    assert!(server.meet(&sites, Some(&other.issue("a")), None).is_ok());
}

#[test]
fn a_chain_of_the_client_leads_to_an_authority() {
    let server = Server::new();
    let root = Authority::new("root");
    let between = root.below("between");
    let sites = server.sites(ClientCertificates::Require(server.trust(&[&root], &[])));
    let issued = between.issue("one");
    let met = server.meet(&sites, Some(&issued), Some(&between)).unwrap();
    assert_eq!(met.server.peer_certificates().map(<[_]>::len), Some(2));
    let outcome = server.meet(&sites, Some(&issued), None);
    assert_eq!(refusal(outcome), CertificateError::UnknownIssuer);
}

#[test]
fn what_is_revoked_is_refused_and_nothing_else() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let list = clients.revoke(&["two", "four"], 2999);
    let trust = server.trust(&[&clients], &[list]);
    for mode in [
        ClientCertificates::Allow(trust.clone()),
        ClientCertificates::Require(trust),
    ] {
        let sites = server.sites(mode);
        for (name, is_revoked) in [
            ("one", false),
            ("two", true),
            ("three", false),
            ("four", true),
        ] {
            let outcome = server.meet(&sites, Some(&clients.issue(name)), None);
            if is_revoked {
                assert_eq!(refusal(outcome), CertificateError::Revoked);
            } else {
                assert!(outcome.is_ok());
            }
        }
    }
}

#[test]
fn where_the_lists_cannot_tell_the_client_is_refused() {
    let server = Server::new();
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let lists = [one.revoke(&[], 2999)];
    let sites = server.sites(ClientCertificates::Require(
        server.trust(&[&one, &other], &lists),
    ));
    assert!(server.meet(&sites, Some(&one.issue("a")), None).is_ok());
    let outcome = server.meet(&sites, Some(&other.issue("a")), None);
    assert_eq!(refusal(outcome), CertificateError::UnknownRevocationStatus);
    // With a list of each.
    let lists = [one.revoke(&[], 2999), other.revoke(&["b"], 2999)];
    let sites = server.sites(ClientCertificates::Require(
        server.trust(&[&one, &other], &lists),
    ));
    assert!(server.meet(&sites, Some(&other.issue("a")), None).is_ok());
    let outcome = server.meet(&sites, Some(&other.issue("b")), None);
    assert_eq!(refusal(outcome), CertificateError::Revoked);
}

#[test]
fn every_certificate_of_a_chain_is_looked_up() {
    let server = Server::new();
    let root = Authority::new("root");
    let between = root.below("between");
    let issued = between.issue("one");
    let meet = |lists: &[Vec<u8>]| {
        let sites = server.sites(ClientCertificates::Require(server.trust(&[&root], lists)));
        server.meet(&sites, Some(&issued), Some(&between))
    };
    let both = [root.revoke(&[], 2999), between.revoke(&[], 2999)];
    assert!(meet(&both).is_ok());
    assert_eq!(
        refusal(meet(&both[1..])),
        CertificateError::UnknownRevocationStatus
    );
    assert_eq!(
        refusal(meet(&both[..1])),
        CertificateError::UnknownRevocationStatus
    );
}

#[test]
fn a_list_counts_until_its_successor_was_due() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let lists = [clients.revoke(&["two"], 2022)];
    let sites = server.sites(ClientCertificates::Require(
        server.trust(&[&clients], &lists),
    ));
    let outcome = refusal(server.meet(&sites, Some(&clients.issue("one")), None));
    let is_expired = matches!(
        outcome,
        CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. }
    );
    assert!(is_expired, "{outcome:?}");
}

#[test]
fn a_list_that_its_authority_did_not_sign_is_not_believed() {
    let server = Server::new();
    let clients = Authority::new("clients");
    // Of the same name, by another key.
    let lists = [Authority::new("clients").revoke(&["two"], 2999)];
    let sites = server.sites(ClientCertificates::Require(
        server.trust(&[&clients], &lists),
    ));
    let outcome = server.meet(&sites, Some(&clients.issue("one")), None);
    assert_eq!(
        outcome.err(),
        Some(Error::InvalidCertRevocationList(
            CertRevocationListError::BadSignature
        ))
    );
}

#[test]
fn each_site_has_its_own_demands() {
    let server = Server::new();
    let clients = Authority::new("clients");
    let strict = server
        .site()
        .client_certificates(ClientCertificates::Require(server.trust(&[&clients], &[])));
    let tls = Tls::new()
        .site("strict.example", strict)
        .unwrap()
        .site("*", server.site())
        .unwrap();
    let sites = tls.load().unwrap().sites(&server.keys).unwrap();
    let client = Client {
        trusts: vec![server.root.certificate()],
        ..Client::default()
    };
    let meet_at = |name| {
        let site = sites.choose(Some(name)).unwrap();
        meet(&client.config(), site, "site.example").map(|_| ())
    };
    assert_eq!(
        meet_at("strict.example"),
        Err(Error::NoCertificatesPresented)
    );
    assert_eq!(meet_at("site.example"), Ok(()));
}

#[test]
fn a_chain_is_judged_anew_on_demand() {
    let server = Server::new();
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let lists = [clients.revoke(&["two"], 2999)];
    let trust = server.trust(&[&clients], &lists);
    let expired = clients.issue_for("one", Years(2020, 2021), key());
    let valid = clients.issue_for("one", VALID, key());
    for (mode, admits_none) in [
        (ClientCertificates::Allow(trust.clone()), true),
        (ClientCertificates::Require(trust), false),
    ] {
        let sites = server.sites(mode);
        let site = sites.choose(None).unwrap();
        assert_eq!(site.admits(&[]), admits_none);
        assert!(site.admits(std::slice::from_ref(&valid.certificate)));
        assert!(!site.admits(std::slice::from_ref(&expired.certificate)));
        assert!(!site.admits(&[clients.issue("two").certificate]));
        assert!(!site.admits(&[strangers.issue("one").certificate]));
        assert!(!site.admits(&[b"garbage".to_vec().into()]));
    }
}
