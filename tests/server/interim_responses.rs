//! Interim responses of the handler, as 103 Early Hints (RFC 9110, 15.2; RFC 8297).

#![allow(clippy::unwrap_used)]

use crate::support::TestServer;
use crate::support::oneshot::Gate;
use lanner::{FieldSection, HttpContext, ResponseError, Status, sleep};
use std::time::Duration;

fn hints(link: &str) -> FieldSection {
    let mut fields = FieldSection::new();
    fields.append("Link", link).unwrap();
    fields
}

#[test]
fn early_hints_come_before_the_response_is_known() {
    let gate = Gate::default();
    let handler_gate = gate.clone();
    let server = TestServer::start(async move |ctx: &mut HttpContext| {
        ctx.informational(Status::EARLY_HINTS, hints("</a.css>; rel=preload"))?;
        sleep(Duration::from_millis(1)).await;
        ctx.informational(Status::EARLY_HINTS, hints("</b.css>; rel=preload"))?;
        handler_gate.pass().await;
        ctx.text("done")
    });
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for link in ["</a.css>; rel=preload", "</b.css>; rel=preload"] {
        let interim = client.response();
        assert_eq!(interim.status, 103);
        assert_eq!(
            interim.fields,
            [("link".to_owned(), link.to_owned())],
            "nothing that frames or dates it"
        );
    }
    gate.open();
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, "done"));
    assert_eq!(response.field("link"), None);
    drop(client);
    server.finish();
}

#[test]
fn interim_responses_keep_their_place_in_a_pipeline() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        ctx.informational(Status::EARLY_HINTS, hints(&path))?;
        ctx.text(&path)
    });
    let mut client = server.connect();
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    for path in ["/1", "/2"] {
        assert_eq!(client.response().field("link"), Some(path));
        assert_eq!(client.response().text(), path);
    }
    drop(client);
    server.finish();
}

#[test]
fn what_cannot_be_interim_is_refused() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let refused = |ctx: &HttpContext, status| {
            let result = ctx.informational(status, FieldSection::new());
            result.unwrap_err()
        };
        for status in [Status::OK, Status::SWITCHING_PROTOCOLS] {
            assert_eq!(refused(ctx, status), ResponseError::NotInformational);
        }
        ctx.write("started").await?;
        ctx.flush().await?;
        assert_eq!(
            refused(ctx, Status::EARLY_HINTS),
            ResponseError::AlreadyStarted
        );
        Ok::<(), ResponseError>(())
    });
    let mut client = server.connect();
    assert_eq!(client.get("/").text(), "started");
    drop(client);
    server.finish();
}

#[test]
fn http10_has_none() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        ctx.informational(Status::EARLY_HINTS, hints("</a.css>"))?;
        ctx.text("done")
    });
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, "done"));
    drop(client);
    server.finish();
}
