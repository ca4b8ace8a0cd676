//! Frames that were on their way when their stream was refused, reset or named in GOAWAY: they are
//! no mistake of the peer's (RFC 9113, 5.1, 5.4.2, 6.4 and 6.8).

use super::*;

/// The rest of a POST that nobody wants any more.
fn rest(stream: u32) -> Frames {
    Frames::new()
        .data(stream, [b'x'; 2_000], false)
        .update(stream, 100)
        .data(stream, "", false)
        .headers(stream, &[("sum", "1")], true)
}

/// Answers `/alive` at once, others when the gate is open.
fn waiting(
    gate: &Gate,
) -> impl AsyncFn(&mut HttpContext) -> Result<(), ResponseError> + Clone + 'static {
    let gate = gate.clone();
    async move |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return ctx.text("alive");
        }
        gate.pass(ctx).await;
        ctx.text("x")
    }
}

/// The streams that are answered 200.
fn answered(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.contains(" 200 ")).count()
}

#[test]
fn bodies_of_refused_streams_are_ignored() {
    let gate = Gate::default();
    let mut http2 = Http2::new(waiting(&gate));
    let mut frames = Frames::new();
    for place in 0..100 {
        frames = frames.get(2 * place + 1, "/");
    }
    http2.exchange(frames, &[]);
    // More than are remembered, and the bodies behind all of them.
    let refused = (100..400).map(|place| 2 * place + 1);
    for stream in refused.clone() {
        http2.send(Frames::new().post(stream, "/"));
    }
    let lines = http2.lines();
    assert_eq!(lines.len(), 300);
    assert!(lines.iter().all(|line| line.ends_with(" REFUSED_STREAM")));
    for stream in refused {
        // Frames without content are counted: so slowly they are no flood.
        http2.wait(Duration::from_millis(50));
        http2.send(rest(stream));
    }
    http2.expect_rejected("h2_too_many_streams", 300);
    // The connection's window is given back.
    let lines = http2.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("WINDOW_UPDATE 0 "))
    );
    gate.open();
    http2.run();
    assert_eq!(answered(&http2.lines()), 100);
    http2.assert_alive(801);
    http2.finish();
}

#[test]
fn bodies_of_streams_that_we_have_reset_are_ignored() {
    let gate = Gate::default();
    let mut http2 = Http2::new(waiting(&gate));
    http2.exchange(Frames::new().get(1, "/"), &[]);
    let reset = (1..300).map(|place| 2 * place + 1);
    for stream in reset.clone() {
        http2.exchange(
            Frames::new().post(stream, "/").update(stream, 0),
            &[&format!("RST_STREAM {stream} PROTOCOL_ERROR")],
        );
    }
    // Streams that end in order do not make us forget them.
    for place in 300..600 {
        http2.assert_alive(2 * place + 1);
    }
    for stream in reset {
        http2.wait(Duration::from_millis(50));
        http2.send(rest(stream).reset(stream, code::CANCEL));
    }
    http2.expect_rejected("h2_zero_window_increment", 299);
    gate.open();
    http2.run();
    assert_eq!(answered(&http2.lines()), 1);
    http2.assert_alive(1_201);
    http2.finish();
}

#[test]
fn streams_above_our_last_goaway_are_ignored_with_all_that_comes_of_them() {
    let gate = Gate::default();
    let mut http2 = Http2::new(waiting(&gate));
    http2.exchange(
        Frames::new().get(1, "/").goaway(0, code::NO_ERROR),
        &["GOAWAY 1 NO_ERROR"],
    );
    for place in 1..300 {
        http2.send(Frames::new().post(2 * place + 1, "/"));
    }
    for place in 1..300 {
        let stream = 2 * place + 1;
        http2.wait(Duration::from_millis(50));
        http2.send(rest(stream).reset(stream, code::CANCEL));
    }
    assert_eq!(http2.rejected(), BTreeMap::new());
    // DATA counts for the connection's window, which a PING may measure.
    let mut lines = http2.lines();
    lines.retain(|line| !line.starts_with("PING "));
    assert!(!lines.is_empty());
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("WINDOW_UPDATE 0 ")),
        "{lines:?}"
    );
    gate.open();
    http2.run();
    assert_eq!(answered(&http2.lines()), 1);
    http2.finish();
}

#[test]
fn no_more_comes_late_than_the_windows_allowed() {
    // A stream that was refused may have sent its first window, and no byte more.
    let limits = http2_limits(Http2Limits {
        streams_max: 1,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(waiting(&Gate::default()), limits);
    http2.send(Frames::new().get(1, "/").post(3, "/"));
    for _ in 0..48 {
        http2.send(Frames::new().data(3, [b'x'; 16_384], false));
    }
    http2.expect_rejected("h2_too_many_streams", 1);
    http2.send(Frames::new().data(3, "x", false));
    http2.expect_failed("GOAWAY 3 FLOW_CONTROL_ERROR h2_flow_control_exceeded");
    http2.run();
    http2.finish();
    // So may one that was reset while its handler goes on.
    let forever = async |_: &mut HttpContext| {
        std::future::pending::<()>().await;
    };
    let mut http2 = Http2::new(forever);
    http2.send(Frames::new().post(1, "/").data(1, [b'x'; 16_384], false));
    http2.send(Frames::new().update(1, 0));
    for _ in 0..47 {
        http2.send(Frames::new().data(1, [b'x'; 16_384], false));
    }
    http2.expect_rejected("h2_zero_window_increment", 1);
    http2.send(Frames::new().data(1, "x", false));
    http2.expect_failed("GOAWAY 1 FLOW_CONTROL_ERROR h2_flow_control_exceeded");
    http2.peer.tasks.clear();
    http2.finish();
}

#[test]
fn late_frames_are_counted_where_they_can_be_repeated() {
    let limits = http2_limits(Http2Limits {
        streams_max: 1,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(waiting(&Gate::default()), limits);
    http2.send(Frames::new().get(1, "/"));
    for place in 1..200 {
        http2.send(Frames::new().post(2 * place + 1, "/"));
    }
    // Stream 3 is forgotten, so that its end does not count as the last of it.
    let end = Frames::new().headers(3, &[("a", "b")], true);
    http2.send(end.repeat(1_000 - 199));
    http2.expect_rejected("h2_too_many_streams", 199);
    http2.send(end);
    http2.expect_failed("GOAWAY 399 ENHANCE_YOUR_CALM h2_unwanted_flood");
    http2.run();
    http2.finish();
}
