//! Request bodies as handlers read them: by length and chunked, with trailers and extensions, and
//! the limit on their size (RFC 9112, 6 and 7).

#![allow(clippy::unwrap_used)]

use std::error::Error;

use crate::support::TestServer;
use lanner::{BodyError, HttpContext, Limits, Server};

/// Answers with the body and, behind it, what else is known of it.
async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let mut body = ctx.body().read_to_end(usize::MAX).await?;
    if let Some(trailers) = ctx.body().trailers() {
        for line in trailers.iter() {
            body.extend_from_slice(format!("|{}={}", line.name, line.text().unwrap()).as_bytes());
        }
    }
    ctx.bytes("application/octet-stream", body)?;
    Ok(())
}

#[test]
fn bodies_by_length() {
    let server = TestServer::start(echo);
    let mut client = server.connect();
    // Around the size of a receive buffer, and far beyond it.
    for length in [0, 1, 4095, 4096, 4097, 100_000, 3_000_000] {
        let body: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        ));
        client.send(&body);
        assert!(client.response().body == body, "{length} bytes");
    }
    drop(client);
    server.finish();
}

#[test]
fn chunked_bodies_with_extensions_and_trailers() {
    let server = TestServer::start(echo);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let table = [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        (
            "0000000A;x=\"a;\\\"b\";y\r\n0123456789\r\n1\r\n!\r\n000;last\r\n\r\n",
            "0123456789!",
        ),
        (
            "1\r\nx\r\n0\r\nDigest: \t abc \r\nEmpty:\r\n\r\n",
            "x|Digest=abc|Empty=",
        ),
        ("7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n", "0\r\n\r\n0\r"),
    ];
    let mut whole = server.connect();
    let mut bytewise = server.connect();
    for (body, expected) in table {
        whole.send([head, body].concat());
        assert_eq!(whole.response().text(), expected);
        bytewise.send_bytewise([head, body].concat().as_bytes());
        assert_eq!(bytewise.response().text(), expected);
    }
    drop((whole, bytewise));
    server.finish();
}

#[test]
fn a_long_chunked_body_arrives_whole() {
    let server = TestServer::start(echo);
    let mut client = server.connect();
    let chunk: Vec<u8> = (0..10_007).map(|index| (index % 251) as u8).collect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..100 {
        client.send(format!("{:x}\r\n", chunk.len()));
        client.send(&chunk);
        client.send("\r\n");
    }
    client.send("0\r\n\r\n");
    assert!(client.response().body == chunk.repeat(100));
    drop(client);
    server.finish();
}

/// Reads with the limit that X-Limit sets for this request.
async fn limited(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let limit = ctx.request().field_text("x-limit").map(str::to_owned);
    if let Some(limit) = limit {
        ctx.body().limit(limit.parse().ok())?;
    }
    echo(ctx).await?;
    assert!(
        ctx.body().limit(None).is_err(),
        "the limit of a body that was read is fixed"
    );
    Ok(())
}

#[test]
fn the_size_of_a_body_is_limited() {
    let limits = Limits {
        body_bytes_max: Some(10),
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), limited);
    let by_length = |extra: &str, length: usize| {
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{extra}Content-Length: {length}\r\n\r\n{}",
            "b".repeat(length)
        )
    };
    let chunked = |extra: &str, length: usize| {
        let chunks = "1\r\nb\r\n".repeat(length);
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{extra}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
        )
    };
    // The limit itself passes, on one connection.
    let mut client = server.connect();
    for request in [
        by_length("", 10),
        chunked("", 10),
        by_length("X-Limit: 20\r\n", 20),
        chunked("X-Limit: 20\r\n", 20),
        chunked("X-Limit: none\r\n", 1000),
    ] {
        client.send(&request);
        assert_eq!(client.response().status, 200, "{request}");
    }
    for request in [
        by_length("", 11),
        chunked("", 11),
        by_length("X-Limit: 5\r\n", 6),
        chunked("X-Limit: 20\r\n", 21),
    ] {
        let mut client = server.connect();
        client.send(&request);
        let response = client.response();
        assert_eq!((response.status, response.text()), (413, ""), "{request}");
        assert!(response.closes());
        client.expect_end();
    }
    assert_eq!(server.rejected("body_too_large"), 4);
    drop(client);
    server.finish();
}

#[test]
fn a_handler_answers_for_a_bad_body_itself_if_it_likes() {
    let limits = Limits {
        body_bytes_max: Some(10),
        ..Limits::default()
    };
    let server = TestServer::with(
        Server::new().limits(limits),
        async |ctx: &mut HttpContext| {
            let error = ctx.body().chunk().await.unwrap_err();
            assert_eq!(error, BodyError::TooLarge);
            assert_eq!(
                ctx.body().chunk().await.unwrap_err(),
                error,
                "the same again"
            );
            ctx.text("too long for me")
        },
    );
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, "too long for me"));
    assert!(
        response.closes(),
        "the rest of the body can no longer be told from a request"
    );
    client.expect_end();
    drop(client);
    server.finish();
}

#[test]
fn body_detection_tells_a_body_from_none() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let text = ctx.body().can_have_body().to_string();
        ctx.text(&text)
    });
    let mut client = server.connect();
    for (fields, body, expected) in [
        ("", "", "false"),
        ("Content-Length: 0\r\n", "", "false"),
        ("Content-Length: 1\r\n", "x", "true"),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "true"),
    ] {
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}"));
        assert_eq!(client.response().text(), expected, "{fields}");
    }
    drop(client);
    server.finish();
}
