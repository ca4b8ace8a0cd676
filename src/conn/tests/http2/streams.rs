//! Identifiers and the number of streams (RFC 9113, 5.1.1 and 5.1.2).

use super::*;

/// Waits for the gate, except on `/alive`.
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

#[test]
fn more_streams_than_allowed_are_refused() {
    let gate = Gate::default();
    let limits = http2_limits(Http2Limits {
        streams_max: 3,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(waiting(&gate), limits);
    let three = Frames::new().get(1, "/").get(3, "/").get(5, "/");
    http2.exchange(three, &[]);
    let frames = Frames::new().post(7, "/").get(9, "/");
    http2.exchange(
        frames,
        &["RST_STREAM 7 REFUSED_STREAM", "RST_STREAM 9 REFUSED_STREAM"],
    );
    http2.expect_rejected("h2_too_many_streams", 2);
    // What was on its way for one of them is ignored.
    let late = Frames::new()
        .data(7, "x", false)
        .data(7, "y", false)
        .headers(7, &[("sum", "1")], true);
    http2.exchange(late, &[]);
    // One that ends makes room for another.
    http2.exchange(Frames::new().reset(3, code::CANCEL), &[]);
    http2.assert_alive(11);
    gate.open();
    http2.run();
    assert_eq!(http2.lines().len(), 4);
    assert_eq!(
        http2.census(),
        Census {
            table_bytes: 0,
            ..Census::default()
        }
    );
    http2.finish();
}

#[test]
fn identifiers_grow() {
    let cases = [
        (
            Frames::new().get(3, "/").get(1, "/"),
            "GOAWAY 3 PROTOCOL_ERROR h2_stream_id_not_increasing",
        ),
        (
            Frames::new().get(1, "/").get(1, "/"),
            "GOAWAY 1 STREAM_CLOSED h2_frame_on_closed_stream",
        ),
        (
            Frames::new().get(2, "/"),
            "GOAWAY 0 PROTOCOL_ERROR h2_even_stream_id",
        ),
        (
            Frames::new().get(0, "/"),
            "GOAWAY 0 PROTOCOL_ERROR h2_headers_on_stream_zero",
        ),
    ];
    for (frames, goaway) in cases {
        let mut http2 = Http2::new(path);
        http2.send(frames);
        http2.expect_failed(goaway);
        http2.finish();
    }
}

#[test]
fn the_last_identifier_is_one_like_any_other() {
    const LAST: u32 = (1 << 31) - 1;
    let frames = Frames::new()
        .get(LAST - 2, "/a")
        .post(LAST, "/b")
        .data(LAST, "x", true);
    let expected = [text_lines(LAST - 2, "a"), text_lines(LAST, "b")].concat();
    assert_eq!(answers(path, frames), expected);
    // Behind it nothing can be opened (RFC 9113, 5.1.1).
    let mut http2 = Http2::new(path);
    http2.send(Frames::new().get(LAST, "/a"));
    http2.events();
    http2.send(Frames::new().get(1, "/b"));
    http2.expect_failed(&format!(
        "GOAWAY {LAST} PROTOCOL_ERROR h2_stream_id_not_increasing"
    ));
    http2.finish();
}

#[test]
fn a_stream_does_not_depend_on_itself() {
    let mut http2 = Http2::new(path);
    http2.send(Frames::new().priority(5, 5));
    http2.expect_failed("GOAWAY 0 PROTOCOL_ERROR h2_self_dependency");
    http2.finish();
    let mut http2 = Http2::new(path);
    let flags = flag::PRIORITY | flag::END_HEADERS | flag::END_STREAM;
    http2.send(Frames::new().frame(kind::HEADERS, flags, 1, &[0x80, 0, 0, 1, 9, 0x82]));
    http2.expect_failed("GOAWAY 0 PROTOCOL_ERROR h2_self_dependency");
    http2.finish();
}

#[test]
fn many_handlers_end_in_any_order() {
    let gates: Vec<Gate> = (0..50).map(|_| Gate::default()).collect();
    let held = gates.clone();
    let application = async move |ctx: &mut HttpContext| {
        let place: usize = ctx.request().path()[1..].parse().unwrap();
        held[place].pass(ctx).await;
        ctx.text(&place.to_string())
    };
    let mut http2 = Http2::new(application);
    for place in 0..50 {
        http2.send(Frames::new().get(2 * place + 1, &format!("/{place}")));
    }
    // 7 and 50 have no common divisor: every place has its turn.
    for turn in 0..50 {
        let place = turn * 7 % 50;
        gates[place].open();
        http2.run();
        assert_eq!(
            http2.lines(),
            text_lines(2 * place as u32 + 1, &place.to_string())
        );
    }
    assert_eq!(http2.census(), Census::default());
    http2.finish();
}

#[test]
fn an_interrupted_field_block_ends_the_connection() {
    let begun = || Frames::new().frame(kind::HEADERS, 0, 1, &[0x82]);
    let others = [
        Frames::new().data(1, "x", false),
        Frames::new().get(3, "/"),
        Frames::new().headers(1, &[], true),
        Frames::new().priority(3, 0),
        Frames::new().reset(1, code::CANCEL),
        Frames::new().settings(&[]),
        Frames::new().ping(false, *b"12345678"),
        Frames::new().goaway(0, code::NO_ERROR),
        Frames::new().update(0, 1),
        Frames::new().continuation(3, &[], true),
        Frames::new().priority_update(1, "u=1"),
        Frames::new().frame(kind::UNKNOWN, 0, 0, &[]),
    ];
    for other in others {
        let mut http2 = Http2::new(path);
        http2.send(begun().then(&other));
        http2.expect_failed("GOAWAY 0 PROTOCOL_ERROR h2_interleaved_header_block");
        http2.finish();
    }
    for (frames, name) in [
        (
            Frames::new().continuation(1, &[], true),
            "unexpected_continuation",
        ),
        (
            Frames::new().get(1, "/").continuation(1, &[], true),
            "unexpected_continuation",
        ),
        (
            Frames::new().continuation(0, &[], true),
            "continuation_on_stream_zero",
        ),
    ] {
        let mut http2 = Http2::new(path);
        let last = u32::from(frames.as_ref().len() > 20);
        http2.send(frames);
        http2.expect_failed(&format!("GOAWAY {last} PROTOCOL_ERROR h2_{name}"));
        http2.finish();
    }
}

#[test]
fn frames_name_the_streams_that_they_may() {
    let frame = |kind, stream, payload: &[u8]| Frames::new().frame(kind, 0, stream, payload);
    let cases = [
        (frame(kind::DATA, 0, &[]), "data_on_stream_zero"),
        (frame(kind::HEADERS, 0, &[]), "headers_on_stream_zero"),
        (frame(kind::PRIORITY, 0, &[0; 5]), "priority_on_stream_zero"),
        (frame(kind::RST_STREAM, 0, &[0; 4]), "reset_on_stream_zero"),
        (
            frame(kind::CONTINUATION, 0, &[]),
            "continuation_on_stream_zero",
        ),
        (frame(kind::SETTINGS, 1, &[]), "settings_on_stream"),
        (frame(kind::PING, 1, &[0; 8]), "ping_on_stream"),
        (frame(kind::GOAWAY, 1, &[0; 8]), "goaway_on_stream"),
        (
            frame(kind::PUSH_PROMISE, 1, &[0; 4]),
            "push_promise_from_client",
        ),
        (frame(kind::DATA, 2, &[]), "even_stream_id"),
        (frame(kind::RST_STREAM, 2, &[0; 4]), "even_stream_id"),
        (
            frame(kind::WINDOW_UPDATE, 2, &[0, 0, 0, 1]),
            "even_stream_id",
        ),
        (frame(kind::CONTINUATION, 2, &[]), "even_stream_id"),
        (frame(kind::DATA, 9, &[]), "frame_on_idle_stream"),
        (frame(kind::RST_STREAM, 9, &[0; 4]), "frame_on_idle_stream"),
        (
            frame(kind::WINDOW_UPDATE, 9, &[0, 0, 0, 1]),
            "frame_on_idle_stream",
        ),
    ];
    for (frames, name) in cases {
        let mut http2 = Http2::new(path);
        http2.send(frames);
        http2.expect_failed(&format!("GOAWAY 0 PROTOCOL_ERROR h2_{name}"));
        http2.expect_rejected(&format!("h2_{name}"), 1);
        http2.finish();
    }
}

#[test]
fn frames_have_the_lengths_that_they_must() {
    let cases: [(u8, u8, u32, usize, &str); 13] = [
        (kind::RST_STREAM, 0, 1, 3, "wrong_frame_length"),
        (kind::RST_STREAM, 0, 1, 5, "wrong_frame_length"),
        (kind::WINDOW_UPDATE, 0, 0, 3, "wrong_frame_length"),
        (kind::WINDOW_UPDATE, 0, 1, 5, "wrong_frame_length"),
        (kind::PING, 0, 0, 7, "wrong_frame_length"),
        (kind::PING, flag::ACK, 0, 9, "wrong_frame_length"),
        (kind::SETTINGS, 0, 0, 1, "wrong_frame_length"),
        (kind::GOAWAY, 0, 0, 7, "frame_too_short"),
        (kind::PRIORITY_UPDATE, 0, 0, 3, "frame_too_short"),
        (kind::HEADERS, flag::PADDED, 3, 0, "frame_too_short"),
        (kind::HEADERS, flag::PRIORITY, 3, 4, "frame_too_short"),
        (
            kind::HEADERS,
            flag::PRIORITY | flag::PADDED,
            3,
            5,
            "frame_too_short",
        ),
        (kind::DATA, flag::PADDED, 1, 0, "frame_too_short"),
    ];
    for (kind, flags, stream, length, name) in cases {
        let mut http2 = Http2::new(echo);
        http2.send(Frames::new().post(1, "/"));
        http2.client.lose_track();
        // The head gives it away: the payload is not waited for.
        http2.send(Frames::new().head(length as u32, kind, flags, stream));
        http2.expect_failed(&format!("GOAWAY 1 FRAME_SIZE_ERROR h2_{name}"));
        http2.finish();
    }
}
