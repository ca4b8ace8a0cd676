//! Uploads that are answered before they are done: the peer that sends all of it first, as simple
//! clients and proxies do, still gets its answer and an end in order (RFC 9112, 9.6).

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};

use crate::support::client::Client;
use crate::support::tls::{Authority, Directory, client};
use crate::support::{HANG, TestServer};
use lanner::http::Status;
use lanner::{HttpContext, Limits, Server, Tls};

/// More than the sockets of both sides hold, many times over.
const UPLOAD_BYTES: usize = 48 * 1024 * 1024;

/// Answers without reading, or reads and takes it as it comes: `/read`.
async fn answer(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    if ctx.request().path() == "/read" {
        while ctx.body().chunk().await?.is_some() {}
    } else {
        ctx.status(Status::METHOD_NOT_ALLOWED)?;
        ctx.field("Connection", "close")?;
    }
    Ok(ctx.text("answered")?)
}

/// Sends the whole upload before it looks at the answer.
fn upload<S: Read + Write>(mut client: Client<S>, head: &str, body: &[u8], status: u16) {
    client.send(head);
    let mut left = UPLOAD_BYTES;
    while left > 0 {
        client.send(body.get(..left).unwrap_or(body));
        left = left.saturating_sub(body.len());
    }
    let response = client.response();
    assert_eq!(response.status, status, "{head}");
    assert!(response.closes(), "{head}");
    client.expect_end();
}

fn heads() -> Vec<(String, Vec<u8>, u16)> {
    let plain = vec![b'x'; 1024 * 1024];
    let chunk = [b"100000\r\n".as_slice(), &plain, b"\r\n"].concat();
    let head = |line: &str, fields: &str| format!("{line}\r\nHost: localhost\r\n{fields}\r\n");
    let length = format!("Content-Length: {UPLOAD_BYTES}\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    vec![
        (head("POST / HTTP/1.1", &length), plain.clone(), 405),
        (head("POST / HTTP/1.0", &length), plain.clone(), 405),
        (head("POST /read HTTP/1.1", &length), plain.clone(), 413),
        (head("POST /read HTTP/1.1", chunked), chunk, 413),
        // No chunk begins like this.
        (head("POST /read HTTP/1.1", chunked), plain.clone(), 400),
        (
            head("POST / HTTP/1.1", &format!("{length}Expect: more\r\n")),
            plain.clone(),
            417,
        ),
        (head("POST  / HTTP/1.1", &length), plain, 400),
    ]
}

fn limits() -> Limits {
    Limits {
        body_bytes_max: Some(1000),
        ..Limits::default()
    }
}

#[test]
fn an_early_answer_reaches_who_sends_everything_first() {
    let server = TestServer::with(Server::new().limits(limits()), answer);
    for (head, body, status) in heads() {
        upload(server.connect(), &head, &body, status);
    }
    server.finish();
}

/// And the end of TLS with it: an end without close_notify is an error of the client's.
#[test]
fn an_early_answer_reaches_who_sends_everything_first_over_tls() {
    let directory = Directory::new();
    let authority = Authority::new("early answers");
    let pair = authority.server(&["localhost"]);
    let certificate = directory.write("certificate.pem", &pair.certificate);
    let key = directory.write("key.pem", &pair.key);
    let tls = Tls::files(certificate, key);
    let server = Server::new()
        .limits(limits())
        .tls(tls)
        .urls("https://127.0.0.1:0")
        .unwrap()
        .start(answer)
        .unwrap();
    let address = server.addresses().iter().next().unwrap();
    let address = address.strip_prefix("https://").unwrap().parse().unwrap();
    for (head, body, status) in heads() {
        upload(
            client(address, &authority, "localhost"),
            &head,
            &body,
            status,
        );
    }
    assert!(server.shut_down(HANG));
}
