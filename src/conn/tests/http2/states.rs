//! Every type of frame in every state of a stream (RFC 9113, 5.1).

use super::*;

/// Ways into the states that stream 1 may be in.
const STATES: [&str; 12] = [
    "idle",
    "idle, and passed over",
    "open",
    "half-closed (local)",
    "half-closed (remote)",
    "closed, ended by both",
    "closed, reset by the peer, handler done",
    "closed, reset by the peer, handler at work",
    "closed, reset by us, handler done",
    "closed, reset by us, handler at work",
    "closed, reset by us behind its end",
    "closed, refused",
];

/// What comes of each frame in each of the states: `-` when it is taken or ignored, `P` or `C` when
/// it resets the stream with PROTOCOL_ERROR or STREAM_CLOSED, `P!`, `C!` when it ends the
/// connection with that.
const VERDICTS: [(&str, [&str; STATES.len()]); 14] = [
    (
        "DATA",
        [
            "P!", "C!", "-", "-", "C", "C!", "C!", "C", "-", "-", "C!", "-",
        ],
    ),
    (
        "DATA ES",
        [
            "P!", "C!", "-", "-", "C", "C!", "C!", "C", "-", "-", "C!", "-",
        ],
    ),
    (
        "HEADERS",
        [
            "P", "P!", "P", "P", "C", "C!", "C!", "C", "-", "-", "C!", "-",
        ],
    ),
    (
        "HEADERS ES",
        [
            "P", "P!", "-", "-", "C", "C!", "C!", "C", "-", "-", "C!", "-",
        ],
    ),
    ("PRIORITY", ["-"; STATES.len()]),
    (
        "RST_STREAM",
        ["P!", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"],
    ),
    ("SETTINGS", ["P!"; STATES.len()]),
    ("PUSH_PROMISE", ["P!"; STATES.len()]),
    ("PING", ["P!"; STATES.len()]),
    ("GOAWAY", ["P!"; STATES.len()]),
    (
        "WINDOW_UPDATE",
        ["P!", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"],
    ),
    ("CONTINUATION", ["P!"; STATES.len()]),
    ("PRIORITY_UPDATE", ["-"; STATES.len()]),
    ("unknown", ["-"; STATES.len()]),
];

fn frame(name: &str) -> Frames {
    let frames = Frames::new();
    match name {
        "DATA" => frames.data(1, "x", false),
        "DATA ES" => frames.data(1, "x", true),
        "HEADERS" => frames.headers(1, &[("a", "b")], false),
        "HEADERS ES" => frames.headers(1, &[("a", "b")], true),
        "PRIORITY" => frames.priority(1, 0),
        "RST_STREAM" => frames.reset(1, code::CANCEL),
        "SETTINGS" => frames.frame(kind::SETTINGS, 0, 1, &[]),
        "PUSH_PROMISE" => frames.frame(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &[0, 0, 0, 2]),
        "PING" => frames.frame(kind::PING, 0, 1, &[0; 8]),
        "GOAWAY" => frames.frame(kind::GOAWAY, 0, 1, &[0; 8]),
        "WINDOW_UPDATE" => frames.update(1, 1),
        "CONTINUATION" => frames.continuation(1, &[], true),
        "PRIORITY_UPDATE" => frames.priority_update(1, "u=1"),
        _ => frames.frame(kind::UNKNOWN, 0, 1, &[]),
    }
}

/// The frames that bring stream 1 into a state.
fn way_into(state: &str) -> Frames {
    let frames = Frames::hello();
    match state {
        "idle, and passed over" => frames.get(3, "/answer"),
        "open" => frames.post(1, "/wait"),
        "half-closed (local)" => frames.post(1, "/answer"),
        "half-closed (remote)" => frames.get(1, "/wait"),
        "closed, ended by both" => frames.get(1, "/answer"),
        "closed, reset by the peer, handler done" => frames.post(1, "/wait").reset(1, code::CANCEL),
        "closed, reset by the peer, handler at work" => {
            frames.post(1, "/deaf").reset(1, code::CANCEL)
        }
        "closed, reset by us, handler done" => frames.post(1, "/abort"),
        "closed, reset by us, handler at work" => frames.post(1, "/stay"),
        "closed, reset by us behind its end" => frames.get(1, "/abort"),
        "closed, refused" => frames.request_with(1, "POST", "/", &[("X", "y")], false),
        _ => frames,
    }
}

async fn behave(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/alive" => return ctx.text("alive"),
        "/answer" => return ctx.text("x"),
        "/abort" => ctx.abort(),
        "/stay" => {
            ctx.abort();
            std::future::pending().await
        }
        // Deaf to the end of its stream.
        "/deaf" => std::future::pending().await,
        _ => ctx.lifetime().aborted().await,
    }
    Ok(())
}

/// What comes of a frame in a state.
fn verdict(frame: &Frames, state: &str) -> String {
    let mut http2 = Http2::fresh(behave, Limits::default(), Protocols::default());
    http2.send(way_into(state));
    http2.run();
    http2.events();
    http2.send(frame);
    let events = http2.events();
    let letter = |code: u32| match code {
        1 => "P",
        5 => "C",
        _ => "?",
    };
    let verdict = match events.last() {
        Some(Event::GoAway { code, .. }) => {
            assert_eq!(http2.close(), Close::Linger);
            format!("{}!", letter(*code))
        }
        Some(Event::Reset { stream: 1, code }) => letter(*code).to_owned(),
        _ => "-".to_owned(),
    };
    if !verdict.ends_with('!') {
        http2.assert_alive(5);
    }
    http2.peer.tasks.clear();
    http2.finish();
    verdict
}

#[test]
fn every_frame_in_every_state() {
    for (name, expected) in VERDICTS {
        let frame = frame(name);
        let verdicts = STATES.map(|state| verdict(&frame, state));
        assert_eq!(verdicts, expected, "{name} in {STATES:?}");
    }
}

#[test]
fn two_frames_in_every_state() {
    // Whatever comes of a frame, the next finds a stream in some state of the table: nothing
    // panics, and no stream is left behind.
    for state in STATES {
        for (first, _) in VERDICTS {
            for (second, _) in VERDICTS {
                let both = frame(first).then(&frame(second));
                verdict(&both, state);
            }
        }
    }
}
