//! `lanner dev-certs`, and https on localhost with the certificate that it shows, as other programs
//! judge them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Test, tests};
use crate::program::{CURL, OPENSSL, text};
use crate::support::client::Client;
use crate::support::command::Process;
use crate::support::dev_certs::{dev_certs, run};
use crate::support::tls::{Directory, connect_trusting};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

pub(crate) const TESTS: [Test; 3] = tests! {
    it_shows_renews_and_tells_how_to_trust: [OPENSSL];
    other_programs_accept_it_for_localhost_alone: [OPENSSL];
    https_on_localhost_makes_it_and_says_so_once: [CURL];
};

fn openssl(arguments: &[&str]) -> String {
    text(OPENSSL.output(arguments, b""))
}

fn it_shows_renews_and_tells_how_to_trust() {
    let data = Directory::new();
    let (server, authority) = (
        data.name("lanner/localhost.pem"),
        data.name("lanner/localhost-ca.pem"),
    );
    for arguments in [[].as_slice(), &["show"], &["trust"]] {
        let (said, code) = run(&data, arguments);
        assert!(
            said.contains(&server) && said.contains("lanner dev-certs renew"),
            "{said}"
        );
        assert_eq!(code, Some(1));
    }
    assert!(
        !fs::exists(data.path().join("lanner")).unwrap(),
        "to ask makes nothing"
    );

    let (made, code) = run(&data, &["renew"]);
    assert_eq!(code, Some(0));
    assert_eq!(run(&data, &[]), (made.clone(), Some(0)));
    assert!(
        made.contains(&server) && made.contains(&authority),
        "{made}"
    );
    assert!(
        made.contains("localhost, *.dev.localhost, 127.0.0.1, ::1"),
        "{made}"
    );
    for file in [&server, &authority] {
        let said = openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-in", file]);
        let (_, fingerprint) = said.trim().split_once('=').unwrap();
        assert!(made.contains(fingerprint), "{fingerprint}: {made}");
    }
    let mode = |name: &str| fs::metadata(data.name(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("lanner"), mode("lanner/localhost.pem")),
        (0o700, 0o600)
    );

    let (said, code) = run(&data, &["trust"]);
    assert_eq!(code, Some(0));
    for word in [
        &authority,
        "--cacert",
        "update-ca-certificates",
        "update-ca-trust",
        "certutil",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_ne!(run(&data, &["renew"]).0, made);
}

fn other_programs_accept_it_for_localhost_alone() {
    let data = Directory::new();
    run(&data, &["renew"]);
    let (server, authority) = (
        data.name("lanner/localhost.pem"),
        data.name("lanner/localhost-ca.pem"),
    );
    for name in ["localhost", "app.dev.localhost"] {
        openssl(&[
            "verify",
            "-x509_strict",
            "-CAfile",
            &authority,
            "-verify_hostname",
            name,
            &server,
        ]);
    }
    for address in ["127.0.0.1", "::1"] {
        openssl(&[
            "verify",
            "-x509_strict",
            "-CAfile",
            &authority,
            "-verify_ip",
            address,
            &server,
        ]);
    }
    let arguments = [
        "verify",
        "-CAfile",
        &authority,
        "-verify_hostname",
        "example.com",
        &server,
    ];
    assert!(!OPENSSL.run(&arguments, b"").status.success());
}

fn https_on_localhost_makes_it_and_says_so_once() {
    let data = Directory::new();
    let arguments = ["run", "--urls", "https://127.0.0.1:0", "--shards", "1"];
    for is_first in [true, false] {
        let mut process = Process::spawn(&mut dev_certs(&data, &arguments));
        let address = process.address();
        let authority = data.name("lanner/localhost-ca.pem");
        let url = format!("https://{address}/plaintext");
        let to = format!("localhost:443:{address}");
        let by_name = ["--connect-to", &to, "https://localhost/plaintext"];
        for more in [[url.as_str()].as_slice(), &by_name] {
            let common = [
                "-sS",
                "--max-time",
                "60",
                "--noproxy",
                "*",
                "--cacert",
                &authority,
            ];
            let body = CURL.output(&[common.as_slice(), more].concat(), b"");
            assert_eq!(body, b"Hello, World!");
        }
        // Another judge of certificates than OpenSSL, and all names.
        let trusted = CertificateDer::from_pem_file(&authority).unwrap();
        for name in ["localhost", "a.dev.localhost", "127.0.0.1", "::1"] {
            let stream = connect_trusting(address, trusted.clone(), name).unwrap();
            assert_eq!(Client::over(stream).get("/plaintext").status, 200, "{name}");
        }
        assert!(connect_trusting(address, trusted, "example.com").is_err());
        process.signal("TERM");
        let (status, _, stderr) = process.wait();
        assert_eq!(status.code(), Some(0));
        assert_eq!(stderr.lines().count(), usize::from(is_first), "{stderr}");
        if is_first {
            assert!(
                stderr.contains(&data.name("lanner/localhost.pem")),
                "{stderr}"
            );
            assert!(stderr.contains("lanner dev-certs trust"), "{stderr}");
        }
    }
}
