//! Every mistake of an operator, with the one line that it is answered with.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};

use super::authority::{Authority, VALID, pem};
use super::folder::Folder;
use crate::tls::der::{Reader, SEQUENCE, context};
use crate::tls::{ClientAuthorities, ClientCertificates, Tls, TlsSite};

/// What goes wrong when a site of these two files is loaded, without the folder's name.
fn error_of(folder: &Folder, site: TlsSite) -> String {
    let error = Tls::new()
        .site("example.com", site)
        .unwrap()
        .load()
        .expect_err("there is a mistake in it");
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text.replace(&format!("{}/", folder.path().display()), "")
}

/// What goes wrong with this in the place of the certificate file.
fn certificate_error(content: &[u8], key: &str) -> String {
    let folder = Folder::new();
    let site = TlsSite::files(
        folder.file("cert.pem", content),
        folder.file("key.pem", key),
    );
    let text = error_of(&folder, site);
    let start = "TLS site example.com: certificate file cert.pem: ";
    text.strip_prefix(start).expect(&text).to_owned()
}

/// What goes wrong with this in the place of the key file.
fn key_error(certificate: &str, content: &[u8]) -> String {
    let folder = Folder::new();
    let certificate = folder.file("cert.pem", certificate);
    let site = TlsSite::files(certificate, folder.file("key.pem", content));
    let text = error_of(&folder, site);
    let start = "TLS site example.com: key file key.pem: ";
    text.strip_prefix(start).expect(&text).to_owned()
}

/// The certificate without its version, as those of version 1 are.
fn of_version_1(der: &[u8]) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, high, low], content].concat()
    };
    let mut whole = Reader::new(der).enter(SEQUENCE).unwrap();
    let mut fields = whole.enter(SEQUENCE).unwrap();
    fields.expect(context(0)).unwrap();
    let mut kept = Vec::new();
    while let Some(field) = fields.element() {
        kept.extend_from_slice(field.whole);
    }
    let mut parts = element(SEQUENCE, &kept);
    while let Some(part) = whole.element() {
        parts.extend_from_slice(part.whole);
    }
    element(SEQUENCE, &parts)
}

#[test]
fn mistakes_in_the_certificate_file() {
    let root = Authority::new("root");
    let issued = root.issue("example.com");
    let (certificate, key) = (issued.pem(), issued.key_pem());
    let request = CertificateParams::new(["example.com".to_owned()])
        .unwrap()
        .serialize_request(&issued.key)
        .unwrap()
        .pem()
        .unwrap();
    let broken = pem("CERTIFICATE", &issued.certificate[..100]);
    let old = pem("CERTIFICATE", &of_version_1(&issued.certificate));
    let is_key = "there is a private key in it and no certificate; the files of certificate and \
                  key may have been exchanged";
    let cut_off = "a PEM section is cut off or not base64; copy the file anew, whole";
    let no_pem = "there is nothing in PEM form in it; expected a line that begins with -----BEGIN";
    for (content, expected) in [
        (&b""[..], "the file is empty; write it anew"),
        (b"\n \r\n", "the file is empty; write it anew"),
        (b"certificate to follow\n", no_pem),
        (
            &issued.certificate,
            "the file is in DER form or a PKCS #12 store; expected PEM, as openssl x509, openssl \
             pkey and openssl pkcs12 write it",
        ),
        (&certificate.as_bytes()[..certificate.len() - 30], cut_off),
        (certificate.replacen("MI", "M!", 1).as_bytes(), cut_off),
        (key.as_bytes(), is_key),
        (
            request.as_bytes(),
            "there is a certificate request in it; expected the certificate that the issuer sent \
             back",
        ),
        (
            pem("PUBLIC KEY", &[1, 2, 3]).as_bytes(),
            "there is no certificate in it; expected -----BEGIN CERTIFICATE-----",
        ),
        (
            pem("TRUSTED CERTIFICATE", &issued.certificate).as_bytes(),
            "there is no certificate in it; expected -----BEGIN CERTIFICATE-----",
        ),
        (
            broken.as_bytes(),
            "certificate 1 of the file cannot be read; get it from its issuer anew",
        ),
        (
            (certificate.clone() + &broken).as_bytes(),
            "certificate 2 of the file cannot be read; get it from its issuer anew",
        ),
        (
            old.as_bytes(),
            "certificate 1 of the file is of an old version of X.509; expected version 3, which \
             has a subject alternative name",
        ),
    ] {
        assert_eq!(certificate_error(content, &key), expected);
    }
}

#[test]
fn mistakes_in_the_key_file() {
    let root = Authority::new("root");
    let issued = root.issue("example.com");
    let chain = issued.pem() + &root.pem();
    let other = root.issue_for("other.example", VALID, KeyPair::generate().unwrap());
    let encrypted = "the private key is encrypted and nobody is here to type its password; \
                     decrypt it with openssl pkey -in FILE -out NEW, and let only the server read \
                     the new file";
    let unusable = "the private key cannot be used; expected ECDSA on P-256, P-384 or P-521, RSA \
                    of 2048 to 8192 bits, or Ed25519";
    let missing = "there is no private key in it; expected -----BEGIN PRIVATE KEY-----, EC \
                   PRIVATE KEY or RSA PRIVATE KEY";
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\
                 \n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let mismatch = "the key belongs to another certificate; name the key that the certificate was \
                    requested with";
    for (content, expected) in [
        ("", "the file is empty; write it anew"),
        (
            issued.pem().as_str(),
            "there is a certificate in it and no private key; the files of certificate and key \
             may have been exchanged",
        ),
        (&pem("ENCRYPTED PRIVATE KEY", &[1, 2, 3]), encrypted),
        (older, encrypted),
        (&(issued.pem() + older), encrypted),
        (&pem("OPENSSH PRIVATE KEY", &[1, 2, 3]), missing),
        (&pem("EC PARAMETERS", &[1, 2, 3]), missing),
        (&pem("PRIVATE KEY", &[1, 2, 3]), unusable),
        (
            &pem("PRIVATE KEY", &issued.key.serialize_der()[..40]),
            unusable,
        ),
        (
            &(issued.key_pem() + &other.key_pem()),
            "there are several private keys in it; leave the one in use",
        ),
        (&other.key_pem(), mismatch),
    ] {
        assert_eq!(key_error(&chain, content.as_bytes()), expected);
    }
}

#[test]
fn a_chain_that_begins_with_the_issuer() {
    let root = Authority::new("root");
    let issued = root.issue("example.com");
    let turned = root.pem() + &issued.pem();
    assert_eq!(
        key_error(&turned, issued.key_pem().as_bytes()),
        "the key belongs to certificate 2 of the certificate file; put that one first, and its \
         issuers behind it"
    );
}

#[test]
fn files_that_cannot_be_read() {
    let issued = Authority::new("root").issue("example.com");
    let folder = Folder::new();
    let key = folder.file("key.pem", issued.key_pem());
    let place = "TLS site example.com: certificate file";
    for (path, expected) in [
        (
            "missing.pem",
            "missing.pem: there is no such file; check the path, which counts from the working \
             directory unless it begins with /",
        ),
        (
            "key.pem/cert.pem",
            "key.pem/cert.pem: there is no such file; check the path, which counts from the \
             working directory unless it begins with /",
        ),
        (".", ".: this is a directory; name the file in it"),
    ] {
        let site = TlsSite::files(folder.path().join(path), &key);
        assert_eq!(error_of(&folder, site), format!("{place} {expected}"));
    }
    // Without an end; it is read up to the bound only.
    let site = TlsSite::files("/dev/zero", &key);
    assert_eq!(
        error_of(&folder, site),
        format!(
            "{place} /dev/zero: the file has more than 4096 KiB, which none of its kind has; check \
             the path"
        )
    );
}

#[test]
fn a_file_without_permission() {
    let issued = Authority::new("root").issue("example.com");
    let folder = Folder::new();
    let key = folder.file("key.pem", issued.key_pem());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&key).is_ok() {
        // Nothing is forbidden to root.
        return;
    }
    let certificate = folder.file("cert.pem", issued.pem());
    assert_eq!(
        error_of(&folder, TlsSite::files(certificate, key)),
        "TLS site example.com: key file key.pem: permission denied; let the user that runs the \
         server read it and pass the directories above it"
    );
}

#[test]
fn mistakes_in_the_files_of_client_authorities() {
    let root = Authority::new("root");
    let issued = root.issue("example.com");
    let folder = Folder::new();
    let certificate = folder.file("cert.pem", issued.pem());
    let key = folder.file("key.pem", issued.key_pem());
    let authorities = folder.file("ca.pem", root.pem());
    let fault = |authorities: &Path, list: Option<&Path>| {
        let mut trust = ClientAuthorities::file(authorities);
        if let Some(list) = list {
            trust = trust.revocation_list(list);
        }
        let site = TlsSite::files(&certificate, &key)
            .client_certificates(ClientCertificates::Require(trust));
        let text = error_of(&folder, site);
        text.strip_prefix("TLS site example.com: ")
            .expect(&text)
            .to_owned()
    };
    let broken = root.pem() + &pem("CERTIFICATE", &root.certificate()[..90]);
    for (name, content, expected) in [
        ("empty.pem", "", "the file is empty; write it anew"),
        (
            "key.pem",
            &issued.key_pem(),
            "there is a private key in it and no certificate; the files of certificate and key may \
             have been exchanged",
        ),
        (
            "server.pem",
            &issued.pem(),
            "no certificate in it is that of an authority, so that no client would be accepted; \
             name the file of the authority that issues certificates to clients",
        ),
        (
            "broken.pem",
            &broken,
            "certificate 2 of the file cannot be read; get it from its issuer anew",
        ),
    ] {
        let expected = format!("client CA file {name}: {expected}");
        assert_eq!(fault(&folder.file(name, content), None), expected);
    }
    let list = root.revoke(&["a"], 2999);
    let missing = "there is no revocation list in it; expected -----BEGIN X509 CRL-----";
    let broken = "revocation list 1 of the file cannot be used; expected a complete list of one \
                  authority (no delta, no indirect list)";
    for (content, expected) in [
        (root.pem().into_bytes(), missing),
        (
            b"nothing".to_vec(),
            "there is nothing in PEM form in it; expected a line that begins \
                               with -----BEGIN",
        ),
        (list[..90].to_vec(), broken),
        (pem("X509 CRL", &list[..90]).into_bytes(), broken),
        (root.certificate().to_vec(), broken),
    ] {
        let list = folder.file("list.crl", content);
        let expected = format!("revocation list list.crl: {expected}");
        assert_eq!(fault(&authorities, Some(&list)), expected);
    }
}

#[test]
fn mistakes_in_the_settings() {
    let site = || TlsSite::files("cert.pem", "key.pem");
    for (pattern, expected) in [
        ("", "TLS site : the name is empty"),
        (
            "10.0.0.1",
            "TLS site 10.0.0.1: clients send no IP addresses as names; use a host name, or * for \
             all",
        ),
        (
            "example.com.",
            "TLS site example.com.: the name ends with a dot; leave the dot out",
        ),
        (
            "bücher.example",
            "TLS site bücher.example: the name has a character other than letters, digits, hyphens \
             and underscores; write international names in their xn-- form",
        ),
    ] {
        let error = Tls::new().site(pattern, site()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = Tls::files("cert.pem", "key.pem")
        .site("*", site())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "TLS site *: there are two sites for this name; remove one of them"
    );
    let error = Tls::new().load().unwrap_err();
    assert_eq!(
        error.to_string(),
        "TLS site *: there is no certificate; name one with --cert and --key, or describe a site"
    );
}

#[test]
fn every_file_that_is_read_is_watched() {
    let trust = ClientAuthorities::file("ca.pem")
        .revocation_list("one.crl")
        .revocation_list("two.crl");
    let tls = Tls::files("cert.pem", "key.pem")
        .site(
            "example.com",
            TlsSite::files("both.pem", "both.pem")
                .ocsp("staple.der")
                .client_certificates(ClientCertificates::Allow(trust)),
        )
        .unwrap();
    let watched = tls.watched_files();
    let expected = [
        "both.pem",
        "ca.pem",
        "cert.pem",
        "key.pem",
        "one.crl",
        "staple.der",
        "two.crl",
    ];
    assert_eq!(watched, expected.map(std::path::PathBuf::from));
}
