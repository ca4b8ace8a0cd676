//! How long a connection lives and in which order it is answered: keep-alive, pipelining, HTTP/1.0
//! (RFC 9112, 9.3).

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use crate::support::{SHELLS, TestServer};
use lanner::{HttpContext, ResponseError, Server, sleep};

/// Answers with the path; `/slow/...` only after a while, `/flush/...` in two steps.
async fn path(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let path = ctx.request().path().to_owned();
    if path.starts_with("/slow/") {
        sleep(Duration::from_millis(5)).await;
    }
    if path.starts_with("/flush/") {
        ctx.write("flushed ").await?;
        ctx.flush().await?;
        return ctx.write(path).await;
    }
    ctx.text(&path)
}

#[test]
fn a_connection_serves_many_requests() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), path);
        let mut client = server.connect();
        for number in 0..50 {
            let response = client.get(&format!("/{number}"));
            assert_eq!(
                (response.status, response.text()),
                (200, format!("/{number}").as_str())
            );
            assert_eq!(response.field("connection"), None);
        }
        let stats = server.stats();
        assert_eq!((stats.connections, stats.requests), (1, 50), "{shell:?}");
        drop(client);
        server.finish();
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), path);
        let mut client = server.connect();
        for round in 0..4 {
            let kinds = ["fast", "slow", "fast", "flush"];
            let paths: Vec<String> = (0..16)
                .zip(kinds.into_iter().cycle())
                .map(|(number, kind)| format!("/{kind}/{round}/{number}"))
                .collect();
            let requests: String = paths
                .iter()
                .map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .collect();
            client.send(requests);
            for path in &paths {
                let response = client.response();
                let prefix = if path.starts_with("/flush") {
                    "flushed "
                } else {
                    ""
                };
                assert_eq!(
                    (response.status, response.text()),
                    (200, format!("{prefix}{path}").as_str())
                );
            }
        }
        assert_eq!(server.stats().requests, 64);
        drop(client);
        server.finish();
    }
}

#[test]
fn a_pipeline_with_bodies_keeps_requests_apart() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let body = ctx.body().read_to_end(1024).await?;
        ctx.bytes("text/plain", body)?;
        Ok::<(), Box<dyn std::error::Error>>(())
    });
    let mut client = server.connect();
    let one = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst";
    let two = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n";
    client.send([one, two].concat().repeat(8));
    for _ in 0..8 {
        assert_eq!(client.response().text(), "first");
        assert_eq!(client.response().text(), "second");
    }
    drop(client);
    server.finish();
}

#[test]
fn close_is_said_and_done() {
    let server = TestServer::start(path);
    let mut client = server.connect();
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = client.response();
    assert!(response.closes());
    assert_eq!(response.text(), "/1");
    client.expect_end();
    assert_eq!(
        server.stats().requests,
        1,
        "what follows a last request is not one"
    );
    drop(client);
    server.finish();
}

#[test]
fn a_handler_can_close() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        ctx.field("Connection", "close")?.text("bye")
    });
    let mut client = server.connect();
    let response = client.get("/");
    assert!(response.closes());
    assert_eq!(response.text(), "bye");
    client.expect_end();
    drop(client);
    server.finish();
}

#[test]
fn http10_closes_unless_asked_to_stay() {
    let server = TestServer::start(path);
    let mut client = server.connect();
    client.send("GET /close HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!(
        (response.field("connection"), response.text()),
        (Some("close"), "/close")
    );
    assert_eq!(response.field("content-length"), Some("6"));
    client.expect_end();
    drop(client);

    let mut client = server.connect();
    for _ in 0..3 {
        client.send("GET /stay HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let response = client.response();
        assert_eq!(
            (response.field("connection"), response.text()),
            (Some("keep-alive"), "/stay")
        );
    }
    drop(client);
    server.finish();
}
