//! What a peer may send comes back to it, whatever becomes of what it has sent.

use super::*;

const CONNECTION_WINDOW: u32 = 70_000;

/// Content of one round, with its padding: several of them are more than the window.
const CONTENT: [u8; 12_000] = [b'x'; 12_000];
const PADDING: u8 = 100;

/// A way to lose content, on a stream of its own.
type Round = fn(u32) -> Frames;

fn post(stream: u32, path: &str) -> Frames {
    Frames::new().request(stream, 0, "POST", path)
}

fn with_length(stream: u32, length: &str) -> Frames {
    let mut fields = crate::testing::http2_peer::request("POST", "/").to_vec();
    fields.push(("content-length", length));
    Frames::new().headers(stream, 0, &fields)
}

trait Upload {
    /// Content, half of it padded.
    fn upload(self, stream: u32, flags: u8) -> Self;
}

impl Upload for Frames {
    fn upload(self, stream: u32, flags: u8) -> Self {
        let (first, second) = CONTENT.split_at(CONTENT.len() / 2);
        self.data(stream, 0, first)
            .padded(stream, flags, second, PADDING)
    }
}

const ROUNDS: [(&str, Round); 20] = [
    ("read", |id| post(id, "/").upload(id, END_STREAM)),
    ("read, reset", |id| post(id, "/").upload(id, 0).reset(id, 8)),
    ("reset before", |id| {
        post(id, "/").reset(id, 8).get(id + 2, "/")
    }),
    ("reset by the handler", |id| {
        post(id, "/reset").upload(id, END_STREAM)
    }),
    ("unread", |id| post(id, "/unread").upload(id, END_STREAM)),
    ("unread, reset", |id| {
        post(id, "/unread").upload(id, 0).reset(id, 8)
    }),
    ("asleep, reset", |id| {
        post(id, "/late").upload(id, 0).reset(id, 8)
    }),
    ("asleep, ended", |id| {
        post(id, "/late").upload(id, END_STREAM)
    }),
    ("refused as malformed", |id| {
        Frames::new()
            .headers(id, 0, &[(":method", "POST")])
            .upload(id, END_STREAM)
    }),
    ("refused by status", |id| {
        let mut fields = crate::testing::http2_peer::request("POST", "/").to_vec();
        fields.push(("expect", "magic"));
        Frames::new().headers(id, 0, &fields).upload(id, END_STREAM)
    }),
    ("too large", |id| {
        with_length(id, "9999999").upload(id, 0).reset(id, 8)
    }),
    ("too large on the way", |id| {
        post(id, "/").upload(id, 0).upload(id, END_STREAM)
    }),
    ("longer than announced", |id| {
        with_length(id, "7000").upload(id, END_STREAM)
    }),
    ("shorter than announced", |id| {
        with_length(id, "13000").upload(id, END_STREAM)
    }),
    ("ended twice", |id| {
        post(id, "/late")
            .upload(id, END_STREAM)
            .data(id, 0, &CONTENT)
    }),
    ("trailers that are none", |id| {
        post(id, "/")
            .upload(id, 0)
            .headers(id, END_STREAM, &[(":path", "/")])
    }),
    ("trailers that do not end", |id| {
        post(id, "/").upload(id, 0).headers(id, 0, &[("sum", "1")])
    }),
    ("a tunnel", |id| tunnel(id).upload(id, END_STREAM)),
    ("a tunnel, reset", |id| {
        tunnel(id).upload(id, 0).reset(id, 8)
    }),
    ("answered in part, reset", |id| {
        post(id, "/early").upload(id, 0).reset(id, 8)
    }),
];

fn tunnel(stream: u32) -> Frames {
    let fields = [(":method", "CONNECT"), (":authority", "a:1")];
    Frames::new().headers(stream, 0, &fields)
}

fn limits(streams_max: u32) -> Limits {
    Limits {
        body_bytes_max: Some(20_000),
        http2: Http2Limits {
            streams_max,
            stream_window: 65_535,
            connection_window: CONNECTION_WINDOW,
            window_max: CONNECTION_WINDOW,
            ..Http2Limits::default()
        },
        ..Limits::default()
    }
}

/// Says the same on fresh streams, until it is many times the window.
fn repeat(server: &mut SimulatedShard, client: &mut Client, first: u32, name: &str, round: Round) {
    client.say(Frames::new().window_update(0, 1 << 28));
    for at in 0..20 {
        client.say(round(first + 4 * at));
        server.pass(NAP * 2);
        client.read_and_answer();
        assert!(
            client.reading.goes_on(),
            "{name}: {:?}",
            client.reading.goaways
        );
        let left = client.reading.allowed(&client.ledger);
        assert!(
            left >= i64::from(CONNECTION_WINDOW) * 3 / 4,
            "{name}: {left} bytes are left after {at} times"
        );
    }
}

#[test]
fn the_connections_window_comes_back() {
    for (name, round) in ROUNDS {
        let mut server = serve_streams(limits(100));
        let mut client = Client::connect(&server, &[(INITIAL_WINDOW, 1 << 20)]);
        repeat(&mut server, &mut client, 1, name, round);
        client.peer.finish();
        server.finish();
    }
}

#[test]
fn also_that_of_streams_beyond_the_limit() {
    let mut server = serve_streams(limits(1));
    let mut client = Client::connect(&server, &[]);
    client.say(post(1, "/"));
    let refused: Round = |id| post(id, "/").upload(id, END_STREAM);
    repeat(&mut server, &mut client, 3, "too many", refused);
    client.say(Frames::new().data(1, END_STREAM, b"x"));
    server.settle();
    assert_eq!(client.status(1), 200);
    server.finish();
}

#[test]
fn also_that_of_streams_behind_the_last() {
    let mut server = serve_streams(limits(100));
    let mut client = Client::connect(&server, &[]);
    client.say(post(1, "/").go_away(0, 0));
    server.settle();
    for at in 0..20 {
        let id = 3 + 2 * at;
        client.say(post(id, "/").upload(id, END_STREAM));
        server.settle();
        let left = client.read().allowance - client.ledger.flow() as i64;
        assert!(left >= i64::from(CONNECTION_WINDOW) * 3 / 4, "{left}");
    }
    client.say(Frames::new().data(1, END_STREAM, b"x"));
    server.settle();
    assert_eq!(client.status(1), 200);
    server.settle();
    assert!(client.peer.saw_fin());
    client.peer.finish();
    server.finish();
}

#[test]
fn also_that_of_a_body_that_has_failed() {
    let mut server = with_limits(limits(100), async |ctx: &mut HttpContext| {
        crate::shard::sleep(NAP).await;
        assert!(ctx.body().limit(Some(100)).is_ok());
        assert!(ctx.body().chunk().await.is_err());
        crate::shard::sleep(NAP * 100).await;
        ctx.text("late")
    });
    let mut client = Client::connect(&server, &[]);
    for stream in [1, 3, 5, 7] {
        client.say(post(stream, "/").upload(stream, 0).upload(stream, 0));
        server.pass(NAP * 2);
        let left = client.read().allowance - client.ledger.flow() as i64;
        assert!(left >= i64::from(CONNECTION_WINDOW) * 3 / 4, "{left}");
    }
    server.pass(NAP * 100);
    assert_eq!(client.status(1), 200);
    client.peer.finish();
    server.finish();
}
