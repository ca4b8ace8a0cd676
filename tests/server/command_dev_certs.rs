//! `lanner dev-certs`, and https on localhost with the certificate that it shows.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::client::Client;
use crate::support::command::{Process, lanner, output};
use crate::support::programs;
use crate::support::tls::{Directory, connect_trusting};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The command with a data directory of the test's own.
fn dev_certs(data: &Directory, arguments: &[&str]) -> Command {
    let mut command = lanner(arguments);
    command.env("XDG_DATA_HOME", data.path());
    command
}

/// What the command says, and its exit code.
fn run(data: &Directory, arguments: &[&str]) -> (String, Option<i32>) {
    let output = output(&mut dev_certs(
        data,
        &[["dev-certs"].as_slice(), arguments].concat(),
    ));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

fn openssl(arguments: &[&str]) -> String {
    String::from_utf8(programs::output("openssl", "openssl", arguments, b"")).unwrap()
}

#[test]
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

#[test]
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
    assert!(
        !programs::run("openssl", "openssl", &arguments, b"")
            .status
            .success()
    );
}

#[test]
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
            let body = programs::output("curl", "curl", &[common.as_slice(), more].concat(), b"");
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

#[test]
fn a_server_that_runs_takes_a_renewed_one() {
    let data = Directory::new();
    let arguments = ["run", "--urls", "https://127.0.0.1:0", "--shards", "1"];
    let mut process = Process::spawn(&mut dev_certs(&data, &arguments));
    let address = process.address();
    run(&data, &["renew"]);
    let authority = data.name("lanner/localhost-ca.pem");
    let url = format!("https://{address}/plaintext");
    crate::support::eventually("clients of the new authority are served", || {
        let arguments = [
            "-sS",
            "--max-time",
            "60",
            "--noproxy",
            "*",
            "--cacert",
            &authority,
            &url,
        ];
        programs::run("curl", "curl", &arguments, b"")
            .status
            .success()
    });
}

/// Runs a server that must fail to start with one line, with this exit code.
fn failure(arguments: &[&str], code: i32) -> String {
    let data = Directory::new();
    let all = [["run", "--shards", "1"].as_slice(), arguments].concat();
    let output = output(&mut dev_certs(&data, &all));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    if stderr.starts_with("lanner: ") {
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    stderr
}

#[test]
fn certificates_that_are_missing_or_of_no_use_keep_a_server_from_starting() {
    for url in [
        "https://*:0",
        "https://192.0.2.1:0",
        "https://unix:@lanner-none",
    ] {
        let line = failure(&["--urls", url], 2);
        assert!(line.contains("--cert FILE and --key FILE"), "{line}");
    }
    let line = failure(
        &["--urls", "http://127.0.0.1:0", "--cert", "a", "--key", "b"],
        2,
    );
    assert!(line.contains("no https address"), "{line}");
    let line = failure(
        &[
            "--urls",
            "https://127.0.0.1:0",
            "--cert",
            "/no/cert",
            "--key",
            "b",
        ],
        1,
    );
    assert!(line.contains("/no/cert"), "{line}");
    for (arguments, missing) in [
        (["--cert", "a"].as_slice(), "--key <FILE>"),
        (&["--key", "a"], "--cert <FILE>"),
        (
            &["--cert", "a", "--key", "b", "--client-certs", "require"],
            "--client-ca <FILE>",
        ),
    ] {
        let text = failure(arguments, 2);
        assert!(text.contains(missing), "{text}");
    }
    let data = Directory::new();
    let mut command = dev_certs(&data, &["run", "--urls", "https://*:0"]);
    let output = output(
        command
            .env("LANNER_CERT", "/from/the/environment")
            .env("LANNER_KEY", "b"),
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("/from/the/environment"), "{stderr}");
}
