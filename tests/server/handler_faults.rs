//! Handlers that panic, fail or give up: the peer gets a 500 or sees that the body is cut off, and
//! the shard lives.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::time::Duration;

use crate::support::client::Client;
use crate::support::{SHELLS, TestServer};
use lanner::{HttpContext, Server, sleep};

async fn fail(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let path = ctx.request().path().to_owned();
    ctx.field("X-Own", "1")?;
    match path.as_str() {
        "/panic" => panic!("a test's panic"),
        "/panic-later" => {
            sleep(Duration::from_millis(1)).await;
            panic!("a test's panic");
        }
        "/error" => {
            ctx.text("half an ans")?;
            return Err("a test's error".into());
        }
        "/error-later" => {
            ctx.write("half an ans").await?;
            sleep(Duration::from_millis(1)).await;
            return Err("a test's error".into());
        }
        "/panic-within" => {
            ctx.write("half an ans").await?;
            ctx.flush().await?;
            panic!("a test's panic");
        }
        "/error-within" => {
            ctx.field("Content-Length", "100")?;
            ctx.write("half an ans").await?;
            ctx.flush().await?;
            return Err("a test's error".into());
        }
        "/abort" => {
            ctx.abort();
            assert!(ctx.lifetime().is_aborted());
        }
        "/abort-within" => {
            ctx.write("half an ans").await?;
            ctx.flush().await?;
            ctx.abort();
        }
        _ => ctx.text("fine")?,
    }
    Ok(())
}

fn ask(server: &TestServer, path: &str, version: &str) -> Client {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/{version}\r\nHost: a\r\n\r\n"));
    client
}

#[test]
fn a_failure_in_time_is_a_500() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), fail);
        let mut client = server.connect();
        for path in ["/panic", "/panic-later", "/error", "/error-later"] {
            let response = client.get(path);
            assert_eq!((response.status, response.text()), (500, ""), "{path}");
            assert_eq!(
                response.field("x-own"),
                None,
                "nothing is left of a failed answer"
            );
            // The request was fine, so the connection need not suffer.
            if response.closes() {
                client.expect_end();
                client = server.connect();
            }
            assert_eq!(client.get("/").text(), "fine");
        }
        drop(client);
        server.finish();
    }
}

#[test]
fn a_failure_within_the_body_is_seen() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), fail);
        // Chunked: the last chunk is missing.
        let mut chunked = ask(&server, "/panic-within", "1.1");
        let head = chunked.head();
        assert_eq!(
            (head.status, head.field("transfer-encoding")),
            (200, Some("chunked"))
        );
        assert_eq!(chunked.any_end().0, b"b\r\nhalf an ans\r\n");
        // By length: bytes are missing.
        let mut by_length = ask(&server, "/error-within", "1.1");
        assert_eq!(by_length.head().field("content-length"), Some("100"));
        assert_eq!(by_length.any_end().0, b"half an ans");
        // By the end of the connection: only a reset tells that it was not the end of the body.
        let (_, in_order) = ask(&server, "/panic-within", "1.0").any_end();
        assert!(!in_order);
        drop((chunked, by_length));
        let mut client = server.connect();
        assert_eq!(client.get("/").text(), "fine");
        drop(client);
        server.finish();
    }
}

#[test]
fn an_abort_ends_the_connection_without_an_answer() {
    let server = TestServer::start(fail);
    let (bytes, in_order) = ask(&server, "/abort", "1.1").any_end();
    assert_eq!((bytes.as_slice(), in_order), (b"".as_slice(), false));
    let (_, in_order) = ask(&server, "/abort-within", "1.1").any_end();
    assert!(!in_order);
    server.finish();
}

#[test]
fn a_failure_leaves_the_rest_of_a_pipeline_in_order() {
    let server = TestServer::start(fail);
    let mut client = server.connect();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    client.send([get("/"), get("/error-later"), get("/")].concat());
    assert_eq!(client.response().text(), "fine");
    let failed = client.response();
    assert_eq!(failed.status, 500);
    if failed.closes() {
        client.expect_end();
    } else {
        assert_eq!(client.response().text(), "fine");
    }
    drop(client);
    server.finish();
}
