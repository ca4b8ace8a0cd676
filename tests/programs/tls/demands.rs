//! What a site demands of its clients and hands to them: certificates, names, OCSP responses.

use lanner::{ClientAuthorities, ClientCertificates, HttpContext, Server, Tls, TlsSite};

use super::site::{ALERTED, Site, curl_arguments};
use crate::harness::{Test, tests};
use crate::program::{CURL, OPENSSL, text};
use crate::support::HANG;
use crate::support::tls::{Authority, Directory, Pair};

pub(crate) const TESTS: [Test; 4] = tests! {
    clients_are_asked_for_certificates_as_the_arguments_say: [CURL];
    a_name_finds_its_site_and_no_name_that_of_all: [CURL];
    an_ocsp_response_is_handed_out: [OPENSSL];
    a_certificate_of_a_client_does_not_reach_a_site_with_other_demands: [CURL];
};

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
            let with = |pair: &Pair, name: &str| {
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
                // The operator is told of each.
                site.process.expect_error(&format!(
                    "the client certificate of \"CN={name}\", issued by \"CN="
                ));
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
        CURL.run(&all, b"")
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
    assert_eq!(CURL.run(&arguments, b"").status.code(), Some(35));
    assert!(running.shut_down(HANG));
}

/// RFC 9110, 15.5.20: what was asked of a client in one handshake says nothing of another site.
fn a_certificate_of_a_client_does_not_reach_a_site_with_other_demands() {
    let directory = Directory::new();
    let authority = Authority::new("authority");
    let clients = Authority::new("client authority");
    let (pair, client) = (
        authority.server(&["public.example", "strict.example"]),
        clients.client("good"),
    );
    let site = || {
        TlsSite::files(
            directory.write("cert.pem", &pair.certificate),
            directory.write("key.pem", &pair.key),
        )
    };
    let trusted = ClientAuthorities::file(directory.write("clients.pem", clients.pem()));
    let strict = site().client_certificates(ClientCertificates::Require(trusted));
    let tls = Tls::new()
        .site("public.example", site())
        .and_then(|tls| tls.site("strict.example", strict));
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
    let shown = [
        directory.write("client.pem", &client.certificate),
        directory.write("client.key", &client.key),
    ];
    let shows = ["--cert", &shown[0], "--key", &shown[1]];
    let status = |name: &str, host: &str, more: &[&str]| {
        let to = format!("{name}:443:{address}");
        let url = format!("https://{name}/");
        let host = format!("Host: {host}");
        let asks = ["-H", &host, "-o", "/dev/null", "-w", "%{http_code}"];
        let all = [&asks, more].concat();
        text(CURL.run(&curl_arguments(&ca, &to, &url, &all), b"").stdout)
    };
    for version in ["--http1.1", "--http2"] {
        let with = [&shows[..], &[version]].concat();
        for more in [&[version][..], &with] {
            let (public, strict) = ("public.example", "strict.example");
            assert_eq!(status(public, public, more), "200", "{more:?}");
            assert_eq!(status(public, strict, more), "421", "{more:?}");
        }
        assert_eq!(status("strict.example", "strict.example", &with), "200");
        assert_eq!(status("strict.example", "public.example", &with), "421");
        assert_eq!(
            status("strict.example", "strict.example", &[version]),
            "000"
        );
    }
    assert!(running.shut_down(HANG));
}

fn an_ocsp_response_is_handed_out() {
    let site = Site::with(|directory, authority| {
        let issuer = directory.write("issuer.pem", authority.pem());
        let key = directory.write("issuer.key", authority.key());
        let certificate = directory.name("cert.pem");
        let serial = OPENSSL.output(&["x509", "-noout", "-serial", "-in", &certificate], b"");
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
        OPENSSL.output(&made, b"");
        vec!["--ocsp".to_owned(), response]
    });
    for option in ["-tls1_2", "-tls1_3"] {
        let said = site.s_client(&[option, "-status"]);
        assert!(said.contains("OCSP Response Status: successful"), "{said}");
        assert!(said.contains("Cert Status: good"), "{said}");
    }
}
