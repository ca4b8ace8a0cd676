//! The fields that the server writes itself, Date and Server, and what a handler may say instead
//! (RFC 9110, 6.6.1 and 10.2.4).

#![allow(clippy::unwrap_used)]

use std::time::{Duration, SystemTime};

use crate::support::TestServer;
use lanner::{HttpContext, ResponseError, Server};

#[test]
fn every_response_says_when_and_by_whom() {
    let server = TestServer::start(async |ctx: &mut HttpContext| ctx.text("hello"));
    let mut client = server.connect();
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n"] {
        client.send(request);
        let response = client.response();
        assert_eq!(response.field("server"), Some("Lanner"));
        let date = httpdate::parse_http_date(response.field("date").unwrap()).unwrap();
        let apart = SystemTime::now()
            .duration_since(date)
            .unwrap_or_else(|error| error.duration());
        assert!(apart < Duration::from_secs(120), "{apart:?} off");
    }
    drop(client);
    server.finish();
}

#[test]
fn a_handler_has_the_last_word() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        ctx.field("Date", "Thu, 01 Jan 1970 00:00:00 GMT")?
            .field("Server", "Other")?;
        ctx.response().append_field("Set-Cookie", "a=1")?;
        ctx.response().append_field("Set-Cookie", "b=2")?;
        assert_eq!(
            ctx.field("Bad Name", "x").unwrap_err(),
            ResponseError::InvalidField
        );
        assert_eq!(
            ctx.field("X-Split", "a\r\nb: c").unwrap_err(),
            ResponseError::InvalidField
        );
        ctx.text("hello")
    });
    let mut client = server.connect();
    let response = client.get("/");
    assert_eq!(
        response.field("date"),
        Some("Thu, 01 Jan 1970 00:00:00 GMT")
    );
    assert_eq!(response.field("server"), Some("Other"));
    assert_eq!(response.field("x-split"), None);
    let cookies: Vec<&str> = response
        .fields
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    drop(client);
    server.finish();
}

#[test]
fn the_server_need_not_be_named() {
    let server = TestServer::with(
        Server::new().server_field(false),
        async |ctx: &mut HttpContext| ctx.text("hello"),
    );
    let mut client = server.connect();
    assert_eq!(client.get("/").field("server"), None);
    client.send("nonsense\r\n\r\n");
    assert_eq!(client.response().field("server"), None);
    drop(client);
    server.finish();
}
