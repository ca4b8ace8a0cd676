//! Frames by script: a few bytes each, so that a fuzzer gets deep with little.
//!
//! Each step is its kind, flags, a small number for the stream, a number, and for some kinds as
//! many further bytes as the number says. Where a kind has no need of them, flags and number choose
//! among what peers say most.

use super::super::manner::Behind;
use crate::testing::http2_peer::{
    ACK, CONTINUATION, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PADDED, PING, PRIORITY,
    SETTINGS,
};

/// Most steps: more than all of the small limits together let pass.
const STEPS_MAX: usize = 160;

/// Most bytes: twice what all bodies within the limits would be, and no more turns of a shard with one
/// small buffer than it is given to come to rest.
const BYTES_MAX: usize = 200_000;

const METHODS: [&str; 4] = ["GET", "POST", "HEAD", "CONNECT"];

const PATHS: [&str; 16] = [
    "/", "/echo", "/sleep", "/stream", "/trailer", "/hints", "/large", "/unread", "/raw", "/reset",
    "/late", "/early", "/a/../b", "*", "", "/?q",
];

/// The parameters of SETTINGS that matter, and values at their edges.
const PARAMETERS: [(u16, u32); 16] = [
    (0x1, 0),
    (0x1, 64),
    (0x1, 4_096),
    (0x1, 1 << 20),
    (0x2, 0),
    (0x2, 2),
    (0x3, 1),
    (0x4, 0),
    (0x4, 100),
    (0x4, 65_535),
    (0x4, 1_000_000),
    (0x4, i32::MAX as u32),
    (0x5, 16_384),
    (0x5, 16_777_215),
    (0x6, 100),
    (0x9, 1),
];

/// What the peer sends, and what happens behind it.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) behind: Behind,
}

/// All that the peer sends behind the preface.
#[derive(Clone, Debug)]
pub(super) struct Script(Vec<Piece>);

impl Script {
    /// Bytes as they are.
    pub(super) fn raw(bytes: &[u8]) -> Self {
        Self(vec![Piece {
            bytes: bytes.to_vec(),
            behind: Behind::Nothing,
        }])
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// All bytes, with the preface.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let pieces = self.0.iter();
        let all = Frames::preface();
        pieces
            .fold(all, |all, piece| all.raw(&piece.bytes))
            .into_bytes()
    }

    /// The same bytes in one piece.
    pub(super) fn plain(&self) -> Self {
        let all: Vec<&[u8]> = self.0.iter().map(|piece| piece.bytes.as_slice()).collect();
        Self::raw(&all.concat())
    }
}

/// Reads a script. Empty SETTINGS come first, or nothing would get anywhere.
pub(super) fn read(input: &[u8]) -> Script {
    let mut pieces = Vec::new();
    let mut frames = Frames::new().settings(&[]);
    let (mut rest, mut total) = (input, 0);
    for _ in 0..STEPS_MAX {
        if total + frames.as_ref().len() > BYTES_MAX {
            break;
        }
        let [kind, flags, stream, number, behind @ ..] = rest else {
            break;
        };
        rest = behind;
        if kind & 15 == 15 {
            total += frames.as_ref().len();
            pieces.push(Piece {
                bytes: std::mem::take(&mut frames).into_bytes(),
                behind: Behind::choose(*flags),
            });
            continue;
        }
        let step = Step {
            kind: kind & 15,
            flags: *flags,
            stream: u32::from(*stream),
            number: *number,
        };
        let (own, behind) = rest
            .split_at_checked(step.own_bytes())
            .unwrap_or((rest, &[]));
        rest = behind;
        frames = step.add_to(frames, own);
    }
    pieces.push(Piece {
        bytes: frames.into_bytes(),
        behind: Behind::Nothing,
    });
    Script(pieces)
}

/// One step of a script.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: u8,
    flags: u8,
    stream: u32,
    number: u8,
}

impl Step {
    /// How many of the bytes that follow are the step's own.
    fn own_bytes(self) -> usize {
        match self.kind {
            2 | 6 | 12 | 14 => usize::from(self.number % 64),
            _ => 0,
        }
    }

    fn add_to(self, frames: Frames, own: &[u8]) -> Frames {
        let (flags, stream, number) = (self.flags, self.stream, self.number);
        match self.kind {
            0 => frames.data(stream, flags & END_STREAM, &filler(usize::from(number))),
            1 => self.add_request(frames),
            2 => frames.frame(HEADERS, flags, stream, own),
            3 => {
                let trailers = [("sum", "1"), ("te", "x"), (":path", "/")];
                let count = usize::from(number % 4);
                let trailers = trailers.get(..count).unwrap_or_default();
                frames.headers(stream, flags & END_STREAM, trailers)
            }
            4 => frames.reset(stream, u32::from(number)),
            5 => self.add_settings(frames),
            6 => frames.frame(SETTINGS, flags & ACK, 0, own),
            7 => frames.window_update(stream, self.increment()),
            8 => frames.data(
                stream,
                flags & END_STREAM,
                &filler(usize::from(number) * 32),
            ),
            9 => {
                let priority = ["u=0", "u=7, i", "u=3", "i", "u=9", "\x01"];
                let value = priority.get(usize::from(number % 8)).unwrap_or(&"");
                frames.priority_update(stream, value)
            }
            10 => frames.padded(
                stream,
                flags & END_STREAM,
                &filler(usize::from(flags >> 2)),
                number,
            ),
            11 => match flags & 3 {
                0 => frames.ping(0, [number; 8]),
                1 => frames.ping(ACK, *b"goodbye."),
                2 => frames.ping(ACK, *b"lanrBDP\0"),
                _ => frames.frame(PING, 0, stream, &[number; 7]),
            },
            12 => frames.frame(CONTINUATION, flags, stream, own),
            13 => match flags & 3 {
                0 => frames.go_away(0, u32::from(number)),
                1 => frames.frame(PRIORITY, 0, stream, &[0, 0, 0, number, 0]),
                2 => frames.frame(PRIORITY, 0, stream, &[number]),
                _ => frames.frame(GOAWAY, 0, 0, &[number; 7]),
            },
            // Anything at all: kind and stream are the step's, the rest is as it comes.
            _ => frames.frame(flags, number, stream, own),
        }
    }

    /// A request: the low bits of the number choose the path, the high ones the method, the flags
    /// what else is said.
    fn add_request(self, frames: Frames) -> Frames {
        let (flags, stream) = (self.flags, self.stream);
        let pick = |from: &[&'static str], at: u8| from.get(usize::from(at)).copied();
        let path = pick(&PATHS, self.number & 15).unwrap_or("/");
        let method = pick(&METHODS, self.number >> 4 & 3).unwrap_or("GET");
        let mut fields = vec![(":method", method), (":authority", "a:1")];
        let extended = flags & 0x80 != 0;
        if method != "CONNECT" || extended {
            fields.extend([(":scheme", "http"), (":path", path)]);
        }
        if extended {
            fields.push((":protocol", "websocket"));
        }
        if self.number & 0x40 != 0 {
            fields.push(("expect", "100-continue"));
        }
        match flags >> 4 & 3 {
            1 => fields.push(("content-length", "100")),
            2 => fields.push(("content-length", "100001")),
            3 => fields.push(("priority", "u=1, i")),
            _ => {}
        }
        let end_stream = flags & END_STREAM;
        let block = crate::testing::http2_peer::block(&fields);
        if flags & END_HEADERS == 0 {
            return frames.frame(HEADERS, END_HEADERS | end_stream, stream, &block);
        }
        // In two frames, the first one padded.
        let (first, second) = block.split_at_checked(9).unwrap_or((&block, &[]));
        let padded = [&[3], first, &[0; 3]].concat();
        frames
            .frame(HEADERS, PADDED | end_stream, stream, &padded)
            .frame(CONTINUATION, END_HEADERS, stream, second)
    }

    fn add_settings(self, frames: Frames) -> Frames {
        let at = |number: u8| PARAMETERS.get(usize::from(number & 15)).copied();
        let parameters = [at(self.number), at(self.number >> 4)];
        let count = 1 + usize::from(self.flags & 1);
        let parameters: Vec<_> = parameters.into_iter().flatten().take(count).collect();
        frames.settings(&parameters)
    }

    fn increment(self) -> u32 {
        let small = u32::from(self.number);
        match self.flags & 3 {
            0 => small,
            1 => small * 256,
            2 => small * 65_536,
            _ => i32::MAX as u32 - small,
        }
    }
}

/// Content of so many bytes, none of them like its neighbours.
fn filler(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}
