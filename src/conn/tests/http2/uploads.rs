//! The server's windows: how much of a request may come, and when more (RFC 9113, 5.2 and 6.9).

use super::*;

/// A client that sends one body as its windows allow.
struct Upload {
    stream: u32,
    left: usize,
    stream_window: usize,
    connection_window: usize,
}

impl Upload {
    /// Windows are those of the greeting.
    fn new(stream: u32, length: usize) -> Self {
        Self::with_windows(stream, length, 786_432, 65_535 + 983_041)
    }

    fn with_windows(
        stream: u32,
        length: usize,
        stream_window: usize,
        connection_window: usize,
    ) -> Self {
        Self {
            stream,
            left: length,
            stream_window,
            connection_window,
        }
    }

    /// Takes note of WINDOW_UPDATEs, answers PINGs, and gives back everything else.
    fn take(&mut self, events: Vec<Event>) -> (Frames, Vec<Event>) {
        let mut pongs = Frames::new();
        let mut others = Vec::new();
        for event in events {
            match event {
                Event::WindowUpdate {
                    stream: 0,
                    increment,
                } => {
                    self.connection_window += increment as usize;
                }
                Event::WindowUpdate { stream, increment } if stream == self.stream => {
                    self.stream_window += increment as usize;
                }
                Event::Ping { ack: false, opaque } => pongs = pongs.ping(true, opaque),
                other => others.push(other),
            }
        }
        (pongs, others)
    }

    /// As much as may be sent.
    fn next(&mut self, frame_bytes: usize) -> Frames {
        let mut frames = Frames::new();
        let content = vec![b'x'; frame_bytes];
        while self.left > 0 {
            let count = frame_bytes
                .min(self.left)
                .min(self.stream_window)
                .min(self.connection_window);
            if count == 0 {
                break;
            }
            self.left -= count;
            self.stream_window -= count;
            self.connection_window -= count;
            frames = frames.data(self.stream, &content[..count], self.left == 0);
        }
        frames
    }

    /// Sends all of it; what the server has answered by then.
    fn run<A, R>(&mut self, http2: &mut Http2<A>, frame_bytes: usize) -> Vec<Event>
    where
        A: AsyncFn(&mut HttpContext) -> R + 'static,
        R: IntoOutcome + 'static,
    {
        let (pongs, mut answers) = self.take(http2.events());
        http2.send(pongs);
        while self.left > 0 {
            let frames = self.next(frame_bytes);
            assert!(
                !frames.as_ref().is_empty(),
                "stalled with {} bytes left",
                self.left
            );
            http2.send(frames);
            let (pongs, others) = self.take(http2.events());
            answers.extend(others);
            http2.send(pongs);
        }
        let (_, others) = self.take(http2.events());
        answers.extend(others);
        answers
    }
}

/// Counts the body.
async fn count(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    ctx.body().limit(None)?;
    let mut count = 0;
    while let Some(chunk) = ctx.body().chunk().await? {
        count += chunk.len();
    }
    Ok(ctx.text(&count.to_string())?)
}

#[test]
fn a_large_body_is_taken_whole() {
    for frame_bytes in [16_384, 1_000] {
        let length = 5_000_000;
        let mut http2 = Http2::new(count);
        http2.send(Frames::new().post(1, "/"));
        let events = Upload::new(1, length).run(&mut http2, frame_bytes);
        let lines: Vec<String> = events.iter().map(Event::to_string).collect();
        assert_eq!(lines, text_lines(1, "5000000"));
        assert_eq!(http2.rejected(), BTreeMap::new());
        http2.finish();
    }
}

#[test]
fn windows_may_be_as_small_as_they_are_without_a_word() {
    let limits = http2_limits(Http2Limits {
        stream_window: 65_535,
        connection_window: 65_535,
        window_max: 65_535,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::fresh(count, limits, Protocols::default());
    let hello = ["SETTINGS 3=100 6=40960 8=1 9=1", "SETTINGS ack"];
    http2.exchange(Frames::hello().settings_ack(), &hello);
    http2.send(Frames::new().post(1, "/"));
    let mut upload = Upload::with_windows(1, 1_000_000, 65_535, 65_535);
    let events = upload.run(&mut http2, 5_000);
    let lines: Vec<String> = events.iter().map(Event::to_string).collect();
    assert_eq!(lines, text_lines(1, "1000000"), "and no probe");
    http2.finish();
}

#[test]
fn frames_may_be_as_large_as_the_server_says() {
    let limits = http2_limits(Http2Limits {
        frame_bytes_max: 1 << 20,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(count, limits);
    http2.send(Frames::new().post(1, "/"));
    let events = Upload::new(1, 3_000_000).run(&mut http2, 200_000);
    let lines: Vec<String> = events.iter().map(Event::to_string).collect();
    assert_eq!(lines, text_lines(1, "3000000"));
    http2.finish();
}

#[test]
fn a_body_of_any_length_may_come_fast() {
    // Each answer to a probe of the path comes at once, as over loopback: the windows stay as
    // they are, and so there are many probes. The peer may answer them all.
    let limits = flood_limits(FloodLimits {
        pings_max: 0,
        ..FloodLimits::DEFAULT
    });
    let mut http2 = Http2::with_limits(count, limits);
    http2.send(Frames::new().post(1, "/"));
    let mut upload = Upload::new(1, 100 << 20);
    let mut probes = 0;
    while upload.left > 0 {
        let frames = upload.next(16_384);
        for frame in frames.as_ref().chunks(16_384 + 9) {
            http2.send(frame);
            let events = http2.events();
            probes += events
                .iter()
                .filter(|event| matches!(event, Event::Ping { .. }))
                .count();
            let (pongs, _) = upload.take(events);
            http2.send(pongs);
        }
        assert_eq!(http2.close(), Close::No, "{:?}", http2.rejected());
    }
    assert!(probes > 10, "{probes} probes");
    assert_eq!(http2.rejected(), BTreeMap::new());
    http2.finish();
}

#[test]
fn windows_grow_with_the_path_up_to_their_maximum() {
    let mut http2 = Http2::new(count);
    http2.send(Frames::new().post(1, "/"));
    let mut upload = Upload::new(1, 200 << 20);
    // The answers to probes come a window later.
    let mut pongs = Frames::new();
    while upload.left > 0 {
        let frames = upload.next(16_384);
        assert!(!frames.as_ref().is_empty(), "stalled");
        http2.send(frames);
        let (later, _) = upload.take(http2.events());
        http2.send(std::mem::replace(&mut pongs, later));
        let (later, _) = upload.take(http2.events());
        pongs = pongs.then(&later);
        assert!(upload.stream_window <= 8 << 20 && upload.connection_window <= 8 << 20);
    }
    assert!(
        upload.connection_window > 6 << 20,
        "{}",
        upload.connection_window
    );
    http2.finish();
}

#[test]
fn a_handler_that_does_not_read_holds_the_peer_back() {
    let gate = Gate::default();
    let held = gate.clone();
    let application = async move |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return Ok(ctx.text("alive")?);
        }
        held.pass(ctx).await;
        count(ctx).await
    };
    let mut http2 = Http2::new(application);
    http2.send(Frames::new().post(1, "/"));
    let mut upload = Upload::new(1, 2_000_000);
    http2.send(upload.next(16_384));
    let (_, others) = upload.take(http2.events());
    assert_eq!(others, []);
    assert_eq!(
        upload.stream_window, 0,
        "no window is given back for what nobody reads"
    );
    assert!(
        http2.peer.pool.in_use() <= http2.peer.pool.count(),
        "receive buffers"
    );
    http2.assert_alive(3);
    gate.open();
    http2.run();
    let events = upload.run(&mut http2, 16_384);
    let lines: Vec<String> = events.iter().map(Event::to_string).collect();
    assert_eq!(lines, text_lines(1, "2000000"));
    http2.finish();
}

#[test]
fn what_a_reset_stream_has_not_read_is_given_back_to_the_connection() {
    let mut http2 = Http2::new(async |ctx: &mut HttpContext| {
        std::future::pending::<()>().await;
        ctx.text("never")
    });
    for stream in (1..41).step_by(2) {
        http2.send(Frames::new().post(stream, "/"));
        let content = Frames::new().data(stream, [b'x'; 16_384], false);
        http2.send(content.repeat(48).reset(stream, code::CANCEL));
    }
    let returned: u64 = http2
        .events()
        .iter()
        .map(|event| match event {
            Event::WindowUpdate {
                stream: 0,
                increment,
            } => u64::from(*increment),
            _ => 0,
        })
        .sum();
    assert!(returned >= 19 * 786_432, "{returned}");
    http2.peer.tasks.clear();
    http2.finish();
}

#[test]
fn more_than_a_window_is_an_error() {
    let mut http2 = Http2::new(async |_: &mut HttpContext| std::future::pending::<()>().await);
    http2.send(Frames::new().post(1, "/"));
    let content = Frames::new().data(1, [b'x'; 16_384], false);
    http2.send(content.repeat(48));
    assert_eq!(http2.lines(), ["PING lanrBDP\\x00"]);
    http2.exchange(
        Frames::new().data(1, "x", false),
        &["RST_STREAM 1 FLOW_CONTROL_ERROR", "WINDOW_UPDATE 0 786432"],
    );
    http2.expect_rejected("h2_flow_control_exceeded", 1);
    http2.peer.tasks.clear();
    http2.finish();
    let mut http2 = Http2::new(async |_: &mut HttpContext| std::future::pending::<()>().await);
    http2.send(Frames::new().post(1, "/").post(3, "/"));
    http2.send(content.repeat(48));
    http2.send(Frames::new().data(3, [b'x'; 16_384], false).repeat(16));
    http2.expect(&["PING lanrBDP\\x00"]);
    http2.send(Frames::new().data(3, "x", false));
    http2.expect_failed("GOAWAY 3 FLOW_CONTROL_ERROR h2_flow_control_exceeded");
    http2.peer.tasks.clear();
    http2.finish();
}
