//! Bytes of other protocols on a cleartext HTTP/1.1 port: TLS and HTTP/2.

#![allow(clippy::unwrap_used)]

use crate::support::TestServer;
use lanner::{HttpContext, Protocols, Server};

async fn hello(ctx: &mut HttpContext) -> Result<(), lanner::ResponseError> {
    ctx.text("hello")
}

#[test]
fn a_tls_handshake_is_answered_400() {
    // A record of type handshake, TLS 1.0 to 1.3 on the record layer, and the start of a ClientHello.
    for minor in 0..=3 {
        let hello_record = [0x16, 3, minor, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0];
        for bytewise in [false, true] {
            let server = TestServer::start(hello);
            let mut client = server.connect();
            if bytewise {
                client.send_bytewise(&hello_record);
            } else {
                client.send(hello_record);
            }
            let response = client.response();
            assert_eq!(
                (response.status, response.field("connection")),
                (400, Some("close"))
            );
            client.expect_end();
            assert_eq!(server.rejected("tls_over_http"), 1);
            drop(client);
            server.finish();
        }
    }
}

#[test]
fn the_http2_preface_is_answered_by_goaway() {
    // SETTINGS without content, then GOAWAY of stream 0 with HTTP_1_1_REQUIRED (RFC 9113, 7).
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
    let client_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    for bytewise in [false, true] {
        let server = TestServer::with(Server::new().protocols(Protocols::Http1), hello);
        let mut client = server.connect();
        let preface = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(),
            &client_settings,
        ]
        .concat();
        if bytewise {
            client.send_bytewise(&preface);
        } else {
            client.send(&preface);
        }
        assert_eq!(client.rest(), [settings.as_slice(), &goaway].concat());
        assert_eq!(server.rejected("http2_preface"), 1);
        assert_eq!(server.stats().requests, 0);
        drop(client);
        server.finish();
    }
}

#[test]
fn an_upgrade_to_cleartext_http2_is_declined() {
    // RFC 9113, 3.1: h2c is obsolete, and an offer that is not taken is answered as if not made.
    let server = TestServer::start(hello);
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, "hello"));
    drop(client);
    server.finish();
}
