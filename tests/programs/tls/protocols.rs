//! Versions, protocols, bodies, keys, resumption, and what is no TLS.

use super::site::{Site, curl_arguments};
use crate::harness::{Test, tests};
use crate::program::{CURL, H2LOAD, NGHTTP, OPENSSL, text};
use crate::support::command::Process;
use crate::support::tls::{Authority, Directory};

pub(crate) const TESTS: [Test; 9] = tests! {
    curl_speaks_every_version_of_either_protocol: [CURL];
    curl_sends_and_gets_bodies_of_every_length: [CURL];
    every_kind_of_key_is_served: [CURL];
    openssl_negotiates_either_version_and_no_older_one: [OPENSSL];
    sessions_are_resumed_on_whichever_shard: [OPENSSL];
    another_server_resumes_nothing_and_shakes_hands_anew: [OPENSSL];
    renegotiation_and_broken_connections_harm_nobody: [CURL, OPENSSL];
    cleartext_on_a_port_of_tls_is_told_so: [CURL];
    nghttp_and_h2load_speak_http2_over_tls: [NGHTTP, H2LOAD];
};

/// Bytes in which a piece that is missing, repeated or out of place is seen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

fn curl_speaks_every_version_of_either_protocol() {
    let site = Site::new();
    for (arguments, version) in [
        (["--http1.1", "--tlsv1.3"].as_slice(), "1.1"),
        (&["--http2", "--tlsv1.3"], "2"),
        (&["--http1.1", "--tls-max", "1.2"], "1.1"),
        (&["--http2", "--tls-max", "1.2"], "2"),
        // Without ALPN there is no HTTP/2.
        (&["--no-alpn"], "1.1"),
        (&["--no-alpn", "--http1.0"], "1.1"),
    ] {
        let all = [arguments, &["-w", " %{http_version} %{http_code}"]].concat();
        let answer = text(site.curl("/plaintext", &all, b""));
        assert_eq!(
            answer,
            format!("Hello, World! {version} 200"),
            "{arguments:?}"
        );
    }
}

fn curl_sends_and_gets_bodies_of_every_length() {
    let site = Site::new();
    for length in [0, 1, 16_383, 16_384, 16_385, 100_000, 3_000_000] {
        let body = pattern(length);
        for arguments in [
            ["--http1.1"].as_slice(),
            &["--http2"],
            &["--http1.1", "--tls-max", "1.2"],
            &["--http2", "--tls-max", "1.2"],
        ] {
            let all = [arguments, &["--data-binary", "@-"]].concat();
            let echo = site.curl("/echo", &all, &body);
            assert!(echo == body, "{length} {arguments:?}: {} bytes", echo.len());
        }
    }
    let count = text(site.curl("/sink", &["-T", "-"], &pattern(1_000_000)));
    assert_eq!(count, "1000000\n");
    let stream = text(site.curl("/stream/500", &["--http1.1"], b""));
    assert!(stream.ends_with("chunk 500 of 500\n"));
}

fn every_kind_of_key_is_served() {
    for (name, algorithm) in [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("Ed25519", &rcgen::PKCS_ED25519),
        ("RSA", &rcgen::PKCS_RSA_SHA256),
    ] {
        let directory = Directory::new();
        let authority = Authority::new("authority");
        let pair = authority.server_with(&["a.example"], algorithm);
        let (_process, address) = Process::secure(&[
            "--cert",
            &directory.write("cert.pem", &pair.certificate),
            "--key",
            &directory.write("key.pem", &pair.key),
        ]);
        let ca = directory.write("ca.pem", authority.pem());
        let to = format!("a.example:443:{address}");
        for version in ["1.2", "1.3"] {
            let more = ["--tls-max", version];
            let all = curl_arguments(&ca, &to, "https://a.example/plaintext", &more);
            let body = text(CURL.output(&all, b""));
            assert_eq!(body, "Hello, World!", "{name}, TLS {version}");
        }
    }
}

fn openssl_negotiates_either_version_and_no_older_one() {
    let site = Site::new();
    for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = site.s_client(&[option, "-alpn", "http/1.1"]);
        assert!(said.contains(&format!("New, {version}")), "{said}");
        assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        assert!(said.contains("Hello, World!"), "{said}");
    }
    let said = site.s_client(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    assert!(!said.contains("Hello, World!"), "{said}");
    // A cipher suite without forward secrecy.
    let said = site.s_client(&["-tls1_2", "-cipher", "AES128-GCM-SHA256"]);
    assert!(
        said.contains("handshake failure") && !said.contains("Hello"),
        "{said}"
    );
}

fn sessions_are_resumed_on_whichever_shard() {
    let site = Site::new();
    for option in ["-tls1_2", "-tls1_3"] {
        let session = site.directory.name(option);
        let said = site.s_client(&[option, "-sess_out", &session]);
        assert!(
            said.contains("New, ") && said.contains("Hello, World!"),
            "{said}"
        );
        // Each connection is a toss between two shards.
        for _ in 0..8 {
            let said = site.s_client(&[option, "-sess_in", &session]);
            assert!(said.contains("Reused, "), "{said}");
            assert!(said.contains("Hello, World!"), "{said}");
        }
    }
}

fn another_server_resumes_nothing_and_shakes_hands_anew() {
    let (one, other) = (Site::new(), Site::new());
    let session = one.directory.name("session");
    one.s_client(&["-tls1_3", "-sess_out", &session]);
    let said = other.s_client(&["-tls1_3", "-sess_in", &session]);
    assert!(
        said.contains("New, ") && said.contains("Hello, World!"),
        "{said}"
    );
}

fn renegotiation_and_broken_connections_harm_nobody() {
    let site = Site::new();
    // R asks for a renegotiation, which TLS 1.2 of OpenSSL begins with a new ClientHello.
    let address = site.address.to_string();
    let arguments = [
        "s_client",
        "-connect",
        &address,
        "-servername",
        "a.example",
        "-tls1_2",
    ];
    let said = OPENSSL.run(&arguments, b"R\n");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("RENEGOTIATING"), "{said}");
    assert_eq!(text(site.curl("/plaintext", &[], b"")), "Hello, World!");
}

fn cleartext_on_a_port_of_tls_is_told_so() {
    let site = Site::new();
    let url = format!("http://{}/plaintext", site.address);
    let arguments = [
        "-sS",
        "--max-time",
        "60",
        "--noproxy",
        "*",
        "-w",
        " %{http_code}",
        &url,
    ];
    let said = text(CURL.output(&arguments, b""));
    assert!(said.contains("HTTPS") && said.ends_with(" 400"), "{said}");
}

fn nghttp_and_h2load_speak_http2_over_tls() {
    let site = Site::new();
    let url = format!("https://{}/bytes/100000", site.address);
    let arguments = ["--timeout=60", "-n", "-s", "-m", "20", &url];
    let said = text(NGHTTP.output(&arguments, b""));
    assert_eq!(said.matches(" 200 ").count(), 20, "{said}");

    let url = format!("https://{}/plaintext", site.address);
    for (arguments, protocol) in [
        (["-m10", "-c8"].as_slice(), "h2"),
        (&["--h1", "-c8"], "http/1.1"),
    ] {
        let all = [["-n2000", "-t1"].as_slice(), arguments, &[&url]].concat();
        let said = text(H2LOAD.output(&all, b""));
        assert!(
            said.contains("2000 succeeded, 0 failed, 0 errored"),
            "{said}"
        );
        assert!(
            said.contains(&format!("Application protocol: {protocol}")),
            "{said}"
        );
        assert!(said.contains("TLS Protocol: TLSv1.3"), "{said}");
    }
}
