//! The end of a shard: drain and stop.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::shard::Control;

#[test]
fn a_drain_lets_requests_finish_and_ends_the_rest() {
    let mut server = server();
    let idle = server.connect();
    let busy = server.connect();
    busy.send(post("/sleep", "busy") + &post("/", "too late"));
    let sending = server.connect();
    sending.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
    let begun = server.connect();
    begun.send("GET / HTTP/1.1\r\nHo");
    server.settle();
    server.tell(Control::Drain);
    server.settle();
    let late = server.connect();
    late.send(get("/"));
    server.settle();
    assert!(idle.saw_fin() && !server.is_over());
    assert!(!busy.is_closed() && !sending.is_closed() && !begun.is_closed());
    sending.send("lf");
    begun.send("st: a\r\n\r\n");
    server.pass(NAP * 2);
    for (peer, body) in [(&busy, "busy"), (&sending, "half"), (&begun, "")] {
        let answers = answers(peer);
        assert_eq!(
            (answers.len(), answers[0].status, answers[0].closes),
            (1, 200, true)
        );
        assert_eq!(answers[0].body, body.as_bytes());
        assert!(peer.saw_fin());
    }
    assert_eq!(late.received(), b"", "it was accepted");
    // The peers have not closed yet: that is waited for, but not for ever.
    assert!(!server.is_over());
    for peer in [&idle, &busy, &sending] {
        peer.finish();
    }
    server.settle();
    assert_eq!(server.stats().connections_open, 1);
    server.pass(Duration::from_secs(3));
    assert!(server.is_over());
    server.finish();
}

#[test]
fn a_drain_of_an_idle_shard_is_over_at_once() {
    let mut server = server();
    server.tell(Control::Drain);
    server.settle();
    assert!(server.is_over());
    server.finish();
}

#[test]
fn a_drain_waits_for_a_handler_whose_connection_is_gone() {
    let mut server = server();
    let peer = server.connect();
    peer.send(get("/sleep"));
    server.settle();
    peer.reset();
    server.tell(Control::Drain);
    server.settle();
    assert_eq!(server.stats().connections_open, 0);
    assert!(!server.is_over(), "the handler still sleeps");
    server.pass(NAP * 2);
    assert!(server.is_over());
    server.finish();
}

#[test]
fn a_stop_cuts_off_whatever_is_under_way() {
    let mut server = server();
    let inputs = [
        String::new(),
        get("/sleep"),
        get("/large"),
        get("/")[..9].to_owned(),
        post("/", "half")[..50].to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "GET /raw HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nx".to_owned(),
    ];
    let peers: Vec<Peer> = inputs
        .iter()
        .map(|input| {
            let peer = server.connect();
            peer.stop_reading();
            peer.send(input);
            peer
        })
        .collect();
    server.settle();
    server.tell(Control::Stop);
    server.settle();
    assert!(server.is_over());
    for peer in &peers {
        peer.resume();
        assert!(peer.is_closed());
    }
    server.stop();
}

#[test]
fn a_stop_during_a_drain() {
    let mut server = server();
    let peer = server.connect();
    peer.send(get("/sleep"));
    server.settle();
    server.tell(Control::Drain);
    server.settle();
    assert!(!server.is_over());
    server.tell(Control::Stop);
    server.settle();
    assert!(server.is_over() && peer.is_closed());
    server.stop();
}

/// Waits for what the path names, and answers what it knows then.
async fn facts(ctx: &mut HttpContext) -> Result<(), crate::http::ResponseError> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/drain" => ctx.drain().begun().await,
        "/finished" => ctx.lifetime().client_finished().await,
        _ => {}
    }
    let drains = ctx.drain().is_draining();
    let finished = ctx.lifetime().is_client_finished();
    let aborted = ctx.lifetime().is_aborted();
    ctx.text(&format!("{drains} {finished} {aborted}"))
}

#[test]
fn handlers_learn_that_the_server_drains() {
    let mut server = serve(facts);
    let peers: Vec<Peer> = (0..3).map(|_| server.connect()).collect();
    for (peer, input) in peers.iter().zip([
        get("/drain"),
        get("/") + &get("/drain"),
        post("/drain", "body"),
    ]) {
        peer.send(input);
    }
    server.settle();
    assert_eq!(server.stats().handlers, 3);
    server.tell(Control::Drain);
    server.settle();
    let expected: [&[&str]; 3] = [
        &["true false false"],
        &["false false false", "true false false"],
        &["true false false"],
    ];
    for (peer, expected) in peers.iter().zip(expected) {
        assert_eq!(texts(peer), expected);
        assert!(peer.saw_fin());
        peer.finish();
    }
    server.settle();
    assert!(server.is_over());
    server.finish();
}

#[test]
fn handlers_learn_that_a_client_has_finished_sending() {
    let mut server = serve(facts);
    for input in [
        get("/finished"),
        get("/") + &get("/finished"),
        post("/finished", "body"),
    ] {
        let peer = server.connect();
        peer.send(input);
        server.settle();
        assert_eq!(server.stats().handlers, 1, "it waits");
        peer.finish();
        server.settle();
        assert_eq!(texts(&peer).pop().as_deref(), Some("false true false"));
        assert!(peer.saw_fin());
    }
    // One that is gone has finished, too; and nobody has who is answered in peace.
    let gone = server.connect();
    gone.send(get("/finished"));
    server.settle();
    gone.reset();
    server.settle();
    assert_eq!(server.stats().handlers, 0);
    let peer = server.connect();
    peer.send(get("/"));
    server.settle();
    assert_eq!(texts(&peer), ["false false false"]);
    peer.finish();
    server.settle();
    server.finish();
}

/// Connections at every stage of their lives.
fn connected(server: &mut SimulatedShard) -> Vec<Peer> {
    let peers: Vec<Peer> = (0..6).map(|_| server.connect()).collect();
    peers[1].send(get("/"));
    peers[2].send(post("/sleep", "busy"));
    peers[3].send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
    peers[4].stop_reading();
    peers[4].send(get("/large"));
    peers[5].send(get("/"));
    server.settle();
    // Answered, with its body still to come.
    peers[5].send("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx");
    server.settle();
    assert!(peers.iter().all(|peer| !peer.is_closed()));
    peers
}

#[test]
fn a_shard_that_panics_leaves_no_descriptor_open() {
    let mut server = server();
    let peers = connected(&mut server);
    server.tell(Control::Fail);
    let turn = AssertUnwindSafe(|| server.turn(Duration::ZERO));
    assert!(catch_unwind(turn).is_err());
    server.abandon();
    peers[4].resume();
    for (index, peer) in peers.iter().enumerate() {
        assert!(peer.is_closed(), "{index}");
    }
}

#[test]
fn a_ring_that_cannot_be_entered_ends_the_shard_and_leaves_no_descriptor_open() {
    let mut server = server();
    let peers = connected(&mut server);
    // Accepted by the kernel, and the shard never hears of it.
    let late = server.connect();
    server.net.break_ring();
    assert!(!server.is_over());
    server.turn(Duration::ZERO);
    assert!(server.is_over());
    server.abandon();
    peers[4].resume();
    for (index, peer) in peers.iter().enumerate() {
        assert!(peer.is_closed(), "{index}");
    }
    // It waits in the queue of the listening socket, for the shard that comes.
    assert!(!late.is_closed());
}
