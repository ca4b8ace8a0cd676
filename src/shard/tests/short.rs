//! Connections whose first request is their last: closed with the response where that is safe, and
//! with care where it is not.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::http::{ResponseError, Status};
use crate::shard::Control;

fn last(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// The one answer that the peer has, and that it is the last.
#[track_caller]
fn the_answer(peer: &Peer) -> Vec<u8> {
    let answers = answers(peer);
    assert_eq!(answers.len(), 1);
    assert!(answers[0].status == 200 && answers[0].complete && answers[0].closes);
    answers[0].body.clone()
}

/// The connection is over for both sides, without a reset, though its peer has not closed.
#[track_caller]
fn assert_over(server: &SimulatedShard, peer: &Peer) {
    assert_eq!(server.stats().connections_open, 0);
    assert!(peer.saw_fin() && !peer.saw_reset());
}

/// The peer has its FIN and is waited for.
#[track_caller]
fn assert_lingering(server: &SimulatedShard, peer: &Peer) {
    assert_eq!(server.stats().connections_open, 1);
    assert!(peer.saw_fin() && !peer.saw_reset());
}

/// The peer has its FIN and is waited for, and no longer once it has closed too.
#[track_caller]
fn assert_over_with_the_peer(server: &mut SimulatedShard, peer: &Peer) {
    assert_lingering(server, peer);
    peer.finish();
    server.settle();
    assert_over(server, peer);
}

#[test]
fn a_last_request_is_answered_and_the_connection_gone_within_a_turn() {
    let mut server = server();
    for request in [last("/", "last"), last("/trailer", "last")] {
        let peer = server.connect();
        peer.send(request);
        // The accept, then the request.
        server.turn(Duration::ZERO);
        server.turn(Duration::ZERO);
        assert_eq!(the_answer(&peer), b"last");
        assert_over(&server, &peer);
        assert_eq!(server.shard.timers(), 0);
    }
    let peer = server.connect();
    peer.send("GET / HTTP/1.0\r\n\r\n");
    server.settle();
    assert_eq!(the_answer(&peer), b"");
    assert_over(&server, &peer);
    server.finish();
}

#[test]
fn a_head_that_comes_in_pieces() {
    let mut server = server();
    let request = last("/", "last");
    for at in 1..request.len() {
        let peer = server.connect();
        peer.send(&request[..at]);
        server.settle();
        peer.send(&request[at..]);
        server.settle();
        assert_eq!(the_answer(&peer), b"last", "cut at {at}");
        peer.finish();
        server.settle();
        assert_over(&server, &peer);
    }
    let peer = server.connect();
    for byte in request.as_bytes() {
        peer.send([*byte]);
        server.settle();
    }
    assert_eq!(the_answer(&peer), b"last");
    assert_over_with_the_peer(&mut server, &peer);
    server.finish();
}

#[test]
fn what_is_pipelined_behind_a_last_request_costs_no_response() {
    let mut server = server();
    for more in [get("/"), "\r\n".to_owned(), "x".repeat(100_000)] {
        let peer = server.connect();
        peer.send(last("/", "last") + &more);
        server.settle();
        assert_eq!(the_answer(&peer), b"last");
        assert_lingering(&server, &peer);
        assert_eq!(peer.backlog(), 0);
        peer.finish();
        server.settle();
        assert_over(&server, &peer);
    }
    server.finish();
}

#[test]
fn a_request_that_fills_its_buffer_hides_what_is_behind_it() {
    let request = last("/", "last");
    let config = SimConfig {
        buffer_bytes: request.len() as u32,
        ..SimConfig::default()
    };
    let doings = Doings::default();
    let mut server = SimulatedShard::new(&config, Limits::default(), application(doings));
    let peer = server.connect();
    peer.send(&request);
    server.settle();
    assert_eq!(the_answer(&peer), b"last");
    assert_over(&server, &peer);
    let peer = server.connect();
    peer.send(request + &get("/"));
    server.settle();
    assert_eq!(the_answer(&peer), b"last");
    assert_lingering(&server, &peer);
    peer.finish();
    server.finish();
}

#[test]
fn bytes_that_come_while_the_request_is_answered_are_read() {
    let late: Rc<RefCell<Option<Peer>>> = Rc::default();
    let mut server = serve({
        let late = Rc::clone(&late);
        async move |ctx: &mut HttpContext| -> Result<(), ResponseError> {
            if let Some(peer) = &*late.borrow() {
                peer.send("\r\n");
            }
            ctx.text("answered")
        }
    });
    let peer = server.connect();
    *late.borrow_mut() = Some(peer.clone());
    peer.send(get("/").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    server.settle();
    assert_eq!(the_answer(&peer), b"answered");
    assert_lingering(&server, &peer);
    assert_eq!(peer.backlog(), 0);
    server.pass(Duration::from_secs(6));
    assert_over(&server, &peer);
    server.finish();
}

#[test]
fn a_peer_that_breaks_while_it_is_answered() {
    let broken: Rc<RefCell<Option<Peer>>> = Rc::default();
    let mut server = serve({
        let broken = Rc::clone(&broken);
        async move |ctx: &mut HttpContext| -> Result<(), ResponseError> {
            if let Some(peer) = broken.take() {
                peer.reset();
            }
            ctx.text("answered")
        }
    });
    let peer = server.connect();
    *broken.borrow_mut() = Some(peer.clone());
    peer.send(last("/", ""));
    server.settle();
    assert_eq!(peer.received(), b"");
    assert_eq!(server.stats().connections_open, 0);
    server.finish();
}

#[test]
fn a_peer_that_closes_first() {
    let mut server = server();
    for path in ["/", "/sleep", "/large"] {
        let peer = server.connect();
        peer.send(last(path, "last"));
        peer.finish();
        server.pass(NAP * 2);
        let body = the_answer(&peer);
        assert!(body == b"last" || body == large());
        assert_over(&server, &peer);
    }
    // It breaks the connection instead, before and after its request is read.
    for turns in 0..4 {
        let peer = server.connect();
        peer.send(last("/sleep", "last"));
        for _ in 0..turns {
            server.turn(Duration::ZERO);
        }
        peer.reset();
        server.settle();
        assert_eq!(server.stats().connections_open, 0);
    }
    server.pass(NAP * 2);
    server.finish();
}

#[test]
fn the_peer_of_a_slow_handler_may_say_more_in_the_meantime() {
    let mut server = server();
    let peer = server.connect();
    peer.send(last("/sleep", "last"));
    server.settle();
    assert_eq!(server.stats().connections_open, 1);
    server.pass(NAP * 2);
    assert_eq!(the_answer(&peer), b"last");
    // It may still be on its way (RFC 9112, 9.6).
    assert_lingering(&server, &peer);
    peer.send("\r\n");
    server.settle();
    assert_over_with_the_peer(&mut server, &peer);
    let peer = server.connect();
    peer.send(last("/sleep", "last"));
    server.settle();
    peer.send("\r\n");
    server.pass(NAP * 2);
    assert_eq!(the_answer(&peer), b"last");
    assert_lingering(&server, &peer);
    peer.finish();
    server.finish();
}

#[test]
fn a_body_that_comes_late_is_read_before_the_end() {
    let mut server = server();
    for pause in [false, true] {
        let peer = server.connect();
        let (head, body) = (last("/", "late"), 4);
        let cut = head.len() - body;
        peer.send(&head[..cut]);
        server.settle();
        peer.send(&head[cut..cut + 2]);
        if pause {
            server.settle();
        }
        peer.send(&head[cut + 2..]);
        server.settle();
        assert_eq!(the_answer(&peer), b"late");
        assert_over_with_the_peer(&mut server, &peer);
    }
    // Nobody reads this one: it is forgotten, and costs no response.
    let peer = server.connect();
    let request = last("/unread", "late");
    peer.send(&request[..request.len() - 4]);
    server.settle();
    assert_eq!(the_answer(&peer), b"unread");
    assert_lingering(&server, &peer);
    peer.send("late");
    server.settle();
    assert_lingering(&server, &peer);
    peer.finish();
    server.settle();
    assert_over(&server, &peer);
    server.finish();
}

#[test]
fn a_response_that_the_kernel_does_not_take_at_once() {
    let mut server = server();
    let peer = server.connect();
    peer.stop_reading();
    peer.send(last("/large", ""));
    server.settle();
    assert_eq!(server.stats().connections_open, 1);
    peer.resume();
    server.settle();
    assert_eq!(the_answer(&peer), large());
    assert_over_with_the_peer(&mut server, &peer);
    // The same, and the peer breaks the connection, or is never heard of again.
    let (broken, silent) = (server.connect(), server.connect());
    for peer in [&broken, &silent] {
        peer.stop_reading();
        peer.send(last("/large", ""));
    }
    server.settle();
    broken.reset();
    server.settle();
    assert_eq!(server.stats().connections_open, 1);
    server.pass(Duration::from_secs(600));
    assert_eq!(server.stats().connections_open, 0);
    server.finish();
}

#[test]
fn each_fault_of_the_kernel_changes_nothing() {
    for faults in each_fault() {
        let mut server = with_faults(faults);
        for path in ["/", "/stream", "/trailer", "/sleep"].repeat(5) {
            let peer = server.connect();
            peer.send(last(path, "whatever happens"));
            server.pass(NAP * 2);
            assert_eq!(the_answer(&peer), b"whatever happens", "{path} {faults:?}");
            peer.finish();
            server.settle();
            assert_over(&server, &peer);
            // With more behind it.
            let peer = server.connect();
            peer.send(last(path, "whatever happens") + &get("/"));
            server.pass(NAP * 2);
            assert_eq!(the_answer(&peer), b"whatever happens", "{path} {faults:?}");
            assert!(peer.saw_fin() && !peer.saw_reset(), "{path} {faults:?}");
            peer.finish();
            server.settle();
        }
        server.finish();
    }
}

#[test]
fn a_shard_drains_and_stops_around_last_requests() {
    for message in [|| Control::Drain, || Control::Stop] {
        for turns in 0..4 {
            let mut server = server();
            let peers = ["/", "/sleep", "/large"].map(|path| {
                let peer = server.connect();
                peer.stop_reading();
                peer.send(last(path, "last"));
                peer
            });
            for _ in 0..turns {
                server.turn(Duration::ZERO);
            }
            server.tell(message());
            server.settle();
            peers.iter().for_each(Peer::resume);
            // One that had not asked yet is told to go, and waited for.
            server.pass(Duration::from_secs(6));
            assert!(server.is_over(), "after {turns} turns");
            server.stop();
        }
    }
}

#[test]
fn a_refusal_is_lingered_for() {
    let mut server = serve(async |ctx: &mut HttpContext| {
        ctx.status(Status::NOT_FOUND)?;
        ctx.field("Connection", "close")?;
        ctx.text("the server's own wish")
    });
    for input in [get("/"), last("/", "").replace("Host", "Guest")] {
        let peer = server.connect();
        peer.send(input);
        server.settle();
        assert!(answers(&peer)[0].closes);
        assert_lingering(&server, &peer);
        peer.send("still talking");
        server.settle();
        assert_lingering(&server, &peer);
        peer.finish();
        server.settle();
        assert_over(&server, &peer);
    }
    server.finish();
}
