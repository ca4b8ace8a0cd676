//! The limit on open connections: who comes too late is closed at once, without an answer.

#![allow(clippy::unwrap_used)]

use crate::support::{TestServer, eventually};
use lanner::{HttpContext, Limits, Server};

#[test]
fn connections_beyond_the_limit_are_closed_at_once() {
    let limits = Limits {
        connections_max: Some(2),
        ..Limits::default()
    };
    let server = TestServer::with(
        Server::new().limits(limits),
        async |ctx: &mut HttpContext| ctx.text("in"),
    );
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!(first.get("/").text(), "in");
    assert_eq!(second.get("/").text(), "in");
    for _ in 0..3 {
        let (bytes, _) = server.connect().any_end();
        assert_eq!(bytes, b"");
    }
    let stats = server.stats();
    assert_eq!(
        (
            stats.connections,
            stats.connections_open,
            stats.connections_refused
        ),
        (2, 2, 3)
    );
    // Those who are in stay, and a place that is left is free.
    assert_eq!(first.get("/").text(), "in");
    drop(second);
    eventually("the second connection is gone", || {
        server.stats().connections_open == 1
    });
    let mut third = server.connect();
    assert_eq!(third.get("/").text(), "in");
    drop((first, third));
    server.finish();
}
