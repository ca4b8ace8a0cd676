//! Backpressure in both directions: who does not read stops who sends, and what waits is bounded.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::TestServer;
use crate::support::client::Client;
use crate::support::oneshot::Gate;
use lanner::{HttpContext, Limits, ResponseError, Server};

/// More than all buffers between the two ends take together: those of both sockets, at most 6 MiB
/// each with the kernel's defaults, and the server's own.
const MUCH: usize = 64 << 20;

/// What may be under way at most when nobody reads.
const UNDER_WAY_MAX: usize = 32 << 20;

fn limits() -> Limits {
    Limits {
        body_bytes_max: None,
        request_buffer_bytes_max: 64 * 1024,
        response_buffer_bytes_max: 64 * 1024,
        request_body_rate_min: None,
        response_rate_min: None,
        ..Limits::default()
    }
}

/// The part of an endless pattern that begins at `from`, in which no run of bytes is like the next.
fn pattern(from: usize, length: usize) -> Vec<u8> {
    let cycle: Vec<u8> = (0..251).collect();
    let skip = from % cycle.len();
    let mut part = cycle.repeat((skip + length).div_ceil(cycle.len()));
    part.drain(..skip);
    part.truncate(length);
    part
}

/// Sends `body` until the server takes no more, lets the handler read, sends the rest.
fn fill_then_release(server: &TestServer, client: &mut Client, body: &[u8], gate: &Gate) {
    let sent = client.send_until_stuck(body);
    assert!(
        sent < UNDER_WAY_MAX,
        "{sent} bytes were taken though nobody read them"
    );
    let held = server.stats().buffers_in_use;
    assert!(held <= 64, "{held} buffers are held for 64 KiB");
    gate.open();
    client.send(&body[sent..]);
}

#[test]
fn a_handler_that_does_not_read_stops_the_peer() {
    let gate = Gate::default();
    let handler_gate = gate.clone();
    let server = TestServer::with(
        Server::new().limits(limits()),
        async move |ctx: &mut HttpContext| {
            handler_gate.pass().await;
            let (mut bytes, mut faults) = (0_usize, 0_usize);
            while let Some(chunk) = ctx.body().chunk().await? {
                faults += usize::from(pattern(bytes, chunk.len()) != *chunk);
                bytes += chunk.len();
            }
            ctx.text(&format!("{bytes} bytes, {faults} faults"))?;
            Ok::<(), Box<dyn Error>>(())
        },
    );
    let body = pattern(0, MUCH);
    let mut client = server.connect();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MUCH}\r\n\r\n"
    ));
    fill_then_release(&server, &mut client, &body, &gate);
    assert_eq!(client.response().text(), format!("{MUCH} bytes, 0 faults"));
    drop(client);
    server.finish();
}

#[test]
fn a_pipeline_behind_a_waiting_handler_is_bounded_too() {
    let gate = Gate::default();
    let handler_gate = gate.clone();
    let server = TestServer::with(
        Server::new().limits(limits()),
        async move |ctx: &mut HttpContext| {
            handler_gate.pass().await;
            // A long answer would need a peer that reads while it sends.
            ctx.status(lanner::Status::NO_CONTENT).map(drop)
        },
    );
    let request = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(7000));
    let count = MUCH / request.len();
    let requests = request.repeat(count);
    let mut client = server.connect();
    let mut reader = Client::over(client.stream().try_clone().unwrap());
    let answers = std::thread::spawn(move || (0..count).all(|_| reader.response().status == 204));
    fill_then_release(&server, &mut client, requests.as_bytes(), &gate);
    assert!(answers.join().unwrap());
    drop(client);
    server.finish();
}

/// Waits until a handler stands still: its count has not changed for a while.
fn standstill(count: &AtomicUsize) -> usize {
    let mut before = count.load(Ordering::SeqCst);
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = count.load(Ordering::SeqCst);
        if now == before && now > 0 {
            return now;
        }
        before = now;
    }
}

#[test]
fn a_peer_that_does_not_read_stops_the_handler() {
    for framing in ["length", "chunked", "close"] {
        let written = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&written);
        let server = TestServer::with(
            Server::new().limits(limits()),
            async move |ctx: &mut HttpContext| {
                if ctx.request().path() == "/length" {
                    ctx.field("Content-Length", MUCH.to_string())?;
                }
                let part = vec![b'x'; 10_000];
                let mut left = MUCH;
                while left > 0 {
                    let part = &part[..left.min(part.len())];
                    ctx.write(part).await?;
                    count.fetch_add(part.len(), Ordering::SeqCst);
                    left -= part.len();
                }
                Ok::<(), ResponseError>(())
            },
        );
        let mut client = server.connect();
        let version = if framing == "close" { "1.0" } else { "1.1" };
        client.send(format!("GET /{framing} HTTP/{version}\r\nHost: a\r\n\r\n"));
        let bytes = standstill(&written);
        assert!(
            bytes < UNDER_WAY_MAX,
            "{bytes} bytes were written though nobody read them"
        );
        let body = client.response().body;
        assert!(
            body.len() == MUCH && body.iter().all(|byte| *byte == b'x'),
            "{framing}"
        );
        drop(client);
        server.finish();
    }
}

/// So many answers of 50,000 bytes are more than may be under way.
const ANSWERS: usize = 1500;

#[test]
fn answers_that_nobody_reads_stop_the_pipeline() {
    let server = TestServer::with(
        Server::new().limits(limits()),
        async |ctx: &mut HttpContext| ctx.bytes("text/plain", vec![b'x'; 50_000]),
    );
    let requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(ANSWERS);
    let mut client = server.connect();
    let sent = client.send_until_stuck(requests.as_bytes());
    let stuck = standstill_requests(&server);
    assert!(
        stuck * 50_000 < UNDER_WAY_MAX,
        "{stuck} answers were made though nobody read them"
    );
    let mut sender = Client::over(client.stream().try_clone().unwrap());
    let rest = std::thread::spawn(move || sender.send(&requests.as_bytes()[sent..]));
    for number in 0..ANSWERS {
        assert_eq!(client.response().body.len(), 50_000, "answer {number}");
    }
    rest.join().unwrap();
    drop(client);
    server.finish();
}

/// Waits until the server begins no more requests, and answers how many it has begun.
fn standstill_requests(server: &TestServer) -> usize {
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = server.stats().requests;
        if now == before && now > 0 {
            return usize::try_from(now).unwrap();
        }
        before = now;
    }
}
