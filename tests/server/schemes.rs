//! Requests for another scheme than their connection's (RFC 9110, 7.4), and the gateways that may make
//! them.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::support::client::Client;
use crate::support::http2::{END_STREAM, Http2Client, request_with};
use crate::support::tls::Directory;
use crate::support::{HANG, TestServer};
use lanner::{HttpContext, ResponseError, Server};

async fn scheme(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let scheme = ctx.request().scheme();
    ctx.text(scheme.as_str())
}

/// What the server answers to a request for https in the clear.
fn answer<S: Read + Write>(mut client: Client<S>) -> (u16, String) {
    client.send("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = client.response();
    (response.status, response.text().to_owned())
}

#[test]
fn only_the_networks_named_may_name_another_scheme() {
    for (networks, status, text) in [
        (None, 421, ""),
        (Some("10.0.0.0/8, unix"), 421, ""),
        (Some("10.0.0.0/8, 127.0.0.0/8"), 200, "https"),
    ] {
        let server = match networks {
            Some(networks) => Server::new().allow_alternate_schemes(networks).unwrap(),
            None => Server::new(),
        };
        let server = TestServer::with(server, scheme);
        assert_eq!(answer(server.connect()), (status, text.to_owned()));
        let mut client = Http2Client::connect(server.address());
        let stream = client.next();
        let fields = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "a"),
            (":path", "/"),
        ];
        client.send(request_with(stream, &fields, END_STREAM));
        let (seen, body) = client.response(stream);
        // The client reads no status but those of the static table.
        assert_eq!(
            (seen == 200, body.as_slice()),
            (status == 200, text.as_bytes())
        );
        drop(client);
        server.finish();
    }
}

#[test]
fn peers_of_a_unix_socket_are_named_as_such() {
    let directory = Directory::new();
    for (networks, status) in [("unix", 200), ("0.0.0.0/0, ::/0", 421)] {
        let path = directory.name(&status.to_string());
        let server = Server::new()
            .urls(&format!("http://unix:{path}"))
            .unwrap()
            .allow_alternate_schemes(networks)
            .unwrap()
            .start(scheme)
            .unwrap();
        let client = Client::over(UnixStream::connect(&path).unwrap());
        assert_eq!(answer(client).0, status, "{networks}");
        assert!(server.shut_down(HANG));
    }
}

#[test]
fn what_is_no_network_stops_the_start() {
    let error = Server::new()
        .allow_alternate_schemes("10.0.0.0/99")
        .unwrap_err();
    assert!(
        error.to_string().contains("\"10.0.0.0/99\" is no network"),
        "{error}"
    );
}
