//! A server with the development certificate, and those without one that they could use.

#![allow(clippy::unwrap_used)]

use crate::support::client::Client;
use crate::support::command::{Process, output};
use crate::support::dev_certs::{dev_certs, run};
use crate::support::tls::{Directory, connect_trusting};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

#[test]
fn a_server_that_runs_takes_a_renewed_one() {
    let data = Directory::new();
    let arguments = ["run", "--urls", "https://127.0.0.1:0", "--shards", "1"];
    let mut process = Process::spawn(&mut dev_certs(&data, &arguments));
    let address = process.address();
    run(&data, &["renew"]);
    let authority = data.name("lanner/localhost-ca.pem");
    let trusted = CertificateDer::from_pem_file(&authority).unwrap();
    crate::support::eventually("clients of the new authority are served", || {
        connect_trusting(address, trusted.clone(), "localhost")
            .is_ok_and(|stream| Client::over(stream).get("/plaintext").status == 200)
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
