//! Random clients against a shard whose kernel does everything that a kernel may.
//!
//! Each seed decides the clients, what they send and when, and every fault. `LANNER_SIM_SEED=n`
//! runs the one seed that a failure has named.

use std::collections::VecDeque;
use std::env;

use super::*;

/// Seeds of an ordinary run.
const SEEDS: u64 = 200;

/// Most clients at a time, and most requests of each.
const CLIENTS_MAX: u64 = 6;
const REQUESTS_MAX: u64 = 8;

/// Most bytes of a request body: more than all receive buffers of the smallest pool.
const BODY_BYTES_MAX: u64 = 3000;

/// SplitMix64: enough to choose by, and the same everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `max`, small ones more often.
    pub(super) fn up_to(&mut self, max: u64) -> usize {
        let bound = self.next() % (max + 1);
        (self.next() % (bound + 1)) as usize
    }

    pub(super) fn happens(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize]
    }
}

/// How a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// With FIN, once everything is answered.
    Answered,
    /// With FIN behind its last request.
    Half,
    /// With RST somewhere on the way.
    Broken,
}

/// A client and what it is owed.
struct Client {
    peer: Peer,
    unsent: VecDeque<u8>,
    /// The answers in their order: status and body.
    owed: Vec<(u16, Vec<u8>)>,
    received: Vec<u8>,
    leaving: Leaving,
    left: bool,
}

impl Client {
    fn new(peer: Peer, random: &mut Random) -> Self {
        let mut client = Self {
            peer,
            unsent: VecDeque::new(),
            owed: Vec::new(),
            received: Vec::new(),
            leaving: random.pick(&[
                Leaving::Answered,
                Leaving::Answered,
                Leaving::Half,
                Leaving::Broken,
            ]),
            left: false,
        };
        for _ in 0..=random.up_to(REQUESTS_MAX - 1) {
            client.request(random);
        }
        client
    }

    /// Adds a request to what is to be sent, and its answer to what is owed.
    fn request(&mut self, random: &mut Random) {
        let paths = [
            "/", "/", "/sleep", "/stream", "/trailer", "/hints", "/large", "/unread",
        ];
        let path = random.pick(&paths);
        let body: Vec<u8> = (0..random.up_to(BODY_BYTES_MAX))
            .map(|_| random.next() as u8)
            .collect();
        let (head, framed) = if random.happens(20) {
            (get(path), Vec::new())
        } else if random.happens(50) {
            let length = body.len();
            let head =
                format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
            (head, body.clone())
        } else {
            let head =
                format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            (head, chunks(&body, random))
        };
        let echoed = if framed.is_empty() { Vec::new() } else { body };
        self.unsent.extend(head.bytes());
        self.unsent.extend(framed);
        if path == "/hints" {
            self.owed.push((103, Vec::new()));
        }
        self.owed.push(match path {
            "/large" => (200, large()),
            "/unread" => (200, b"unread".to_vec()),
            _ => (200, echoed),
        });
    }

    /// Sends some bytes, pauses, reads on, or leaves.
    fn act(&mut self, random: &mut Random) {
        if self.left {
            return;
        }
        let len = random.up_to(2000).min(self.unsent.len());
        let piece: Vec<u8> = self.unsent.drain(..len).collect();
        self.peer.send(piece);
        if random.happens(10) {
            self.peer.stop_reading();
        }
        if random.happens(20) {
            self.peer.resume();
        }
        if self.leaving == Leaving::Broken && random.happens(5) {
            self.left = true;
            self.peer.reset();
        } else if self.leaving == Leaving::Half && self.unsent.is_empty() {
            self.left = true;
            self.peer.finish();
        }
    }

    /// Checks what has been answered so far, which may be cut off anywhere.
    fn check(&mut self) -> usize {
        self.received.extend(self.peer.received());
        let answers = read_answers(&self.received);
        let whole = answers.iter().filter(|answer| answer.complete).count();
        assert!(
            answers[whole..].len() <= 1,
            "an incomplete answer is the last"
        );
        for (answer, (status, body)) in answers[..whole].iter().zip(&self.owed) {
            assert_eq!(answer.status, *status);
            assert!(answer.body == *body, "a body of {} bytes", body.len());
        }
        assert!(whole <= self.owed.len(), "more answers than requests");
        whole
    }
}

/// A chunked body in random chunks.
fn chunks(body: &[u8], random: &mut Random) -> Vec<u8> {
    let mut framed = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(random.up_to(999).clamp(1, rest.len()));
        framed.extend(format!("{:X}\r\n", chunk.len()).bytes());
        framed.extend(chunk);
        framed.extend(b"\r\n");
        rest = after;
    }
    framed.extend(b"0\r\n\r\n");
    framed
}

fn run(seed: u64) {
    let mut random = Random(seed);
    let config = SimConfig {
        seed,
        faults: Faults::ALL,
        buffers: random.pick(&[1, 2, 4, 16]),
        buffer_bytes: random.pick(&[16, 100, 512, 4096]),
    };
    let limits = Limits {
        request_buffer_bytes_max: 48 * 1024,
        response_buffer_bytes_max: random.pick(&[100, 4096, 64 * 1024]),
        ..Limits::default()
    };
    let doings = Doings::default();
    let mut server = SimulatedShard::new(&config, limits, application(doings.clone()));
    let mut clients: Vec<Client> = (0..=random.up_to(CLIENTS_MAX - 1))
        .map(|_| Client::new(server.connect(), &mut random))
        .collect();
    // Everybody has sent everything long before; the bound is for a loop that is not.
    for _ in 0..10_000 {
        for client in &mut clients {
            client.act(&mut random);
        }
        for _ in 0..random.up_to(4) {
            server.turn(millis(1));
        }
        if clients.iter().all(|client| client.unsent.is_empty()) {
            break;
        }
    }
    for client in &clients {
        client.peer.resume();
    }
    // A client sleeps on the server at most once for each request.
    server.pass(NAP * 2 * REQUESTS_MAX as u32);
    for client in &mut clients {
        let whole = client.check();
        if !(client.left && client.leaving == Leaving::Broken) {
            assert_eq!(whole, client.owed.len(), "answers are missing");
            assert_eq!(client.peer.backlog(), 0);
        }
        client.peer.finish();
    }
    server.settle();
    assert_eq!(server.stats().connections_open, 0);
    assert!(server.stats().rejected.is_empty(), "{:?}", server.stats());
    server.finish();
    assert_eq!(doings.open(), 0, "an exchange has no end");
}

/// Says which seed it was when a run panics.
pub(super) struct Named(pub(super) u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing run: LANNER_SIM_SEED={}", self.0);
        }
    }
}

#[test]
fn every_request_is_answered_once_in_order_whatever_the_kernel_does() {
    let chosen = env::var("LANNER_SIM_SEED").ok();
    let seeds = match chosen.map(|seed| seed.parse().expect("LANNER_SIM_SEED is a number")) {
        Some(seed) => seed..=seed,
        None => 0..=SEEDS - 1,
    };
    for seed in seeds {
        let _named = Named(seed);
        run(seed);
    }
}
