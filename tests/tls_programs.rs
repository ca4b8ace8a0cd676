//! TLS with programs that were not written for these tests: curl, openssl, nghttp and h2load.

#![allow(clippy::unwrap_used)]

mod support;

use std::net::SocketAddr;

use lanner::{HttpContext, Server, Tls, TlsSite};
use support::HANG;
use support::command::Process;
use support::programs::{output, run};
use support::tls::{Authority, Directory};

/// A server with one certificate for `a.example`, and a client's way to it.
struct Site {
    directory: Directory,
    authority: Authority,
    ca: String,
    process: Process,
    address: SocketAddr,
}

impl Site {
    fn new() -> Self {
        Self::with(|_, _| Vec::new())
    }

    /// With more arguments, which may be the names of files that `more` writes.
    fn with(more: impl FnOnce(&Directory, &Authority) -> Vec<String>) -> Self {
        let directory = Directory::new();
        let authority = Authority::new("server authority");
        let pair = authority.server(&["a.example"]);
        let mut arguments = vec![
            "--cert".to_owned(),
            directory.write("cert.pem", &pair.certificate),
            "--key".to_owned(),
            directory.write("key.pem", &pair.key),
        ];
        arguments.extend(more(&directory, &authority));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (process, address) = Process::secure(&arguments);
        Self {
            ca: directory.write("ca.pem", authority.pem()),
            directory,
            authority,
            process,
            address,
        }
    }

    /// curl for a path of `a.example`.
    #[track_caller]
    fn curl(&self, path: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let url = format!("https://a.example{path}");
        let to = format!("a.example:443:{}", self.address);
        let all = curl_arguments(&self.ca, &to, &url, arguments);
        output("curl", "curl", &all, input)
    }

    /// The exit code of curl, which fails.
    #[track_caller]
    fn curl_fails(&self, arguments: &[&str]) -> i32 {
        let to = format!("a.example:443:{}", self.address);
        let all = curl_arguments(&self.ca, &to, "https://a.example/plaintext", arguments);
        let output = run("curl", "curl", &all, b"");
        assert!(!output.status.success(), "{arguments:?}");
        output.status.code().unwrap()
    }

    /// `openssl s_client` that sends one request over HTTP/1.1; answers all that it says.
    fn s_client(&self, arguments: &[&str]) -> String {
        let address = self.address.to_string();
        let common = ["s_client", "-connect", &address, "-servername", "a.example"];
        let verify = ["-CAfile", &self.ca, "-verify_return_error", "-ign_eof"];
        let all = [common.as_slice(), &verify, arguments].concat();
        let request = b"GET /plaintext HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
        let output = run("openssl", "openssl", &all, request);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

/// Exit codes of curl when an alert ends the connection, in the handshake or, as TLS 1.3 has it for
/// clients' certificates, behind it.
const ALERTED: [i32; 4] = [35, 55, 56, 98];

fn curl_arguments<'a>(ca: &'a str, to: &'a str, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let common = ["-sS", "--max-time", "60", "--noproxy", "*", "--cacert", ca];
    [common.as_slice(), &["--connect-to", to], more, &[url]].concat()
}

#[track_caller]
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Bytes in which a piece that is missing, repeated or out of place is seen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

#[test]
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

#[test]
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

#[test]
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
            let body = text(output("curl", "curl", &all, b""));
            assert_eq!(body, "Hello, World!", "{name}, TLS {version}");
        }
    }
}

#[test]
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

#[test]
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

#[test]
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

#[test]
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
    let said = run("openssl", "openssl", &arguments, b"R\n");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("RENEGOTIATING"), "{said}");
    assert_eq!(text(site.curl("/plaintext", &[], b"")), "Hello, World!");
}

#[test]
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
    let said = text(output("curl", "curl", &arguments, b""));
    assert!(said.contains("HTTPS") && said.ends_with(" 400"), "{said}");
}

#[test]
fn nghttp_and_h2load_speak_http2_over_tls() {
    let site = Site::new();
    let url = format!("https://{}/bytes/100000", site.address);
    let arguments = ["--timeout=60", "-n", "-s", "-m", "20", &url];
    let said = text(output("nghttp", "nghttp2-client", &arguments, b""));
    assert_eq!(said.matches(" 200 ").count(), 20, "{said}");

    let url = format!("https://{}/plaintext", site.address);
    for (arguments, protocol) in [
        (["-m10", "-c8"].as_slice(), "h2"),
        (&["--h1", "-c8"], "http/1.1"),
    ] {
        let all = [["-n2000", "-t1"].as_slice(), arguments, &[&url]].concat();
        let said = text(output("h2load", "nghttp2-client", &all, b""));
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

#[test]
fn clients_are_asked_for_certificates_as_the_arguments_say() {
    let clients = Authority::new("client authority");
    let (good, revoked) = (clients.client("good"), clients.client("revoked"));
    let stranger = Authority::new("other authority").client("stranger");
    for mode in ["allow", "require"] {
        let site = Site::with(|directory, _| {
            let list = clients.revocation_list(&[&revoked]);
            [
                "--client-certs",
                mode,
                "--client-ca",
                &directory.write("clients.pem", clients.pem()),
                "--client-crl",
                &directory.write("clients.crl", list),
            ]
            .map(str::to_owned)
            .to_vec()
        });
        for version in ["1.2", "1.3"] {
            let with = |pair: &support::tls::Pair, name: &str| {
                let cert = site
                    .directory
                    .write(&format!("{name}.pem"), &pair.certificate);
                let key = site.directory.write(&format!("{name}.key"), &pair.key);
                ["--tls-max", version, "--cert", &cert, "--key", &key].map(str::to_owned)
            };
            let arguments = with(&good, "good");
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            assert_eq!(
                text(site.curl("/plaintext", &arguments, b"")),
                "Hello, World!"
            );
            for (pair, name) in [(&revoked, "revoked"), (&stranger, "stranger")] {
                let arguments = with(pair, name);
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let code = site.curl_fails(&arguments);
                assert!(ALERTED.contains(&code), "{mode} {version} {name}: {code}");
            }
            let none = ["--tls-max", version];
            if mode == "allow" {
                assert_eq!(text(site.curl("/plaintext", &none, b"")), "Hello, World!");
            } else {
                let code = site.curl_fails(&none);
                assert!(ALERTED.contains(&code), "{version}: {code}");
            }
        }
    }
}

#[test]
fn a_name_finds_its_site_and_no_name_that_of_all() {
    let directory = Directory::new();
    let authority = Authority::new("authority");
    let site = |file: &str, names: &[&str]| {
        let pair = authority.server(names);
        TlsSite::files(
            directory.write(&format!("{file}.pem"), &pair.certificate),
            directory.write(&format!("{file}.key"), &pair.key),
        )
    };
    let tls = Tls::new()
        .site("a.example", site("exact", &["a.example"]))
        .and_then(|tls| tls.site("*.a.example", site("wildcard", &["*.a.example"])))
        .and_then(|tls| tls.site("*.b.a.example", site("longer", &["*.b.a.example"])));
    let server = Server::new()
        .urls("https://127.0.0.1:0")
        .unwrap()
        .tls(tls.unwrap());
    let running = server
        .start(async |ctx: &mut HttpContext| ctx.text("served"))
        .unwrap();
    let url = running.addresses().iter().next().unwrap().to_owned();
    let address = url.strip_prefix("https://").unwrap();
    let ca = directory.write("ca.pem", authority.pem());
    let ask = |name: &str| {
        let to = format!("{name}:443:{address}");
        let url = format!("https://{name}/");
        let all = curl_arguments(&ca, &to, &url, &[]);
        run("curl", "curl", &all, b"")
    };
    for name in ["a.example", "A.Example", "x.a.example", "x.b.a.example"] {
        let output = ask(name);
        assert_eq!(text(output.stdout), "served", "{name}");
    }
    for name in ["b.example", "example"] {
        assert_eq!(ask(name).status.code(), Some(35), "{name}");
    }
    // An IP address is no name: there is no site for clients that name none.
    let arguments = ["-sS", "-k", "--noproxy", "*", &url];
    assert_eq!(run("curl", "curl", &arguments, b"").status.code(), Some(35));
    assert!(running.shut_down(HANG));
}

#[test]
fn an_ocsp_response_is_handed_out() {
    let site = Site::with(|directory, authority| {
        let issuer = directory.write("issuer.pem", authority.pem());
        let key = directory.write("issuer.key", authority.key());
        let certificate = directory.name("cert.pem");
        let serial = output(
            "openssl",
            "openssl",
            &["x509", "-noout", "-serial", "-in", &certificate],
            b"",
        );
        let serial = text(serial).trim().trim_start_matches("serial=").to_owned();
        let index = directory.write(
            "index",
            format!("V\t21000101000000Z\t\t{serial}\tunknown\t/CN=a\n"),
        );
        let response = directory.name("ocsp.der");
        let made = [
            "ocsp",
            "-index",
            &index,
            "-rsigner",
            &issuer,
            "-rkey",
            &key,
            "-CA",
            &issuer,
            "-issuer",
            &issuer,
            "-cert",
            &certificate,
            "-respout",
            &response,
            "-ndays",
            "2",
            "-noverify",
        ];
        output("openssl", "openssl", &made, b"");
        vec!["--ocsp".to_owned(), response]
    });
    for option in ["-tls1_2", "-tls1_3"] {
        let said = site.s_client(&[option, "-status"]);
        assert!(said.contains("OCSP Response Status: successful"), "{said}");
        assert!(said.contains("Cert Status: good"), "{said}");
    }
}

#[test]
fn the_server_ends_in_order_with_tls_connections_open() {
    let site = Site::new();
    let mut client = support::tls::client(site.address, &site.authority, "a.example");
    assert_eq!(client.get("/plaintext").status, 200);
    site.process.signal("TERM");
    client.expect_end();
    let (status, _, stderr) = site.process.wait();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}
