//! A whole HTTP/1 connection over the simulated ring: bytes decide what the peer sends and does, how its
//! bytes arrive, and what goes wrong below.
//!
//! ```text
//! faults  seed  manner  cuts  cut ...  stream ...
//! ```
//!
//! One byte each: which faults there are, the dice for them, what else the peer does, how many
//! pieces the stream comes in. Each cut is the length of a piece and what happens behind it.

use std::time::Duration;

use crate::http::Protocols;
use crate::limits::Limits;
use crate::shard::Control;
use crate::testing::sim::{Faults, Peer, SimConfig};
use crate::testing::simulated_shard::SimulatedShard;
use crate::testing::simulated_shard::answers::{Answer, read_answers};
use crate::testing::simulated_shard::application::{Doings, application};

/// Most pieces that a stream comes in.
const CUTS_MAX: usize = 15;

/// Longer than any time-out of a connection.
const LONG: Duration = Duration::from_secs(150);

/// How the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The peer sends FIN once it has its answers.
    Finish,
    /// The peer sends FIN at once.
    FinishAtOnce,
    /// The peer sends RST.
    Reset,
    /// The peer does nothing any more.
    Silence,
    /// The server drains.
    Drain,
    /// The server stops.
    Stop,
}

/// What the bytes ask for.
#[derive(Clone, Copy, Debug)]
struct Script<'a> {
    config: SimConfig,
    ending: Ending,
    /// The peer does not read until it has sent everything.
    reads_late: bool,
    cuts: &'a [u8],
    stream: &'a [u8],
}

impl<'a> Script<'a> {
    fn read(input: &'a [u8]) -> Option<Self> {
        let [faults, seed, manner, cuts, rest @ ..] = input else {
            return None;
        };
        let cuts = usize::from(*cuts) % (CUTS_MAX + 1);
        let (cuts, stream) = rest.split_at_checked(cuts)?;
        Some(Self {
            config: SimConfig {
                seed: u64::from(*seed),
                faults: choose_faults(*faults),
                buffers: if manner & 0x10 == 0 { 8 } else { 1 },
                buffer_bytes: if manner & 0x20 == 0 { 512 } else { 16 },
            },
            ending: match manner & 7 {
                0..3 => Ending::Finish,
                3 => Ending::FinishAtOnce,
                4 => Ending::Reset,
                5 => Ending::Silence,
                6 => Ending::Drain,
                _ => Ending::Stop,
            },
            reads_late: manner & 8 != 0,
            cuts,
            stream,
        })
    }

    /// The same stream in one piece to a server on a kernel that does all it is asked at once.
    fn plain(self) -> Self {
        Self {
            config: SimConfig {
                buffers: 16,
                buffer_bytes: 4096,
                ..SimConfig::default()
            },
            reads_late: false,
            cuts: &[],
            ..self
        }
    }
}

fn choose_faults(bits: u8) -> Faults {
    let all = Faults::ALL;
    let chance = |bit: u8, chance: u8| if bits & bit == 0 { 0 } else { chance };
    Faults {
        split_receive: chance(1, all.split_receive),
        short_send: chance(2, all.short_send),
        no_buffers: chance(4, all.no_buffers),
        end_multishot: chance(8, all.end_multishot),
        delay: chance(16, all.delay),
        interrupt: chance(32, all.interrupt),
    }
}

/// Small ones, so that small inputs reach them.
fn limits() -> Limits {
    let limits = Limits {
        request_line_bytes_max: 512,
        head_bytes_max: 1024,
        field_count_max: 16,
        trailer_bytes_max: 256,
        trailer_count_max: 4,
        body_bytes_max: Some(1000),
        request_buffer_bytes_max: 2048,
        response_buffer_bytes_max: 4096,
        ..Limits::default()
    };
    debug_assert!(limits.validate().is_ok());
    limits
}

/// Runs one connection as `input` says.
///
/// # Panics
///
/// When the shard panics, does not come to rest, leaves anything behind, answers what no client
/// can read, outlives its time-outs, or answers otherwise than it would have if the same bytes had
/// come in one piece and nothing had gone wrong.
pub fn connection(input: &[u8]) {
    let Some(script) = Script::read(input) else {
        return;
    };
    let answers = run(script);
    if script.ending == Ending::Finish {
        let plain = run(script.plain());
        assert_eq!(verdicts(&answers), verdicts(&plain));
        assert!(answers.iter().all(|answer| answer.complete), "{answers:?}");
    }
}

/// What of the answers must not depend on how the bytes arrive. One thing may: of a body that is
/// both too large and malformed, the handler learns what comes first.
fn verdicts(answers: &[Answer]) -> Vec<(u16, &[u8])> {
    answers
        .iter()
        .map(|answer| match answer.status {
            413 => (400, answer.body.as_slice()),
            status => (status, answer.body.as_slice()),
        })
        .collect()
}

fn run(script: Script<'_>) -> Vec<Answer> {
    let doings = Doings::default();
    let application = application(doings.clone());
    let mut server =
        SimulatedShard::speaking(&script.config, limits(), Protocols::Http1, application);
    let peer = server.connect();
    if script.reads_late {
        peer.stop_reading();
    }
    send(script, &peer, &mut server);
    if script.reads_late && script.ending != Ending::Silence {
        server.settle();
        peer.resume();
    }
    let ending = script.ending;
    end(ending, &peer, &mut server);
    if ending == Ending::Silence && doings.upgrades() == 0 {
        let stats = server.stats();
        assert_eq!(stats.connections_open, 0, "it outlives its time-outs");
    }
    // An upgraded connection, and one whose server drains, last for as long as the peer does.
    peer.finish();
    peer.resume();
    if ending == Ending::Stop {
        server.stop();
    } else {
        server.pass(LONG);
        server.finish();
    }
    assert_eq!(doings.open(), 0, "an exchange has no end");
    let bytes = peer.received();
    // What a reset or a stop has cut off need not be readable.
    match ending {
        Ending::Reset | Ending::Stop | Ending::Silence => Vec::new(),
        _ => read_answers(&bytes),
    }
}

fn send(script: Script<'_>, peer: &Peer, server: &mut SimulatedShard) {
    let mut rest = script.stream;
    for cut in script.cuts {
        let (piece, after) = rest
            .split_at_checked(usize::from(*cut >> 2))
            .unwrap_or((rest, &[]));
        rest = after;
        peer.send(piece);
        match cut & 3 {
            0 => {}
            1 => server.turn(Duration::ZERO),
            2 => server.settle(),
            _ => server.pass(Duration::from_millis(5)),
        }
    }
    peer.send(rest);
}

fn end(ending: Ending, peer: &Peer, server: &mut SimulatedShard) {
    match ending {
        Ending::Finish => wait_for_handlers(server),
        Ending::FinishAtOnce => peer.finish(),
        Ending::Reset => {
            server.turn(Duration::ZERO);
            peer.reset();
        }
        Ending::Silence => server.pass(LONG),
        Ending::Drain => server.tell(Control::Drain),
        Ending::Stop => {
            server.turn(Duration::ZERO);
        }
    }
}

/// Waits while handlers sleep. Those that wait for the peer go on waiting.
fn wait_for_handlers(server: &mut SimulatedShard) {
    server.settle();
    let mut requests = 0;
    while server.stats().requests > requests {
        requests = server.stats().requests;
        server.pass(Duration::from_millis(50));
    }
}
