//! What a peer can make one connection hold.

use super::*;

/// Handlers that never read, but for `/alive`.
async fn deaf(ctx: &mut HttpContext) -> Result<(), ResponseError> {
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
fn tiny_pieces_of_a_body_hold_no_buffers() {
    let mut http2 = Http2::new(deaf);
    let mut frames = Frames::new();
    for stream in (1..41).step_by(2) {
        frames = frames.post(stream, "/");
    }
    http2.send(frames);
    // A byte in each frame, each frame in a receive of its own, on all streams in turn.
    for _ in 0..200 {
        for stream in (1..41).step_by(2) {
            http2.send(Frames::new().data(stream, "x", false));
        }
    }
    assert!(
        http2.peer.pool.in_use() <= 20,
        "{} buffers",
        http2.peer.pool.in_use()
    );
    assert_eq!(http2.census().input_bytes, 0);
    http2.assert_alive(41);
    end(http2);
}

#[test]
fn bodies_that_nobody_reads_are_bounded_by_the_windows() {
    let mut http2 = Http2::new(deaf);
    let mut held = 0;
    'streams: for stream in (1..201).step_by(2) {
        http2.send(Frames::new().post(stream, "/"));
        for _ in 0..48 {
            if held + 16_384 > 1_048_576 {
                break 'streams;
            }
            held += 16_384;
            http2.send(Frames::new().data(stream, [b'x'; 16_384], false));
        }
    }
    let lines = http2.lines();
    assert!(
        lines.iter().all(|line| line.starts_with("PING ")),
        "no window was given back: {lines:?}"
    );
    // The pool of the test has 64 buffers; a part stays free for others.
    assert!(
        http2.peer.pool.in_use() <= 49,
        "{}",
        http2.peer.pool.in_use()
    );
    http2.assert_alive(201);
    http2.send(Frames::new().data(3, "x", false));
    http2.expect_failed("GOAWAY 201 FLOW_CONTROL_ERROR h2_flow_control_exceeded");
    end(http2);
}

/// What waits is little more than a connection may have, and not as much for each stream.
#[track_caller]
fn assert_shared<A, R>(http2: &Http2<A>, streams: usize)
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    let limit = Limits::default().response_buffer_bytes_max;
    let waits = http2.census().response_bytes;
    assert!(waits >= streams * 4096, "each has its part: {waits}");
    assert!(waits <= 5 * limit + streams * 4096, "{waits}");
}

#[test]
fn responses_that_wait_for_the_connections_window_share_its_room() {
    let application = async |ctx: &mut HttpContext| ctx.write(vec![b'x'; 1 << 18]).await;
    let settings = [(setting::INITIAL_WINDOW_SIZE, 1 << 20)];
    let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
    let streams: Vec<u32> = (1..200).step_by(2).collect();
    for stream in &streams {
        http2.send(Frames::new().get(*stream, "/"));
    }
    http2.events();
    assert_shared(&http2, streams.len());
    // With window again all of them end, and a single one has all of the room.
    http2.send(Frames::new().update(0, 1 << 26));
    let events = http2.events();
    let ends = events
        .iter()
        .filter(|event| matches!(event, Event::Data { end: true, .. }));
    assert_eq!(ends.count(), streams.len());
    let settings = Frames::new().settings(&[(setting::INITIAL_WINDOW_SIZE, 0)]);
    http2.send(settings.get(201, "/"));
    assert_eq!(http2.census().response_bytes, 64 * 1024);
    end(http2);
}

#[test]
fn responses_that_nobody_takes_are_bounded() {
    const STREAMS: u32 = 100;
    let application = async |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return ctx.text("alive");
        }
        ctx.write(vec![b'x'; 1 << 18]).await
    };
    let settings = [(setting::INITIAL_WINDOW_SIZE, 0)];
    let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
    for place in 0..STREAMS - 1 {
        http2.send(Frames::new().get(2 * place + 1, "/"));
    }
    assert_eq!(http2.peer.tasks.len(), STREAMS as usize - 1);
    http2.events();
    assert_shared(&http2, STREAMS as usize);
    // Neither is the block that waits for a peer that does not even read.
    http2.peer.reads = false;
    http2.send(Frames::new().settings(&[(setting::INITIAL_WINDOW_SIZE, 1 << 18)]));
    http2.send(Frames::new().update(0, 1 << 25));
    assert!(
        http2.peer.connection.out.len() <= 64 * 1024 + 9,
        "{}",
        http2.peer.connection.out.len()
    );
    // Nor are further requests taken.
    let taken = http2.send_while_wanted(Frames::new().get(201, "/alive").as_ref());
    assert_eq!(taken, 0);
    http2.peer.reads = true;
    http2.run();
    // All of it goes out now, in turn.
    let events = http2.events();
    let ends = events
        .iter()
        .filter(|event| matches!(event, Event::Data { end: true, .. }));
    assert_eq!(ends.count(), STREAMS as usize - 1);
    http2.assert_alive(203);
    assert_eq!(http2.census(), Census::default());
    http2.finish();
}

#[test]
fn priorities_that_come_early_are_bounded() {
    let mut http2 = Http2::new(deaf);
    for stream in (1..201).step_by(2) {
        http2.send(Frames::new().priority_update(stream, "u=1"));
    }
    assert_eq!(http2.census().early_priorities, 16);
    http2.assert_alive(201);
    // Those of streams that were passed over make room.
    http2.send(Frames::new().priority_update(301, "u=1"));
    assert_eq!(http2.census().early_priorities, 1);
    end(http2);
}

#[test]
fn streams_left_half_open_are_bounded_in_number_and_time() {
    let mut http2 = Http2::new(echo);
    for place in 0..150 {
        http2.send(Frames::new().post(2 * place + 1, "/"));
    }
    assert_eq!(http2.lines().len(), 50, "refused");
    assert_eq!(http2.census().streams, 100);
    // Nothing comes of their bodies, though their handlers wait.
    http2.wait(Duration::from_secs(5));
    let lines = http2.lines();
    assert_eq!(lines.len(), 100);
    assert!(
        lines
            .iter()
            .all(|line| line.ends_with(" 408 content-length: 0 ES")),
        "{lines:?}"
    );
    http2.wait(Duration::from_secs(5));
    let lines = http2.lines();
    assert_eq!(lines.len(), 100);
    assert!(
        lines.iter().all(|line| line.ends_with(" NO_ERROR")),
        "{lines:?}"
    );
    assert_eq!(http2.census(), Census::default());
    http2.assert_alive(301);
    http2.wait(Duration::from_secs(130));
    http2.expect(&["GOAWAY 301 NO_ERROR"]);
    http2.finish();
}

#[test]
fn zero_windows_are_bounded_in_time() {
    let application = async |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return ctx.text("alive");
        }
        ctx.write(vec![b'x'; 1 << 20]).await
    };
    let settings = [(setting::INITIAL_WINDOW_SIZE, 0)];
    let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
    for place in 0..100 {
        http2.send(Frames::new().get(2 * place + 1, "/"));
    }
    assert_eq!(http2.lines().len(), 100);
    http2.wait(Duration::from_secs(60));
    let lines = http2.lines();
    assert_eq!(lines.len(), 100);
    assert!(
        lines
            .iter()
            .all(|line| line.ends_with(" ENHANCE_YOUR_CALM")),
        "{lines:?}"
    );
    http2.expect_rejected("h2_window_stall", 100);
    assert_eq!(http2.peer.tasks.len(), 0);
    assert_eq!(http2.census(), Census::default());
    http2.finish();
}

#[test]
fn a_connection_forgets_streams_that_are_over() {
    let mut http2 = Http2::new(path);
    for place in 0..5_000 {
        http2.send(Frames::new().get(2 * place + 1, "/x"));
    }
    assert_eq!(http2.lines().len(), 10_000);
    assert_eq!(http2.census(), Census::default());
    http2.finish();
}

#[test]
fn input_in_single_bytes_is_not_piled_up() {
    let mut http2 = Http2::new(deaf);
    http2.send(Frames::new().post(1, "/"));
    let frames = Frames::new()
        .data(1, [b'x'; 200], false)
        .ping(false, *b"12345678")
        .repeat(10);
    for byte in frames.as_ref() {
        http2.send([*byte]);
        assert!(http2.census().input_bytes < 17);
    }
    assert!(http2.peer.pool.in_use() <= 1);
    end(http2);
}
