//! After the handshake and warm-up a request over TLS allocates nothing of the server's.
//!
//! The allocator of this test counts per thread; a handler tells what its shard's thread has
//! allocated so far. The client is on another thread and does not count.

#![allow(unsafe_code, clippy::indexing_slicing)]

#[path = "support/allocations.rs"]
mod counting;
mod support;

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use lanner::{HttpContext, RunningServer, Server, ShardCount, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::http2;
use support::tls::{Authority, Directory};

/// Requests before counting begins: enough for every buffer to reach its size.
const WARM_UP: usize = 2_000;

/// Requests that are counted.
const COUNTED: usize = 1_000;

/// `/plaintext`, `/echo` and `/fill-table`; `/allocations` answers with a number of always the same length.
async fn serve(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let allocations = counting::allocations();
    let path = ctx.request().path().len();
    match path {
        // /plaintext, /echo, /fill-table, and /allocations
        11 => counting::fill_table(ctx)?,
        10 => ctx.static_bytes("text/plain", b"Hello, World!")?,
        5 => {
            while let Some(chunk) = ctx.body().chunk().await? {
                ctx.write(&chunk).await?;
            }
        }
        _ => ctx.text(&format!("{allocations:013}"))?,
    }
    Ok(())
}

/// One connection, and what makes a request of a path and a body and reads the answer's body.
struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    /// The next stream of HTTP/2; 0 for HTTP/1.1.
    next: u32,
}

impl Client {
    fn connect(server: &RunningServer, authority: &Authority, protocol: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("PEM");
        roots.add(root).expect("an authority");
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("a.example").expect("a name");
        let tls = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        let addresses = server.addresses();
        let address = addresses.iter().next().expect("one address");
        let tcp = TcpStream::connect(address.trim_start_matches("https://")).expect("it listens");
        tcp.set_nodelay(true).expect("TCP");
        tcp.set_read_timeout(Some(Duration::from_secs(20)))
            .expect("TCP");
        let mut client = Self {
            stream: StreamOwned::new(tls, tcp),
            next: 0,
        };
        if protocol == "h2" {
            client.next = 1;
            client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            client.send(&http2::frame(http2::SETTINGS, 0, 0, []));
        }
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("an answer");
        bytes
    }

    fn ask(&mut self, path: &str, body: &[u8], expected: usize) -> Vec<u8> {
        match self.next {
            0 => self.ask_http1(path, body, expected),
            _ => self.ask_http2(path, body, expected),
        }
    }

    fn ask_http1(&mut self, path: &str, body: &[u8], expected: usize) -> Vec<u8> {
        let method = if body.is_empty() { "GET" } else { "POST" };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n"
        );
        self.send(&[head.as_bytes(), body].concat());
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.read(1));
        }
        assert!(head.starts_with(b"HTTP/1.1 200 "));
        self.read(expected)
    }

    fn ask_http2(&mut self, path: &str, body: &[u8], expected: usize) -> Vec<u8> {
        let stream = self.next;
        self.next += 2;
        // GET or POST, https, an authority and a path (RFC 7541, A).
        let method = if body.is_empty() { 0x82 } else { 0x83 };
        let length = u8::try_from(path.len()).expect("a short path");
        let mut block = vec![method, 0x87, 0x01, 9];
        block.extend(b"a.example");
        block.extend([0x04, length]);
        block.extend(path.as_bytes());
        let ends = if body.is_empty() {
            http2::END_STREAM
        } else {
            0
        };
        let mut frames = http2::frame(http2::HEADERS, http2::END_HEADERS | ends, stream, block);
        if !body.is_empty() {
            frames.extend(http2::frame(http2::DATA, http2::END_STREAM, stream, body));
        }
        let room = 65_535_u32.to_be_bytes();
        frames.extend(http2::frame(http2::WINDOW_UPDATE, 0, 0, room));
        self.send(&frames);
        let mut answer = Vec::new();
        loop {
            let head = self.read(9);
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let payload = self.read(length as usize);
            let of_stream = head[5..9] == stream.to_be_bytes();
            if of_stream && head[3] == http2::DATA {
                answer.extend(payload);
            }
            assert!(!matches!(head[3], http2::RST_STREAM | http2::GOAWAY));
            if of_stream && head[4] & http2::END_STREAM > 0 {
                assert_eq!(answer.len(), expected);
                return answer;
            }
        }
    }

    fn allocations(&mut self) -> u64 {
        let text = String::from_utf8(self.ask("/allocations", b"", 13)).expect("text");
        text.parse().expect("a number")
    }
}

#[track_caller]
fn assert_none(protocol: &str, path: &str, body: &[u8], expected: &[u8]) {
    let directory = Directory::new();
    let authority = Authority::new("server authority");
    let pair = authority.server(&["a.example"]);
    let certificate = directory.write("cert.pem", &pair.certificate);
    let key = directory.write("key.pem", &pair.key);
    let server = Server::new()
        .urls("https://127.0.0.1:0")
        .expect("a valid address")
        .tls(Tls::files(certificate, key))
        .shards(ShardCount::Fixed(std::num::NonZeroU16::MIN))
        .start(serve)
        .expect("io_uring is to be had");
    let mut client = Client::connect(&server, &authority, protocol);
    for _ in 0..counting::FILLING {
        client.ask("/fill-table", b"", 0);
    }
    for _ in 0..WARM_UP {
        assert_eq!(client.ask(path, body, expected.len()), expected);
    }
    // Asking allocates too (a number as text): how much, two questions in a row tell.
    for _ in 0..10 {
        client.allocations();
    }
    let before = client.allocations();
    let again = client.allocations();
    for _ in 0..COUNTED {
        client.ask(path, body, expected.len());
    }
    let after = client.allocations();
    assert_eq!(after - again, again - before, "{protocol} {path} allocated");
    drop(client);
    assert!(server.shut_down(Duration::from_secs(20)));
}

#[test]
fn small_answers_allocate_nothing() {
    for protocol in ["http/1.1", "h2"] {
        assert_none(protocol, "/plaintext", b"", b"Hello, World!");
    }
}

#[test]
fn a_small_echo_allocates_nothing() {
    let body = vec![b'x'; 4096];
    for protocol in ["http/1.1", "h2"] {
        assert_none(protocol, "/echo", &body, &body);
    }
}
