//! Connections that leave HTTP: upgrades (RFC 9110, 7.8), CONNECT (9.3.6) and the limit on their
//! number.

#![allow(clippy::unwrap_used)]

use std::error::Error;

use crate::support::client::Client;
use crate::support::{SHELLS, TestServer, eventually};
use lanner::{HttpContext, Limits, ResponseError, Server, Status};

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// Echoes every upgraded connection until the peer has finished; refuses what asks for no upgrade.
async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let mut stream = match ctx.upgrade("echo") {
        Ok(stream) => stream,
        Err(error) => {
            assert_eq!(error, ResponseError::NotUpgradable);
            ctx.status(Status::UPGRADE_REQUIRED)?
                .field("Upgrade", "echo")?;
            return Ok(());
        }
    };
    while let Some(bytes) = stream.read().await? {
        stream.write(&bytes).await?;
    }
    stream.write("bye").await?;
    stream.flush().await?;
    Ok(())
}

fn converse(client: &mut Client) {
    for text in ["hello", "GET / HTTP/1.1\r\n\r\n", "\0\r\n\u{16}"] {
        client.send(text);
        assert_eq!(client.bytes(text.len()), text.as_bytes());
    }
    let long = vec![b'x'; 300_000];
    client.send(&long);
    assert!(client.bytes(long.len()) == long);
}

#[test]
fn an_upgrade_gives_a_raw_stream() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), echo);
        let mut client = server.connect();
        // The first bytes of the new protocol may come with the request.
        client.send([UPGRADE, "early"].concat());
        let response = client.response();
        assert_eq!(response.status, 101);
        assert_eq!(
            (response.field("connection"), response.field("upgrade")),
            (Some("Upgrade"), Some("echo"))
        );
        assert_eq!(
            (
                response.field("content-length"),
                response.field("transfer-encoding")
            ),
            (None, None)
        );
        assert_eq!(client.bytes(5), b"early");
        converse(&mut client);
        client.finish_sending();
        assert_eq!(client.rest(), b"bye");
        drop(client);
        server.finish();
    }
}

#[test]
fn connect_opens_a_tunnel() {
    let server = TestServer::start(echo);
    let mut client = server.connect();
    client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    let response = client.head();
    assert_eq!(response.status, 200);
    assert_eq!(
        (
            response.field("content-length"),
            response.field("transfer-encoding")
        ),
        (None, None)
    );
    assert_eq!(response.field("connection"), None);
    converse(&mut client);
    client.finish_sending();
    assert_eq!(client.rest(), b"bye");
    drop(client);
    server.finish();
}

#[test]
fn a_refused_tunnel_ends_the_connection() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let authority = ctx.request().target().to_owned();
        ctx.status(Status::FORBIDDEN)?.text(&authority)
    });
    let mut client = server.connect();
    client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\ntunnel bytes");
    let response = client.response();
    assert_eq!((response.status, response.text()), (403, "example.com:443"));
    assert!(response.closes());
    client.expect_end();
    assert_eq!(server.stats().requests, 1);
    drop(client);
    server.finish();
}

/// RFC 9112, 6.3: what follows a CONNECT that was granted is a tunnel's, never a request.
#[test]
fn a_granted_connect_without_a_tunnel_ends_the_connection() {
    let server = TestServer::start(async |ctx: &mut HttpContext| ctx.text("granted"));
    let mut client = server.connect();
    client.send(
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\
         GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    let response = client.response();
    assert_eq!((response.status, response.text()), (501, ""));
    assert!(response.closes());
    client.expect_end();
    assert_eq!(server.stats().requests, 1);
    drop(client);
    server.finish();
}

#[test]
fn without_an_offer_there_is_no_upgrade() {
    let server = TestServer::start(echo);
    let mut client = server.connect();
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 1\r\n\r\nx",
    ] {
        client.send(request);
        let response = client.response();
        assert_eq!(
            (response.status, response.field("connection")),
            (426, Some("Upgrade")),
            "{request}"
        );
    }
    drop(client);
    server.finish();
}

#[test]
fn a_server_that_ends_an_upgraded_stream_closes() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let mut stream = ctx.upgrade("echo")?;
        stream.write("that is all").await
    });
    let mut client = server.connect();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    assert_eq!(client.rest(), b"that is all");
    drop(client);
    server.finish();
}

#[test]
fn a_peer_that_breaks_an_upgraded_stream_ends_its_handler() {
    let server = TestServer::start(echo);
    let mut client = server.connect();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 101);
    client.reset();
    server.finish();
}

#[test]
fn upgraded_connections_are_limited_and_do_not_count_as_ordinary_ones() {
    let limits = Limits {
        connections_max: Some(1),
        upgraded_connections_max: Some(1),
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), echo);
    let mut first = server.connect();
    first.send(UPGRADE);
    assert_eq!(first.response().status, 101);
    // The upgraded one has left the only place for ordinary connections.
    let mut second = server.connect();
    second.send(UPGRADE);
    assert_eq!(
        second.response().status,
        426,
        "a second upgraded connection"
    );
    converse(&mut first);
    drop(first);
    eventually("the first connection is gone", || {
        server.stats().connections_open == 1
    });
    second.send(UPGRADE);
    assert_eq!(second.response().status, 101);
    converse(&mut second);
    drop(second);
    server.finish();
}
