//! Peers that are too slow: to send a head, to send the next request, to send a body, to take a
//! response. Each limit is set short; nothing depends on how short.

#![allow(clippy::unwrap_used)]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::client::Client;
use crate::support::{TestServer, eventually, oneshot};
use lanner::{BodyError, DataRate, HttpContext, Limits, ResponseError, Server};

const SHORT: Duration = Duration::from_millis(200);

/// The least that a rate's grace may be is a second and a bit.
const STRICT: DataRate = DataRate {
    bytes_per_second: 1_000_000,
    grace: Duration::from_millis(1001),
};

async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let body = ctx.body().read_to_end(usize::MAX).await?;
    ctx.bytes("text/plain", body)?;
    Ok(())
}

#[test]
fn a_head_that_does_not_end_is_answered_408() {
    let limits = Limits {
        head_timeout: SHORT,
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), echo);
    let silent = server.connect();
    for (before, part) in [
        ("", "G"),
        ("", "GET / HTTP/1.1\r\nHo"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /"),
    ] {
        let mut client = server.connect();
        if !before.is_empty() {
            client.send(before);
            assert_eq!(client.response().status, 200);
        }
        client.send(part);
        let response = client.response();
        assert_eq!((response.status, response.text()), (408, ""), "{part}");
        assert!(response.closes());
        client.expect_end();
    }
    assert_eq!(server.rejected("head_timeout"), 3);
    // The server learns a little later that the last of them has closed too.
    eventually("who has not begun is idle, not slow", || {
        server.stats().connections_open == 1
    });
    drop(silent);
    server.finish();
}

#[test]
fn bytes_that_trickle_do_not_extend_the_time_for_a_head() {
    let limits = Limits {
        head_timeout: SHORT,
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), echo);
    let mut client = server.connect();
    let mut trickle = Client::over(client.stream().try_clone().unwrap());
    let answered = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&answered);
    let sender = std::thread::spawn(move || {
        trickle.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
        // Longer than the client waits for its answer, and far from the limit of a head.
        for _ in 0..5000 {
            if enough.load(Ordering::SeqCst) {
                return;
            }
            trickle.send_bytewise(b"x");
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(client.response().status, 408);
    answered.store(true, Ordering::SeqCst);
    sender.join().unwrap();
    drop(client);
    server.finish();
}

#[test]
fn an_idle_connection_is_closed_without_an_answer() {
    let limits = Limits {
        keep_alive_timeout: SHORT,
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), echo);
    let mut fresh = server.connect();
    let mut used = server.connect();
    assert_eq!(used.get("/").status, 200);
    fresh.expect_end();
    used.expect_end();
    assert!(server.stats().rejected.is_empty());
    drop((fresh, used));
    server.finish();
}

#[test]
fn a_body_below_the_rate_is_answered_408() {
    let limits = Limits {
        request_body_rate_min: Some(STRICT),
        ..Limits::default()
    };
    let server = TestServer::with(Server::new().limits(limits), echo);
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut client = server.connect();
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nab"
        ));
        let response = client.response();
        assert_eq!((response.status, response.text()), (408, ""), "{framing}");
        assert!(response.closes());
        client.expect_end();
    }
    assert_eq!(server.rejected("body_timeout"), 2);
    server.finish();
}

#[test]
fn a_handler_can_lift_the_rate_and_can_learn_of_it() {
    let limits = Limits {
        request_body_rate_min: Some(STRICT),
        ..Limits::default()
    };
    let server = TestServer::with(
        Server::new().limits(limits),
        async |ctx: &mut HttpContext| {
            if ctx.request().path() == "/lift" {
                let rate = ctx
                    .get::<lanner::features::MinRequestBodyDataRate>()
                    .unwrap();
                assert_eq!(rate.rate(), Some(STRICT));
                rate.set(None);
                return echo(ctx).await;
            }
            assert_eq!(ctx.body().chunk().await.unwrap_err(), BodyError::TooSlow);
            ctx.text("too slow for me")?;
            Ok(())
        },
    );
    let mut patient = server.connect();
    patient.send("POST /lift HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    let mut strict = server.connect();
    strict.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    let response = strict.response();
    assert_eq!((response.status, response.text()), (200, "too slow for me"));
    assert!(response.closes());
    strict.expect_end();
    // The strict one began later, so its time-out would have come to the other first.
    patient.send("hello");
    assert_eq!(patient.response().text(), "hello");
    drop((patient, strict));
    server.finish();
}

#[test]
fn time_in_which_the_handler_does_not_read_is_not_the_peers() {
    let limits = Limits {
        request_body_rate_min: Some(STRICT),
        ..Limits::default()
    };
    let gate = oneshot::Gate::default();
    let handler_gate = gate.clone();
    let server = TestServer::with(
        Server::new().limits(limits),
        async move |ctx: &mut HttpContext| {
            handler_gate.pass().await;
            echo(ctx).await
        },
    );
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    std::thread::sleep(STRICT.grace + SHORT);
    client.send("lo");
    gate.open();
    assert_eq!(client.response().text(), "hello");
    drop(client);
    server.finish();
}

#[test]
fn a_peer_that_does_not_take_its_response_is_cut_off() {
    let limits = Limits {
        response_rate_min: Some(STRICT),
        ..Limits::default()
    };
    let (ended, end) = std::sync::mpsc::channel();
    let server = TestServer::with(
        Server::new().limits(limits),
        async move |ctx: &mut HttpContext| {
            let part = vec![b'x'; 64 * 1024];
            let error = loop {
                if let Err(error) = ctx.write(&part).await {
                    break error;
                }
            };
            ended.send(error).unwrap();
        },
    );
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        end.recv_timeout(crate::support::HANG).unwrap(),
        ResponseError::Aborted
    );
    eventually(
        "the connection is gone while the peer still holds on",
        || server.stats().connections_open == 0,
    );
    assert_eq!(server.rejected("response_rate_min"), 1);
    let (_, in_order) = client.any_end();
    assert!(!in_order, "a response without its end must look broken");
    drop(client);
    server.finish();
}

#[test]
fn a_response_that_waits_for_its_handler_is_not_slow() {
    let limits = Limits {
        response_rate_min: Some(STRICT),
        ..Limits::default()
    };
    let gate = oneshot::Gate::default();
    let handler_gate = gate.clone();
    let server = TestServer::with(
        Server::new().limits(limits),
        async move |ctx: &mut HttpContext| {
            ctx.write("first ").await?;
            ctx.flush().await?;
            handler_gate.pass().await;
            ctx.write("second").await
        },
    );
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(STRICT.grace + SHORT);
    gate.open();
    assert_eq!(client.response().text(), "first second");
    drop(client);
    server.finish();
}
