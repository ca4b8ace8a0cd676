//! Whose DATA goes first, as it is seen on the wire (RFC 9218).

use super::*;

/// Bytes of each answer: three frames and a bit.
const LENGTH: usize = 50_000;

/// Answers `LENGTH` bytes, with the priority that the path says, if any.
async fn answer(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let path = ctx.request().path().to_owned();
    if path != "/" {
        ctx.field("priority", &path[1..])?;
    }
    ctx.bytes("text/plain", vec![b'x'; LENGTH])
}

/// A connection whose window stream 1 has used up, so that all that is asked for now must wait.
fn blocked() -> Http2<impl AsyncFn(&mut HttpContext) -> Result<(), ResponseError>> {
    let settings = [(setting::INITIAL_WINDOW_SIZE, 1 << 20)];
    let mut http2 = Http2::with_settings(answer, Limits::default(), &settings);
    http2.send(Frames::new().get(1, "/").get(3, "/"));
    http2.events();
    http2
}

fn get(stream: u32, priority: &str) -> Frames {
    let fields = [("priority", priority)];
    let fields = if priority.is_empty() {
        &[][..]
    } else {
        &fields
    };
    Frames::new().request_with(stream, "GET", "/", fields, true)
}

/// Opens the window for everything, and says in which order the streams get it: one entry for
/// each frame.
fn order<A, R>(http2: &mut Http2<A>) -> Vec<u32>
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    http2.events();
    http2.send(Frames::new().update(0, 1 << 24));
    let events = http2.events();
    let of_data = events.iter().filter_map(|event| match event {
        Event::Data { stream, .. } => Some(*stream),
        _ => None,
    });
    of_data.collect()
}

/// The order without what is left of stream 3, which comes first or last, and with frames of one
/// stream in a row counted once.
fn turns<A, R>(http2: &mut Http2<A>) -> Vec<u32>
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    let mut turns = order(http2);
    turns.retain(|stream| *stream != 3);
    turns.dedup();
    turns
}

#[test]
fn urgent_responses_come_first() {
    let mut http2 = blocked();
    let asked = [
        ("u=7", 5),
        ("u=0", 7),
        ("", 9),
        ("u=3", 11),
        ("u=1, i", 13),
        ("u=4", 15),
    ];
    for (priority, stream) in asked {
        http2.send(get(stream, priority));
    }
    assert_eq!(turns(&mut http2), [7, 13, 9, 11, 15, 5]);
    http2.finish();
}

#[test]
fn sequential_responses_come_one_after_the_other_and_incremental_ones_share() {
    let mut http2 = blocked();
    for stream in [5, 7, 9] {
        http2.send(get(stream, "u=5"));
        http2.send(get(stream + 6, "u=6, i"));
    }
    http2.finish();
    let mut http2 = blocked();
    for stream in [5, 7, 9] {
        http2.send(get(stream, "u=5"));
    }
    for stream in [11, 13, 15] {
        http2.send(get(stream, "u=6, i"));
    }
    let order = order(&mut http2);
    let (sequential, incremental): (Vec<u32>, Vec<u32>) = order
        .iter()
        .filter(|stream| **stream > 3)
        .partition(|stream| **stream < 10);
    assert!(sequential.is_sorted(), "{order:?}");
    assert!(
        order.iter().position(|s| *s == 11) > order.iter().rposition(|s| *s == 9),
        "{order:?}"
    );
    // A frame each, three times round.
    assert_eq!(
        incremental[..9],
        [11, 13, 15, 11, 13, 15, 11, 13, 15],
        "{order:?}"
    );
    http2.finish();
}

#[test]
fn a_priority_update_counts_before_and_behind_its_request() {
    let mut http2 = blocked();
    http2.send(Frames::new().priority_update(9, "u=0"));
    for stream in [5, 7, 9, 11] {
        http2.send(get(stream, "u=4"));
    }
    assert_eq!(http2.census().early_priorities, 0);
    http2.send(
        Frames::new()
            .priority_update(11, "u=1")
            .priority_update(5, "u=7"),
    );
    assert_eq!(turns(&mut http2), [9, 11, 7, 5]);
    http2.finish();
    // It replaces what the request said whole, also with the defaults.
    let mut http2 = blocked();
    http2.send(get(5, "u=5, i").then(&get(7, "u=4")));
    http2.send(Frames::new().priority_update(5, ""));
    assert_eq!(turns(&mut http2), [5, 7]);
    http2.finish();
}

#[test]
fn malformed_priorities_are_as_none() {
    let mut http2 = blocked();
    http2.send(get(5, "u=4"));
    http2.send(get(7, "u=0, \"").then(&get(9, "u=8")).then(&get(11, "u")));
    http2.send(Frames::new().priority_update(5, "\u{e9}"));
    assert_eq!(
        turns(&mut http2),
        [5, 7, 9, 11],
        "all have the default urgency"
    );
    http2.finish();
    for (frames, name) in [
        (
            Frames::new().priority_update(0, "u=1"),
            "h2_priority_update_of_stream_zero",
        ),
        (Frames::new().priority_update(2, "u=1"), "h2_even_stream_id"),
        (
            Frames::new().frame(kind::PRIORITY_UPDATE, 0, 1, &[0, 0, 0, 1]),
            "h2_priority_update_on_stream",
        ),
    ] {
        let mut http2 = Http2::new(answer);
        http2.send(frames);
        http2.expect_failed(&format!("GOAWAY 0 PROTOCOL_ERROR {name}"));
        http2.finish();
    }
}

#[test]
fn a_handler_may_know_better() {
    let mut http2 = blocked();
    let ask = |stream, path| Frames::new().request(stream, "GET", path, true);
    http2.send(ask(5, "/u=6").then(&ask(7, "/u=1")).then(&ask(9, "/")));
    assert_eq!(turns(&mut http2), [7, 9, 5]);
    http2.finish();
}

#[test]
fn heads_do_not_wait_for_bodies() {
    let mut http2 = blocked();
    http2.send(get(5, "u=7"));
    let lines = http2.lines();
    assert_eq!(
        lines,
        [format!(
            "HEADERS 5 200 content-type: text/plain content-length: {LENGTH}"
        )]
    );
    http2.finish();
}
