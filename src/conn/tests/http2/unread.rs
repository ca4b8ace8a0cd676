//! Bodies that nobody reads, or not to their end.

use super::*;

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
