//! Peers that are slow: which of them are cut off, and which are not.

use super::*;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Every rate is fast enough, so that only windows count.
fn patient() -> Limits {
    Limits {
        response_buffer_bytes_max: 4096,
        response_rate_min: None,
        request_body_rate_min: None,
        ..Limits::default()
    }
}

#[test]
fn frames_that_wait_for_room_are_not_late() {
    let mut server = serve_streams(patient());
    let mut client = Client::connect(&server, &[(INITIAL_WINDOW, 1_000_000)]);
    client.say(Frames::new().window_update(0, 1_000_000));
    server.settle();
    client.peer.stop_reading();
    for stream in [1, 3, 5] {
        client.say(Frames::new().get(stream, "/large"));
    }
    server.settle();
    // The answers fill all there is: these wait, and the second one is not even whole.
    let frames = Frames::new().window_update(1, 1).get(7, "/").into_bytes();
    let (most, rest) = frames.split_at(frames.len() - 3);
    client.say(Frames::new().raw(most));
    server.pass(seconds(100));
    client.peer.resume();
    server.settle();
    assert!(client.read().goes_on(), "{:?}", client.reading.goaways);
    client.say(Frames::new().raw(rest));
    server.settle();
    for stream in [1, 3, 5, 7] {
        assert_eq!(client.status(stream), 200);
    }
    server.finish();
}

#[test]
fn a_frame_that_does_not_come_whole_is_late_whatever_came_before() {
    for (frame, cut) in [
        (Frames::new().get(9, "/"), 5),
        (Frames::new().get(9, "/"), 20),
        (Frames::new().frame(0xbb, 0, 0, &[0; 90]), 40),
        (Frames::new().padded(7, 0, b"abc", 3), 9),
    ] {
        let mut server = serve_streams(patient());
        let mut client = Client::connect(&server, &[]);
        client.say(Frames::new().request(7, 0, "POST", "/"));
        // Each of these is cut somewhere, but comes within the time.
        let pings = Frames::new()
            .ping(0, [1; 8])
            .ping(0, [1; 8])
            .ping(0, [1; 8]);
        for piece in pings.into_bytes().chunks(17) {
            client.say(Frames::new().raw(piece));
            server.pass(seconds(20));
        }
        let bytes = frame.into_bytes();
        client.say(Frames::new().raw(&bytes[..cut]));
        server.pass(seconds(29));
        assert!(client.read().goes_on(), "{:?}", client.reading.goaways);
        server.pass(seconds(2));
        assert_eq!(client.violation().1, "h2_head_timeout", "cut at {cut}");
        server.finish();
    }
}

#[test]
fn a_peer_that_does_not_read_the_end_costs_nothing() {
    let mut server = serve_streams(Limits::default());
    let mut client = Client::connect(&server, &[]);
    server.settle();
    client.peer.stop_reading();
    // What one stream may be sent and its head are just more than such a peer takes.
    client.say(Frames::new().get(1, "/large"));
    server.settle();
    client.say(Frames::new().frame(PUSH_PROMISE, 0, 1, &[]));
    server.settle();
    // A loop would not come to rest.
    server.pass(seconds(200));
    assert_eq!(server.stats().connections_open, 0);
    server.finish();
}

#[test]
fn a_trickle_of_window_is_a_stall() {
    // Windows of the stream, and then of the connection.
    for (opening, stream) in [(vec![(INITIAL_WINDOW, 0)], 1), (Vec::new(), 0)] {
        let mut server = serve_streams(Limits::default());
        let mut client = Client::connect(&server, &opening);
        let other = if stream == 0 { 100_000 } else { 1 };
        client.say(Frames::new().get(1, "/large").window_update(1, other));
        for _ in 0..5 {
            server.pass(seconds(10));
            client.say(Frames::new().window_update(stream, 10));
        }
        server.settle();
        let before = client.read().responses[&1].clone();
        assert_eq!(before.reset, None);
        server.pass(seconds(11));
        let reset = client.read().responses[&1].reset;
        assert_eq!(reset, Some(ENHANCE_YOUR_CALM));
        client.say(Frames::new().get(3, "/hints").window_update(0, 100));
        server.settle();
        assert!(client.read().responses.contains_key(&3));
        server.finish();
    }
}

#[test]
fn small_windows_in_good_time_are_no_stall() {
    let mut server = serve_streams(Limits::default());
    let mut client = Client::connect(&server, &[(INITIAL_WINDOW, 0)]);
    client.say(Frames::new().get(1, "/large").window_update(0, 100_000));
    for _ in 0..LARGE_BYTES / 3000 + 1 {
        server.pass(seconds(10));
        client.say(Frames::new().window_update(1, 3000));
    }
    server.settle();
    assert_eq!(client.status(1), 200);
    server.finish();
}

#[test]
fn a_head_request_waits_for_no_window() {
    let mut server = serve_streams(Limits::default());
    let mut client = Client::connect(&server, &[(INITIAL_WINDOW, 100_000)]);
    client.say(
        Frames::new()
            .get(1, "/large")
            .request(3, END_STREAM, "HEAD", "/large")
            .request(5, 0, "HEAD", "/stream")
            .data(5, END_STREAM, &[b'x'; 100]),
    );
    server.settle();
    assert_eq!(client.read().window(), 0);
    assert_eq!((client.status(3), client.status(5)), (200, 200));
    assert!(!client.reading.responses[&1].complete);
    client.say(Frames::new().window_update(0, 100_000));
    server.settle();
    server.finish();
}

#[test]
fn a_response_without_an_end_lets_others_through() {
    let mut server = with_limits(Limits::default(), async |ctx: &mut HttpContext| {
        let is_endless = ctx.request().path() == "/endless";
        loop {
            ctx.write(large()).await?;
            if !is_endless {
                return Ok::<_, Box<dyn std::error::Error>>(());
            }
        }
    });
    let mut client = Client::connect(&server, &[(INITIAL_WINDOW, 1 << 30)]);
    client.say(Frames::new().window_update(0, 1 << 30).get(1, "/endless"));
    for stream in (3..9).step_by(2) {
        server.turn(millis(1));
        client.say(Frames::new().get(stream, "/"));
    }
    for _ in 0..100 {
        server.turn(millis(1));
    }
    for stream in (3..9).step_by(2) {
        assert_eq!(client.status(stream), 200);
    }
    assert!(!client.reading.responses[&1].complete);
    server.stop();
}
