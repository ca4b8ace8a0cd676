//! Frames that cost a peer little, in large numbers.

use super::*;

/// Echoes when the gate is open; `/alive` is always answered.
fn waiting(
    gate: &Gate,
) -> impl AsyncFn(&mut HttpContext) -> Result<(), Box<dyn std::error::Error>> + Clone + 'static {
    let gate = gate.clone();
    async move |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return Ok(ctx.text("alive")?);
        }
        gate.pass(ctx).await;
        echo(ctx).await
    }
}

/// A flood on a connection with stream 1 open: `max` frames are taken, and a stream beside them is
/// served; one more ends the connection.
#[track_caller]
fn flood(frame: &Frames, max: usize, name: &'static str) {
    let mut http2 = Http2::new(waiting(&Gate::default()));
    http2.send(Frames::new().post(1, "/"));
    http2.send(frame.repeat(max));
    let answers = http2.lines().len();
    assert!(answers <= max, "{name}");
    assert_eq!(http2.rejected(), BTreeMap::new(), "{name}");
    let census = http2.census();
    assert_eq!(
        (census.streams, census.input_bytes, census.changed),
        (1, 0, 0),
        "{name}"
    );
    http2.assert_alive(3);
    // The answer has earned three WINDOW_UPDATEs or four priorities, and a PING.
    http2.send(frame.repeat(8));
    let lines = http2.lines();
    let goaway = format!("GOAWAY 3 ENHANCE_YOUR_CALM h2_{name}");
    assert_eq!(lines.last(), Some(&goaway), "{name}");
    assert!(lines.len() <= 5, "{name}: {lines:?}");
    http2.expect_rejected(&format!("h2_{name}"), 1);
    http2.run();
    assert_eq!(http2.peer.tasks.len(), 0, "handlers have learnt it");
    http2.finish();
    // The same in the next five seconds is another matter.
    let mut http2 = Http2::new(waiting(&Gate::default()));
    http2.send(Frames::new().post(1, "/"));
    for _ in 0..3 {
        http2.send(frame.repeat(max));
        http2.wait(Duration::from_secs(5));
    }
    assert_eq!(http2.rejected(), BTreeMap::new(), "{name}");
    http2.finish();
}

#[test]
fn every_cheap_frame_is_counted() {
    let frames = Frames::new;
    flood(&frames().settings(&[]), 49, "settings_flood");
    flood(
        &frames().settings(&[(setting::INITIAL_WINDOW_SIZE, 9)]),
        49,
        "settings_flood",
    );
    flood(&frames().ping(false, *b"12345678"), 500, "ping_flood");
    flood(&frames().ping(true, *b"12345678"), 500, "ping_flood");
    flood(&frames().priority(1, 0), 1_000, "priority_flood");
    flood(&frames().priority(2, 0), 1_000, "priority_flood");
    flood(&frames().priority_update(1, "u=1"), 1_000, "priority_flood");
    flood(
        &frames().priority_update(99, "u=1"),
        1_000,
        "priority_flood",
    );
    flood(
        &frames().frame(kind::UNKNOWN, 0, 0, &[]),
        1_000,
        "priority_flood",
    );
    flood(&frames().data(1, "", false), 100, "empty_data_flood");
    flood(&frames().padded(1, "", 200, false), 100, "empty_data_flood");
    flood(&frames().data(1, "x", false), 100_000, "tiny_data_flood");
    flood(&frames().update(0, 1), 1_000, "window_update_flood");
    flood(&frames().update(1, 1), 1_000, "window_update_flood");
    // The first acknowledgement has come.
    flood(&frames().settings_ack(), 1_000, "unwanted_flood");
}

#[test]
fn every_late_frame_is_counted() {
    // Stream 3 was answered; stream 5 we have reset while more of it could come.
    let frames = Frames::new;
    for (frame, max, name) in [
        (frames().reset(3, code::CANCEL), 1_000, "unwanted_flood"),
        (frames().update(3, 1), 1_000, "window_update_flood"),
        (frames().reset(5, code::CANCEL), 1_000, "unwanted_flood"),
        (
            frames().headers(5, &[("a", "b")], false),
            1_000,
            "unwanted_flood",
        ),
        (frames().data(5, "", false), 100, "empty_data_flood"),
        (frames().data(5, "x", false), 100_000, "tiny_data_flood"),
    ] {
        let mut http2 = Http2::new(waiting(&Gate::default()));
        let bad = [("X", "y")];
        http2.send(
            Frames::new()
                .post(1, "/")
                .get(3, "/alive")
                .request_with(5, "POST", "/", &bad, false),
        );
        http2.events();
        http2.send(frame.repeat(max));
        http2.assert_alive(7);
        // Two answers have earned six WINDOW_UPDATEs.
        http2.send(frame.repeat(8));
        http2.expect_failed(&format!("GOAWAY 7 ENHANCE_YOUR_CALM h2_{name}"));
        http2.finish();
    }
    // Behind the end of what we have reset nothing can be on its way.
    for last in [
        frames().data(5, "", true),
        frames().headers(5, &[("a", "b")], true),
    ] {
        let mut http2 = Http2::new(waiting(&Gate::default()));
        let bad = [("X", "y")];
        http2.send(Frames::new().request_with(5, "POST", "/", &bad, false));
        http2.events();
        http2.exchange(&last, &[]);
        http2.send(&last);
        http2.expect_failed("GOAWAY 5 STREAM_CLOSED h2_frame_on_closed_stream");
        http2.finish();
    }
}

#[test]
fn a_client_that_leaves_again_and_again() {
    let mut http2 = Http2::new(waiting(&Gate::default()));
    http2.send(Frames::new().post(1, "/"));
    let goaway = Frames::new().goaway(0, code::NO_ERROR);
    http2.exchange(goaway.repeat(1_001), &["GOAWAY 1 NO_ERROR"]);
    http2.send(goaway);
    http2.expect_failed("GOAWAY 1 ENHANCE_YOUR_CALM h2_unwanted_flood");
    http2.finish();
}

#[test]
fn limits_of_floods_are_settings() {
    let limits = flood_limits(FloodLimits {
        resets_max: 0,
        settings_max: 1,
        pings_max: 0,
        priorities_max: 0,
        empty_data_max: 0,
        window_updates_max: 0,
        tiny_data_max: 0,
        unwanted_max: 0,
    });
    let frames = Frames::new;
    let get = || frames().get(1, "/");
    for (frames, name) in [
        (get().reset(1, code::CANCEL), "reset_flood"),
        (frames().settings(&[]), "settings_flood"),
        (frames().ping(false, *b"12345678"), "ping_flood"),
        (frames().priority(1, 0), "priority_flood"),
        (frames().post(1, "/").data(1, "", false), "empty_data_flood"),
        (frames().post(1, "/").data(1, "x", false), "tiny_data_flood"),
        (frames().update(0, 1), "window_update_flood"),
        // The answer has earned one.
        (
            frames()
                .get(1, "/alive")
                .reset(1, code::CANCEL)
                .reset(1, code::CANCEL),
            "unwanted_flood",
        ),
    ] {
        let mut http2 = Http2::with_limits(waiting(&Gate::default()), limits.clone());
        http2.send(frames);
        http2.expect_rejected(&format!("h2_{name}"), 1);
        assert_eq!(http2.close(), Close::Linger);
        http2.finish();
    }
}

#[test]
fn an_honest_client_may_send_many_window_updates() {
    let application = async |ctx: &mut HttpContext| ctx.write(vec![b'x'; 20_000_000]).await;
    let mut http2 = Http2::with_settings(
        application,
        Limits::default(),
        &[(setting::INITIAL_WINDOW_SIZE, 4 << 20)],
    );
    http2.send(Frames::new().get(1, "/").update(0, 4 << 20));
    let mut unread = 0_u32;
    let mut total = 0;
    // A client whose windows are large and which gives back each KiB that it has read.
    loop {
        let mut ended = false;
        for event in http2.events() {
            if let Event::Data { content, end, .. } = event {
                unread += content.len() as u32;
                ended |= end;
            }
        }
        if ended {
            break;
        }
        let piece = Frames::new().update(0, 1_024).update(1, 1_024);
        let pieces = unread / 1_024;
        assert!(pieces > 0, "stalled");
        unread -= pieces * 1_024;
        total += 2 * pieces;
        http2.send(piece.repeat(pieces as usize));
        assert_eq!(http2.rejected(), BTreeMap::new());
    }
    assert!(total > 30_000, "{total}");
    http2.finish();
}

#[test]
fn a_window_opened_byte_by_byte_is_a_flood() {
    let application = async |ctx: &mut HttpContext| ctx.write(vec![b'x'; 100_000]).await;
    let settings = [(setting::INITIAL_WINDOW_SIZE, 0)];
    let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
    http2.send(Frames::new().get(1, "/"));
    http2.events();
    let mut sent = 0;
    while http2.close() == Close::No {
        http2.send(Frames::new().update(1, 1));
        sent += 1;
    }
    assert!((1_000..1_100).contains(&sent), "{sent}");
    http2.expect_rejected("h2_window_update_flood", 1);
    http2.finish();
}

#[test]
fn answers_wait_for_a_peer_that_does_not_read_them() {
    let mut http2 = Http2::new(path);
    http2.peer.reads = false;
    let pings = Frames::new().ping(false, *b"12345678").repeat(49_900);
    let mut rest = pings.as_ref();
    // Each five seconds half a thousand are no flood.
    for _ in 0..20 {
        let some = &rest[..499 * 17];
        rest = &rest[http2.send_while_wanted(some)..];
        http2.wait(Duration::from_secs(5));
        let waiting = http2.peer.connection.out.len();
        assert!(waiting < 64 * 1024 + 17, "{waiting}");
    }
    let taken = pings.as_ref().len() - rest.len();
    assert!(taken < 64 * 1024 + 3 * 4096, "{taken}");
    http2.peer.reads = true;
    http2.run();
    assert_eq!(http2.lines().len(), taken / 17);
    http2.finish();
}
