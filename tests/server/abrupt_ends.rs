//! A thousand peers that end without a word, at every stage that a connection can be at: the kernel
//! keeps no socket of theirs, and no handler waits for them.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::num::NonZeroU16;
use std::time::Duration;

use socket2::SockRef;

use crate::support::http2::{DATA, END_STREAM, SETTINGS, frame, request};
use crate::support::tls::{Authority, Directory, connect};
use crate::support::{HANG, SHELLS, TestServer, eventually};
use lanner::{HttpContext, Server, ShardCount, Tls};

/// Rounds over all stages: more than a thousand ends in all.
const ROUNDS: usize = 30;

/// No handler here ends by itself, but each learns that nobody waits for it.
async fn application(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/read" => drop(ctx.body().read_to_end(usize::MAX).await),
        "/endless" => loop {
            ctx.write(vec![b'x'; 50_000]).await?;
        },
        "/raw" => {
            let mut stream = ctx.upgrade("raw")?;
            while let Some(bytes) = stream.read().await? {
                stream.write(&bytes).await?;
            }
        }
        _ => {}
    }
    ctx.lifetime().aborted().await;
    Ok(())
}

fn http1(method: &str, path: &str, fields: &str, body: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}").into_bytes()
}

/// HTTP/2 with this initial window for responses.
fn http2(window: u32, requests: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let setting = [&[0, 4][..], &window.to_be_bytes()].concat();
    bytes.extend(frame(SETTINGS, 0, 0, setting));
    bytes.extend(requests.concat());
    bytes
}

/// What is sent in each stage, and whether FIN comes behind it, before the end.
fn stages() -> Vec<(Vec<u8>, bool)> {
    let upgrade = "Connection: upgrade\r\nUpgrade: raw\r\n";
    let unread = "x".repeat(1_500_000);
    let get = |stream, path| request(stream, "GET", path, END_STREAM);
    let post = |stream, path| request(stream, "POST", path, 0);
    let content = || frame(DATA, 0, 1, vec![b'x'; 10_000]);
    vec![
        (Vec::new(), false),
        (
            http1("GET", "/wait", "", "").into_iter().take(20).collect(),
            false,
        ),
        (
            http1("POST", "/read", "Content-Length: 9\r\n", "half"),
            false,
        ),
        (
            http1("POST", "/read", "Content-Length: 4\r\n", "full"),
            true,
        ),
        (
            http1("POST", "/wait", "Content-Length: 4\r\n", "full"),
            true,
        ),
        (
            http1("POST", "/wait", "Content-Length: 9000000\r\n", &unread),
            false,
        ),
        (http1("GET", "/wait", "", ""), false),
        (http1("GET", "/wait", "", ""), true),
        (http1("GET", "/endless", "", ""), false),
        (http1("GET", "/endless", "", ""), true),
        (http1("GET", "/raw", upgrade, "raw"), false),
        (http1("GET", "/raw", upgrade, "raw"), true),
        (http2(100, &[]), false),
        (http2(100, &[get(1, "/wait"), get(3, "/endless")]), false),
        (http2(100, &[get(1, "/wait"), get(3, "/endless")]), true),
        (
            http2(1 << 30, &[get(1, "/endless"), get(3, "/endless")]),
            false,
        ),
        (
            http2(1 << 30, &[get(1, "/endless"), get(3, "/endless")]),
            true,
        ),
        (http2(100, &[post(1, "/read"), content()]), false),
        (
            http2(100, &[post(1, "/wait"), content(), get(3, "/wait")]),
            true,
        ),
    ]
}

/// Ends a connection by RST.
fn reset(stream: &TcpStream) {
    SockRef::from(stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

/// The states of the sockets on our end of this port, as the kernel numbers them, but for those
/// that listen and those that nobody holds any more.
fn held(server: SocketAddr) -> Vec<String> {
    const LISTEN: &str = "0A";
    const TIME_WAIT: &str = "06";
    let port = format!(":{:04X}", server.port());
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    let rows = table.lines().skip(1);
    rows.filter_map(|row| {
        let mut columns = row.split_whitespace().skip(1);
        let (local, _, state) = (columns.next()?, columns.next()?, columns.next()?);
        let counts = local.ends_with(&port) && ![LISTEN, TIME_WAIT].contains(&state);
        counts.then(|| state.to_owned())
    })
    .collect()
}

#[test]
fn nothing_is_left_of_a_thousand_abrupt_ends() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), application);
        let stages = stages();
        for round in 0..ROUNDS {
            let mut clients = Vec::new();
            for (bytes, finishes) in &stages {
                let mut stream = TcpStream::connect_timeout(&server.address(), HANG).unwrap();
                // What the server does not take is not for long.
                stream.set_write_timeout(Some(HANG)).unwrap();
                stream.write_all(bytes).unwrap();
                if *finishes {
                    stream.shutdown(Shutdown::Write).unwrap();
                }
                clients.push(stream);
            }
            if round % 2 == 0 {
                // Some ends come when all is at rest, others in the middle of something.
                eventually("handlers are at work", || server.stats().handlers >= 15);
            }
            clients.iter().for_each(reset);
        }
        server.settle();
        let address = server.address();
        eventually("no socket is held", || held(address).is_empty());
        server.finish();
    }
}

#[test]
fn nor_of_ends_under_tls() {
    const NAME: &str = "a.example";
    let directory = Directory::new();
    let authority = Authority::new("server authority");
    let pair = authority.server(&[NAME]);
    let certificate = directory.write("cert.pem", &pair.certificate);
    let key = directory.write("key.pem", &pair.key);
    let server = Server::new()
        .tls(Tls::files(certificate, key))
        .shards(ShardCount::Fixed(NonZeroU16::MIN))
        .urls("https://127.0.0.1:0")
        .unwrap()
        .start(application)
        .unwrap();
    let address = server.addresses().iter().next().unwrap();
    let address: SocketAddr = address.strip_prefix("https://").unwrap().parse().unwrap();
    let upgrade = "Connection: upgrade\r\nUpgrade: raw\r\n";
    let inputs = [
        http1("POST", "/read", "Content-Length: 9\r\n", "half"),
        http1("GET", "/wait", "", ""),
        http1("GET", "/endless", "", ""),
        http1("GET", "/raw", upgrade, "raw"),
    ];
    for round in 0..ROUNDS {
        let mut clients = Vec::new();
        for input in &inputs {
            // Without a word, with close_notify, and with FIN behind that.
            for end in 0..3 {
                let mut stream = connect(address, &authority, NAME).unwrap();
                stream.write_all(input).unwrap();
                if end > 0 {
                    stream.conn.send_close_notify();
                }
                stream.flush().unwrap();
                if end > 1 {
                    stream.sock.shutdown(Shutdown::Write).unwrap();
                }
                clients.push(stream.sock);
            }
        }
        // In the middle of a handshake.
        let mut stream = TcpStream::connect_timeout(&address, HANG).unwrap();
        stream.write_all(b"\x16\x03\x01\x02\x00").unwrap();
        clients.push(stream);
        let stats = || server.stats().into_iter().next().unwrap();
        if round % 2 == 0 {
            eventually("handlers are at work", || stats().handlers >= 10);
        }
        clients.iter().for_each(reset);
        drop(clients);
        eventually("nothing is left in use", || {
            let stats = stats();
            (stats.connections_open, stats.handlers) == (0, 0)
        });
    }
    eventually("no socket is held", || held(address).is_empty());
    assert!(server.shut_down(HANG));
}
