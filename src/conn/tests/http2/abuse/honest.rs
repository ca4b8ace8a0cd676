//! Honest peers that are as fast as a flood.

use super::*;

/// Answers as the path wants it: at once, without content, when the gate is open, or after the
/// whole body, which is read as it comes.
pub(super) fn mixed(
    gate: Gate,
) -> impl AsyncFn(&mut HttpContext) -> Result<(), Box<dyn std::error::Error>> + Clone + 'static {
    async move |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        match path.as_str() {
            "/alive" => return Ok(ctx.text("alive")?),
            "/empty" => {
                ctx.status(Status::NO_CONTENT)?;
                return Ok(());
            }
            "/gate" => {
                gate.pass(ctx).await;
                return Ok(ctx.text("passed")?);
            }
            "/late" => gate.pass(ctx).await,
            _ => {}
        }
        let mut read = 0;
        while let Some(chunk) = ctx.body().chunk().await? {
            read += chunk.len();
        }
        Ok(ctx.text(&read.to_string())?)
    }
}

/// Shows that nothing was counted, and that a further stream is answered.
#[track_caller]
fn lives<A, R>(mut http2: Http2<A>, stream: u32)
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    assert_eq!(http2.rejected(), BTreeMap::new());
    http2.events();
    http2.assert_alive(stream);
    http2.finish();
}

#[test]
fn a_ping_for_each_round_of_data() {
    // What grpc-go's estimator of bandwidth does: 501 messages ended it once.
    let messages = async |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return ctx.text("alive");
        }
        for _ in 0..3_000 {
            ctx.write(b"\0\0\0\0\x08messages").await?;
            ctx.flush().await?;
            pending_once().await;
        }
        Ok(())
    };
    let mut http2 = Http2::new(messages);
    http2.send(Frames::new().get(1, "/"));
    let mut pings = 0;
    let mut ended = false;
    while !ended {
        let mut frames = Frames::new();
        for event in http2.events() {
            if let Event::Data { content, end, .. } = event {
                ended |= end;
                if !content.is_empty() {
                    frames = frames
                        .ping(false, *b"estimate")
                        .update(0, content.len() as u32)
                        .update(1, content.len() as u32);
                    pings += 1;
                }
            }
        }
        if !ended {
            http2.send(frames);
            http2.run();
        }
        assert_eq!(http2.rejected(), BTreeMap::new(), "after {pings}");
    }
    assert!(pings >= 3_000, "{pings}");
    lives(http2, 3);
}

#[test]
fn a_stream_of_small_messages_has_no_length() {
    let mut http2 = Http2::new(mixed(Gate::default()));
    http2.send(Frames::new().post(1, "/"));
    let messages = Frames::new().data(1, "8 bytes.", false).repeat(200);
    for _ in 0..1_500 {
        http2.send(&messages);
        http2.run();
    }
    http2.send(Frames::new().data(1, "", true));
    http2.run();
    let lines = http2.lines();
    assert_eq!(lines.last(), Some(&"DATA 1 \"2400000\" ES".to_owned()));
    lives(http2, 3);
}

#[test]
fn small_messages_may_fill_the_window_of_a_slow_handler() {
    let gate = Gate::default();
    let mut http2 = Http2::new(mixed(gate.clone()));
    http2.send(Frames::new().post(1, "/late"));
    let messages = Frames::new().data(1, "8 bytes.", false).repeat(256);
    for _ in 0..786_432 / 2_048 {
        http2.send(&messages);
    }
    gate.open();
    http2.run();
    http2.send(Frames::new().data(1, "", true));
    http2.run();
    let lines = http2.lines();
    assert_eq!(lines.last(), Some(&"DATA 1 \"786432\" ES".to_owned()));
    lives(http2, 3);
}

#[test]
fn small_messages_and_empty_frames_on_many_streams() {
    let mut http2 = Http2::new(mixed(Gate::default()));
    for place in 0..2_000 {
        let stream = 2 * place + 1;
        let message = Frames::new().data(stream, [b'm'; 32], false);
        http2.send(
            Frames::new()
                .post(stream, "/")
                .then(&message.repeat(60))
                // Some flush behind a message.
                .data(stream, "", false)
                .data(stream, "", true),
        );
        http2.run();
        http2.events();
    }
    lives(http2, 4_001);
}

#[test]
fn cancels_amid_good_streams() {
    let gate = Gate::default();
    let mut http2 = Http2::new(mixed(gate.clone()));
    for place in 0..20 {
        http2.send(Frames::new().get(2 * place + 1, "/gate"));
    }
    // Nothing has been answered yet: 101 of these ended it once.
    for place in 20..121 {
        let stream = 2 * place + 1;
        http2.send(
            Frames::new()
                .get(stream, "/gate")
                .reset(stream, code::CANCEL),
        );
    }
    gate.open();
    http2.run();
    assert_eq!(http2.lines().len(), 40);
    // Half of what is asked for is left again, as fast as it comes.
    for place in 200..2_200 {
        let stream = 4 * place + 1;
        http2.send(Frames::new().get(stream, "/alive"));
        http2.send(Frames::new().post(stream + 2, "/"));
        http2.send(Frames::new().reset(stream + 2, code::CANCEL));
    }
    lives(http2, 10_001);
}

#[test]
fn cancels_of_what_was_waited_for() {
    // All streams of a client have the same deadline, and nothing is ever answered.
    let mut http2 = Http2::new(mixed(Gate::default()));
    let mut stream = 1;
    for _ in 0..20 {
        let mut frames = Frames::new();
        let mut resets = Frames::new();
        for _ in 0..100 {
            frames = frames.get(stream, "/gate");
            resets = resets.reset(stream, code::CANCEL);
            stream += 2;
        }
        http2.send(frames);
        http2.wait(Duration::from_millis(500));
        http2.send(resets);
        http2.run();
    }
    lives(http2, stream);
}

#[test]
fn cancels_of_downloads_that_have_begun() {
    // A client that looks at the beginning of each, and takes it.
    let application = async |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return ctx.text("alive");
        }
        ctx.write([b'x'; 5_000]).await?;
        ctx.flush().await?;
        ctx.lifetime().aborted().await;
        Ok(())
    };
    let mut http2 = Http2::new(application);
    for place in 0..2_000 {
        let stream = 2 * place + 1;
        http2.send(Frames::new().get(stream, "/"));
        http2.send(Frames::new().update(0, 5_000).reset(stream, code::CANCEL));
        http2.events();
    }
    lives(http2, 4_001);
}

#[test]
fn what_comes_with_each_request() {
    // A larger window for each stream, signals of priority, and frames that nobody knows.
    let mut http2 = Http2::new(mixed(Gate::default()));
    for place in 0..3_000 {
        let stream = 2 * place + 1;
        http2.send(
            Frames::new()
                .get(stream, "/empty")
                .update(stream, 1 << 20)
                .priority_update(stream, "u=5")
                .priority_update(stream, "u=1")
                .frame(kind::UNKNOWN, 0, stream, b"grease"),
        );
        // It crosses the end of the answer.
        http2.send(Frames::new().reset(stream, code::CANCEL));
    }
    lives(http2, 6_001);
}

#[test]
fn a_long_field_block_in_small_pieces() {
    let mut http2 = Http2::new(mixed(Gate::default()));
    let long = "v".repeat(16_000);
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/alive"),
        (":authority", "a"),
        ("long", long.as_str()),
    ];
    let block = crate::testing::http2::block(&fields);
    let mut pieces = block.chunks(300);
    let first = pieces.next().unwrap();
    let mut frames = Frames::new().frame(kind::HEADERS, flag::END_STREAM, 1, first);
    for piece in pieces {
        frames = frames.continuation(1, piece, false);
    }
    http2.send(frames.continuation(1, &[], true));
    assert_eq!(http2.lines(), text_lines(1, "alive"));
    lives(http2, 3);
}
