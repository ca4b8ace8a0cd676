//! HTTP/2 as only a shard shows it: many handlers of one connection, peers that break off or do not
//! read, drain and stop with streams under way.

mod ending;
mod reading;

use super::*;
use crate::http::Status;
use crate::limits::{DataRate, Http2Limits};
use crate::shard::Control;
use crate::shard::sleep;
use crate::shard::slots::Receiving;
use crate::testing::http2::{Client, Event, Frames, code, setting};

/// What announces the end of a connection.
const FIRST_GOAWAY: [&str; 2] = ["GOAWAY 2147483647 NO_ERROR", "PING goodbye."];

/// A peer that speaks HTTP/2.
struct Web {
    peer: Peer,
    client: Client,
}

impl Web {
    /// Connects and says hello, with windows for everything.
    fn connect(server: &mut SimulatedShard) -> Self {
        let mut web = Self {
            peer: server.connect(),
            client: Client::default(),
        };
        let settings = [(setting::INITIAL_WINDOW_SIZE, 1 << 30)];
        web.send(
            Frames::hello_with(&settings)
                .settings_ack()
                .update(0, 1 << 30),
        );
        server.settle();
        web.events();
        web
    }

    fn send(&mut self, frames: impl AsRef<[u8]>) {
        self.client.sent(frames.as_ref());
        self.peer.send(frames);
    }

    /// What has come since this was last asked.
    fn events(&mut self) -> Vec<Event> {
        self.client.receive(&self.peer.received())
    }

    fn lines(&mut self) -> Vec<String> {
        self.events().iter().map(Event::to_string).collect()
    }

    /// The bodies of the streams that have ended by END_STREAM, in the order of their ends.
    fn answers(&mut self) -> Vec<(u32, Vec<u8>)> {
        let mut bodies: Vec<(u32, Vec<u8>)> = Vec::new();
        let mut ended = Vec::new();
        for event in self.events() {
            let of = event.stream();
            let place = bodies.iter().position(|(stream, _)| *stream == of);
            let body = match place {
                Some(place) => &mut bodies[place].1,
                None => {
                    bodies.push((of, Vec::new()));
                    &mut bodies.last_mut().unwrap().1
                }
            };
            match event {
                Event::Data { content, end, .. } => {
                    body.extend(content);
                    if end {
                        ended.push(of);
                    }
                }
                Event::Headers { end: true, .. } => ended.push(of),
                _ => {}
            }
        }
        ended
            .into_iter()
            .map(|stream| {
                let place = bodies.iter().position(|(other, _)| *other == stream);
                (stream, std::mem::take(&mut bodies[place.unwrap()].1))
            })
            .collect()
    }
}

/// Sleeps as many milliseconds as the path says, and answers with it.
async fn sleeper(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let path = ctx.request().path().to_owned();
    let nap: u64 = path[1..].parse()?;
    sleep(millis(nap)).await;
    Ok(ctx.text(&path)?)
}

#[test]
fn handlers_of_one_connection_wake_in_their_own_order() {
    let mut server = serve(sleeper);
    let mut web = Web::connect(&mut server);
    // 37 and 100 have no common divisor: each nap from 1 to 100 is there once.
    let naps: Vec<u64> = (0..100).map(|place| place * 37 % 100 + 1).collect();
    let mut frames = Frames::new();
    for (stream, nap) in (1..).step_by(2).zip(&naps) {
        frames = frames.get(stream, &format!("/{nap}"));
    }
    web.send(frames);
    server.settle();
    assert_eq!(server.stats().handlers, 100);
    assert_eq!(server.stats().buffers_in_use, 0, "heads are moved out");
    let mut answered = Vec::new();
    for _ in 0..=100 {
        server.pass(millis(1));
        answered.extend(web.answers());
    }
    let bodies: Vec<u64> = answered
        .iter()
        .map(|(_, body)| std::str::from_utf8(&body[1..]).unwrap().parse().unwrap())
        .collect();
    assert_eq!(bodies, (1..=100).collect::<Vec<u64>>());
    for (stream, body) in answered {
        let nap = naps[stream as usize / 2];
        assert_eq!(body, format!("/{nap}").into_bytes());
    }
    assert_eq!(server.stats().handlers, 0);
    server.finish();
}

#[test]
fn handlers_that_wake_at_once_are_answered_at_once() {
    let mut server = serve(sleeper);
    let mut web = Web::connect(&mut server);
    let mut frames = Frames::new();
    for stream in (1..201).step_by(2) {
        frames = frames.get(stream, "/5");
    }
    web.send(frames);
    server.pass(millis(6));
    let streams: Vec<u32> = web.answers().iter().map(|(stream, _)| *stream).collect();
    assert_eq!(streams.len(), 100);
    server.finish();
}

#[test]
fn both_protocols_share_a_shard() {
    let mut server = server();
    let mut web = Web::connect(&mut server);
    let other = server.connect();
    web.send(Frames::new().post(1, "/sleep").data(1, "two", true));
    other.send(post("/sleep", "one"));
    server.pass(NAP * 2);
    assert_eq!(web.answers(), [(1, b"two".to_vec())]);
    assert_eq!(texts(&other), ["one"]);
    server.finish();
}

#[test]
fn a_reset_stream_leaves_the_others_alone() {
    let mut server = serve(sleeper);
    let mut web = Web::connect(&mut server);
    web.send(Frames::new().get(1, "/10").get(3, "/20").get(5, "/30"));
    server.settle();
    web.send(Frames::new().reset(3, code::CANCEL));
    server.pass(millis(50));
    let streams: Vec<u32> = web.answers().iter().map(|(stream, _)| *stream).collect();
    assert_eq!(streams, [1, 5]);
    assert_eq!(server.stats().handlers, 0);
    server.finish();
}

#[test]
fn beyond_the_limit_of_handlers_is_503() {
    let limits = Limits {
        handlers_max: Some(2),
        ..Limits::default()
    };
    let mut server = with_limits(limits, sleeper);
    let mut web = Web::connect(&mut server);
    web.send(
        Frames::new()
            .get(1, "/10")
            .get(3, "/10")
            .get(5, "/10")
            .post(7, "/10"),
    );
    server.settle();
    let refused = Status::SERVICE_UNAVAILABLE.code();
    let lines = web.lines();
    assert_eq!(
        lines,
        [5, 7].map(|stream| format!("HEADERS {stream} {refused} content-length: 0 ES"))
    );
    assert_eq!(server.stats().requests_refused, 2);
    server.pass(millis(20));
    assert_eq!(web.answers().len(), 2);
    web.send(Frames::new().data(7, "late", true).get(9, "/1"));
    server.pass(millis(2));
    assert_eq!(web.answers(), [(9, b"/1".to_vec())]);
    server.finish();
}
