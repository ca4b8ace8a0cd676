//! Time-outs, rates and probes, with the clock in the test's hand.

use super::*;
use crate::limits::DataRate;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn an_idle_connection_says_goodbye() {
    let mut http2 = Http2::new(path);
    http2.wait(seconds(100));
    http2.send(Frames::new().get(1, "/x"));
    http2.events();
    http2.wait(Duration::from_millis(129_999));
    http2.expect(&[]);
    // Frames that open nothing do not keep it.
    http2.exchange(
        Frames::new().ping(false, *b"12345678"),
        &["PING ack 12345678"],
    );
    http2.wait(Duration::from_millis(1));
    http2.expect(&["GOAWAY 1 NO_ERROR"]);
    assert_eq!(http2.close(), Close::Linger);
    http2.finish();
}

#[test]
fn a_stalled_field_block_times_out() {
    let begun = Frames::new().frame(kind::HEADERS, flag::END_STREAM, 1, &[0x82]);
    let stalls = [
        begun.clone(),
        begun.clone().continuation(1, &[0x84], false),
        begun.clone().head(10, kind::CONTINUATION, 0, 1),
        begun.raw(&[0, 0]),
        Frames::new().head(10, kind::HEADERS, 0, 1).raw(&[0x82]),
        Frames::new().head(8, kind::PING, 0, 0).raw(b"1234567"),
        Frames::new().raw(&[0]),
        Frames::new().head(100, kind::UNKNOWN, 0, 0).raw(&[1]),
    ];
    for frames in stalls {
        let mut http2 = Http2::new(path);
        http2.client.lose_track();
        http2.send(frames);
        http2.wait(Duration::from_millis(29_999));
        http2.expect(&[]);
        http2.wait(Duration::from_millis(1));
        http2.expect_failed("GOAWAY 0 INTERNAL_ERROR h2_head_timeout");
        http2.finish();
    }
}

#[test]
fn a_field_block_times_out_however_it_trickles() {
    let mut http2 = Http2::new(path);
    http2.send(Frames::new().frame(kind::HEADERS, 0, 1, &[0x82]));
    for _ in 0..10 {
        http2.wait(seconds(2));
        http2.send(Frames::new().continuation(1, &[0x84], false));
    }
    http2.wait(seconds(9));
    assert_eq!(http2.close(), Close::No);
    http2.wait(seconds(1));
    http2.expect_failed("GOAWAY 0 INTERNAL_ERROR h2_head_timeout");
    http2.finish();
}

#[test]
fn frames_that_are_held_back_are_not_late() {
    let begun = Frames::new().frame(kind::HEADERS, flag::END_STREAM, 3, &[0x82]);
    for (first, rest) in [
        (Frames::new(), Frames::new().ping(false, *b"12345678")),
        (begun, Frames::new().continuation(3, &[0x84], true)),
    ] {
        let settings = [(setting::INITIAL_WINDOW_SIZE, 1 << 20)];
        let gate = Gate::default();
        let held = gate.clone();
        let application = async move |ctx: &mut HttpContext| {
            held.pass(ctx).await;
            ctx.bytes("text/plain", vec![b'x'; 70_000])
        };
        let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
        http2.send(Frames::new().update(0, 1 << 20).get(1, "/").then(&first));
        // The answer fills the block, and the peer takes it slowly.
        http2.peer.reads = false;
        gate.open();
        http2.run();
        http2.wait(seconds(20));
        http2.send(&rest);
        http2.wait(seconds(60));
        assert_eq!(http2.close(), Close::No);
        http2.peer.reads = true;
        http2.run();
        assert!(http2.lines().len() > 5);
        assert_eq!(http2.census().input_bytes, 0);
        // From now on its time counts.
        http2.send(Frames::new().raw(&[0]));
        http2.wait(seconds(30));
        assert_eq!(http2.close(), Close::Linger);
        http2.finish();
    }
}

#[test]
fn a_peer_that_is_always_in_the_middle_of_something_is_not_slow() {
    let mut http2 = Http2::new(path);
    // Each send ends within a PING, whose head is like that of the one before.
    let ping = Frames::new().ping(true, *b"12345678");
    let (front, back) = ping.as_ref().split_at(12);
    http2.send(front);
    for _ in 0..60 {
        http2.wait(seconds(1));
        http2.send([back, front].concat());
    }
    assert_eq!(http2.close(), Close::No);
    http2.wait(seconds(30));
    assert_eq!(http2.close(), Close::Linger);
    http2.finish();
}

#[test]
fn a_slow_body_is_408() {
    let rate = DataRate {
        bytes_per_second: 100,
        grace: seconds(5),
    };
    let limits = Limits {
        request_body_rate_min: Some(rate),
        ..Limits::default()
    };
    let mut http2 = Http2::with_limits(echo, limits);
    http2.send(Frames::new().post(1, "/"));
    for _ in 0..10 {
        http2.send(Frames::new().data(1, [b'x'; 200], false));
        http2.wait(Duration::from_millis(1_950));
    }
    http2.expect(&[]);
    http2.wait(seconds(1));
    http2.expect(&["HEADERS 1 408 content-length: 0 ES"]);
    http2.expect_rejected("h2_body_timeout", 1);
    http2.assert_alive(3);
    http2.wait(seconds(5));
    http2.expect(&["RST_STREAM 1 NO_ERROR"]);
    http2.finish();
}

#[test]
fn a_body_that_nobody_waits_for_is_not_slow() {
    let gate = Gate::default();
    let held = gate.clone();
    let application = async move |ctx: &mut HttpContext| {
        held.pass(ctx).await;
        echo(ctx).await
    };
    let mut http2 = Http2::new(application);
    http2.exchange(Frames::new().post(1, "/").data(1, "ab", false), &[]);
    http2.wait(seconds(60));
    gate.open();
    http2.run();
    http2.send(Frames::new().data(1, "cd", true));
    assert_eq!(http2.lines(), text_lines(1, "abcd"));
    http2.finish();
}

#[test]
fn a_body_that_may_not_come_is_not_slow() {
    // One handler reads, and another's unread body has used up the window of the connection.
    let gate = Gate::default();
    let held = gate.clone();
    let application = async move |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
        if ctx.request().path() == "/unread" {
            held.pass(ctx).await;
        }
        ctx.body().read_to_end(1 << 24).await?;
        Ok(ctx.text("read")?)
    };
    let mut http2 = Http2::new(application);
    http2.send(
        Frames::new()
            .post(1, "/unread")
            .post(3, "/unread")
            .post(5, "/read"),
    );
    http2.send(Frames::new().data(1, [b'x'; 16_384], false).repeat(48));
    http2.send(Frames::new().data(3, [b'x'; 16_384], false).repeat(16));
    http2.events();
    http2.wait(seconds(59));
    http2.expect(&[]);
    assert_eq!(http2.rejected(), BTreeMap::new());
    gate.open();
    http2.run();
    http2.events();
    http2.send(Frames::new().data(5, "x", true));
    assert_eq!(http2.lines(), text_lines(5, "read"));
    http2.finish();
}

fn probing(
    protocols: Protocols,
) -> Http2<impl AsyncFn(&mut HttpContext) -> Result<(), ResponseError>> {
    let limits = http2_limits(Http2Limits {
        ping_interval: Some(seconds(10)),
        ..Http2Limits::DEFAULT
    });
    Http2::fresh(path, limits, protocols)
}

#[test]
fn a_silent_peer_is_probed() {
    const PROBE: &str = "PING \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00";
    let mut http2 = probing(Protocols::default());
    http2.send(Frames::hello());
    http2.events();
    http2.wait(seconds(9));
    http2.exchange(
        Frames::new().ping(false, *b"12345678"),
        &["PING ack 12345678"],
    );
    http2.wait(seconds(9));
    http2.expect(&[]);
    http2.wait(seconds(1));
    http2.expect(&[PROBE]);
    // Anything is a sign of life.
    http2.wait(seconds(19));
    http2.exchange(Frames::new().update(0, 1), &[]);
    http2.wait(seconds(10));
    http2.expect(&[PROBE]);
    http2.exchange(Frames::new().ping(true, [0; 8]), &[]);
    http2.wait(seconds(10));
    http2.expect(&[PROBE]);
    http2.wait(seconds(20));
    http2.expect_failed("GOAWAY 0 INTERNAL_ERROR h2_keep_alive_timeout");
    http2.finish();
}

#[test]
fn who_has_not_greeted_is_not_probed() {
    for protocols in [Protocols::Http2, Protocols::Http1AndHttp2] {
        let mut http2 = probing(protocols);
        http2.send(&Frames::preface().as_ref()[..18]);
        // The harness sees a deadline that is set again for nothing.
        for _ in 0..29 {
            http2.wait(seconds(1));
        }
        http2.expect(&[]);
        http2.peer.wait(seconds(1));
        assert_eq!(http2.close(), Close::Now);
        http2.finish();
    }
}

/// Answers as many bytes as the path says.
async fn bytes(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    if ctx.request().path() == "/alive" {
        return ctx.text("alive");
    }
    let count: usize = ctx.request().path()[1..].parse().unwrap();
    ctx.write(vec![b'x'; count]).await
}

fn without_window() -> Http2<impl AsyncFn(&mut HttpContext) -> Result<(), ResponseError>> {
    let settings = [(setting::INITIAL_WINDOW_SIZE, 0)];
    let mut http2 = Http2::with_settings(bytes, Limits::default(), &settings);
    http2.send(Frames::new().get(1, "/100000"));
    http2.expect(&["HEADERS 1 200"]);
    http2
}

#[test]
fn a_response_waits_a_minute_for_its_window() {
    let mut http2 = without_window();
    http2.wait(Duration::from_millis(59_999));
    http2.expect(&[]);
    http2.wait(Duration::from_millis(1));
    http2.expect(&["RST_STREAM 1 ENHANCE_YOUR_CALM"]);
    http2.expect_rejected("h2_window_stall", 1);
    assert_eq!(http2.peer.tasks.len(), 0);
    assert_eq!(http2.census(), Census::default());
    http2.send(Frames::new().settings(&[(setting::INITIAL_WINDOW_SIZE, 100)]));
    http2.expect(&["SETTINGS ack"]);
    http2.assert_alive(3);
    http2.finish();
}

#[test]
fn a_window_that_opens_byte_by_byte_buys_no_time() {
    let mut http2 = without_window();
    for second in 0..62 {
        http2.wait(seconds(1));
        let lines = http2.lines();
        if lines == ["RST_STREAM 1 ENHANCE_YOUR_CALM"] {
            // Each byte has bought four milliseconds.
            assert_eq!(second, 60);
            http2.expect_rejected("h2_window_stall", 1);
            http2.finish();
            return;
        }
        http2.exchange(Frames::new().update(1, 1), &["DATA 1 \"x\""]);
    }
    panic!("a byte a second is enough");
}

#[test]
fn a_window_at_the_minimum_rate_is_enough() {
    let mut http2 = without_window();
    for _ in 0..300 {
        http2.wait(seconds(1));
        http2.send(Frames::new().update(1, 300).update(0, 300));
        let lines = http2.lines();
        assert!(
            lines.iter().all(|line| line.starts_with("DATA 1 ")),
            "{lines:?}"
        );
    }
    http2.wait(seconds(58));
    http2.expect(&[]);
    http2.wait(seconds(2));
    http2.expect(&["RST_STREAM 1 ENHANCE_YOUR_CALM"]);
    http2.finish();
}

#[test]
fn what_the_handler_adds_does_not_make_the_wait_a_new_one() {
    let application = async |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
        while let Some(chunk) = ctx.body().chunk().await? {
            ctx.write(&chunk).await?;
            ctx.start()?;
        }
        Ok(())
    };
    let settings = [(setting::INITIAL_WINDOW_SIZE, 0)];
    let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
    http2.exchange(Frames::new().post(1, "/"), &[]);
    for _ in 0..6 {
        http2.send(Frames::new().data(1, [b'x'; 5_000], false));
        http2.wait(seconds(10));
    }
    http2.expect(&["HEADERS 1 200", "RST_STREAM 1 ENHANCE_YOUR_CALM"]);
    http2.finish();
}

#[test]
fn the_window_of_the_connection_is_waited_for_as_long() {
    let settings = [(setting::INITIAL_WINDOW_SIZE, 1 << 20)];
    let mut http2 = Http2::with_settings(bytes, Limits::default(), &settings);
    http2.send(Frames::new().get(1, "/70000").get(3, "/10"));
    http2.events();
    http2.wait(seconds(30));
    // The one that waits goes; what comes later has a time of its own.
    http2.exchange(
        Frames::new().reset(1, code::CANCEL).reset(3, code::CANCEL),
        &[],
    );
    http2.wait(seconds(20));
    http2.exchange(
        Frames::new().get(5, "/10").get(7, "/0"),
        &[
            "HEADERS 5 200 content-length: 10",
            "HEADERS 7 200 content-length: 0 ES",
        ],
    );
    http2.wait(seconds(29));
    http2.expect(&[]);
    http2.wait(seconds(31));
    http2.expect(&["RST_STREAM 5 ENHANCE_YOUR_CALM"]);
    http2.expect_rejected("h2_window_stall", 1);
    http2.send(Frames::new().update(0, 100));
    http2.assert_alive(9);
    http2.finish();
}
