//! The client's windows: how much of a response goes out when (RFC 9113, 5.2 and 6.9).

use super::*;

/// Answers as many bytes as the path says.
async fn bytes(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    if ctx.request().path() == "/alive" {
        return ctx.text("alive");
    }
    let count: usize = ctx.request().path()[1..].parse().unwrap();
    ctx.write(vec![b'x'; count]).await
}

fn with_window<A, R>(application: A, window: u32) -> Http2<A>
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    let settings = [(setting::INITIAL_WINDOW_SIZE, window)];
    Http2::with_settings(application, Limits::default(), &settings)
}

/// The sum of DATA of a stream among events, and whether it has ended.
fn content(events: &[Event], of: u32) -> (usize, bool) {
    let mut sum = (0, false);
    for event in events {
        if let Event::Data {
            stream,
            content,
            end,
        } = event
            && *stream == of
        {
            sum = (sum.0 + content.len(), *end);
        }
    }
    sum
}

#[test]
fn content_waits_for_the_window_of_its_stream() {
    let mut http2 = with_window(bytes, 10);
    http2.exchange(
        Frames::new().get(1, "/25"),
        &["HEADERS 1 200 content-length: 25", "DATA 1 \"xxxxxxxxxx\""],
    );
    http2.assert_alive(3);
    http2.exchange(Frames::new().update(1, 14), &["DATA 1 \"xxxxxxxxxxxxxx\""]);
    http2.exchange(Frames::new().update(1, 1), &["DATA 1 \"x\" ES"]);
    http2.exchange(Frames::new().update(1, 1), &[]);
    http2.finish();
}

#[test]
fn an_empty_end_needs_no_window() {
    let mut http2 = with_window(bytes, 0);
    http2.exchange(
        Frames::new().get(1, "/0"),
        &["HEADERS 1 200 content-length: 0 ES"],
    );
    let streamed = async |ctx: &mut HttpContext| {
        ctx.write("x").await?;
        ctx.flush().await
    };
    let mut streaming = with_window(streamed, 1);
    streaming.exchange(
        Frames::new().get(1, "/"),
        &["HEADERS 1 200", "DATA 1 \"x\"", "DATA 1 ES"],
    );
    streaming.finish();
    http2.finish();
}

#[test]
fn trailers_need_no_window() {
    let application = async |ctx: &mut HttpContext| {
        ctx.trailer("sum", "1")?;
        ctx.write("xy").await
    };
    let mut http2 = with_window(application, 2);
    http2.exchange(
        Frames::new().get(1, "/"),
        &[
            "HEADERS 1 200 content-length: 2",
            "DATA 1 \"xy\"",
            "HEADERS 1 sum: 1 ES",
        ],
    );
    http2.finish();
}

#[test]
fn a_changed_initial_window_changes_every_stream() {
    let window = |bytes| Frames::new().settings(&[(setting::INITIAL_WINDOW_SIZE, bytes)]);
    let mut http2 = with_window(bytes, 10);
    http2.exchange(
        Frames::new().get(1, "/100"),
        &["HEADERS 1 200 content-length: 100", "DATA 1 \"xxxxxxxxxx\""],
    );
    // 10 are sent: a larger window lets the difference go.
    http2.exchange(window(12), &["SETTINGS ack", "DATA 1 \"xx\""]);
    // With 0 the window is 12 below zero; 12 more are as good as nothing.
    http2.exchange(window(0), &["SETTINGS ack"]);
    http2.exchange(Frames::new().update(1, 12), &[]);
    http2.exchange(Frames::new().update(1, 1), &["DATA 1 \"x\""]);
    http2.exchange(window(4), &["SETTINGS ack", "DATA 1 \"xxxx\""]);
    // Below zero by one change, above by another.
    http2.exchange(
        window(1).then(&window(6)),
        &["SETTINGS ack", "SETTINGS ack", "DATA 1 \"xx\""],
    );
    // The last of several in one frame counts.
    let name = setting::INITIAL_WINDOW_SIZE;
    let both = Frames::new().settings(&[(name, 0), (name, 7)]);
    http2.exchange(both, &["SETTINGS ack", "DATA 1 \"x\""]);
    // New streams begin with the new window.
    http2.exchange(
        Frames::new().get(3, "/8"),
        &["HEADERS 3 200 content-length: 8", "DATA 3 \"xxxxxxx\""],
    );
    http2.exchange(
        window(100),
        &["SETTINGS ack", "DATA 1 80 ES", "DATA 3 \"x\" ES"],
    );
    http2.finish();
}

#[test]
fn all_streams_share_the_window_of_the_connection() {
    let mut http2 = with_window(bytes, 1 << 20);
    http2.send(Frames::new().get(1, "/60000").get(3, "/10000").get(5, "/0"));
    let events = http2.events();
    assert_eq!(content(&events, 1), (60_000, true));
    assert_eq!(content(&events, 3), (5_535, false));
    assert!(
        events
            .iter()
            .any(|event| event.to_string() == "HEADERS 5 200 content-length: 0 ES")
    );
    // A stream has room of its own, but that is not what is missing.
    http2.exchange(Frames::new().update(3, 1000), &[]);
    http2.exchange(Frames::new().update(0, 4_464), &["DATA 3 4464"]);
    http2.exchange(Frames::new().update(0, 1 << 20), &["DATA 3 \"x\" ES"]);
    http2.finish();
}

#[test]
fn a_stream_without_window_does_not_hold_up_others() {
    let mut http2 = with_window(bytes, 0);
    http2.exchange(
        Frames::new().get(1, "/100").get(3, "/3"),
        &[
            "HEADERS 1 200 content-length: 100",
            "HEADERS 3 200 content-length: 3",
        ],
    );
    http2.exchange(Frames::new().update(3, 100), &["DATA 3 \"xxx\" ES"]);
    http2.exchange(Frames::new().update(1, 100), &["DATA 1 100 ES"]);
    http2.finish();
}

#[test]
fn a_large_body_flows_through_small_windows() {
    const LENGTH: usize = 300_000;
    let mut http2 = with_window(bytes, 1_000);
    http2.send(Frames::new().get(1, &format!("/{LENGTH}")));
    let mut received = 0;
    loop {
        let (count, end) = content(&http2.events(), 1);
        received += count;
        if end {
            break;
        }
        assert!(count > 0, "it stalls after {received}");
        let count = count as u32;
        http2.send(Frames::new().update(1, count).update(0, count));
    }
    assert_eq!(received, LENGTH);
    http2.finish();
}

#[test]
fn frames_are_no_longer_than_the_client_takes_and_16_kib() {
    for (allowed, settings) in [
        (16_384, &[][..]),
        (16_384, &[(setting::MAX_FRAME_SIZE, 1 << 24 >> 1)]),
    ] {
        let mut all = settings.to_vec();
        all.push((setting::INITIAL_WINDOW_SIZE, 1 << 20));
        let mut http2 = Http2::with_settings(bytes, Limits::default(), &all);
        http2.send(Frames::new().update(0, 1 << 20).get(1, "/60000"));
        let longest = http2.events().into_iter().map(|event| match event {
            Event::Data { content, .. } => content.len(),
            _ => 0,
        });
        assert_eq!(longest.max(), Some(allowed));
        http2.finish();
    }
}

#[test]
fn a_small_block_for_responses_cuts_their_content_and_nothing_else() {
    for response_buffer_bytes_max in [0, 1, 100, 1_000] {
        let limits = Limits {
            response_buffer_bytes_max,
            ..Limits::default()
        };
        let mut http2 = Http2::with_limits(bytes, limits);
        http2.send(Frames::new().get(1, "/2000").get(3, "/0").get(5, "/10"));
        let events = http2.events();
        for (stream, length) in [(1, 2_000), (5, 10)] {
            assert_eq!(content(&events, stream), (length, true));
        }
        assert_eq!(http2.census(), Census::default());
        http2.finish();
    }
}

#[test]
fn windows_that_grow_too_large() {
    let mut http2 = Http2::new(bytes);
    http2.send(Frames::new().get(1, "/100000"));
    http2.events();
    // 2^31-1 is the most that a window may be.
    let to_the_brim = Frames::new().update(1, (1 << 31) - 1);
    http2.exchange(to_the_brim, &[]);
    http2.exchange(
        Frames::new().update(1, 1),
        &["RST_STREAM 1 FLOW_CONTROL_ERROR"],
    );
    http2.expect_rejected("h2_window_overflow", 1);
    assert_eq!(http2.peer.tasks.len(), 0, "its handler has learnt it");
    http2.exchange(
        Frames::new()
            .update(0, 65_535)
            .update(0, (1 << 31) - 1 - 65_535),
        &[],
    );
    http2.assert_alive(3);
    http2.send(Frames::new().update(0, 6));
    http2.expect_failed("GOAWAY 3 FLOW_CONTROL_ERROR h2_window_overflow");
    http2.finish();
    let mut http2 = Http2::new(bytes);
    http2.send(Frames::new().get(1, "/100000"));
    http2.send(Frames::new().update(1, (1 << 31) - 1));
    http2.send(Frames::new().settings(&[(setting::INITIAL_WINDOW_SIZE, 65_536)]));
    http2.expect_failed("GOAWAY 1 FLOW_CONTROL_ERROR h2_window_overflow");
    http2.finish();
}

#[test]
fn windows_that_grow_by_nothing() {
    let mut http2 = with_window(bytes, 0);
    http2.send(Frames::new().get(1, "/5"));
    http2.events();
    http2.exchange(Frames::new().update(1, 0), &["RST_STREAM 1 PROTOCOL_ERROR"]);
    // The reserved bit means nothing.
    http2.exchange(
        Frames::new().update(1, 1 << 31),
        &["RST_STREAM 1 PROTOCOL_ERROR"],
    );
    http2.send(Frames::new().update(0, 0));
    http2.expect_failed("GOAWAY 1 PROTOCOL_ERROR h2_zero_window_increment");
    http2.finish();
}
