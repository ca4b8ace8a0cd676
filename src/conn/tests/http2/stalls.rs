//! What one handler leaves unread must not keep another from its content: the connection's window
//! comes back as far as it can (RFC 9113, 5.2.2), and handlers that wait for each other come to an
//! end.

use proptest::prelude::*;

use super::*;

/// A client that sends bodies as its windows allow.
struct Sender<A> {
    http2: Http2<A>,
    connection: usize,
    streams: BTreeMap<u32, usize>,
    stream_window: usize,
    answers: Vec<String>,
}

impl<A, R> Sender<A>
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    fn new(application: A, http2: Http2Limits) -> Self {
        let (connection, stream_window) = (http2.connection_window, http2.stream_window);
        Self {
            http2: Http2::with_limits(application, http2_limits(http2)),
            connection: connection as usize,
            streams: BTreeMap::new(),
            stream_window: stream_window as usize,
            answers: Vec::new(),
        }
    }

    fn post(&mut self, stream: u32, path: &str) {
        self.streams.insert(stream, self.stream_window);
        self.http2.send(Frames::new().post(stream, path));
        self.take();
    }

    /// Takes note of WINDOW_UPDATEs, and answers PINGs.
    fn take(&mut self) {
        let mut pongs = Frames::new();
        for event in self.http2.events() {
            match event {
                Event::WindowUpdate { stream, increment } => {
                    let window = match stream {
                        0 => &mut self.connection,
                        _ => self.streams.get_mut(&stream).unwrap(),
                    };
                    *window += increment as usize;
                }
                Event::Ping { ack: false, opaque } => pongs = pongs.ping(true, opaque),
                other => self.answers.push(other.to_string()),
            }
        }
        if !pongs.as_ref().is_empty() {
            self.http2.send(pongs);
            self.take();
        }
    }

    fn allowed(&self, stream: u32) -> usize {
        self.connection.min(self.streams[&stream])
    }

    /// Sends what the windows allow of so many bytes, and says how much that was.
    fn send(&mut self, stream: u32, bytes: usize, frame_bytes: usize) -> usize {
        let mut sent = 0;
        while sent < bytes {
            let count = frame_bytes.min(bytes - sent).min(self.allowed(stream));
            if count == 0 {
                break;
            }
            sent += count;
            self.connection -= count;
            *self.streams.get_mut(&stream).unwrap() -= count;
            let frame = Frames::new().data(stream, vec![b'x'; count], false);
            self.http2.send(frame);
            self.take();
        }
        sent
    }

    fn end(&mut self, stream: u32) {
        self.http2.send(Frames::new().data(stream, [], true));
        self.take();
    }

    /// The answers since this was last asked.
    fn answers(&mut self) -> Vec<String> {
        self.take();
        std::mem::take(&mut self.answers)
    }
}

/// `/hold/N` reads until it has N bytes, then waits for the gate and reads on; any other path reads
/// everything, opens the gate if it is `/open`, and answers how much it was.
fn holding(gate: Gate) -> impl AsyncFn(&mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    async move |ctx: &mut HttpContext| {
        ctx.body().limit(None)?;
        let path = ctx.request().path().to_owned();
        let mut count = 0;
        if let Some(first) = path.strip_prefix("/hold/") {
            let first: usize = first.parse()?;
            while count < first
                && let Some(chunk) = ctx.body().chunk().await?
            {
                count += chunk.len();
            }
            gate.pass(ctx).await;
        }
        while let Some(chunk) = ctx.body().chunk().await? {
            count += chunk.len();
        }
        if path == "/open" {
            gate.open();
        }
        Ok(ctx.text(&count.to_string())?)
    }
}

#[test]
fn a_quarter_of_the_window_is_enough_for_a_handler_that_reads() {
    let mut sender = Sender::new(holding(Gate::default()), Http2Limits::DEFAULT);
    for (stream, bytes) in [(1, 786_432), (3, 1)] {
        sender.post(stream, "/hold/0");
        assert_eq!(sender.send(stream, bytes, 16_384), bytes);
    }
    sender.post(5, "/");
    let length = 3_000_000;
    assert_eq!(sender.send(5, length, 16_384), length, "it stalls");
    sender.end(5);
    assert_eq!(sender.answers(), text_lines(5, "3000000"));
    sender.http2.finish();
}

#[test]
fn a_single_byte_of_window_goes_round() {
    let mut sender = Sender::new(holding(Gate::default()), Http2Limits::DEFAULT);
    for (stream, bytes) in [(1, 786_432), (3, 262_143)] {
        sender.post(stream, "/hold/0");
        assert_eq!(sender.send(stream, bytes, 16_384), bytes);
    }
    sender.post(5, "/");
    assert_eq!(sender.allowed(5), 1);
    assert_eq!(sender.send(5, 1_000, 16_384), 1_000, "it stalls");
    // Once the others read there is as much as ever.
    sender.end(5);
    assert_eq!(sender.answers(), text_lines(5, "1000"));
    sender.http2.finish();
}

#[test]
fn what_was_read_comes_back_also_from_those_who_read_no_more() {
    let (gate, never) = (Gate::default(), Gate::default());
    let held = (gate.clone(), never.clone());
    let application = async move |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
        if ctx.request().path() == "/late" {
            // The first read is heard of in any case.
            let first = ctx.body().chunk().await?;
            held.0.pass(ctx).await;
            let mut left = 196_607 - first.map_or(0, |chunk| chunk.len());
            while left > 0
                && let Some(chunk) = ctx.body().chunk().await?
            {
                left -= chunk.len();
            }
            held.1.pass(ctx).await;
        }
        let body = ctx.body().read_to_end(1 << 24).await?;
        Ok(ctx.text(&body.len().to_string())?)
    };
    let mut sender = Sender::new(application, Http2Limits::DEFAULT);
    // All of them have less than a quarter of their window, and together all of the connection's.
    let streams = [1, 3, 5, 7, 9, 11];
    for stream in streams {
        sender.post(stream, "/late");
        sender.send(stream, 196_607, 16_384);
    }
    sender.post(13, "/");
    assert_eq!(sender.allowed(13), 0);
    gate.open();
    sender.http2.run();
    sender.take();
    assert_eq!(sender.allowed(13), 786_432, "all of it was read");
    never.open();
    sender.http2.run();
    sender.http2.finish();
}

#[derive(Clone, Debug)]
struct Hoard {
    /// What its handler reads before it stops.
    read: usize,
    /// How much of the window that is left is sent to it, in thousandths.
    share: usize,
    frame_bytes: usize,
    /// What the reader gets before.
    before: usize,
}

fn hoard() -> impl Strategy<Value = Hoard> {
    let read = prop_oneof![Just(0), 0..400_000_usize];
    let share = prop_oneof![0..=1_000_usize, Just(1_000)];
    let frame_bytes = prop_oneof![500..16_384_usize, Just(16_384)];
    (read, share, frame_bytes, 0..300_000_usize).prop_map(|(read, share, frame_bytes, before)| {
        Hoard {
            read,
            share,
            frame_bytes,
            before,
        }
    })
}

fn window() -> impl Strategy<Value = u32> {
    prop_oneof![Just(65_535), 65_535..400_000_u32, Just(786_432)]
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(48) })]

    /// The model: of the connection's window the peer lacks what handlers have not read, and not a
    /// byte more than the peer still has.
    #[test]
    fn who_reads_everything_is_never_stopped_by_those_who_do_not(
        hoards in prop::collection::vec(hoard(), 0..5),
        connection_window in window(),
        stream_window in window(),
        left in prop_oneof![1..64_usize, 64..20_000_usize],
        frame_bytes in prop_oneof![64..16_384_usize, Just(16_384)],
    ) {
        let limits = Http2Limits {
            connection_window,
            stream_window,
            window_max: connection_window.max(stream_window),
            ..Http2Limits::DEFAULT
        };
        let target = connection_window as usize;
        let mut sender = Sender::new(holding(Gate::default()), limits);
        sender.post(1, "/");
        let (mut unread, mut total) = (0, 0);
        for (hoard, stream) in hoards.iter().zip((3..).step_by(2)) {
            // Byte by byte it would be a flood of small frames.
            let before = hoard.before.min(sender.connection * 300);
            total += sender.send(1, before, hoard.frame_bytes);
            sender.post(stream, &format!("/hold/{}", hoard.read));
            let room = target.saturating_sub(unread + left) * hoard.share / 1_000;
            let first = hoard.read.min(sender.connection * 300);
            let read = sender.send(stream, first, hoard.frame_bytes);
            // A handler that was given less than it reads still waits for more.
            let kept = if read == hoard.read {
                sender.send(stream, room, hoard.frame_bytes)
            } else {
                0
            };
            unread += kept;
            // The last chunk that it reads may go beyond what it asked for.
            let lacks = target - unread;
            prop_assert!(sender.connection * 2 >= lacks.min(target / 2), "{} of {lacks}", sender.connection);
            prop_assert!(sender.connection > 0);
        }
        let length = 200_000.min((target - unread) * 300);
        let sent = sender.send(1, length, frame_bytes);
        prop_assert_eq!(sent, length, "it stalls with {} unread of {}", unread, target);
        sender.end(1);
        let answer = text_lines(1, &(total + sent).to_string());
        prop_assert_eq!(sender.answers(), answer);
        sender.http2.finish();
    }
}

#[test]
fn handlers_that_wait_for_each_other_come_to_an_end() {
    // What the first holds may be all of its request: that keeps window as well.
    for whole in [false, true] {
        let mut sender = Sender::new(holding(Gate::default()), Http2Limits::DEFAULT);
        for (stream, bytes) in [(1, 786_432), (3, 262_144)] {
            sender.post(stream, "/hold/0");
            assert_eq!(sender.send(stream, bytes, 16_384), bytes);
            if whole {
                sender.end(stream);
            }
        }
        // Nobody is kept from anything yet.
        sender.http2.wait(Duration::from_secs(1_000));
        assert_eq!(sender.http2.rejected(), BTreeMap::new());
        sender.post(5, "/open");
        assert_eq!(sender.allowed(5), 0);
        sender.http2.wait(Duration::from_millis(59_999));
        assert_eq!(sender.allowed(5), 0);
        sender.http2.wait(Duration::from_millis(1));
        sender.http2.expect_rejected("h2_unread_stall", 1);
        sender.take();
        assert_eq!(sender.allowed(5), 786_432, "the larger body is gone");
        assert_eq!(sender.send(5, 1_000_000, 16_384), 1_000_000);
        sender.end(5);
        assert_eq!(sender.answers(), text_lines(5, "1000000"));
        // The one whose body is gone learns it when it reads; the other has lost nothing.
        sender.http2.run();
        sender.http2.run();
        if !whole {
            sender.end(3);
        }
        let mut answers = sender.answers();
        answers.retain(|line| !line.starts_with("RST_STREAM 1"));
        assert_eq!(answers[0], "HEADERS 1 503 content-length: 0 ES");
        assert_eq!(answers[1..], text_lines(3, "262144"));
        sender.http2.finish();
    }
}

#[test]
fn nobody_is_slow_who_has_next_to_no_window() {
    let mut sender = Sender::new(holding(Gate::default()), Http2Limits::DEFAULT);
    for (stream, bytes) in [(1, 786_432), (3, 262_143)] {
        sender.post(stream, "/hold/0");
        assert_eq!(sender.send(stream, bytes, 16_384), bytes);
    }
    sender.post(5, "/");
    for _ in 0..50 {
        sender.send(5, 1, 1);
        sender.http2.wait(Duration::from_secs(1));
    }
    assert_eq!(sender.http2.rejected(), BTreeMap::new());
    sender.http2.finish();
}

#[test]
fn a_frame_that_has_begun_is_owed_whatever_the_window() {
    let limits = Http2Limits {
        frame_bytes_max: 65_535,
        connection_window: 65_535,
        stream_window: 65_535,
        window_max: 65_535,
        ..Http2Limits::DEFAULT
    };
    let mut sender = Sender::new(holding(Gate::default()), limits);
    sender.http2.client.lose_track();
    sender.post(1, "/");
    // All of the window in one frame, of which nothing comes.
    let frame = Frames::new().head(65_535, kind::DATA, 0, 1);
    sender.http2.send(frame.raw(b"x"));
    sender.http2.wait(Duration::from_secs(5));
    sender.http2.expect_rejected("h2_body_timeout", 1);
    sender.http2.finish();
}
