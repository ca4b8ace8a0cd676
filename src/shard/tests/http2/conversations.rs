//! Random conversations of clients that keep to the protocol, over a kernel that does everything
//! that a kernel may: every request is answered exactly once, and byte by byte as it should be.
//!
//! Each seed decides the client, what it says and when, and every fault. `LANNER_SIM_SEED=n` runs
//! the one seed that a failure has named.

use std::collections::BTreeMap;
use std::env;
use std::hash::{BuildHasher, RandomState};

use super::super::scenario::{Named, Random};
use super::*;

/// Seeds that every run has, and how many more are picked at random.
const FIXED: u64 = 100;
const PICKED: u64 = 20;

const REQUESTS_MAX: u64 = 20;

/// Most bytes of a request body: more than the smallest window and less than a body may have.
const BODY_BYTES_MAX: u64 = 150_000;

/// What all windows for requests begin with.
const STREAM_WINDOW: u32 = 65_535;
const CONNECTION_WINDOW: u32 = 70_000;

const PATHS: [&str; 10] = [
    "/", "/sleep", "/stream", "/trailer", "/hints", "/large", "/unread", "/early", "/reset", "/raw",
];

/// A request under way and what it is owed.
struct Request {
    method: &'static str,
    path: &'static str,
    body: Vec<u8>,
    sent: usize,
    ended: bool,
    trailers: bool,
    /// The client has changed its mind.
    cancelled: bool,
}

impl Request {
    fn new(random: &mut Random) -> Self {
        let path = random.pick(&PATHS);
        let method = if path == "/raw" {
            "CONNECT"
        } else {
            random.pick(&["GET", "POST", "POST", "HEAD"])
        };
        let bodiless = method == "GET" || random.happens(20);
        let len = if bodiless {
            0
        } else {
            random.up_to(BODY_BYTES_MAX)
        };
        Self {
            method,
            path,
            body: (0..len).map(|at| (at % 253) as u8).collect(),
            sent: 0,
            ended: false,
            trailers: random.happens(20),
            cancelled: false,
        }
    }

    /// The head, which ends the request if it has no body.
    fn head(&mut self, stream: u32, random: &mut Random) -> Frames {
        let mut fields = vec![
            (":method", self.method),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", self.path),
        ];
        if self.method == "CONNECT" {
            fields.push((":protocol", "raw"));
        } else {
            self.ended = self.body.is_empty() && !self.trailers;
        }
        let length = self.body.len().to_string();
        if self.method == "POST" && random.happens(50) {
            fields.push(("content-length", &length));
        }
        if random.happens(30) {
            fields.push(("priority", random.pick(&["u=0", "u=7", "i", "u=1, i"])));
        }
        let end = if self.ended { END_STREAM } else { 0 };
        let block = crate::testing::http2_peer::block(&fields);
        let (first, second) = block.split_at(random.up_to(block.len() as u64));
        if random.happens(70) {
            return Frames::new().frame(HEADERS, END_HEADERS | end, stream, &block);
        }
        Frames::new().frame(HEADERS, end, stream, first).frame(
            CONTINUATION,
            END_HEADERS,
            stream,
            second,
        )
    }

    /// What comes back.
    fn expected(&self) -> Vec<u8> {
        match (self.method, self.path) {
            ("HEAD", _) => Vec::new(),
            (_, "/large") => large(),
            (_, "/unread") => b"unread".to_vec(),
            (_, "/early") => [EARLY, &self.body].concat(),
            _ => self.body.clone(),
        }
    }
}

/// A client, its requests and its dice.
struct Talker {
    client: Client,
    requests: BTreeMap<u32, Request>,
    unopened: usize,
    random: Random,
}

impl Talker {
    /// Does one thing, if it can.
    fn act(&mut self, server: &mut SimulatedShard) {
        self.client.read_and_answer();
        match self.random.up_to(99) {
            0..10 => self.open(),
            10..50 => self.upload(),
            50..60 => self.grant(),
            60..63 => {
                let size = self.random.pick(&[0, 100, 20_000, 65_535, 100_000]);
                let table = self.random.pick(&[0, 50, 4096]);
                let settings = [(INITIAL_WINDOW, size), (0x1, table)];
                self.client.say(Frames::new().settings(&settings));
            }
            63..66 => self.client.say(Frames::new().ping(0, [7; 8])),
            66..69 => {
                let stream = 1 + 2 * self.random.up_to(40) as u32;
                let value = self.random.pick(&["u=0", "u=6, i", "i=?0", ""]);
                self.client
                    .say(Frames::new().priority_update(stream, value));
            }
            69..71 => self.cancel(),
            71..76 => self.client.peer.stop_reading(),
            76..84 => self.client.peer.resume(),
            84..97 => server.turn(millis(1)),
            _ => server.settle(),
        }
    }

    fn open(&mut self) {
        if self.unopened == 0 {
            return;
        }
        self.unopened -= 1;
        let last = self.client.ledger.last_stream();
        let skipped = 2 * self.random.up_to(2) as u32;
        let stream = if last == 0 { 1 } else { last + 2 } + skipped;
        let mut request = Request::new(&mut self.random);
        self.client.say(request.head(stream, &mut self.random));
        self.requests.insert(stream, request);
    }

    /// Sends a piece of some body, as the windows allow.
    fn upload(&mut self) {
        let Self {
            client,
            requests,
            random,
            ..
        } = self;
        let open: Vec<u32> = requests
            .iter()
            .filter(|(_, request)| !request.ended && !request.cancelled)
            .map(|(stream, _)| *stream)
            .collect();
        if open.is_empty() {
            return;
        }
        let stream = random.pick(&open);
        let request = requests.get_mut(&stream).unwrap();
        let reading = &client.reading;
        if reading
            .responses
            .get(&stream)
            .is_some_and(|it| it.reset.is_some())
        {
            request.ended = true;
            return;
        }
        let window = reading.allowed(&client.ledger).min(reading.allowed_on(
            &client.ledger,
            stream,
            STREAM_WINDOW.into(),
        ));
        let padding = if random.happens(20) {
            random.up_to(200)
        } else {
            0
        };
        let room = usize::try_from(window).unwrap_or(0).min(16_384);
        let Some(room) = room.checked_sub(padding + 1) else {
            return;
        };
        let rest = &request.body[request.sent..];
        let piece = &rest[..rest.len().min(random.up_to(16_384)).min(room)];
        request.sent += piece.len();
        let last = piece.len() == rest.len();
        let flags = if last && !request.trailers {
            END_STREAM
        } else {
            0
        };
        request.ended = last;
        let mut frames = Frames::new();
        if padding > 0 {
            frames = frames.padded(stream, flags, piece, padding as u8);
        } else if !piece.is_empty() || flags > 0 {
            frames = frames.data(stream, flags, piece);
        }
        if last && request.trailers {
            frames = frames.headers(stream, END_STREAM, &[("sum", "1")]);
        }
        client.say(frames);
    }

    /// Opens some window.
    fn grant(&mut self) {
        let streams: Vec<u32> = self.requests.keys().copied().chain([0]).collect();
        let stream = self.random.pick(&streams);
        let bytes = 1 + self.random.up_to(30_000) as u32;
        self.client.say(Frames::new().window_update(stream, bytes));
    }

    fn cancel(&mut self) {
        let streams: Vec<u32> = self.requests.keys().copied().collect();
        if !streams.is_empty() {
            let stream = self.random.pick(&streams);
            let request = self.requests.get_mut(&stream).unwrap();
            if !std::mem::replace(&mut request.cancelled, true) {
                self.client.say(Frames::new().reset(stream, 8));
            }
        }
    }

    /// Goes on until all is sent and answered.
    fn conclude(&mut self, server: &mut SimulatedShard) {
        self.client.peer.resume();
        // More than everything that is owed.
        let mut frames = Frames::new()
            .settings(&[(INITIAL_WINDOW, 1 << 20)])
            .window_update(0, 1 << 28);
        for stream in self.requests.keys() {
            frames = frames.window_update(*stream, 1 << 20);
        }
        self.client.say(frames);
        for _ in 0..2_000 {
            self.client.read_and_answer();
            if self.requests.values().all(|it| it.ended || it.cancelled) {
                break;
            }
            self.upload();
            server.settle();
        }
        server.pass(NAP * 3);
        self.client.read_and_answer();
        server.settle();
        self.client.read();
    }

    fn check(&self) {
        let reading = &self.client.reading;
        assert!(reading.goes_on(), "{:?}", reading.goaways);
        for (stream, request) in &self.requests {
            if request.cancelled {
                continue;
            }
            let name = format!("stream {stream}, {} {}", request.method, request.path);
            let response = reading.responses.get(stream);
            let response = response.unwrap_or_else(|| {
                panic!(
                    "{name} is not answered: {} of {} sent, ended {}, windows {} {}, backlog {}",
                    request.sent,
                    request.body.len(),
                    request.ended,
                    reading.allowed(&self.client.ledger),
                    reading.allowed_on(&self.client.ledger, *stream, STREAM_WINDOW.into()),
                    self.client.peer.backlog(),
                )
            });
            if request.path == "/reset" {
                assert_eq!(response.reset, Some(RESET_CODE), "{name}");
                continue;
            }
            assert!(
                response.complete,
                "{name} is not answered whole: {response:?}, {} of {} sent",
                request.sent,
                request.body.len()
            );
            assert!(matches!(response.reset, None | Some(NO_ERROR)), "{name}");
            assert_eq!(response.status, 200, "{name}");
            assert!(response.body == request.expected(), "{name}: the body");
            let hints = request.path == "/hints";
            assert_eq!(response.interim, vec![103; hints.into()], "{name}");
            let trailers = usize::from(request.path == "/trailer");
            assert_eq!(response.trailers.len(), trailers, "{name}");
        }
        if reading.is_all_over(&self.client.ledger) {
            let left = reading.allowed(&self.client.ledger);
            let least = i64::from(CONNECTION_WINDOW) * 3 / 4;
            assert!(left >= least, "{left} bytes of window are left");
        }
    }
}

fn run(seed: u64) {
    let mut random = Random(seed);
    let config = SimConfig {
        seed,
        faults: if random.happens(80) {
            Faults::ALL
        } else {
            Faults::NONE
        },
        buffers: random.pick(&[1, 2, 4, 16]),
        buffer_bytes: random.pick(&[16, 512, 4096]),
    };
    let limits = Limits {
        request_buffer_bytes_max: 48 * 1024,
        response_buffer_bytes_max: random.pick(&[100, 4096, 64 * 1024]),
        http2: Http2Limits {
            stream_window: STREAM_WINDOW,
            connection_window: CONNECTION_WINDOW,
            window_max: random.pick(&[STREAM_WINDOW, 200_000, 1 << 20]),
            ..Http2Limits::default()
        },
        ..Limits::default()
    };
    let application = stream_application(Doings::default());
    let mut server = SimulatedShard::new(&config, limits, application);
    let opening = [
        (INITIAL_WINDOW, random.pick(&[0, 100, 65_535, 200_000])),
        (0x1, random.pick(&[0, 100, 4096, 65_536])),
        (0x5, random.pick(&[16_384, 17_000, 1 << 20])),
    ];
    let mut talker = Talker {
        client: Client::connect(&server, &opening),
        requests: BTreeMap::new(),
        unopened: 1 + random.up_to(REQUESTS_MAX - 1),
        random,
    };
    for _ in 0..400 {
        talker.act(&mut server);
    }
    talker.conclude(&mut server);
    talker.check();
    if talker.random.happens(50) {
        talker.client.peer.finish();
        server.settle();
        assert_eq!(server.stats().connections_open, 0);
    }
    server.finish();
    talker.client.read();
}

#[test]
fn every_request_is_answered_once_and_whole_whatever_the_kernel_does() {
    let seeds: Vec<u64> = match env::var("LANNER_SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("LANNER_SIM_SEED is a number")],
        Err(_) => {
            let picked = (0..PICKED).map(|at| RandomState::new().hash_one(at));
            (0..FIXED).chain(picked).collect()
        }
    };
    for seed in seeds {
        let _named = Named(seed);
        run(seed);
    }
}
