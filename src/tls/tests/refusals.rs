//! Lines about client certificates that are refused.

use rcgen::KeyPair;

use super::authority::{Authority, Issued, Years};
use super::client_certificates::Server;
use crate::tls::{ClientCertificates, aside};

/// What an operator reads of a refusal: whose certificate, issued by whom, and why.
#[test]
fn a_refusal_names_subject_issuer_and_reason() {
    let server = Server::new();
    let authority = Authority::new("clients");
    let other = Authority::new("others");
    let between = authority.below("between");
    let key = || KeyPair::generate().unwrap();
    let old = authority.issue_for("old", Years(2010, 2011), key());
    let of = |lists: &[Vec<u8>], issued: &Issued, issuer: Option<&Authority>| {
        let trust = server.trust(&[&authority], lists);
        let sites = server.sites(ClientCertificates::Require(trust));
        let (met, told) = aside::listen(None, || server.meet(&sites, Some(issued), issuer));
        assert!(met.is_err());
        let text = told.refusal.unwrap().to_string();
        let start = "the client certificate of \"CN=";
        text.strip_prefix(start).expect(&text).to_owned()
    };
    let good = authority.issue("good");
    let (list, expired) = (
        authority.revoke(&["bad"], 2999),
        authority.revoke(&[], 2022),
    );
    for (said, expected) in [
        (
            of(&[], &old, None),
            r#"old", issued by "CN=clients", is refused: it has expired"#,
        ),
        (
            of(&[], &other.issue("stranger"), None),
            r#"stranger", issued by "CN=others", is refused: no authority of the client CA file has issued it"#,
        ),
        (
            of(std::slice::from_ref(&list), &authority.issue("bad"), None),
            r#"bad", issued by "CN=clients", is refused: it has been revoked"#,
        ),
        (
            of(&[expired], &good, None),
            r#"good", issued by "CN=clients", is refused: the revocation list of its issuer has expired"#,
        ),
        // An intermediate certificate that the client sends needs a list of its own.
        (
            of(&[list], &between.issue("far"), Some(&between)),
            r#"far", issued by "CN=between", is refused: there is no revocation list of its issuer, or of that of an intermediate certificate"#,
        ),
    ] {
        assert_eq!(said, expected);
    }
}
