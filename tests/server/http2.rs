//! HTTP/2 over real sockets, by frames that no client would send: what single frames do is shown
//! within the library, real clients have tests of their own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::error::Error;

use crate::support::client::Client;
use crate::support::http2::{
    ACK, DATA, END_STREAM, GOAWAY, HEADERS, Http2Client, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    frame, request, request_with,
};
use crate::support::oneshot::Gate;
use crate::support::{HANG, SHELLS, TestServer, eventually};
use lanner::{HttpContext, Protocols, Server};

const ENHANCE_YOUR_CALM: u32 = 0xb;

async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let body = ctx.body().read_to_end(1 << 24).await?;
    let path = ctx.request().path().to_owned();
    Ok(ctx.bytes("text/plain", [path.as_bytes(), &body].concat())?)
}

/// A DATA frame.
fn data(stream: u32, content: &[u8], flags: u8) -> Vec<u8> {
    frame(DATA, flags, stream, content)
}

#[test]
fn one_port_speaks_both() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), echo);
        let mut two = Http2Client::connect(server.address());
        let mut one = server.connect();
        assert_eq!(two.get("/two"), (200, b"/two".to_vec()));
        assert_eq!(one.get("/one").text(), "/one");
        assert_eq!(two.get("/again"), (200, b"/again".to_vec()));
        drop((one, two));
        server.finish();
    }
}

#[test]
fn each_protocol_may_be_had_alone() {
    let server = TestServer::with(Server::new().protocols(Protocols::Http2), echo);
    let mut one = server.connect();
    one.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = one.response();
    assert_eq!(response.status, 400);
    assert!(
        response.text().contains("HTTP/2 only"),
        "{}",
        response.text()
    );
    one.expect_end();
    let mut two = Http2Client::connect(server.address());
    assert_eq!(two.get("/two"), (200, b"/two".to_vec()));
    drop((one, two));
    server.finish();

    let server = TestServer::with(Server::new().protocols(Protocols::Http1), echo);
    let mut two = server.connect();
    two.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    two.send(frame(SETTINGS, 0, 0, []));
    let rest = two.rest();
    // An empty SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED.
    assert_eq!(rest.len(), 9 + 17, "{rest:?}");
    assert_eq!(rest[9 + 3], GOAWAY);
    assert_eq!(rest[9 + 9 + 4..], [0, 0, 0, 0xd]);
    assert_eq!(server.connect().get("/one").text(), "/one");
    drop(two);
    server.finish();
}

#[test]
fn frames_may_come_in_single_bytes() {
    let server = TestServer::start(echo);
    let mut client = Http2Client::connect(server.address());
    let (first, second) = (client.next(), client.next());
    let frames = [
        request(first, "POST", "/a", 0),
        data(first, b"bo", 0),
        request(second, "GET", "/b", END_STREAM),
        data(first, b"dy", END_STREAM),
    ];
    for byte in frames.concat() {
        client.send([byte]);
    }
    // The second was complete first.
    assert_eq!(client.response(second), (200, b"/b".to_vec()));
    assert_eq!(client.response(first), (200, b"/abody".to_vec()));
    drop(client);
    server.finish();
}

#[test]
fn a_shutdown_loses_no_request() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        if ctx.request().path() == "/wait" {
            held.pass().await;
        }
        echo(ctx).await
    });
    let mut client = Http2Client::connect(server.address());
    let waiting = client.next();
    client.send(request(waiting, "GET", "/wait", END_STREAM));
    eventually("the handler waits", || server.stats().handlers == 1);
    let running = server.running;
    let ends = std::thread::spawn(move || running.shut_down(HANG));
    let first = client.frame();
    assert_eq!(
        (first.kind, first.number(0), first.number(4)),
        (GOAWAY, i32::MAX as u32, 0)
    );
    let ping = client.frame();
    assert_eq!(ping.kind, PING);
    // What crosses the announcement is answered.
    assert_eq!(client.get("/crossing"), (200, b"/crossing".to_vec()));
    client.send(frame(PING, ACK, 0, ping.payload));
    let last = client.frame();
    assert_eq!(
        (last.kind, last.number(0), last.number(4)),
        (GOAWAY, waiting + 2, 0)
    );
    gate.open();
    assert_eq!(client.response(waiting), (200, b"/wait".to_vec()));
    assert_eq!(client.try_frame(), None, "an orderly end");
    drop(client);
    assert!(ends.join().unwrap(), "the drain ended by its time-out");
}

#[test]
fn rapid_reset_ends_the_connection_in_order() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        if ctx.request().path() != "/alive" {
            ctx.lifetime().aborted().await;
        }
        ctx.text("alive")
    });
    let mut honest = Http2Client::connect(server.address());
    let mut client = Http2Client::connect(server.address());
    let mut frames = Vec::new();
    for _ in 0..10_000 {
        let stream = client.next();
        frames.extend(request(stream, "GET", "/", END_STREAM));
        frames.extend(frame(RST_STREAM, 0, stream, [0, 0, 0, 8]));
    }
    // Much of it comes behind the end, and is read and forgotten so that GOAWAY is not lost.
    client.send(frames);
    client.finish_sending();
    client.expect_goaway(ENHANCE_YOUR_CALM);
    // Handlers that have not ended yet count too: which bound is met first is a matter of turns.
    let ended = server.rejected("h2_reset_flood") + server.rejected("h2_unwanted_flood");
    assert_eq!(ended, 1);
    assert!(server.stats().requests < 510);
    assert_eq!(honest.get("/alive"), (200, b"alive".to_vec()));
    drop((client, honest));
    server.finish();
}

#[test]
fn a_field_block_without_end_ends_the_connection() {
    const CONTINUATION: u8 = 0x9;
    let server = TestServer::start(echo);
    let mut honest = Http2Client::connect(server.address());
    let mut client = Http2Client::connect(server.address());
    client.send(frame(HEADERS, 0, 1, [0x82]));
    // Longer ones earn some more of them, and end by their bytes.
    let more = frame(CONTINUATION, 0, 1, [0x90; 100]);
    for _ in 0..10_000 {
        if !client.try_send(&more) {
            break;
        }
    }
    client.expect_goaway(ENHANCE_YOUR_CALM);
    assert_eq!(server.rejected("h2_too_many_continuations"), 1);
    assert_eq!(honest.get("/alive"), (200, b"/alive".to_vec()));
    drop((client, honest));
    server.finish();
}

/// Sends DATA on a stream until the window that it has is used up.
fn fill_window(client: &mut Http2Client, stream: u32, window: usize) {
    let content = vec![b'x'; 16_384];
    let mut left = window;
    while left > 0 {
        let count = left.min(content.len());
        client.send(data(stream, &content[..count], 0));
        left -= count;
    }
}

#[test]
fn a_tunnel_that_nobody_reads_is_bounded_in_memory() {
    /// What a stream may have at first.
    const WINDOW: usize = 768 * 1024;
    let gate = Gate::default();
    let held = gate.clone();
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            ctx.text("alive")?;
            return Ok(());
        }
        let mut stream = ctx.upgrade("")?;
        held.pass().await;
        let mut count = 0;
        while let Some(chunk) = stream.read().await? {
            count += chunk.len();
        }
        stream.write(count.to_string()).await?;
        Ok::<(), Box<dyn Error>>(())
    });
    let fields = [(":method", "CONNECT"), (":authority", "b:1")];
    let mut clients: Vec<Http2Client> = (0..8)
        .map(|_| {
            let mut client = Http2Client::connect(server.address());
            let stream = client.next();
            client.send(request_with(stream, &fields, 0));
            fill_window(&mut client, stream, WINDOW);
            client
        })
        .collect();
    eventually("all of it has come", || server.stats().handlers == 8);
    // Six MiB wait, three times what the shard's buffers hold: the rest was copied, and others
    // are still served.
    let mut other = Http2Client::connect(server.address());
    assert_eq!(other.get("/alive"), (200, b"alive".to_vec()));
    assert!(server.stats().buffers_in_use < 512);
    for client in &mut clients {
        // No window comes back as long as nobody reads.
        client.send(frame(PING, 0, 0, *b"12345678"));
        loop {
            let frame = client.frame();
            assert_ne!(frame.kind, WINDOW_UPDATE);
            if frame.kind == PING && frame.flags & ACK != 0 {
                break;
            }
        }
    }
    gate.open();
    for client in &mut clients {
        await_window(client, 1);
        client.send(data(1, b"x", END_STREAM));
        let (_, content) = client.response(1);
        assert_eq!(content, (WINDOW + 1).to_string().into_bytes());
    }
    drop((clients, other));
    server.finish();
}

/// Reads to the WINDOW_UPDATE of a stream.
fn await_window(client: &mut Http2Client, stream: u32) {
    loop {
        let frame = client.frame();
        if frame.kind == WINDOW_UPDATE && frame.stream == stream {
            return;
        }
    }
}

#[test]
fn a_connection_that_breaks_leaves_nothing_behind() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        ctx.body().read_to_end(1 << 20).await?;
        ctx.write(vec![b'x'; 1 << 22]).await?;
        Ok::<(), Box<dyn Error>>(())
    });
    for _ in 0..10 {
        let mut client = Http2Client::connect(server.address());
        for place in 0..20 {
            let stream = client.next();
            let flags = if place % 2 == 0 { END_STREAM } else { 0 };
            client.send(request(stream, "POST", "/", flags));
            if flags == 0 {
                client.send(data(stream, b"begun", 0));
            }
        }
        drop(client);
    }
    let mut client = Client::connect(server.address());
    assert_eq!(client.get("/").status, 200);
    drop(client);
    server.finish();
}
