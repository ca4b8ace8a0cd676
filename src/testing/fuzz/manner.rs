//! How the peer of a fuzzed connection behaves, whatever it sends: the head of an input.
//!
//! ```text
//! faults  seed  manner  cuts  cut ...
//! ```
//!
//! One byte each: which faults there are, the dice for them, what the peer does besides sending,
//! how many cuts there are. Each cut is the length of a piece of what it sends, and what happens
//! behind it.

use std::time::Duration;

use crate::shard::Control;
use crate::testing::sim::{Faults, Peer, SimConfig};
use crate::testing::simulated_shard::SimulatedShard;
use crate::testing::simulated_shard::application::Doings;

/// Most pieces that a stream comes in.
const CUTS_MAX: usize = 15;

/// How the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
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

/// What happens behind a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    Nothing,
    Turn,
    Rest,
    Time,
}

/// What an input asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    pub(super) config: SimConfig,
    pub(super) ending: Ending,
    /// The peer does not read until it has sent everything.
    pub(super) reads_late: bool,
    /// Two bits that each target gives a meaning of its own.
    pub(super) choices: [bool; 2],
    cuts: &'a [u8],
}

impl Behind {
    /// Chosen by the low bits.
    pub(super) const fn choose(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Nothing,
            1 => Self::Turn,
            2 => Self::Rest,
            _ => Self::Time,
        }
    }

    pub(super) fn happen(self, server: &mut SimulatedShard) {
        match self {
            Self::Nothing => {}
            Self::Turn => server.turn(Duration::ZERO),
            Self::Rest => server.settle(),
            Self::Time => server.pass(Duration::from_millis(5)),
        }
    }
}

impl<'a> Manner<'a> {
    /// The manner, and what the rest of the input is.
    pub(super) fn read(input: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let [faults, seed, manner, cuts, rest @ ..] = input else {
            return None;
        };
        let cuts = usize::from(*cuts) % (CUTS_MAX + 1);
        let (cuts, rest) = rest.split_at_checked(cuts)?;
        let manner = Self {
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
            choices: [manner & 0x40 != 0, manner & 0x80 != 0],
            cuts,
        };
        Some((manner, rest))
    }

    /// The same peer, which sends in one piece, before a server on a kernel that does all it is
    /// asked at once.
    pub(super) fn plain(self) -> Self {
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

    /// Sends `stream` in its pieces.
    pub(super) fn send(self, stream: &[u8], peer: &Peer, server: &mut SimulatedShard) {
        let mut rest = stream;
        for cut in self.cuts {
            let (piece, after) = rest
                .split_at_checked(usize::from(*cut >> 2))
                .unwrap_or((rest, &[]));
            rest = after;
            peer.send(piece);
            Behind::choose(*cut).happen(server);
        }
        peer.send(rest);
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

impl Ending {
    /// Ends the connection; a silent peer is silent for `long`.
    pub(super) fn happen(self, peer: &Peer, server: &mut SimulatedShard, long: Duration) {
        match self {
            Self::Finish => wait_for_handlers(server),
            Self::FinishAtOnce => peer.finish(),
            Self::Reset => {
                server.turn(Duration::ZERO);
                peer.reset();
            }
            Self::Silence => server.pass(long),
            Self::Drain => server.tell(Control::Drain),
            Self::Stop => {
                server.turn(Duration::ZERO);
            }
        }
    }
}

impl Ending {
    /// Whether what the peer has of the answers need not be whole.
    pub(super) fn cuts_off(self) -> bool {
        matches!(self, Self::Reset | Self::Stop | Self::Silence)
    }

    /// Ends the simulation of a peer that has done what it does: nothing may be left behind.
    pub(super) fn conclude(
        self,
        peer: &Peer,
        mut server: SimulatedShard,
        doings: &Doings,
        long: Duration,
    ) {
        if self == Self::Silence && doings.upgrades() == 0 {
            let stats = server.stats();
            assert_eq!(stats.connections_open, 0, "it outlives its time-outs");
        }
        // An upgraded connection, and one whose server drains, last for as long as the peer does.
        peer.finish();
        peer.resume();
        if self == Self::Stop {
            server.stop();
        } else {
            server.pass(long);
            server.finish();
        }
        assert_eq!(doings.open(), 0, "an exchange has no end");
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
