//! More requests than handlers may be at work: the rest is answered 503, and goes on afterwards.

use super::*;
use crate::http::Status;

fn one_handler() -> SimulatedShard {
    let limits = Limits {
        handlers_max: Some(1),
        ..Limits::default()
    };
    with_limits(limits, application(Doings::default()))
}

/// Occupies the one handler for a nap.
fn busy(server: &mut SimulatedShard) -> Peer {
    let peer = server.connect();
    peer.send(post("/sleep", "busy"));
    server.settle();
    assert_eq!(server.stats().handlers, 1);
    peer
}

#[test]
fn beyond_the_limit_is_503_and_the_connection_stays() {
    let mut server = one_handler();
    let busy = busy(&mut server);
    let peer = server.connect();
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    peer.send(get("/"));
    peer.send(post("/", "unread") + chunked + "3\r\nabc\r\n0\r\n\r\n");
    server.settle();
    for answer in answers(&peer) {
        assert_eq!(
            (answer.status, answer.body.len(), answer.closes),
            (Status::SERVICE_UNAVAILABLE.code(), 0, false)
        );
        assert!(answer.complete);
    }
    let stats = server.stats();
    assert_eq!((stats.requests, stats.requests_refused), (4, 3));
    assert_eq!(stats.handlers, 1);
    server.pass(NAP * 2);
    assert_eq!(texts(&busy), ["busy"]);
    // As soon as a handler is done there is room for the next.
    peer.send(post("/", "at last"));
    server.settle();
    assert_eq!(texts(&peer), ["at last"]);
    assert_eq!(server.stats().requests_refused, 3);
    server.finish();
}

#[test]
fn a_handler_that_is_done_at_once_leaves_its_room_to_the_next() {
    let mut server = one_handler();
    let peer = server.connect();
    peer.send(get("/").repeat(10));
    server.settle();
    assert_eq!(statuses(&peer), [200; 10]);
    assert_eq!(server.stats().requests_refused, 0);
    server.finish();
}

#[test]
fn what_asked_for_a_close_or_a_body_unasked_ends_with_the_503() {
    let requests = [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    ];
    let mut server = one_handler();
    let _busy = busy(&mut server);
    for request in requests {
        let peer = server.connect();
        peer.send(request);
        server.settle();
        let answers = answers(&peer);
        assert_eq!((answers[0].status, answers[0].closes), (503, true));
        assert!(peer.saw_fin(), "{request}");
        peer.finish();
        server.settle();
    }
    server.finish();
}
