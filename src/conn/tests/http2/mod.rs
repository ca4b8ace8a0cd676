//! Tests of a whole HTTP/2 connection without I/O: a scripted peer writes frames, handlers are
//! polled in place, and what comes back is read strictly and compared as lines of text.

mod abuse;
mod bodies;
mod continuing;
mod ending;
mod gone;
mod late;
mod lingering;
mod plain;
mod preface;
mod priorities;
mod requests;
mod responses;
mod settings;
mod stalls;
mod states;
mod streams;
mod timing;
mod tunnels;
mod unread;
mod uploads;
mod windows;

use std::cell::Cell;
use std::collections::BTreeMap;

use super::*;
use crate::conn::Protocol;
use crate::h2::Census;
use crate::http::{IntoOutcome, ResponseError, Status};
use crate::limits::{FloodLimits, Http2Limits};
use crate::testing::http2::{Client, Event, Frames, code, flag, kind, merged, setting};

/// What every server with default limits says first.
const GREETING: &str = "SETTINGS 3=100 4=786432 6=40960 8=1 9=1";

/// Names and values, as tests write them.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// A connection and the peer at its other end.
struct Http2<A> {
    peer: Peer<A>,
    client: Client,
}

impl<A: AsyncFn(&mut HttpContext) -> R + 'static, R: IntoOutcome + 'static> Http2<A> {
    /// A connection on which nothing has been sent.
    fn fresh(application: A, limits: Limits, protocols: Protocols) -> Self {
        Self {
            peer: Peer::speaking(application, limits, protocols),
            client: Client::default(),
        }
    }

    /// A connection that has begun in order.
    fn new(application: A) -> Self {
        Self::with_limits(application, Limits::default())
    }

    fn with_limits(application: A, limits: Limits) -> Self {
        Self::with_settings(application, limits, &[])
    }

    /// One whose client has these settings.
    fn with_settings(application: A, limits: Limits, settings: &[(u16, u32)]) -> Self {
        let mut http2 = Self::fresh(application, limits, Protocols::default());
        http2.send(Frames::hello_with(settings).settings_ack());
        let lines = http2.lines();
        assert!(
            lines
                .first()
                .is_some_and(|line| line.starts_with("SETTINGS 3="))
        );
        assert_eq!(lines.last().map(String::as_str), Some("SETTINGS ack"));
        http2
    }

    /// The client sends bytes.
    #[track_caller]
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.client.sent(bytes.as_ref());
        self.peer.send(bytes.as_ref());
        self.check_deadline();
    }

    /// The client sends as much as the server is willing to take, and is told how much that was.
    fn send_while_wanted(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        for piece in bytes.chunks(self.peer.pool.size()) {
            let wanted = self
                .peer
                .with(|connection, turn, _| connection.wants_input(turn));
            if !wanted {
                break;
            }
            self.send(piece);
            sent += piece.len();
        }
        sent
    }

    /// The client has finished sending.
    fn end(&mut self) {
        self.peer.end();
        self.check_deadline();
    }

    /// Handlers that are waiting are polled once more.
    fn run(&mut self) {
        self.peer.run();
        self.check_deadline();
    }

    /// Time passes.
    #[track_caller]
    fn wait(&mut self, time: Duration) {
        self.peer.wait(time);
        self.check_deadline();
    }

    /// A deadline that has passed would be due again and again.
    #[track_caller]
    fn check_deadline(&self) {
        let deadline = self.peer.connection.deadline();
        assert!(
            deadline > self.peer.now,
            "a deadline has passed for nothing"
        );
    }

    /// What the server has sent since this was last asked.
    #[track_caller]
    fn events(&mut self) -> Vec<Event> {
        let output = std::mem::take(&mut self.peer.output);
        let events = self.client.receive(&output);
        assert!(!self.client.is_cut_off(), "a frame is cut off");
        events
    }

    /// The same as lines.
    #[track_caller]
    fn lines(&mut self) -> Vec<String> {
        self.events().iter().map(Event::to_string).collect()
    }

    /// The same, compared.
    #[track_caller]
    fn expect(&mut self, expected: &[&str]) {
        assert_eq!(self.lines(), expected);
    }

    /// Sends, and compares what comes back.
    #[track_caller]
    fn exchange(&mut self, frames: impl AsRef<[u8]>, expected: &[&str]) {
        self.send(frames);
        self.expect(expected);
    }

    fn close(&self) -> Close {
        self.peer.close()
    }

    fn rejected(&self) -> BTreeMap<&'static str, u64> {
        self.peer.counters.rejected.clone()
    }

    /// The only violation that was counted, and how often.
    #[track_caller]
    fn expect_rejected(&self, name: &str, count: u64) {
        let rejected = self.rejected();
        assert_eq!(rejected.into_iter().collect::<Vec<_>>(), [(name, count)]);
    }

    fn census(&self) -> Census {
        match &self.peer.connection.protocol {
            Protocol::Http2(http2) => http2.census(),
            Protocol::Http1(_) => panic!("the connection speaks HTTP/1"),
        }
    }

    /// Shows that the connection still serves, on this stream. The application answers `/alive`
    /// with "alive".
    #[track_caller]
    fn assert_alive(&mut self, stream: u32) {
        self.send(Frames::new().get(stream, "/alive"));
        let lines = self.lines();
        let answer = lines
            .iter()
            .filter(|line| line.contains(&format!(" {stream} ")));
        let expected = [
            format!(
                "HEADERS {stream} 200 content-type: text/plain; charset=utf-8 content-length: 5"
            ),
            format!("DATA {stream} \"alive\" ES"),
        ];
        assert_eq!(
            answer.collect::<Vec<_>>(),
            expected.iter().collect::<Vec<_>>()
        );
    }

    /// The connection must have ended with this GOAWAY, and say nothing more.
    #[track_caller]
    fn expect_failed(&mut self, goaway: &str) {
        let lines = self.lines();
        assert_eq!(lines.last().map(String::as_str), Some(goaway), "{lines:?}");
        assert_eq!(self.close(), Close::Linger);
        assert_eq!(
            self.census(),
            Census {
                table_bytes: self.census().table_bytes,
                ..Census::default()
            }
        );
        self.send(Frames::new().ping(false, *b"nobody  "));
        self.expect(&[]);
    }

    /// Ends the test: nothing may be left behind.
    fn finish(self) {
        self.peer.finish();
    }
}

/// What a connection has come to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    lines: Vec<String>,
    close: Close,
    rejected: BTreeMap<&'static str, u64>,
}

/// Runs `frames` through a fresh connection whole, split once at every byte, and byte by byte, and
/// demands the same answers, the same end and the same counts each time.
#[track_caller]
fn everyway<A, R>(make: impl Fn() -> Http2<A>, frames: &Frames) -> Outcome
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    let bytes = frames.as_ref();
    let run = |feed: &dyn Fn(&mut Http2<A>)| {
        let mut http2 = make();
        feed(&mut http2);
        let lines = merged(&http2.events());
        let outcome = Outcome {
            lines: lines.iter().map(Event::to_string).collect(),
            close: http2.close(),
            rejected: http2.rejected(),
        };
        http2.finish();
        outcome
    };
    let whole = run(&|http2| http2.send(bytes));
    for split in 1..bytes.len() {
        let halves = run(&|http2| {
            http2.send(&bytes[..split]);
            http2.send(&bytes[split..]);
        });
        assert_eq!(halves, whole, "split at {split}");
    }
    let singly = run(&|http2| {
        for byte in bytes {
            http2.send([*byte]);
        }
    });
    assert_eq!(singly, whole, "byte by byte");
    whole
}

/// The same for an application and default limits; the lines behind the greeting.
#[track_caller]
fn answers<A, R>(application: A, frames: impl AsRef<[u8]>) -> Vec<String>
where
    A: AsyncFn(&mut HttpContext) -> R + Clone + 'static,
    R: IntoOutcome + 'static,
{
    let make = || Http2::fresh(application.clone(), Limits::default(), Protocols::default());
    let outcome = everyway(make, &Frames::hello().raw(frames.as_ref()));
    assert_eq!(outcome.close, Close::No);
    let (greeting, lines) = outcome.lines.split_at(2);
    assert_eq!(greeting, [GREETING, "SETTINGS ack"]);
    lines.to_vec()
}

/// Lines for a head with the fields that `text` sets.
fn text_head(stream: u32, status: u16, length: usize) -> String {
    format!(
        "HEADERS {stream} {status} content-type: text/plain; charset=utf-8 content-length: {length}"
    )
}

/// Lines of the whole answer that `text` makes.
fn text_lines(stream: u32, text: &str) -> [String; 2] {
    [
        text_head(stream, 200, text.len()),
        format!("DATA {stream} {text:?} ES"),
    ]
}

/// Limits with these of HTTP/2.
fn http2_limits(http2: Http2Limits) -> Limits {
    Limits {
        http2,
        ..Limits::default()
    }
}

/// Limits with these of floods.
fn flood_limits(floods: FloodLimits) -> Limits {
    http2_limits(Http2Limits {
        floods,
        ..Http2Limits::DEFAULT
    })
}

/// Something that handlers wait for, or for the end of their stream.
#[derive(Clone, Default)]
struct Gate(Rc<Cell<bool>>);

impl Gate {
    fn open(&self) {
        self.0.set(true);
    }

    async fn pass(&self, ctx: &HttpContext) {
        while !self.0.get() && !ctx.lifetime().is_aborted() {
            pending_once().await;
        }
    }
}

/// Answers without a look at the body.
async fn ignore(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    if ctx.request().path() == "/alive" {
        return ctx.text("alive");
    }
    ctx.text("ignored")
}

/// Reads the body and answers with it.
async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    if ctx.request().path() == "/alive" {
        return Ok(ctx.text("alive")?);
    }
    let body = ctx.body().read_to_end(1 << 24).await?;
    Ok(ctx.text(std::str::from_utf8(&body)?)?)
}

/// Answers with the path.
async fn path(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let path = ctx.request().path().to_owned();
    ctx.text(path.trim_start_matches('/'))
}
