//! How a server ends: idle connections at once, requests under way after their answers, what takes
//! too long cut off.

#![allow(clippy::unwrap_used)]

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::client::Client;
use crate::support::command::Process;
use crate::support::http2::{self, DATA, END_STREAM, GOAWAY, Http2Client, PING, RST_STREAM};
use crate::support::oneshot::Gate;
use crate::support::{HANG, SHELLS, TestServer, eventually};
use lanner::{HttpContext, Server};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn requests_under_way_are_answered_and_idle_connections_closed() {
    for shell in SHELLS {
        let gate = Gate::default();
        let handler_gate = gate.clone();
        let server = TestServer::with(
            Server::new().shell(shell),
            async move |ctx: &mut HttpContext| {
                if ctx.request().path() == "/at-once" {
                    return ctx.text("at once");
                }
                handler_gate.pass().await;
                ctx.text("answered")
            },
        );
        let mut idle = server.connect();
        assert_eq!(idle.get("/at-once").text(), "at once");
        let mut fresh = server.connect();
        let mut busy = server.connect();
        // The second request is behind the last one that is answered.
        busy.send(GET.repeat(2));
        eventually("all three are in", || server.stats().connections_open == 3);
        eventually("the request is under way", || server.stats().handlers == 1);
        let address = server.address();
        let end = std::thread::spawn(move || server.running.shut_down(HANG));
        idle.expect_end();
        fresh.expect_end();
        drop((idle, fresh));
        eventually("nobody accepts any more", || {
            TcpStream::connect(address).is_err()
        });
        gate.open();
        let response = busy.response();
        assert_eq!(response.text(), "answered", "{shell:?}");
        assert!(response.closes());
        busy.expect_end();
        drop(busy);
        assert!(end.join().unwrap());
    }
}

#[test]
fn the_listening_sockets_are_closed_while_requests_are_under_way() {
    for shell in SHELLS {
        let gate = Gate::default();
        let handler_gate = gate.clone();
        let server = Server::new()
            .shell(shell)
            .urls("http://127.0.0.1:0")
            .unwrap();
        // Two shards listen on two addresses each: one socket left behind would still accept.
        let server = TestServer::sharded(server, 2, async move |ctx: &mut HttpContext| {
            handler_gate.pass().await;
            ctx.text("answered")
        });
        let running = &server.running;
        let addresses: Vec<SocketAddr> = running
            .addresses()
            .iter()
            .map(|url| url.strip_prefix("http://").unwrap().parse().unwrap())
            .collect();
        assert_eq!(addresses.len(), 2);
        let mut clients: Vec<Client> = addresses.iter().map(|at| Client::connect(*at)).collect();
        for client in &mut clients {
            client.send(GET);
        }
        eventually("the requests are under way", || {
            let shards = running.stats();
            shards.iter().map(|shard| shard.handlers).sum::<usize>() == 2
        });
        let end = std::thread::spawn(move || server.running.shut_down(HANG));
        for address in addresses {
            eventually("nobody listens any more", || {
                TcpStream::connect(address)
                    .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
            });
        }
        assert!(!end.is_finished(), "the requests are still under way");
        gate.open();
        for client in &mut clients {
            assert_eq!(client.response().text(), "answered", "{shell:?}");
            client.expect_end();
        }
        drop(clients);
        assert!(end.join().unwrap());
    }
}

#[test]
fn what_outlasts_the_limit_is_cut_off() {
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), async |_: &mut HttpContext| {
            std::future::pending::<()>().await;
        });
        let mut client = server.connect();
        client.send(GET);
        eventually("the request is under way", || server.stats().handlers == 1);
        assert!(
            !server.running.shut_down(Duration::from_millis(50)),
            "{shell:?}"
        );
        assert_eq!(client.any_end().0, b"");
    }
}

#[test]
fn a_dropped_server_ends_at_once() {
    let server = TestServer::start(async |ctx: &mut HttpContext| ctx.text("hello"));
    let address = server.address();
    let mut client = server.connect();
    assert_eq!(client.get("/").text(), "hello");
    drop(server);
    assert_eq!(client.any_end().0, b"");
    assert!(TcpStream::connect(address).is_err());
}

/// Streams of events that are open when the server is told to end.
const STREAMS: usize = 5;

#[test]
fn open_event_streams_end_whole_on_sigterm() {
    let (process, address) = Process::serving();
    let mut clients: Vec<Client> = (0..STREAMS).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let mut web = Http2Client::connect(address);
    let streams: Vec<u32> = (0..STREAMS).map(|_| web.next()).collect();
    for stream in &streams {
        web.send(http2::request(*stream, "GET", "/events", END_STREAM));
    }
    // Each has begun: an event of the last one has come.
    while web.frame().kind != DATA {}
    process.signal("TERM");
    for client in &mut clients {
        let response = client.response();
        assert_eq!(response.field("content-type"), Some("text/event-stream"));
        assert!(response.text().starts_with("id: 1\ndata: event 1\n\n"));
        client.expect_end();
    }
    drop(clients);
    let mut ended = Vec::new();
    while let Some(frame) = web.try_frame() {
        assert_ne!(frame.kind, RST_STREAM, "{frame:?}");
        match frame.kind {
            PING if frame.flags & http2::ACK == 0 => {
                web.send(http2::frame(PING, http2::ACK, 0, frame.payload));
            }
            GOAWAY => assert_eq!(frame.number(4), 0, "no error"),
            DATA if frame.flags & END_STREAM != 0 => ended.push(frame.stream),
            _ => {}
        }
    }
    ended.sort_unstable();
    assert_eq!(ended, streams);
    drop(web);
    assert_eq!(process.wait().0.code(), Some(0));
}
