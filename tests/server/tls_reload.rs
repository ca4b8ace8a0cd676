//! Certificates that are exchanged under a running server, and connections that go on meanwhile.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;

use crate::support::command::Process;
use crate::support::eventually;
use crate::support::tls::{
    Authority, Directory, Pair, certificate_shown, client, connect, connect_as,
};

const NAME: &str = "a.example";

/// A server with a certificate that will be another one.
struct Site {
    directory: Directory,
    authority: Authority,
    process: Process,
    address: SocketAddr,
}

impl Site {
    fn new(more: &[&str]) -> Self {
        let directory = Directory::new();
        let authority = Authority::new("server authority");
        let pair = authority.server(&[NAME]);
        let cert = directory.write("cert.pem", &pair.certificate);
        let key = directory.write("key.pem", &pair.key);
        let arguments = [["--cert", &cert, "--key", &key].as_slice(), more].concat();
        let (process, address) = Process::secure(&arguments);
        Self {
            directory,
            authority,
            process,
            address,
        }
    }

    fn pair(&self) -> Pair {
        self.authority.server(&[NAME])
    }

    fn replace(&self, pair: &Pair) {
        self.directory.replace("cert.pem", &pair.certificate);
        self.directory.replace("key.pem", &pair.key);
    }

    /// Waits until clients are shown this certificate, by each of the shards.
    #[track_caller]
    fn expect(&self, pair: &Pair) {
        eventually("clients are shown the new certificate", || {
            // A toss between two shards, eight times.
            (0..8).all(|_| certificate_shown(self.address, &self.authority, NAME) == pair.der)
        });
    }
}

#[test]
fn new_files_are_for_new_connections_and_old_connections_go_on() {
    let site = Site::new(&[]);
    let mut before = client(site.address, &site.authority, NAME);
    assert_eq!(before.get("/plaintext").text(), "Hello, World!");
    // A request is under way all the time.
    before.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst");
    for _ in 0..3 {
        let pair = site.pair();
        site.replace(&pair);
        site.expect(&pair);
    }
    before.send("-last");
    assert_eq!(before.response().text(), "first-last");
    assert_eq!(before.get("/plaintext").text(), "Hello, World!");
    drop(before);

    site.process.signal("TERM");
    let (status, _, stderr) = site.process.wait();
    assert_eq!(status.code(), Some(0));
    let line = "lanner: the TLS files have changed; the new ones are in use\n";
    assert_eq!(stderr, line.repeat(3));
}

#[test]
fn the_server_ends_in_order_with_tls_connections_open() {
    let site = Site::new(&[]);
    let mut client = client(site.address, &site.authority, NAME);
    assert_eq!(client.get("/plaintext").status, 200);
    site.process.signal("TERM");
    client.expect_end();
    let (status, _, stderr) = site.process.wait();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_bad_file_leaves_the_old_certificate_in_use_with_one_line() {
    let site = Site::new(&[]);
    let pair = site.pair();
    site.replace(&pair);
    site.expect(&pair);
    // The key belongs to another certificate, and later there is no key at all.
    site.directory.replace("key.pem", &site.pair().key);
    site.process.expect_error("the old ones stay in use");
    assert_eq!(
        certificate_shown(site.address, &site.authority, NAME),
        pair.der
    );
    let last = site.pair();
    site.replace(&last);
    site.expect(&last);

    site.process.signal("TERM");
    let (status, _, stderr) = site.process.wait();
    assert_eq!(status.code(), Some(0));
    let lines: Vec<&str> = stderr.lines().collect();
    let [first, refused, second] = lines.as_slice() else {
        panic!("{stderr}");
    };
    assert!(
        first.ends_with("the new ones are in use") && first == second,
        "{stderr}"
    );
    let key = site.directory.name("key.pem");
    assert!(
        refused.contains(&key) && refused.contains("the old ones stay in use"),
        "{stderr}"
    );
}

#[test]
fn the_links_of_a_kubernetes_secret_are_followed() {
    let directory = Directory::new();
    let authority = Authority::new("server authority");
    let volume = directory.path();
    let mount = |version: &str| {
        let pair = authority.server(&[NAME]);
        fs::create_dir(volume.join(version)).unwrap();
        directory.write(&format!("{version}/tls.crt"), &pair.certificate);
        directory.write(&format!("{version}/tls.key"), &pair.key);
        symlink(version, volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
        pair
    };
    mount("..1");
    for file in ["tls.crt", "tls.key"] {
        symlink(format!("..data/{file}"), volume.join(file)).unwrap();
    }
    let (cert, key) = (directory.name("tls.crt"), directory.name("tls.key"));
    let (_process, address) = Process::secure(&["--cert", &cert, "--key", &key]);
    for (before, version) in [("..1", "..2"), ("..2", "..3")] {
        let pair = mount(version);
        fs::remove_dir_all(volume.join(before)).unwrap();
        eventually("clients are shown the new certificate", || {
            certificate_shown(address, &authority, NAME) == pair.der
        });
    }
}

#[test]
fn clients_that_are_revoked_are_refused_from_then_on() {
    let clients = Authority::new("client authority");
    let pair = clients.client("somebody");
    let lists = Directory::new();
    let ca = lists.write("ca.pem", clients.pem());
    let list = lists.write("clients.crl", clients.revocation_list(&[]));
    let more = [
        "--client-certs",
        "require",
        "--client-ca",
        &ca,
        "--client-crl",
        &list,
    ];
    let site = Site::new(&more);
    let is_served = || {
        // In TLS 1.3 a refusal comes behind the handshake, in the place of an answer.
        let Ok(mut stream) = connect_as(site.address, &site.authority, NAME, &pair) else {
            return false;
        };
        let request = "GET /plaintext HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.ends_with("Hello, World!")
    };
    assert!(is_served());
    lists.replace("clients.crl", clients.revocation_list(&[&pair]));
    eventually("the client is refused", || !is_served());
    lists.replace("clients.crl", clients.revocation_list(&[]));
    eventually("the client is served again", &is_served);
    // In TLS 1.3 a client learns of its refusal behind the handshake. This one says all it has to say
    // in one record, and what is behind the message at fault must harm nobody.
    for _ in 0..8 {
        let mut stream = connect(site.address, &site.authority, NAME).unwrap();
        let error = stream.read(&mut [0]).unwrap_err().to_string();
        assert!(error.contains("CertificateRequired"), "{error}");
    }
    assert!(is_served());
}
