//! How a connection ends in order: GOAWAY of either side, FIN of the peer, age and number of
//! requests (RFC 9113, 6.8).

use super::*;

const FIRST: [&str; 2] = ["GOAWAY 2147483647 NO_ERROR", "PING goodbye."];

fn drain<A, R>(http2: &mut Http2<A>)
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    http2.peer.draining = true;
    http2.peer.connection.drain();
    http2.run();
}

fn goodbye() -> Frames {
    Frames::new().ping(true, *b"goodbye.")
}

/// Answers when the gate is open.
fn waiting(
    gate: &Gate,
) -> impl AsyncFn(&mut HttpContext) -> Result<(), ResponseError> + Clone + 'static {
    let gate = gate.clone();
    async move |ctx: &mut HttpContext| {
        if ctx.request().path() != "/wait" {
            return path(ctx).await;
        }
        gate.pass(ctx).await;
        ctx.text("late")
    }
}

#[test]
fn an_idle_connection_ends_within_a_round_trip() {
    let mut http2 = Http2::new(path);
    drain(&mut http2);
    http2.expect(&FIRST);
    assert_eq!(http2.close(), Close::No);
    http2.exchange(goodbye(), &["GOAWAY 0 NO_ERROR"]);
    assert_eq!(http2.close(), Close::Linger);
    http2.end();
    assert_eq!(http2.close(), Close::Now);
    http2.finish();
}

#[test]
fn streams_finish_before_the_connection_ends() {
    let gate = Gate::default();
    let mut http2 = Http2::new(waiting(&gate));
    http2.exchange(Frames::new().get(1, "/wait"), &[]);
    drain(&mut http2);
    http2.expect(&FIRST);
    // What the peer sends before it has seen that is still taken.
    http2.send(Frames::new().get(3, "/x"));
    assert_eq!(http2.lines(), text_lines(3, "x"));
    http2.exchange(goodbye(), &["GOAWAY 3 NO_ERROR"]);
    // What comes now is not processed, and the peer knows.
    http2.exchange(
        Frames::new().get(5, "/x").post(7, "/x").data(7, "x", true),
        &[],
    );
    assert_eq!(http2.close(), Close::No);
    gate.open();
    http2.run();
    assert_eq!(http2.lines(), text_lines(1, "late"));
    assert_eq!(http2.close(), Close::Linger);
    assert_eq!(http2.rejected(), BTreeMap::new());
    http2.finish();
}

#[test]
fn the_last_goaway_does_not_wait_for_ever() {
    let mut http2 = Http2::new(path);
    drain(&mut http2);
    http2.expect(&FIRST);
    http2.wait(Duration::from_millis(999));
    http2.expect(&[]);
    http2.wait(Duration::from_millis(1));
    http2.expect(&["GOAWAY 0 NO_ERROR"]);
    assert_eq!(http2.close(), Close::Linger);
    http2.wait(Duration::from_secs(2));
    assert_eq!(http2.close(), Close::Now);
    http2.finish();
}

#[test]
fn other_pings_and_settings_do_not_count_as_the_answer() {
    let mut http2 = Http2::new(path);
    drain(&mut http2);
    http2.expect(&FIRST);
    let frames = Frames::new()
        .ping(true, *b"another.")
        .ping(false, *b"goodbye.")
        .settings(&[]);
    http2.exchange(frames, &["PING ack goodbye.", "SETTINGS ack"]);
    assert_eq!(http2.close(), Close::No);
    http2.exchange(goodbye(), &["GOAWAY 0 NO_ERROR"]);
    http2.finish();
}

#[test]
fn a_drain_may_come_before_anything_was_said() {
    for protocols in [Protocols::Http2, Protocols::Http1AndHttp2] {
        let mut http2 = Http2::fresh(path, Limits::default(), protocols);
        drain(&mut http2);
        http2.expect(&[]);
        assert_eq!(http2.close(), Close::Linger);
        http2.finish();
        // Somebody who is in the middle of the preface is told what everybody is told.
        for said in [3, 20, 24, 30] {
            let mut http2 = Http2::fresh(path, Limits::default(), protocols);
            let hello = Frames::hello().get(1, "/x");
            let (first, rest) = hello.as_ref().split_at(said);
            http2.send(first);
            drain(&mut http2);
            http2.send(rest);
            let lines = http2.lines();
            for line in FIRST
                .into_iter()
                .chain(text_lines(1, "x").each_ref().map(String::as_str))
            {
                assert!(lines.iter().any(|other| other == line), "{said}: {lines:?}");
            }
            http2.exchange(goodbye(), &["GOAWAY 1 NO_ERROR"]);
            assert_eq!(http2.close(), Close::Linger);
            http2.finish();
        }
    }
}

#[test]
fn a_client_may_leave() {
    let gate = Gate::default();
    let mut http2 = Http2::new(waiting(&gate));
    http2.exchange(
        Frames::new().get(1, "/wait").goaway(0, code::NO_ERROR),
        &["GOAWAY 1 NO_ERROR"],
    );
    assert_eq!(http2.close(), Close::No);
    // It says so twice, and pings: that changes nothing.
    let again = Frames::new()
        .goaway(0, code::NO_ERROR)
        .ping(false, *b"12345678");
    http2.exchange(again, &["PING ack 12345678"]);
    drain(&mut http2);
    http2.expect(&[]);
    gate.open();
    http2.run();
    assert_eq!(http2.lines(), text_lines(1, "late"));
    assert_eq!(http2.close(), Close::Linger);
    http2.finish();
    let mut http2 = Http2::new(path);
    let with_debug = Frames::new().frame(kind::GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x02why not");
    http2.exchange(with_debug, &["GOAWAY 0 NO_ERROR"]);
    assert_eq!(http2.close(), Close::Linger);
    http2.finish();
}

#[test]
fn an_error_behind_the_last_goaway_names_no_later_stream() {
    let gate = Gate::default();
    let mut http2 = Http2::new(waiting(&gate));
    http2.send(
        Frames::new()
            .get(1, "/wait")
            .goaway(0, code::NO_ERROR)
            .get(3, "/x")
            .get(2, "/"),
    );
    http2.expect_failed("GOAWAY 1 PROTOCOL_ERROR h2_even_stream_id");
    http2.finish();
}

#[test]
fn a_half_closed_peer_is_answered() {
    let gate = Gate::default();
    let mut http2 = Http2::new(waiting(&gate));
    http2.send(Frames::new().get(1, "/wait").get(3, "/x"));
    assert_eq!(http2.lines(), text_lines(3, "x"));
    http2.end();
    assert_eq!(http2.close(), Close::No);
    gate.open();
    http2.run();
    assert_eq!(http2.lines(), text_lines(1, "late"));
    assert_eq!(http2.close(), Close::Now);
    http2.finish();
}

#[test]
fn a_half_closed_peer_may_come_with_its_requests() {
    for response_buffer_bytes_max in [100, 1 << 16] {
        let limits = Limits {
            response_buffer_bytes_max,
            ..Limits::default()
        };
        let mut http2 = Http2::with_limits(path, limits);
        let mut frames = Frames::new();
        for request in 0..30 {
            frames = frames.request(2 * request + 1, "HEAD", "/x", true);
        }
        http2.client.sent(frames.as_ref());
        let slice = http2.peer.pool.fill(frames.as_ref()).unwrap();
        http2
            .peer
            .connection
            .receive(slice, &mut http2.peer.resources);
        http2.end();
        let lines = http2.lines();
        let answered = lines.iter().filter(|line| line.contains(" 200 ")).count();
        assert_eq!(answered, 30, "{response_buffer_bytes_max}");
        assert_eq!(http2.close(), Close::Now);
        http2.finish();
    }
}

#[test]
fn what_a_half_closed_peer_has_not_said_is_missing() {
    let mut http2 = Http2::new(echo);
    http2.exchange(Frames::new().post(1, "/").data(1, "x", false), &[]);
    http2.end();
    http2.expect(&["HEADERS 1 400 content-length: 0 ES"]);
    assert_eq!(http2.close(), Close::Now);
    assert_eq!(http2.census(), Census::default());
    http2.finish();
    // Within a frame, or within a field block.
    for rest in [
        Frames::new().raw(&[0, 0]),
        Frames::new().frame(kind::HEADERS, 0, 1, &[0x82]),
    ] {
        let mut http2 = Http2::new(echo);
        http2.client.lose_track();
        http2.send(rest);
        http2.end();
        http2.expect(&[]);
        assert_eq!(http2.close(), Close::Now);
        http2.finish();
    }
}

#[test]
fn the_end_of_a_tunnels_connection_is_its_end() {
    let application = async |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
        let mut stream = ctx.upgrade("")?;
        while let Some(chunk) = stream.read().await? {
            stream.write(&chunk).await?;
        }
        stream.write("bye").await?;
        Ok(())
    };
    let connect = Frames::new().headers(1, &[(":method", "CONNECT"), (":authority", "b:1")], false);
    let mut http2 = Http2::new(application);
    http2.exchange(connect, &["HEADERS 1 200"]);
    http2.end();
    http2.expect(&["DATA 1 \"bye\" ES"]);
    assert_eq!(http2.close(), Close::Now);
    http2.finish();
}

#[test]
fn requests_are_counted_and_a_connection_may_have_enough() {
    let limits = http2_limits(Http2Limits {
        requests_max: Some(2),
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(path, limits);
    http2.send(Frames::new().get(1, "/a"));
    assert_eq!(http2.lines(), text_lines(1, "a"));
    http2.send(Frames::new().get(3, "/b"));
    let lines = http2.lines();
    assert_eq!(lines[..2], text_lines(3, "b"));
    assert_eq!(lines[2..], FIRST);
    http2.exchange(goodbye(), &["GOAWAY 3 NO_ERROR"]);
    assert_eq!(http2.close(), Close::Linger);
    http2.finish();
}

#[test]
fn a_connection_may_grow_too_old() {
    let limits = http2_limits(Http2Limits {
        connection_age_max: Some(Duration::from_secs(60)),
        ..Http2Limits::DEFAULT
    });
    let gate = Gate::default();
    let mut http2 = Http2::with_limits(waiting(&gate), limits);
    http2.send(Frames::new().get(1, "/wait"));
    http2.wait(Duration::from_secs(59));
    http2.expect(&[]);
    http2.wait(Duration::from_secs(1));
    http2.expect(&FIRST);
    http2.exchange(goodbye(), &["GOAWAY 1 NO_ERROR"]);
    http2.wait(Duration::from_secs(600));
    assert_eq!(http2.close(), Close::No, "its stream is not done");
    gate.open();
    http2.run();
    assert_eq!(http2.close(), Close::Linger);
    http2.finish();
}
