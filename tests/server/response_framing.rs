//! How a response body ends: by length, by chunks, by the end of the connection; which responses
//! have none; what becomes of a handler that announces one length and writes another
//! (RFC 9112, 6.3; RFC 9110, 8.6, 9.3.2 and 15).

#![allow(clippy::unwrap_used)]

use crate::support::TestServer;
use lanner::{HttpContext, ResponseError, Status};

/// Answers as the path says.
async fn answer(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/whole" => ctx.text("whole"),
        "/fixed" => ctx.static_bytes("text/plain", b"fixed"),
        "/empty" => Ok(()),
        "/streamed" => {
            ctx.write("one").await?;
            ctx.flush().await?;
            ctx.write("two").await?;
            ctx.flush().await
        }
        "/announced" => {
            ctx.field("Content-Length", "6")?;
            ctx.write("one").await?;
            ctx.flush().await?;
            ctx.write("two").await
        }
        "/trailers" => {
            ctx.write("body").await?;
            ctx.trailer("Digest", "abc")?
                .trailer("Content-Length", "1")?;
            Ok(())
        }
        "/head-only" => {
            ctx.field("Content-Length", "1000")?;
            Ok(())
        }
        "/long" => {
            ctx.field("Content-Length", "5")?;
            ctx.write("four").await?;
            ctx.flush().await?;
            ctx.write("more").await
        }
        "/short" => {
            ctx.field("Content-Length", "10")?;
            ctx.write("four").await?;
            ctx.flush().await
        }
        "/wrong" => {
            ctx.field("Content-Length", "3")?.field("X-Own", "1")?;
            ctx.text("four")
        }
        status => {
            let code = status.strip_prefix('/').unwrap().parse().unwrap();
            ctx.status(Status::new(code).unwrap())?.text("not empty")
        }
    }
}

#[test]
fn a_body_that_is_known_whole_has_a_length() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    for (path, body) in [("/whole", "whole"), ("/fixed", "fixed"), ("/empty", "")] {
        let response = client.get(path);
        assert_eq!(
            response.field("content-length"),
            Some(body.len().to_string().as_str())
        );
        assert_eq!(response.text(), body);
    }
    drop(client);
    server.finish();
}

#[test]
fn a_streamed_body_is_chunked_or_keeps_the_announced_length() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    let response = client.get("/streamed");
    assert_eq!(
        (response.text(), response.chunks.as_slice()),
        ("onetwo", [3, 3].as_slice())
    );
    let response = client.get("/announced");
    assert_eq!((response.text(), response.chunks.len()), ("onetwo", 0));
    assert_eq!(response.field("content-length"), Some("6"));
    drop(client);
    server.finish();
}

#[test]
fn http10_ends_a_streamed_body_with_the_connection() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    // A body with trailers is known whole, and they are dropped: the connection can stay.
    client.send("GET /trailers HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let response = client.response();
    assert_eq!(response.field("content-length"), Some("4"));
    assert_eq!(response.text(), "body");
    client.send("GET /streamed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let response = client.response();
    assert_eq!(response.field("transfer-encoding"), None);
    assert_eq!(response.field("content-length"), None);
    assert_eq!(response.text(), "onetwo");
    client.expect_end();
    drop(client);
    server.finish();
}

#[test]
fn trailers_make_the_body_chunked_and_never_say_its_length() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    let response = client.get("/trailers");
    assert_eq!(response.text(), "body");
    assert_eq!(response.trailers, [("digest".to_owned(), "abc".to_owned())]);
    assert_eq!(client.get("/whole").text(), "whole");
    drop(client);
    server.finish();
}

#[test]
fn head_says_what_get_would_and_sends_no_body() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    for path in [
        "/whole",
        "/fixed",
        "/empty",
        "/streamed",
        "/announced",
        "/trailers",
        "/404",
    ] {
        let get = client.get(path);
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = client.head();
        assert_eq!(head.status, get.status);
        for name in ["content-length", "transfer-encoding", "content-type"] {
            assert_eq!(head.field(name), get.field(name), "{name} of {path}");
        }
    }
    // The length of a body that only GET would make.
    client.send("HEAD /head-only HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().field("content-length"), Some("1000"));
    assert_eq!(client.get("/whole").text(), "whole");
    drop(client);
    server.finish();
}

#[test]
fn some_statuses_have_no_body() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    for (code, length) in [(204, None), (205, Some("0")), (304, None)] {
        let response = client.get(&format!("/{code}"));
        assert_eq!(response.status, code);
        assert_eq!(response.field("content-length"), length, "{code}");
        assert_eq!(response.field("transfer-encoding"), None, "{code}");
        assert_eq!(response.body, b"");
    }
    // Nothing of their bodies is left over.
    assert_eq!(client.get("/whole").text(), "whole");
    drop(client);
    server.finish();
}

#[test]
fn a_status_without_a_name_is_sent() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    let response = client.get("/599");
    assert_eq!((response.status, response.text()), (599, "not empty"));
    drop(client);
    server.finish();
}

#[test]
fn a_wrong_length_found_in_time_is_an_error() {
    let server = TestServer::start(answer);
    let mut client = server.connect();
    let response = client.get("/wrong");
    assert_eq!((response.status, response.text()), (500, ""));
    assert_eq!(response.field("x-own"), None);
    assert!(response.closes());
    client.expect_end();
    drop(client);
    server.finish();
}

#[test]
fn a_wrong_length_found_too_late_cuts_the_body() {
    let server = TestServer::start(answer);
    for (path, length, body) in [("/short", "10", "four"), ("/long", "5", "four")] {
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let response = client.head();
        assert_eq!(
            (response.status, response.field("content-length")),
            (200, Some(length))
        );
        let (rest, _) = client.any_end();
        assert_eq!(String::from_utf8(rest).unwrap(), body, "{path}");
        drop(client);
    }
    server.finish();
}
