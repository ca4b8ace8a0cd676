//! `Expect: 100-continue`: the peer is told to go on when the handler first reads, and never when
//! it does not (RFC 9110, 10.1.1). Then the connection ends with the answer; a body that comes all
//! the same is forgotten, so that the answer is not lost to a reset.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::time::Duration;

use crate::support::{TestServer, eventually};
use lanner::{HttpContext, Limits, Server, Status};

const EXPECTING: &str =
    "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

/// Reads the body on `/read`, not otherwise.
async fn application(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/read" => {
            let body = ctx.body().read_to_end(100).await?;
            ctx.bytes("text/plain", body)?;
        }
        "/start" => {
            ctx.write("started ").await?;
            ctx.flush().await?;
            let body = ctx.body().read_to_end(100).await?;
            ctx.write(body).await?;
        }
        _ => ctx.status(Status::FORBIDDEN)?.text("no, thank you")?,
    }
    Ok(())
}

#[test]
fn sent_when_the_handler_first_reads() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(EXPECTING);
        assert_eq!(client.response().status, 100);
        client.send("hello");
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, "hello"));
        assert_eq!(response.field("connection"), None);
    }
    drop(client);
    server.finish();
}

#[test]
fn sent_once_for_a_chunked_body() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    client.send("POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n");
    assert_eq!(client.response().status, 100);
    for part in ["5\r\n", "hel", "lo\r\n0\r", "\n\r\n"] {
        client.send(part);
    }
    assert_eq!(client.response().text(), "hello");
    drop(client);
    server.finish();
}

#[test]
fn not_sent_when_the_handler_does_not_read() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    client.send(EXPECTING.replace("/read", "/refuse"));
    let response = client.response();
    assert_eq!((response.status, response.text()), (403, "no, thank you"));
    assert!(
        response.closes(),
        "the peer may or may not send the body that it was not asked for"
    );
    client.expect_end();
    drop(client);
    server.finish();
}

#[test]
fn a_body_that_comes_unasked_is_taken() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    client.send([EXPECTING, "hello", EXPECTING, "again"].concat());
    for body in ["hello", "again"] {
        let mut response = client.response();
        // The body was there before the handler read: whether it is still asked for is free.
        if response.status == 100 {
            response = client.response();
        }
        assert_eq!((response.status, response.text()), (200, body));
    }
    drop(client);
    server.finish();
}

#[test]
fn not_sent_behind_the_head_of_the_response() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    client.send(EXPECTING.replace("/read", "/start"));
    let response = client.head();
    assert_eq!(response.status, 200);
    assert!(response.closes());
    client.send("hello");
    // Nothing but the chunks of the body follows.
    let rest = String::from_utf8(client.rest()).unwrap();
    assert_eq!(rest, "8\r\nstarted \r\n5\r\nhello\r\n0\r\n\r\n");
    drop(client);
    server.finish();
}

#[test]
fn http10_and_requests_without_a_body_expect_nothing() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    client.send(
        "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.response().status, 200);
    client.send("POST /read HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, "hello"));
    client.expect_end();
    drop(client);
    server.finish();
}

/// More than a closing connection reads and forgets, and than socket buffers take.
const LONG_BODY: usize = 8 * 1024 * 1024;

#[test]
fn a_peer_that_does_not_wait_does_not_lose_its_answer() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    let body = vec![b'x'; LONG_BODY];
    client.send(format!(
        "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: {LONG_BODY}\r\n\
         Expect: 100-continue\r\n\r\n"
    ));
    // It sends all of it before it reads anything.
    client.send(&body);
    let response = client.response();
    assert_eq!((response.status, response.text()), (403, "no, thank you"));
    assert!(response.closes());
    client.expect_end();
    drop(client);
    server.finish();
}

#[test]
fn a_body_that_nobody_asked_for_may_take_as_long_as_an_unread_one() {
    let limits = Limits {
        drain_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), application);
    let mut client = server.connect();
    client.send(EXPECTING.replace("/read", "/refuse"));
    assert_eq!(client.response().status, 403);
    client.expect_end();
    // The peer has seen the end and holds its own back.
    eventually("the server closes", || server.stats().connections_open == 0);
    drop(client);
    server.finish();
}
