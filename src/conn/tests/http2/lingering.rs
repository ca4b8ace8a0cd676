//! How long a connection that has said its last is still read (RFC 9113, 5.4.1; RFC 9112, 9.6).

use super::*;

#[test]
fn a_lingering_connection_reads_within_bounds() {
    // Bytes a second, and the last second in which they are read.
    for (bytes, last) in [(1, 30), (1024 * 1024, 300)] {
        let mut http2 = Http2::new(path);
        http2.send(Frames::new().get(2, "/"));
        http2.expect(&["GOAWAY 0 PROTOCOL_ERROR h2_even_stream_id"]);
        let mut seconds = 0;
        while http2.close() == Close::Linger {
            seconds += 1;
            http2.peer.send(&vec![0; bytes]);
            http2.wait(Duration::from_secs(1));
        }
        assert_eq!((http2.close(), seconds), (Close::Now, last), "{bytes}");
        http2.finish();
    }
}

#[test]
fn who_was_ended_for_what_it_sends_gains_no_time_by_it() {
    let mut http2 = Http2::new(path);
    for _ in 0..1_000 {
        http2.peer.send(Frames::new().ping(false, [0; 8]).as_ref());
    }
    assert_eq!(http2.close(), Close::Linger);
    http2.wait(Duration::from_secs(1));
    http2.peer.send(&[0; 4096]);
    http2.wait(Duration::from_secs(1));
    assert_eq!(http2.close(), Close::Now);
    http2.expect_rejected("h2_ping_flood", 1);
    http2.finish();
}

#[test]
fn a_lingering_connection_that_is_not_read_sets_no_timer_again() {
    let mut http2 = Http2::new(path);
    http2.peer.reads = false;
    http2.send(Frames::new().get(2, "/"));
    assert_eq!(http2.close(), Close::Linger);
    http2.wait(Duration::from_secs(600));
    assert_eq!(http2.close(), Close::Linger, "GOAWAY is still to be sent");
    http2.peer.reads = true;
    http2.run();
    http2.wait(Duration::from_secs(2));
    assert_eq!(http2.close(), Close::Now);
    http2.wait(Duration::from_secs(1));
    http2.finish();
}
