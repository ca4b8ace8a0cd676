//! After warm-up a keep-alive request allocates nothing, whatever the version of HTTP.
//!
//! The allocator of this test counts per thread; a handler tells what its shard's thread has
//! allocated so far. The client's allocations are on another thread and do not count.

#![allow(unsafe_code)]

#[path = "support/allocations.rs"]
mod counting;
mod support;

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lanner::{HttpContext, RunningServer, Server, ShardCount, ShellKind};
use serde::Serialize;
use support::http2::{self, Http2Client};

/// Requests before counting begins: enough for every buffer to reach its size.
const WARM_UP: usize = 2_000;

/// Requests that are counted.
const COUNTED: usize = 1_000;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

async fn serve(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let allocations = counting::allocations();
    match ctx.request().path().len() {
        // /plaintext, /json, /echo, /fill-table, and /allocations
        11 => counting::fill_table(ctx)?,
        10 => ctx.static_bytes("text/plain", b"Hello, World!")?,
        5 if ctx.method() == lanner::Method::Post => {}
        5 => ctx.json(&Message {
            message: "Hello, World!",
        })?,
        _ => ctx.text(&allocations.to_string())?,
    }
    if ctx.method() == lanner::Method::Post {
        while let Some(chunk) = ctx.body().chunk().await? {
            ctx.write(&chunk).await?;
        }
    }
    Ok(())
}

fn start(shell: ShellKind) -> RunningServer {
    let one = ShardCount::Fixed(std::num::NonZeroU16::MIN);
    let server = Server::new()
        .urls("http://127.0.0.1:0")
        .expect("a valid address")
        .shards(one)
        .shell(shell);
    server.start(serve).expect("io_uring is to be had")
}

/// A client with one connection that expects bodies of known length.
struct Client(TcpStream);

impl Client {
    fn connect(server: &RunningServer) -> Self {
        let address = server
            .addresses()
            .iter()
            .next()
            .expect("one address")
            .to_owned();
        let stream = TcpStream::connect(address.trim_start_matches("http://")).expect("it listens");
        stream.set_nodelay(true).expect("TCP");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("TCP");
        Self(stream)
    }

    /// Sends a request and reads one response; answers its body.
    fn ask(&mut self, request: &[u8], body: usize) -> String {
        self.0.write_all(request).expect("the server reads");
        let mut response = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            let n = self.0.read(&mut chunk).expect("the server answers");
            assert_ne!(
                n,
                0,
                "the server closed: {}",
                String::from_utf8_lossy(&response)
            );
            response.extend_from_slice(chunk.get(..n).unwrap_or_default());
            let head = response.windows(4).position(|end| end == b"\r\n\r\n");
            if let Some(head) = head
                && response.len() >= head + 4 + body
            {
                assert!(
                    response.starts_with(b"HTTP/1.1 200 "),
                    "{}",
                    String::from_utf8_lossy(&response)
                );
                return String::from_utf8(response.split_off(head + 4)).expect("text");
            }
        }
    }

    fn allocations(&mut self) -> u64 {
        self.ask(b"GET /allocations HTTP/1.1\r\nHost: x\r\n\r\n", 1)
            .parse()
            .expect("a number")
    }
}

fn assert_none(request: &[u8], body: usize, shell: ShellKind) {
    let server = start(shell);
    let mut client = Client::connect(&server);
    let name = String::from_utf8_lossy(request.get(..20).unwrap_or_default()).into_owned();
    count_requests(
        &mut client,
        |client| {
            client.ask(request, body);
        },
        Client::allocations,
        &format!("{name:?} on {shell:?}"),
    );
    drop(client);
    assert!(server.shut_down(Duration::from_secs(20)));
}

/// Warms a connection up, and holds what comes then to no allocation at all.
fn count_requests<C>(
    client: &mut C,
    ask: impl Fn(&mut C),
    allocations: impl Fn(&mut C) -> u64,
    name: &str,
) {
    for _ in 0..WARM_UP {
        ask(client);
    }
    // Asking allocates too (a number as text): how much, two questions in a row tell.
    for _ in 0..10 {
        allocations(client);
    }
    let before = allocations(client);
    let again = allocations(client);
    let of_asking = again - before;
    for _ in 0..COUNTED {
        ask(client);
    }
    let after = allocations(client);
    assert_eq!(
        after - again,
        of_asking,
        "{COUNTED} requests of {name} allocated"
    );
}

/// The same over HTTP/2, with `streams` requests at a time on one connection. `request` makes all
/// frames of a stream.
fn assert_none_over_http2(
    streams: usize,
    shell: ShellKind,
    request: impl Fn(u32) -> Vec<u8>,
    expected: &[u8],
) {
    let server = start(shell);
    let address = server
        .addresses()
        .iter()
        .next()
        .expect("one address")
        .to_owned();
    let address = address.trim_start_matches("http://").parse();
    let mut client = Http2Client::connect(address.expect("a socket's address"));
    let ask = |client: &mut Http2Client| {
        let streams: Vec<u32> = (0..streams).map(|_| client.next()).collect();
        client.send(
            streams
                .iter()
                .flat_map(|stream| request(*stream))
                .collect::<Vec<u8>>(),
        );
        for stream in streams {
            assert_eq!(client.response(stream), (200, expected.to_vec()));
        }
    };
    let allocations = |client: &mut Http2Client| {
        let (_, text) = client.get("/allocations");
        let text = String::from_utf8(text).expect("text");
        text.parse().expect("a number")
    };
    for _ in 0..counting::FILLING {
        assert_eq!(client.get("/fill-table").0, 200);
    }
    let name = format!("HTTP/2, {streams} at a time on {shell:?}");
    count_requests(&mut client, ask, allocations, &name);
    drop(client);
    assert!(server.shut_down(Duration::from_secs(20)));
}

fn get(path: &str) -> impl Fn(u32) -> Vec<u8> {
    move |stream| http2::request(stream, "GET", path, http2::END_STREAM)
}

#[test]
fn http2_allocates_nothing_either() {
    let hello = b"Hello, World!";
    for shell in [ShellKind::Glommio, ShellKind::Thread] {
        assert_none_over_http2(1, shell, get("/plaintext"), hello);
    }
    let json = br#"{"message":"Hello, World!"}"#;
    assert_none_over_http2(1, ShellKind::Glommio, get("/json"), json);
}

#[test]
fn a_small_echo_over_http2_allocates_nothing() {
    let body = vec![b'x'; 4096];
    let post = |stream| {
        let mut frames = http2::request(stream, "POST", "/echo", 0);
        frames.extend(http2::frame(
            http2::DATA,
            http2::END_STREAM,
            stream,
            body.as_slice(),
        ));
        frames
    };
    assert_none_over_http2(1, ShellKind::Glommio, post, &body);
}

#[test]
fn requests_that_fill_the_table_allocate_nothing() {
    let hello = b"Hello, World!";
    let get = |stream: u32| {
        // GET, http and an authority, then literals that enter the table (RFC 7541, 6.2.1).
        let mut block = b"\x82\x86\x41\x01a\x44\x0a/plaintext\x40\x01x\x08".to_vec();
        block.extend(format!("{stream:08}").bytes());
        let flags = http2::END_HEADERS | http2::END_STREAM;
        http2::frame(http2::HEADERS, flags, stream, block)
    };
    assert_none_over_http2(1, ShellKind::Glommio, get, hello);
}

#[test]
fn streams_at_the_same_time_allocate_nothing() {
    assert_none_over_http2(20, ShellKind::Glommio, get("/plaintext"), b"Hello, World!");
}

#[test]
fn plaintext_allocates_nothing() {
    assert_none(
        b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n",
        13,
        ShellKind::Glommio,
    );
    assert_none(
        b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n",
        13,
        ShellKind::Thread,
    );
}

#[test]
fn json_allocates_nothing() {
    assert_none(
        b"GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n",
        27,
        ShellKind::Glommio,
    );
}

#[test]
fn a_small_echo_allocates_nothing() {
    let mut request =
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4096\r\n\r\n".to_vec();
    request.resize(request.len() + 4096, b'x');
    assert_none(&request, 4096, ShellKind::Glommio);
}
