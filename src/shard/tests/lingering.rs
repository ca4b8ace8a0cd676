//! Peers that still send, or still read, when the connection has said its last.

use super::*;

/// RFC 9112, 9.6: who has its answer before it is done is read until it is, for a reset would take the
/// answer from it.
#[test]
fn an_upload_that_was_answered_early_is_read_to_its_end() {
    let mut server = server();
    let requests = [
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST /unread HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9999999\r\n\r\n",
        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n",
        "POST /unread HTTP/1.0\r\nContent-Length: 9999999\r\n\r\n",
    ];
    for request in requests {
        let peer = server.connect();
        peer.send(request);
        // As much every second as a slow line takes, with pauses.
        for second in 0..60 {
            if second % 4 != 0 {
                peer.send(vec![b'x'; 100_000]);
            }
            server.pass(Duration::from_secs(1));
            assert_eq!(peer.backlog(), 0, "{request} {second}");
            assert_eq!(server.stats().connections_open, 1, "{request} {second}");
            assert!(!peer.saw_reset(), "{request} {second}");
        }
        assert_eq!(answers(&peer).len(), 1);
        assert!(peer.saw_fin() && !peer.saw_reset());
        peer.finish();
        server.settle();
        assert_eq!(server.stats().connections_open, 0);
    }
    server.finish();
}

/// The peer reads slowly, and so for longer than anybody is lingered for.
#[test]
fn the_clock_of_lingering_starts_with_fin() {
    let mut server = server();
    let peer = server.connect();
    peer.stop_reading();
    peer.send(get("/large").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n") + "\r\n");
    server.pass(Duration::from_secs(4));
    peer.resume();
    server.settle();
    assert_eq!(answers(&peer)[0].body, large());
    assert!(peer.saw_fin());
    server.pass(millis(1_999));
    assert_eq!(server.stats().connections_open, 1);
    server.pass(millis(2));
    assert_eq!(server.stats().connections_open, 0);
    assert!(!peer.saw_reset());
    server.finish();
}
