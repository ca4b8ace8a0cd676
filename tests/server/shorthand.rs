//! What the context does in one call, and which errors of a body become whose status.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::fmt;

use crate::support::TestServer;
use lanner::{BodyError, HttpContext, ResponseError, Status};

#[derive(serde::Deserialize)]
struct Sum {
    numbers: Vec<u64>,
}

/// An application's own error around the body's.
#[derive(Debug)]
struct Wrapped(Box<dyn Error>);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order cannot be taken")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// An error that is its own source.
#[derive(Debug)]
struct Round;

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("round and round")
    }
}

impl Error for Round {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

fn wrapped(error: BodyError) -> Wrapped {
    Wrapped(Box::new(Wrapped(Box::new(error))))
}

async fn application(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/sum" => {
            let sum: Sum = ctx.body_json().await?;
            ctx.json(&sum.numbers.iter().sum::<u64>())?;
        }
        "/ten" => {
            let body = ctx.body_to_end(10).await.map_err(wrapped)?;
            ctx.bytes("text/plain", body)?;
        }
        "/limited" => {
            ctx.body().limit(Some(3))?;
            let body = ctx.body_to_end(10).await.map_err(wrapped)?;
            ctx.bytes("text/plain", body)?;
        }
        "/query" => {
            let query = ctx.query();
            let text = query.get("name").map(|value| value.into_owned());
            ctx.text(text.as_deref().unwrap_or("nobody"))?;
        }
        "/moved" => ctx.redirect(Status::PERMANENT_REDIRECT, "/query?name=a%20b")?,
        "/no-redirect" => {
            let error = ctx.redirect(Status::OK, "/").unwrap_err();
            assert_eq!(error, ResponseError::NotRedirection);
            let error = ctx.redirect(Status::FOUND, "/\r\nSet-Cookie: a=b");
            assert_eq!(error, Err(ResponseError::InvalidField));
            ctx.text("neither")?;
        }
        _ => return Err(Round.into()),
    }
    Ok(())
}

#[test]
fn json_of_bodies() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    for (media_type, body, status) in [
        ("application/json", r#"{"numbers":[1,2,3]}"#, 200),
        ("application/order+json; v=1", r#"{"numbers":[1,2,3]}"#, 200),
        // RFC 9110, 15.5.16.
        ("text/plain", r#"{"numbers":[1,2,3]}"#, 415),
        // RFC 9110, 15.5.1: no JSON, JSON of another shape, something behind it.
        ("application/json", r#"{"numbers":[1,2"#, 400),
        ("application/json", r#"{"numbers":"1"}"#, 400),
        ("application/json", r#"{"numbers":[]}x"#, 400),
    ] {
        let length = body.len();
        client.send(format!(
            "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let response = client.response();
        assert_eq!(response.status, status, "{media_type} {body}");
        if status == 200 {
            assert_eq!(response.text(), "6");
        }
    }
    client.send("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
    assert_eq!(client.response().status, 415);
    drop(client);
    server.finish();
}

#[test]
fn the_status_of_a_bodys_error_is_found_behind_the_applications_own() {
    let server = TestServer::start(application);
    let post = |path: &str, body: &str| {
        let mut client = server.connect();
        let length = body.len();
        client.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        client.response().status
    };
    assert_eq!(post("/ten", "0123456789"), 200);
    // RFC 9110, 15.5.14, for a bound of the handler's and for one of the request's.
    assert_eq!(post("/ten", "0123456789a"), 413);
    assert_eq!(post("/limited", "0123"), 413);
    // Sources that go round are no loop of the server's.
    assert_eq!(post("/round", ""), 500);
    server.finish();
}

#[test]
fn queries_and_redirects() {
    let server = TestServer::start(application);
    let mut client = server.connect();
    let mut get = |path: &str| {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.response()
    };
    assert_eq!(get("/query?x=1&name=J%C3%B6rg+M").text(), "J\u{f6}rg M");
    assert_eq!(get("/query").text(), "nobody");
    let moved = get("/moved");
    assert_eq!(moved.status, 308);
    assert_eq!(moved.field("location"), Some("/query?name=a%20b"));
    assert_eq!(get("/no-redirect").text(), "neither");
    drop(client);
    server.finish();
}
