//! Peers that end at any point, in order or by a reset, half-close, or vanish from under a handler:
//! what they have asked is answered while that can be, and nothing is left of them.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::error::Error;
use std::sync::mpsc;

use crate::support::{HANG, SHELLS, TestServer, eventually, oneshot};
use lanner::{BodyError, HttpContext, ResponseError, Server, sleep};

async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let body = ctx.body().read_to_end(1000).await?;
    ctx.bytes("text/plain", body)?;
    Ok(())
}

/// As `echo`, but so that the handler has to wait at each step.
async fn slow_echo(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    sleep(std::time::Duration::from_millis(1)).await;
    while let Some(chunk) = ctx.body().chunk().await? {
        ctx.write(&chunk).await?;
        ctx.flush().await?;
    }
    Ok(())
}

const PIPELINE: [&str; 3] = [
    "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\nDigest: x\r\n\r\n",
    "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
];

/// How many of the requests are complete in the first `length` bytes of the pipeline.
fn complete(length: usize) -> usize {
    let mut end = 0;
    PIPELINE
        .iter()
        .take_while(|request| {
            end += request.len();
            end <= length
        })
        .count()
}

#[test]
fn a_peer_may_end_after_any_byte() {
    let pipeline = PIPELINE.concat();
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), echo);
        for length in 0..=pipeline.len() {
            for reset in [true, false] {
                let mut client = server.connect();
                client.send(&pipeline[..length]);
                if reset {
                    client.reset();
                } else {
                    drop(client);
                }
            }
        }
        server.finish();
    }
}

#[test]
fn a_peer_may_end_after_any_byte_while_handlers_wait() {
    let pipeline = PIPELINE.concat();
    let server = TestServer::start(slow_echo);
    let mut clients = Vec::new();
    for length in 0..=pipeline.len() {
        for reset in [true, false] {
            let mut client = server.connect();
            client.send(&pipeline[..length]);
            clients.push((client, reset));
        }
    }
    for (client, reset) in clients {
        if reset {
            client.reset();
        }
    }
    server.finish();
}

#[test]
fn what_was_asked_before_a_half_close_is_answered() {
    let pipeline = PIPELINE.concat();
    for slow in [false, true] {
        let server = TestServer::start(async move |ctx: &mut HttpContext| {
            if slow {
                slow_echo(ctx).await
            } else {
                echo(ctx).await
            }
        });
        for length in 0..=pipeline.len() {
            let mut client = server.connect();
            client.send(&pipeline[..length]);
            client.finish_sending();
            for body in ["hello", "ab", ""].into_iter().take(complete(length)) {
                let response = client.response();
                assert_eq!(
                    (response.status, response.text()),
                    (200, body),
                    "{length} bytes"
                );
            }
            // An unfinished body may be answered 400 or cut off; an unfinished head is not.
            let (rest, _) = client.any_end();
            assert!(
                rest.is_empty()
                    || rest.starts_with(b"HTTP/1.1 400 ")
                    || rest.starts_with(b"HTTP/1.1 200 "),
                "{length} bytes: {:?}",
                String::from_utf8_lossy(&rest)
            );
        }
        server.finish();
    }
}

#[test]
fn a_peer_that_ends_within_a_body_is_told_so() {
    let server = TestServer::start(echo);
    for (request, name) in [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
            "incomplete_body",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            "incomplete_chunked_body",
        ),
    ] {
        let mut client = server.connect();
        client.send(request);
        client.finish_sending();
        let response = client.response();
        assert_eq!((response.status, response.text()), (400, ""), "{name}");
        assert!(response.closes());
        client.expect_end();
        assert_eq!(server.rejected(name), 1);
    }
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHo");
    client.finish_sending();
    client.expect_end();
    assert_eq!(server.rejected("incomplete_head"), 1);
    drop(client);
    server.finish();
}

#[test]
fn a_handler_learns_that_its_peer_is_gone() {
    for shell in SHELLS {
        let (begun, begin) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let server = TestServer::with(
            Server::new().shell(shell),
            async move |ctx: &mut HttpContext| {
                assert!(!ctx.lifetime().is_aborted());
                begun.send(()).unwrap();
                ctx.lifetime().aborted().await;
                let written = ctx.write("too late").await;
                let read = ctx.body().chunk().await.map(drop);
                ended
                    .send((ctx.lifetime().is_aborted(), written, read))
                    .unwrap();
            },
        );
        let mut client = server.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        begin.recv_timeout(HANG).unwrap();
        client.reset();
        let expected = (true, Err(ResponseError::Aborted), Err(BodyError::Aborted));
        assert_eq!(end.recv_timeout(HANG).unwrap(), expected);
        server.finish();
    }
}

#[test]
fn a_handler_that_waits_for_a_body_learns_it_too() {
    let (ended, end) = mpsc::channel();
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        let error = loop {
            if let Err(error) = ctx.body().chunk().await {
                break error;
            }
        };
        ended.send(error).unwrap();
    });
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    eventually("the request is under way", || server.stats().requests == 1);
    client.reset();
    assert_eq!(end.recv_timeout(HANG).unwrap(), BodyError::Aborted);
    server.finish();
}

#[test]
fn a_half_close_is_no_abort() {
    let (sender, receiver) = oneshot::channel();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        let text: &str = receiver.await;
        assert!(!ctx.lifetime().is_aborted());
        ctx.text(text)
    });
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.finish_sending();
    eventually("the request is under way", || server.stats().requests == 1);
    sender.send("answered");
    let response = client.response();
    assert_eq!(response.text(), "answered");
    client.expect_end();
    drop(client);
    server.finish();
}

#[test]
fn a_peer_that_ends_within_a_response_ends_its_handler() {
    let (ended, end) = mpsc::channel();
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        let part = vec![b'x'; 10_000];
        let error = loop {
            if let Err(error) = ctx.write(&part).await {
                break error;
            }
        };
        ended.send(error).unwrap();
    });
    for reset in [true, false] {
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.head().status, 200);
        if reset {
            client.reset();
        } else {
            drop(client);
        }
        assert_eq!(end.recv_timeout(HANG).unwrap(), ResponseError::Aborted);
    }
    server.finish();
}

#[test]
fn a_shard_full_of_dead_peers_serves_the_living() {
    let server = TestServer::start(async |ctx: &mut HttpContext| ctx.text("alive"));
    let mut dead = Vec::new();
    for _ in 0..200 {
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Never-Ending: ");
        dead.push(client);
    }
    let mut client = server.connect();
    assert_eq!(client.get("/").text(), "alive");
    drop((dead, client));
    server.finish();
}
