//! More requests than the server may have handlers: the rest is told so at once, by a 503.

#![allow(clippy::unwrap_used)]

use crate::support::oneshot::Gate;
use crate::support::{SHELLS, TestServer, eventually};
use lanner::{HttpContext, Limits, Server};

#[test]
fn requests_beyond_the_limit_are_answered_503() {
    for shell in SHELLS {
        let gate = Gate::default();
        let handler_gate = gate.clone();
        let limits = Limits {
            handlers_max: Some(2),
            ..Limits::default()
        };
        let server = TestServer::with(
            Server::new().shell(shell).limits(limits),
            async move |ctx: &mut HttpContext| {
                if ctx.request().path() == "/wait" {
                    handler_gate.pass().await;
                }
                ctx.text("answered")
            },
        );
        let mut busy = [server.connect(), server.connect()];
        for client in &mut busy {
            client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        eventually("both handlers are at work", || server.stats().handlers == 2);
        let mut late = server.connect();
        for _ in 0..3 {
            let response = late.get("/");
            assert_eq!((response.status, response.text()), (503, ""), "{shell:?}");
            assert!(!response.closes());
        }
        assert_eq!(server.stats().requests_refused, 3);
        gate.open();
        for client in &mut busy {
            assert_eq!(client.response().text(), "answered");
        }
        eventually("there is room again", || server.stats().handlers == 0);
        assert_eq!(late.get("/").text(), "answered");
        drop((busy, late));
        server.finish();
    }
}
