//! A request body that the handler leaves unread: drained so that the connection can be reused, for
//! a limited time.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use crate::support::TestServer;
use lanner::{HttpContext, Limits, Server};

async fn ignore(ctx: &mut HttpContext) -> Result<(), lanner::ResponseError> {
    let path = ctx.request().path().to_owned();
    ctx.text(&path)
}

#[test]
fn what_is_left_is_drained_and_the_connection_is_reused() {
    let server = TestServer::start(ignore);
    let mut client = server.connect();
    let body = vec![b'x'; 500_000];
    for round in 0..3 {
        client.send(format!(
            "POST /{round} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ));
        // The answer does not wait for the body.
        let response = client.response();
        assert_eq!(response.text(), format!("/{round}"));
        assert!(!response.closes());
        client.send(&body);
        client.send("POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(client.response().text(), "/chunked");
        for _ in 0..10 {
            client.send("7;x=y\r\n0\r\n\r\n00\r\n");
        }
        client.send("0\r\nDigest: 1\r\n\r\n");
        assert_eq!(client.get("/next").text(), "/next");
    }
    drop(client);
    server.finish();
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let limits = Limits {
        drain_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), ignore);
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut client = server.connect();
        client.send(format!(
            "POST /stuck HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"
        ));
        assert_eq!(client.response().text(), "/stuck");
        let (rest, _) = client.any_end();
        assert_eq!(rest, b"");
        drop(client);
    }
    server.finish();
}

#[test]
fn a_malformed_rest_ends_the_connection() {
    let server = TestServer::start(ignore);
    let mut client = server.connect();
    client.send("POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.response().text(), "/bad");
    client.send("nonsense\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    let (rest, _) = client.any_end();
    assert_eq!(rest, b"");
    assert_eq!(server.stats().requests, 1);
    assert_eq!(server.rejected("invalid_chunk_size"), 1);
    drop(client);
    server.finish();
}

#[test]
fn a_body_that_is_read_in_part_is_drained_too() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let first = ctx.body().chunk().await?.map_or(0, |chunk| chunk.len());
        ctx.text(&format!("{}", first > 0))?;
        Ok::<(), Box<dyn std::error::Error>>(())
    });
    let mut client = server.connect();
    let body = vec![b'x'; 300_000];
    for _ in 0..3 {
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ));
        client.send(&body);
        assert_eq!(client.response().text(), "true");
    }
    drop(client);
    server.finish();
}
