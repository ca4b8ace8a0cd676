//! Bodies of requests: DATA and its padding, trailers, lengths, and what nobody reads.

use super::*;
use crate::features::RequestTrailers;
use crate::http::{BodyError, FieldSection};

/// Answers with the body and the trailer `sum`.
async fn with_trailer(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    if ctx.request().path() == "/alive" {
        return Ok(ctx.text("alive")?);
    }
    let body = ctx.body().read_to_end(1 << 20).await?;
    let sum = ctx
        .body()
        .trailers()
        .map(|trailers| trailers.get("sum").map(<[u8]>::to_vec));
    let text = format!("{} {sum:?}", String::from_utf8(body)?);
    Ok(ctx.text(&text)?)
}

#[test]
fn data_comes_in_pieces_with_padding() {
    let frames = Frames::new()
        .post(1, "/")
        .padded(1, "he", 0, false)
        .data(1, "", false)
        .padded(1, "", 5, false)
        .padded(1, "llo", 255, false)
        .padded(1, " you", 3, true);
    assert_eq!(answers(echo, frames), text_lines(1, "hello you"));
    let empty = Frames::new().post(1, "/").data(1, "", true);
    assert_eq!(
        answers(echo, empty),
        [format!("{} ES", text_head(1, 200, 0))]
    );
    let padding = Frames::new().post(1, "/").padded(1, "", 9, true);
    assert_eq!(
        answers(echo, padding),
        [format!("{} ES", text_head(1, 200, 0))]
    );
}

#[test]
fn padding_counts_for_the_windows_and_is_given_back() {
    let mut http2 = Http2::new(ignore_slowly());
    http2.send(Frames::new().post(1, "/"));
    // A padded frame of 256 bytes without content, so often that a quarter of each window is gone.
    let frame = Frames::new().padded(1, "x", 254, false);
    http2.send(frame.repeat(1_100));
    let lines = http2.lines();
    assert_eq!(lines, ["WINDOW_UPDATE 1 196860", "WINDOW_UPDATE 0 262395"]);
    http2.peer.tasks.clear();
    http2.finish();
}

/// A handler that never ends.
fn ignore_slowly() -> impl AsyncFn(&mut HttpContext) + Clone + 'static {
    async |_: &mut HttpContext| std::future::pending::<()>().await
}

#[test]
fn wrong_padding_ends_the_connection() {
    for payload in [&[][..], &[1], &[2, 0], &[255, 0, 0]] {
        let mut http2 = Http2::new(echo);
        http2.send(
            Frames::new()
                .post(1, "/")
                .frame(kind::DATA, flag::PADDED, 1, payload),
        );
        let (code, name) = if payload.is_empty() {
            ("FRAME_SIZE_ERROR", "h2_frame_too_short")
        } else {
            ("PROTOCOL_ERROR", "h2_padding_too_long")
        };
        http2.expect_failed(&format!("GOAWAY 1 {code} {name}"));
        http2.expect_rejected(name, 1);
        http2.finish();
    }
}

#[test]
fn trailers_reach_the_handler() {
    let frames = Frames::new().post(1, "/").data(1, "x", false).headers(
        1,
        &[("sum", "1"), ("other", "2")],
        true,
    );
    assert_eq!(
        answers(with_trailer, frames),
        text_lines(1, "x Some(Some([49]))")
    );
    let alone = Frames::new().post(1, "/").headers(1, &[("sum", "1")], true);
    assert_eq!(
        answers(with_trailer, alone),
        text_lines(1, " Some(Some([49]))")
    );
    let none = Frames::new().post(1, "/").data(1, "x", true);
    assert_eq!(answers(with_trailer, none), text_lines(1, "x Some(None)"));
    let empty = Frames::new().post(1, "/").headers(1, &[], true);
    assert_eq!(answers(with_trailer, empty), text_lines(1, " Some(None)"));
}

#[test]
fn malformed_trailers_reset_the_stream() {
    let long = "v".repeat(9_000);
    let many: Vec<(&str, &str)> = (0..33).map(|_| ("x", "y")).collect();
    let cases: [(Fields<'_>, bool, &str, &str); 9] = [
        (
            &[("sum", "1")],
            false,
            "PROTOCOL_ERROR",
            "h2_trailers_without_end_stream",
        ),
        (
            &[(":path", "/")],
            true,
            "PROTOCOL_ERROR",
            "h2_pseudo_in_trailers",
        ),
        (
            &[("x", "y"), (":status", "200")],
            true,
            "PROTOCOL_ERROR",
            "h2_pseudo_in_trailers",
        ),
        (
            &[("Sum", "1")],
            true,
            "PROTOCOL_ERROR",
            "h2_uppercase_field_name",
        ),
        (
            &[("connection", "close")],
            true,
            "PROTOCOL_ERROR",
            "h2_connection_specific_field",
        ),
        (
            &[("content-length", "1")],
            true,
            "PROTOCOL_ERROR",
            "h2_forbidden_trailer",
        ),
        (
            &[("host", "b")],
            true,
            "PROTOCOL_ERROR",
            "h2_forbidden_trailer",
        ),
        (
            &[("x", &long)],
            true,
            "ENHANCE_YOUR_CALM",
            "h2_header_list_too_large",
        ),
        (&many, true, "ENHANCE_YOUR_CALM", "h2_too_many_fields"),
    ];
    for (trailers, end, code, name) in cases {
        let mut http2 = Http2::new(with_trailer);
        let frames = Frames::new()
            .post(1, "/")
            .data(1, "x", false)
            .headers(1, trailers, end);
        http2.exchange(frames, &[&format!("RST_STREAM 1 {code}")]);
        http2.expect_rejected(name, 1);
        assert_eq!(http2.census().streams, 0, "the handler has learnt it");
        http2.assert_alive(3);
        http2.finish();
    }
}

#[test]
#[expect(
    clippy::await_holding_refcell_ref,
    reason = "the test is about a handler that does so"
)]
fn trailers_that_a_handler_looks_at_are_left_alone() {
    let looking = async |ctx: &mut HttpContext| {
        assert_eq!(ctx.body().chunk().await.unwrap().map(|_| ()), None);
        let trailers = ctx.get::<RequestTrailers>().unwrap();
        let fields = trailers.fields().unwrap();
        ctx.informational(Status::EARLY_HINTS, FieldSection::default())
            .unwrap();
        std::future::pending::<()>().await;
        drop(fields);
    };
    let mut http2 = Http2::new(looking);
    http2.exchange(
        Frames::new().post(1, "/").headers(1, &[("sum", "1")], true),
        &["HEADERS 1 103"],
    );
    http2.exchange(
        Frames::new().headers(1, &[("sum", "2")], true),
        &["RST_STREAM 1 STREAM_CLOSED"],
    );
    http2.peer.tasks.clear();
    http2.finish();
}

#[test]
fn a_body_is_as_long_as_it_is_said_to_be() {
    let post = |length: &str| {
        Frames::new().request_with(1, "POST", "/", &[("content-length", length)], false)
    };
    for right in [
        post("3").data(1, "abc", true),
        post("3").data(1, "ab", false).data(1, "c", true),
        post("3").data(1, "abc", false).data(1, "", true),
        post("3")
            .data(1, "abc", false)
            .headers(1, &[("sum", "1")], true),
        post("3").padded(1, "abc", 9, true),
    ] {
        assert_eq!(answers(echo, right), text_lines(1, "abc"));
    }
    let empty = post("0").data(1, "", true);
    assert_eq!(
        answers(echo, empty),
        [format!("{} ES", text_head(1, 200, 0))]
    );
    for wrong in [
        post("3").data(1, "ab", true),
        post("3").data(1, "abcd", true),
        post("3").data(1, "abcd", false),
        post("3").data(1, "abc", false).data(1, "d", false),
        post("3").data(1, "abc", false).data(1, "d", true),
        post("3")
            .data(1, "ab", false)
            .headers(1, &[("sum", "1")], true),
        post("3").headers(1, &[], true),
        post("0").data(1, "a", true),
    ] {
        let make = || Http2::fresh(echo, Limits::default(), Protocols::default());
        let outcome = everyway(make, &Frames::hello().then(&wrong));
        let expected = [GREETING, "SETTINGS ack", "RST_STREAM 1 PROTOCOL_ERROR"];
        assert_eq!(outcome.lines, expected);
        let rejected: Vec<_> = outcome.rejected.into_iter().collect();
        assert_eq!(rejected, [("h2_content_length_mismatch", 1)]);
    }
}

#[test]
fn a_handler_learns_that_its_body_is_malformed() {
    let learnt = Rc::new(Cell::new(None));
    let report = Rc::clone(&learnt);
    let application = async move |ctx: &mut HttpContext| {
        let error = ctx.body().read_to_end(100).await.err();
        let aborted = ctx.lifetime().is_aborted();
        let written = ctx.write(vec![0; 1 << 20]).await;
        report.set(Some((error, aborted, written)));
    };
    let frames = Frames::new()
        .request_with(1, "POST", "/", &[("content-length", "3")], false)
        .data(1, "ab", true);
    let mut http2 = Http2::new(application);
    http2.exchange(frames, &["RST_STREAM 1 PROTOCOL_ERROR"]);
    assert_eq!(http2.peer.tasks.len(), 0);
    assert_eq!(http2.census(), Census::default());
    let malformed = BodyError::Malformed {
        status: Status::BAD_REQUEST,
        name: "h2_content_length_mismatch",
    };
    let expected = (Some(malformed), true, Err(ResponseError::Aborted));
    assert_eq!(learnt.get(), Some(expected));
    http2.finish();
}

#[test]
fn a_body_over_the_limit_is_413() {
    let limits = || Limits {
        body_bytes_max: Some(4),
        ..Limits::default()
    };
    let sized = Frames::new().request_with(1, "POST", "/", &[("content-length", "5")], false);
    let cases = [
        sized.data(1, "hello", true),
        Frames::new().post(1, "/").data(1, "hello", true),
        Frames::new()
            .post(1, "/")
            .data(1, "hel", false)
            .data(1, "lo", true),
    ];
    for frames in cases {
        let make = || Http2::fresh(echo, limits(), Protocols::default());
        let outcome = everyway(make, &Frames::hello().then(&frames));
        let expected = [
            GREETING,
            "SETTINGS ack",
            "HEADERS 1 413 content-length: 0 ES",
        ];
        assert_eq!(outcome.lines, expected);
        let rejected: Vec<_> = outcome.rejected.into_iter().collect();
        assert_eq!(rejected, [("body_too_large", 1)]);
    }
    // One that is announced is refused before any of it has come, and forgotten when it comes.
    let mut http2 = Http2::with_limits(echo, limits());
    let large = [("content-length", "3000000")];
    http2.exchange(
        Frames::new().request_with(1, "POST", "/", &large, false),
        &["HEADERS 1 413 content-length: 0 ES"],
    );
    http2.exchange(Frames::new().data(1, [b'x'; 16_384], false), &[]);
    http2.assert_alive(3);
    http2.finish();
}

#[test]
fn an_unread_body_is_taken_and_forgotten() {
    let frames = Frames::new()
        .post(1, "/")
        .data(1, "abc", false)
        .data(1, "d", true)
        .get(3, "/");
    let expected = [text_lines(1, "ignored"), text_lines(3, "ignored")].concat();
    assert_eq!(answers(ignore, frames), expected);
    let mut http2 = Http2::new(ignore);
    http2.exchange(
        Frames::new().post(1, "/"),
        &text_lines(1, "ignored").each_ref().map(String::as_str),
    );
    http2.wait(Duration::from_millis(4_999));
    http2.exchange(Frames::new().data(1, "x", false), &[]);
    assert_eq!(http2.census().streams, 1);
    http2.exchange(Frames::new().data(1, "y", true), &[]);
    assert_eq!(http2.census().streams, 0);
    http2.wait(Duration::from_secs(10));
    http2.expect(&[]);
    http2.finish();
}

#[test]
fn an_unread_body_may_take_five_seconds_and_what_a_body_may_have() {
    let answer = text_lines(1, "ignored");
    let answer = answer.each_ref().map(String::as_str);
    let mut http2 = Http2::new(ignore);
    http2.exchange(Frames::new().post(1, "/"), &answer);
    http2.wait(Duration::from_secs(5));
    http2.expect(&["RST_STREAM 1 NO_ERROR"]);
    assert_eq!(http2.census().streams, 0);
    http2.assert_alive(3);
    http2.finish();
    let limits = Limits {
        body_bytes_max: Some(1_000_000),
        ..Limits::default()
    };
    let mut http2 = Http2::with_limits(ignore, limits);
    http2.exchange(Frames::new().post(1, "/"), &answer);
    let content = Frames::new().data(1, [b'x'; 16_384], false);
    http2.send(content.repeat(48));
    let opened: u32 = updates(&http2.events(), 1);
    assert!(opened > 500_000, "{opened}");
    http2.send(content.repeat(opened as usize / 16_384));
    let more = updates(&http2.events(), 1);
    assert!(opened + more <= 1_000_000, "{opened} and {more}");
    http2.wait(Duration::from_secs(5));
    http2.expect(&["RST_STREAM 1 NO_ERROR"]);
    http2.assert_alive(3);
    http2.finish();
}

/// By how much the window of a stream was opened.
fn updates(events: &[Event], of: u32) -> u32 {
    let increments = events.iter().map(|event| match event {
        Event::WindowUpdate { stream, increment } if *stream == of => *increment,
        _ => 0,
    });
    increments.sum()
}

#[test]
fn an_answer_that_waits_for_its_window_does_not_hold_up_the_request() {
    // A client that sends all of its request before it looks at the answer.
    let application = async |ctx: &mut HttpContext| ctx.bytes("text/plain", vec![b'x'; 50_000]);
    let settings = [(setting::INITIAL_WINDOW_SIZE, 0)];
    let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
    let content = Frames::new().data(1, [b'x'; 16_384], false);
    http2.send(Frames::new().post(1, "/").then(&content.repeat(48)));
    let mut window = updates(&http2.events(), 1);
    for _ in 0..10 {
        assert!(window >= 16_384, "stalled");
        http2.send(content.repeat(window as usize / 16_384));
        window = window % 16_384 + updates(&http2.events(), 1);
    }
    http2.exchange(Frames::new().data(1, "", true), &[]);
    http2.exchange(
        Frames::new().update(1, 50_000),
        &[
            "DATA 1 16384",
            "DATA 1 16384",
            "DATA 1 16384",
            "DATA 1 848 ES",
        ],
    );
    assert_eq!(http2.census(), Census::default());
    http2.finish();
}

#[test]
fn what_came_before_an_answer_that_ignores_it_does_not_hold_up_the_rest() {
    let gate = Gate::default();
    let held = gate.clone();
    let application = async move |ctx: &mut HttpContext| {
        held.pass(ctx).await;
        ctx.text("ignored")
    };
    let mut http2 = Http2::new(application);
    http2.send(Frames::new().post(1, "/"));
    http2.send(Frames::new().data(1, [b'x'; 16_384], false).repeat(48));
    assert_eq!(updates(&http2.events(), 1), 0);
    gate.open();
    http2.run();
    assert_eq!(updates(&http2.events(), 1), 786_432);
    http2.exchange(Frames::new().data(1, "x", true), &[]);
    assert_eq!(http2.census().streams, 0);
    http2.finish();
}
