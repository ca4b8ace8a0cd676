//! What is served in spite of a doubt, with the line that says so.

use std::time::Duration;

use rcgen::KeyPair;

use super::authority::{Authority, VALID, Years, pem};
use super::folder::Folder;
use crate::tls::der::Reader;
use crate::tls::ocsp::tests::response;
use crate::tls::x509::CertificateFacts;
use crate::tls::{ClientAuthorities, ClientCertificates, Material, TicketKeys, Tls, TlsSite};

/// The warnings of one site, without what they all begin with.
fn warnings_of(folder: &Folder, pattern: &str, site: TlsSite) -> Vec<String> {
    let material = Tls::new().site(pattern, site).unwrap().load().unwrap();
    assert!(material.sites(&TicketKeys::generate().unwrap()).is_ok());
    texts(folder, pattern, &material)
}

fn texts(folder: &Folder, pattern: &str, material: &Material) -> Vec<String> {
    let start = format!("TLS site {pattern}: ");
    let folder = format!("{}/", folder.path().display());
    let shorten = |text: String| {
        assert!(!text.contains('\n'), "{text}");
        text.strip_prefix(&start).expect(&text).replace(&folder, "")
    };
    let warnings = material.warnings().iter();
    warnings
        .map(|warning| shorten(warning.to_string()))
        .collect()
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

#[test]
fn certificates_out_of_their_time() {
    let root = Authority::new("root");
    for (years, expected) in [
        (VALID, None),
        (
            Years(2020, 2021),
            Some(
                "certificate file cert.pem: certificate 1 of the file expired on Fri, 01 Jan 2021 \
                 00:00:00 GMT; clients will refuse it, renew it",
            ),
        ),
        (
            Years(2998, 2999),
            Some(
                "certificate file cert.pem: certificate 1 of the file is valid from Mon, 01 Jan \
                 2998 00:00:00 GMT on; clients will refuse it, check the clock of this machine",
            ),
        ),
    ] {
        let issued = root.issue_for("example.com", years, key());
        let folder = Folder::new();
        let site = TlsSite::files(
            folder.file("cert.pem", issued.pem()),
            folder.file("key.pem", issued.key_pem()),
        );
        assert_eq!(
            warnings_of(&folder, "example.com", site),
            expected.as_slice()
        );
    }
}

#[test]
fn chains_out_of_order() {
    let root = Authority::new("root");
    let between = root.below("between");
    let issued = between.issue("example.com");
    let other = Authority::new("other");
    let concern = |place: usize| {
        format!(
            "certificate file cert.pem: certificate {place} of the file is not that of the issuer \
             of the one before it; some clients will refuse it, put them in order and leave out \
             the rest"
        )
    };
    for (chain, expected) in [
        (vec![], vec![]),
        (vec![&between], vec![]),
        (vec![&between, &root], vec![]),
        (vec![&root, &between], vec![concern(2), concern(3)]),
        (vec![&between, &other], vec![concern(3)]),
        (vec![&between, &between], vec![concern(3)]),
    ] {
        let rest: String = chain.into_iter().map(Authority::pem).collect();
        let folder = Folder::new();
        let site = TlsSite::files(
            folder.file("cert.pem", issued.pem() + &rest),
            folder.file("key.pem", issued.key_pem()),
        );
        assert_eq!(warnings_of(&folder, "example.com", site), expected);
    }
}

#[test]
fn certificates_for_other_names() {
    let root = Authority::new("root");
    let folder = Folder::new();
    let concern = "certificate file cert.pem: the certificate is not for the name of this site; \
                   clients will refuse it, name the right file";
    for (pattern, name, is_right) in [
        ("example.com", "example.com", true),
        ("EXAMPLE.com", "example.com", true),
        ("www.example.com", "*.example.com", true),
        ("*.example.com", "*.example.com", true),
        ("*", "anything.example", true),
        ("example.com", "example.org", false),
        ("example.com", "*.example.com", false),
        ("*.example.com", "example.com", false),
        ("*.example.com", "www.example.com", false),
    ] {
        let issued = root.issue(name);
        let site = TlsSite::files(
            folder.file("cert.pem", issued.pem()),
            folder.file("key.pem", issued.key_pem()),
        );
        let expected: &[&str] = if is_right { &[] } else { &[concern] };
        let found = warnings_of(&folder, &pattern.to_ascii_lowercase(), site);
        assert_eq!(found, expected, "{pattern} {name}");
    }
}

#[test]
fn a_key_beside_the_certificate() {
    let issued = Authority::new("root").issue("example.com");
    let folder = Folder::new();
    let site = TlsSite::files(
        folder.file("cert.pem", issued.pem() + &issued.key_pem()),
        folder.file("key.pem", issued.key_pem()),
    );
    assert_eq!(
        warnings_of(&folder, "example.com", site),
        [
            "certificate file cert.pem: there is a private key in it, which is not used; take it \
             out if it is not meant for all who may read certificates"
        ]
    );
}

#[test]
fn ocsp_responses_that_are_not_sent() {
    let issued = Authority::new("root").issue("example.com");
    let folder = Folder::new();
    let certificate = folder.file("cert.pem", issued.pem());
    let key = folder.file("key.pem", issued.key_pem());
    let other = response("other.example", "20200101000000Z", Some("29990101000000Z"));
    let old = response("example.com", "20200101000000Z", Some("20210101000000Z"));
    for (content, expected) in [
        (&b""[..], "the file is empty; write it anew"),
        (
            b"-----BEGIN",
            "there is no successful response in it; expected the DER form, as openssl ocsp \
             -respout writes it",
        ),
        (&other, "it is about another certificate; fetch it anew"),
        (&old, "it does not count any more; fetch it anew"),
    ] {
        let staple = folder.file("staple.der", content);
        let site = TlsSite::files(&certificate, &key).ocsp(staple);
        let material = Tls::new()
            .site("example.com", site)
            .unwrap()
            .load()
            .unwrap();
        assert!(material.staples().is_empty());
        assert_eq!(
            texts(&folder, "example.com", &material),
            [format!(
                "OCSP response staple.der: no OCSP response is sent: {expected}"
            )]
        );
    }
    let site = TlsSite::files(&certificate, &key).ocsp(folder.path().join("missing.der"));
    assert_eq!(
        warnings_of(&folder, "example.com", site),
        [
            "OCSP response missing.der: no OCSP response is sent: there is no such file; check the \
             path, which counts from the working directory unless it begins with /"
        ]
    );
}

#[test]
fn revocation_lists_that_do_not_do() {
    let (root, other) = (Authority::new("root"), Authority::new("other"));
    let issued = root.issue("example.com");
    let folder = Folder::new();
    let certificate = folder.file("cert.pem", issued.pem());
    let key = folder.file("key.pem", issued.key_pem());
    let site = |authorities: &str, list: &[u8]| {
        let trust = ClientAuthorities::file(folder.file("ca.pem", authorities))
            .revocation_list(folder.file("list.crl", list));
        TlsSite::files(&certificate, &key).client_certificates(ClientCertificates::Allow(trust))
    };
    let found = warnings_of(
        &folder,
        "example.com",
        site(&root.pem(), &root.revoke(&[], 2999)),
    );
    assert_eq!(found, [""; 0]);
    let lists =
        pem("X509 CRL", &root.revoke(&[], 2999)) + &pem("X509 CRL", &root.revoke(&[], 2022));
    let found = warnings_of(&folder, "example.com", site(&root.pem(), lists.as_bytes()));
    assert_eq!(
        found,
        [
            "revocation list list.crl: revocation list 2 of the file expired on Sat, 01 Jan 2022 \
             00:00:00 GMT; clients of this authority are refused, fetch it anew"
        ]
    );
    let both = root.pem() + &other.pem();
    let found = warnings_of(&folder, "example.com", site(&both, &root.revoke(&[], 2999)));
    assert_eq!(
        found,
        [
            "client CA file ca.pem: there is no revocation list of authority 2 of the file, though \
             there are of others; its clients are refused, add one"
        ]
    );
}

#[test]
fn what_ceases_to_count_first_is_known() {
    let root = Authority::new("root");
    let folder = Folder::new();
    let new_year = |year: &str| {
        let text = format!("{year}0101000000Z");
        let bytes = [&[0x18, 15], text.as_bytes()].concat();
        Reader::new(&bytes).time().unwrap()
    };
    let second = Duration::from_secs(1);
    for (certificate, list, staple, expected) in [
        (
            2700,
            2800,
            "29000101000000Z",
            Some(new_year("2700") + second),
        ),
        (2800, 2700, "29000101000000Z", Some(new_year("2700"))),
        (2900, 2800, "27000101000000Z", Some(new_year("2700"))),
        // What has ceased already is a warning.
        (2021, 2022, "29000101000000Z", Some(new_year("2900"))),
        (2021, 2700, "20210101000000Z", Some(new_year("2700"))),
        (2021, 2022, "20210101000000Z", None),
    ] {
        let issued = root.issue_for("example.com", Years(2020, certificate), key());
        let trust = ClientAuthorities::file(folder.file("ca.pem", root.pem()))
            .revocation_list(folder.file("list.crl", root.revoke(&[], list)));
        let staple = response("example.com", "20200101000000Z", Some(staple));
        let site = TlsSite::files(
            folder.file("cert.pem", issued.pem()),
            folder.file("key.pem", issued.key_pem()),
        )
        .ocsp(folder.file("staple.der", staple))
        .client_certificates(ClientCertificates::Allow(trust));
        let tls = Tls::new().site("example.com", site).unwrap();
        assert_eq!(tls.load().unwrap().stale_from(), expected);
    }
}

#[test]
fn a_certificate_without_names_and_a_stranger_among_authorities() {
    let root = Authority::new("root");
    let folder = Folder::new();
    let nameless = root.below("nameless");
    let issued = root.issue("site.example");
    let authorities = root.pem() + &issued.pem();
    let site = TlsSite::files(
        folder.file("cert.pem", issued.pem()),
        folder.file("key.pem", issued.key_pem()),
    )
    .client_certificates(ClientCertificates::Require(ClientAuthorities::file(
        folder.file("ca.pem", authorities),
    )));
    assert_eq!(
        warnings_of(&folder, "site.example", site),
        [
            "client CA file ca.pem: certificate 2 of the file is not that of an authority; no client \
          is accepted by it, leave it out"
        ]
    );
    for (der, has_names, is_authority) in [
        (nameless.certificate(), false, true),
        (issued.certificate.clone(), true, false),
    ] {
        let facts = CertificateFacts::read(&der).unwrap();
        assert_eq!(
            (facts.has_names, facts.is_authority),
            (has_names, is_authority)
        );
    }
}
