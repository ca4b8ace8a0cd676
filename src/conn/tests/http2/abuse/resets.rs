//! Streams that are opened to be reset: by the peer, or by us for the peer's mistakes.

use super::*;

/// Handlers that end when their stream does.
async fn polite(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    if ctx.request().path() == "/alive" {
        return ctx.text("alive");
    }
    ctx.lifetime().aborted().await;
    Ok(())
}

/// Handlers that never end.
async fn endless(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    if ctx.request().path() == "/alive" {
        return ctx.text("alive");
    }
    std::future::pending().await
}

fn end<A, R>(mut http2: Http2<A>)
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    http2.peer.tasks.clear();
    http2.finish();
}

#[test]
fn rapid_reset() {
    let mut http2 = Http2::new(polite);
    let mut stream = 1;
    for _ in 0..500 {
        http2.send(Frames::new().get(stream, "/").reset(stream, code::CANCEL));
        stream += 2;
    }
    http2.expect(&[]);
    assert_eq!(http2.peer.tasks.len(), 0);
    assert_eq!(http2.census(), Census::default());
    http2.assert_alive(stream);
    // In the next window of time there may be as many again, and the one that the answer has earned.
    http2.wait(Duration::from_secs(5));
    for _ in 0..501 {
        stream += 2;
        http2.send(Frames::new().get(stream, "/").reset(stream, code::CANCEL));
    }
    http2.expect(&[]);
    assert_eq!(http2.rejected(), BTreeMap::new());
    stream += 2;
    http2.send(Frames::new().get(stream, "/").reset(stream, code::CANCEL));
    http2.expect_failed(&format!("GOAWAY {stream} ENHANCE_YOUR_CALM h2_reset_flood"));
    http2.expect_rejected("h2_reset_flood", 1);
    end(http2);
}

#[test]
fn rapid_reset_of_what_has_been_answered_is_no_abuse() {
    // The answers were on their way before the resets came.
    let mut http2 = Http2::new(path);
    for place in 0..2_000 {
        let stream = 2 * place + 1;
        http2.send(Frames::new().get(stream, "/x"));
        http2.wait(Duration::from_millis(10));
        http2.send(Frames::new().reset(stream, code::CANCEL));
    }
    assert_eq!(http2.rejected(), BTreeMap::new());
    http2.finish();
    // An early answer makes the client stop its upload.
    let mut http2 = Http2::new(ignore);
    for place in 0..300 {
        let stream = 2 * place + 1;
        http2.send(Frames::new().post(stream, "/").data(stream, "begun", false));
        http2.send(Frames::new().reset(stream, code::NO_ERROR));
    }
    assert_eq!(http2.rejected(), BTreeMap::new());
    assert_eq!(http2.census().streams, 0);
    http2.finish();
}

#[test]
fn handlers_that_do_not_end_are_bounded() {
    let limits = http2_limits(Http2Limits {
        streams_max: 10,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(endless, limits);
    let mut stream = 1;
    let mut refused = 0;
    for _ in 0..60 {
        http2.send(Frames::new().get(stream, "/").reset(stream, code::CANCEL));
        refused += http2.lines().len();
        stream += 2;
    }
    // Twice as many as may be open; the others are refused.
    assert_eq!(http2.peer.tasks.len(), 20);
    assert_eq!((http2.census().streams, http2.census().abandoned), (20, 20));
    assert_eq!(refused, 40);
    http2.expect_rejected("h2_too_many_streams", 40);
    // Once they end, all is well.
    http2.peer.tasks.clear();
    http2.run();
    assert_eq!(http2.census(), Census::default());
    http2.assert_alive(stream);
    http2.finish();
}

#[test]
fn handlers_that_do_not_end_leave_room_for_streams_that_stay() {
    let limits = http2_limits(Http2Limits {
        streams_max: 10,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(endless, limits);
    let mut stream = 1;
    for _ in 0..19 {
        http2.send(Frames::new().get(stream, "/").reset(stream, code::CANCEL));
        stream += 2;
    }
    // Those that are closed do not count against the streams that may be open.
    for _ in 0..9 {
        http2.send(Frames::new().get(stream, "/"));
        stream += 2;
    }
    http2.expect(&[]);
    assert_eq!(http2.peer.tasks.len(), 28);
    http2.assert_alive(stream);
    end(http2);
}

/// Makes us reset streams by mistakes of one kind until that is enough, and says how many it took.
#[track_caller]
fn made_you_reset(mistake: impl Fn(u32) -> Frames, reset: &str, name: &'static str) {
    let mut http2 = Http2::new(polite);
    let mut stream = 1;
    for _ in 0..500 {
        http2.send(mistake(stream));
        let lines = http2.lines();
        assert_eq!(
            lines.last(),
            Some(&format!("RST_STREAM {stream} {reset}")),
            "{name}"
        );
        assert_eq!(
            http2.peer.tasks.len(),
            0,
            "{name}: the handler has learnt it"
        );
        assert_eq!(http2.census().streams, 0, "{name}");
        stream += 2;
    }
    // The answer has earned one more.
    http2.assert_alive(stream);
    stream += 2;
    http2.send(mistake(stream));
    http2.lines();
    stream += 2;
    http2.send(mistake(stream));
    let lines = http2.lines();
    let goaway = format!("GOAWAY {stream} ENHANCE_YOUR_CALM h2_reset_flood");
    assert_eq!(lines, [goaway], "{name}");
    let rejected = http2.rejected();
    assert!(matches!(rejected.get(name), Some(501 | 502)));
    assert_eq!(rejected.get("h2_reset_flood"), Some(&1));
    assert_eq!(http2.peer.tasks.len(), 0);
    http2.finish();
}

#[test]
fn resets_provoked_by_mistakes_count_like_the_peers_own() {
    let long =
        |stream| Frames::new().request_with(stream, "POST", "/", &[("content-length", "1")], false);
    made_you_reset(
        |stream| Frames::new().get(stream, "/").update(stream, 0),
        "PROTOCOL_ERROR",
        "h2_zero_window_increment",
    );
    made_you_reset(
        |stream| Frames::new().get(stream, "/").update(stream, (1 << 31) - 1),
        "FLOW_CONTROL_ERROR",
        "h2_window_overflow",
    );
    made_you_reset(
        |stream| Frames::new().get(stream, "/").data(stream, "x", false),
        "STREAM_CLOSED",
        "h2_data_on_half_closed",
    );
    made_you_reset(
        |stream| {
            Frames::new()
                .get(stream, "/")
                .headers(stream, &[("a", "b")], true)
        },
        "STREAM_CLOSED",
        "h2_headers_on_half_closed",
    );
    made_you_reset(
        |stream| {
            Frames::new()
                .get(stream, "/")
                .frame(kind::PRIORITY, 0, stream, &[0; 4])
        },
        "FRAME_SIZE_ERROR",
        "h2_wrong_frame_length",
    );
    made_you_reset(
        |stream| long(stream).data(stream, "xy", false),
        "PROTOCOL_ERROR",
        "h2_content_length_mismatch",
    );
    made_you_reset(
        |stream| long(stream).data(stream, "", true),
        "PROTOCOL_ERROR",
        "h2_content_length_mismatch",
    );
    made_you_reset(
        |stream| Frames::new().post(stream, "/").headers(stream, &[], false),
        "PROTOCOL_ERROR",
        "h2_trailers_without_end_stream",
    );
    made_you_reset(
        |stream| {
            Frames::new()
                .post(stream, "/")
                .headers(stream, &[(":path", "/")], true)
        },
        "PROTOCOL_ERROR",
        "h2_pseudo_in_trailers",
    );
}

#[test]
fn malformed_requests_count_too() {
    made_you_reset(
        |stream| Frames::new().request_with(stream, "GET", "/", &[("X", "y")], true),
        "PROTOCOL_ERROR",
        "h2_uppercase_field_name",
    );
    made_you_reset(
        |stream| Frames::new().headers(stream, &[], true),
        "PROTOCOL_ERROR",
        "h2_missing_pseudo_field",
    );
}

#[test]
fn mistakes_on_a_stream_that_is_reset_already_count_too() {
    let mut http2 = Http2::new(endless);
    // The peer ends its side, makes us reset the stream, and goes on making mistakes on it.
    http2.exchange(
        Frames::new().get(1, "/").update(1, 0),
        &["RST_STREAM 1 PROTOCOL_ERROR"],
    );
    http2.send(Frames::new().update(1, 0).repeat(499));
    http2.expect(&[]);
    http2.assert_alive(3);
    http2.send(Frames::new().update(1, 0).repeat(2));
    http2.expect_failed("GOAWAY 3 ENHANCE_YOUR_CALM h2_reset_flood");
    end(http2);
}

#[test]
fn streams_that_are_refused_are_counted() {
    let limits = http2_limits(Http2Limits {
        streams_max: 1,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(endless, limits);
    http2.exchange(Frames::new().get(1, "/"), &[]);
    for place in 1..=1_000 {
        http2.send(Frames::new().get(2 * place + 1, "/"));
    }
    assert_eq!(http2.lines().len(), 1_000);
    http2.send(Frames::new().get(3_001, "/"));
    http2.expect_failed("GOAWAY 3001 ENHANCE_YOUR_CALM h2_unwanted_flood");
    assert_eq!(http2.rejected().get("h2_unwanted_flood"), Some(&1));
    end(http2);
}

#[test]
fn streams_behind_the_last_goaway_are_counted() {
    let mut http2 = Http2::new(endless);
    http2.exchange(
        Frames::new().get(1, "/").goaway(0, code::NO_ERROR),
        &["GOAWAY 1 NO_ERROR"],
    );
    for place in 1..=1_000 {
        http2.send(Frames::new().get(2 * place + 1, "/"));
    }
    http2.expect(&[]);
    assert_eq!(http2.census().streams, 1);
    http2.send(Frames::new().get(3_001, "/"));
    http2.expect_failed("GOAWAY 1 ENHANCE_YOUR_CALM h2_unwanted_flood");
    end(http2);
}
