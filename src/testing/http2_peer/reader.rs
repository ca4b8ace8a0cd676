//! A client's strict reading of what a server sends.
//!
//! Owns the rules of the connection: which frame may come when, how large it may be, what the
//! client's windows and settings have room for. Each is checked at the point that the server had
//! reached: its answers to SETTINGS and PING say how far it has read what the client said.

use std::collections::BTreeMap;

use super::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE,
};
use super::ledger::{Ledger, Said};
use super::response::{Field, Response};
use crate::hpack::{Bounds, Decoder, STATIC_LINES_COUNT, Verdict};

/// What holds before anything is said (RFC 9113, 6.5.2 and 6.9.2).
const WINDOW: i64 = 65_535;
const FRAME_BYTES_MAX: usize = 16_384;
const TABLE_BYTES: u32 = 4_096;

/// The largest window (RFC 9113, 6.9.1).
const WINDOW_MAX: i64 = i32::MAX as i64;

/// The reader of responses makes nothing of single lines.
#[derive(Clone, Copy, Debug)]
struct Unjudged;

impl Verdict for Unjudged {
    const STATIC: [Self; STATIC_LINES_COUNT] = [Self; STATIC_LINES_COUNT];

    fn of(_name: &[u8], _value: &[u8]) -> Self {
        Self
    }
}

/// A GOAWAY frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GoAway {
    pub(crate) last_stream: u32,
    pub(crate) code: u32,
    pub(crate) debug: String,
}

/// A field block that goes on in CONTINUATION.
#[derive(Debug)]
struct Block {
    stream: u32,
    end_stream: bool,
    bytes: Vec<u8>,
}

/// What a server has sent so far.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) responses: BTreeMap<u32, Response>,
    /// The parameters of its SETTINGS.
    pub(crate) settings: Vec<(u16, u32)>,
    pub(crate) goaways: Vec<GoAway>,
    /// PINGs that it wants answered.
    pub(crate) pings: Vec<[u8; 8]>,
    /// What it lets the client send on the connection, in all.
    pub(crate) allowance: i64,
    /// What it lets the client send on single streams, beyond the initial window.
    pub(crate) allowances: BTreeMap<u32, i64>,
    unread: Vec<u8>,
    greeted: bool,
    block: Option<Block>,
    decoder: Decoder<Unjudged>,
    /// How much of what the client has said the server may have read.
    known: usize,
    initial_window: i64,
    frame_bytes_max: usize,
    table_bytes: u32,
    /// What it may send on the connection, and on each stream beyond the initial window.
    window: i64,
    windows: BTreeMap<u32, i64>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            responses: BTreeMap::new(),
            settings: Vec::new(),
            goaways: Vec::new(),
            pings: Vec::new(),
            allowance: WINDOW,
            allowances: BTreeMap::new(),
            unread: Vec::new(),
            greeted: false,
            block: None,
            decoder: Decoder::new(TABLE_BYTES),
            known: 0,
            initial_window: WINDOW,
            frame_bytes_max: FRAME_BYTES_MAX,
            table_bytes: TABLE_BYTES,
            window: WINDOW,
            windows: BTreeMap::new(),
        }
    }
}

/// Reads all of `bytes`, the answer to what `ledger` says. Panics at what no server may send.
pub(crate) fn read(ledger: &Ledger, bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    reading.read(ledger, bytes);
    reading
}

impl Reading {
    /// Goes on with `bytes`. Panics at what no server may send.
    pub(crate) fn read(&mut self, ledger: &Ledger, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let unread = std::mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        while let Some((&[l0, l1, l2, kind, flags, s0, s1, s2, s3], behind)) =
            rest.split_first_chunk()
        {
            let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
            let stream = u32::from_be_bytes([s0, s1, s2, s3]);
            assert!(
                length <= self.frame_bytes_max,
                "a frame of {length} bytes, kind {kind}"
            );
            let Some((payload, behind)) = behind.split_at_checked(length) else {
                break;
            };
            self.take_frame(ledger, kind, flags, stream, payload);
            rest = behind;
        }
        self.unread = rest.to_vec();
    }

    /// Whether nothing is begun and not complete.
    pub(crate) fn is_whole(&self) -> bool {
        self.unread.is_empty() && self.block.is_none()
    }

    /// Whether the connection goes on: the server has said nothing of its end.
    pub(crate) fn goes_on(&self) -> bool {
        self.goaways.is_empty()
    }

    /// The code of the error that has ended the connection, if one has.
    pub(crate) fn error(&self) -> Option<&GoAway> {
        self.goaways.last().filter(|last| last.code != 0)
    }

    /// What the client may still send on the connection.
    pub(crate) fn allowed(&self, ledger: &Ledger) -> i64 {
        self.allowance - ledger.flow() as i64
    }

    /// What the client may still send on a stream, where all begin with `initial`.
    pub(crate) fn allowed_on(&self, ledger: &Ledger, stream: u32, initial: i64) -> i64 {
        let granted = self.allowances.get(&stream).copied().unwrap_or(0);
        let flow = ledger.streams().get(&stream).map_or(0, |asked| asked.flow);
        initial + granted - flow as i64
    }

    /// Whether every stream is over on both sides.
    pub(crate) fn is_all_over(&self, ledger: &Ledger) -> bool {
        ledger.streams().iter().all(|(stream, asked)| {
            let response = self.responses.get(stream);
            let reset = response.is_some_and(|response| response.reset.is_some());
            let complete = response.is_some_and(|response| response.complete);
            asked.reset || reset || (asked.ended && complete)
        })
    }

    /// What it may still send on the connection.
    pub(crate) fn window(&self) -> i64 {
        self.window
    }

    fn take_frame(&mut self, ledger: &Ledger, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        assert!(
            self.error().is_none(),
            "frame {kind} behind {:?}",
            self.goaways
        );
        if !self.greeted {
            let first = kind == SETTINGS && flags & ACK == 0;
            assert!(first, "the first frame is of kind {kind}");
            self.greeted = true;
        }
        let goes_on = kind == CONTINUATION;
        assert_eq!(goes_on, self.block.is_some(), "frame {kind} in a block");
        match kind {
            SETTINGS | PING | GOAWAY => assert_eq!(stream, 0, "kind {kind}"),
            WINDOW_UPDATE => assert!(
                stream <= ledger.last_stream(),
                "a window for the idle stream {stream}"
            ),
            RST_STREAM => assert!(
                stream > 0 && stream <= ledger.last_stream(),
                "the idle stream {stream} is reset"
            ),
            _ => assert!(ledger.has_opened(stream), "kind {kind} on {stream}"),
        }
        match kind {
            DATA => self.take_data(ledger, flags, stream, payload),
            HEADERS | CONTINUATION => self.take_block(flags, stream, payload),
            RST_STREAM => {
                let code = numbers::<1>(payload)[0];
                self.responses.entry(stream).or_default().take_reset(code);
            }
            SETTINGS => self.take_settings(ledger, flags, payload),
            PING => self.take_ping(ledger, flags, payload),
            GOAWAY => self.take_goaway(ledger, payload),
            WINDOW_UPDATE => self.take_window_update(stream, payload),
            _ => panic!("a server sends no frame of kind {kind}"),
        }
    }

    /// Grants what the client has said up to the next frame that is answered.
    fn catch_up(&mut self, ledger: &Ledger) {
        while let Some(Said::WindowUpdate { stream, increment }) = ledger.said.get(self.known) {
            let increment = i64::from(*increment);
            match stream {
                0 => self.window += increment,
                stream => *self.windows.entry(*stream).or_default() += increment,
            }
            self.known += 1;
        }
    }

    fn take_data(&mut self, ledger: &Ledger, flags: u8, stream: u32, content: &[u8]) {
        self.catch_up(ledger);
        assert_eq!(flags & !END_STREAM, 0, "flags of DATA");
        let length = content.len() as i64;
        let initial = self.initial_window;
        let window = self.windows.entry(stream).or_default();
        *window -= length;
        self.window -= length;
        if length > 0 {
            assert!(*window + initial >= 0, "beyond the window of {stream}");
            assert!(self.window >= 0, "beyond the connection's window");
        }
        let response = self.responses.entry(stream).or_default();
        response.take_content(content, flags & END_STREAM != 0);
    }

    fn take_block(&mut self, flags: u8, stream: u32, payload: &[u8]) {
        let allowed = END_HEADERS | END_STREAM;
        assert_eq!(flags & !allowed, 0, "flags of HEADERS");
        let mut block = self.block.take().unwrap_or(Block {
            stream,
            end_stream: flags & END_STREAM != 0,
            bytes: Vec::new(),
        });
        assert_eq!(block.stream, stream, "a block goes on elsewhere");
        block.bytes.extend_from_slice(payload);
        if flags & END_HEADERS == 0 {
            self.block = Some(block);
            return;
        }
        let last = self
            .goaways
            .last()
            .map_or(u32::MAX, |last| last.last_stream);
        assert!(stream <= last, "{stream} was said not to be answered");
        let lines = self.decode(&block.bytes);
        let response = self.responses.entry(stream).or_default();
        response.take_fields(lines, block.end_stream);
    }

    fn decode(&mut self, block: &[u8]) -> Vec<Field> {
        let bounds = Bounds {
            line_bytes_max: 1 << 20,
            lines_max: 1 << 10,
            list_bytes_max: 1 << 24,
        };
        let mut lines = Vec::new();
        let decoded = self
            .decoder
            .decode(block, &mut Vec::new(), &bounds, |arena, line| {
                let text = arena.split_off(line.start as usize);
                let (name, value) = text
                    .split_at_checked(line.name_len as usize)
                    .expect("a line lies in the arena");
                let name = String::from_utf8(name.to_vec()).expect("a name is text");
                lines.push((name, value.to_vec()));
            });
        assert!(decoded.is_ok(), "{decoded:?}: {}", block.escape_ascii());
        assert!(
            self.decoder.table_bytes() <= self.table_bytes,
            "a larger table than {}",
            self.table_bytes
        );
        lines
    }

    fn take_settings(&mut self, ledger: &Ledger, flags: u8, payload: &[u8]) {
        if flags & ACK == 0 {
            assert!(self.settings.is_empty(), "SETTINGS come once");
            let (parameters, rest) = payload.as_chunks::<6>();
            assert!(rest.is_empty(), "the length of SETTINGS");
            for [i0, i1, value @ ..] in parameters {
                let identifier = u16::from_be_bytes([*i0, *i1]);
                self.settings.push((identifier, u32::from_be_bytes(*value)));
            }
            return;
        }
        assert!(payload.is_empty(), "an answer to SETTINGS with a payload");
        self.catch_up(ledger);
        let said = ledger.said.get(self.known);
        let Some(Said::Settings {
            table_bytes,
            initial_window,
            frame_bytes_max,
        }) = said
        else {
            panic!("SETTINGS are answered before {said:?}");
        };
        self.known += 1;
        self.table_bytes = table_bytes.unwrap_or(self.table_bytes);
        self.initial_window = initial_window.map_or(self.initial_window, i64::from);
        self.frame_bytes_max = frame_bytes_max.map_or(self.frame_bytes_max, |max| max as usize);
    }

    fn take_ping(&mut self, ledger: &Ledger, flags: u8, payload: &[u8]) {
        let opaque: [u8; 8] = payload.try_into().expect("the length of PING");
        if flags & ACK == 0 {
            self.pings.push(opaque);
            return;
        }
        self.catch_up(ledger);
        assert_eq!(
            ledger.said.get(self.known),
            Some(&Said::Ping(opaque)),
            "answers come in order"
        );
        self.known += 1;
    }

    fn take_goaway(&mut self, ledger: &Ledger, payload: &[u8]) {
        let (fixed, debug) = payload.split_at_checked(8).expect("the length of GOAWAY");
        let [last_stream, code] = numbers::<2>(fixed);
        let before = self
            .goaways
            .last()
            .map_or(u32::MAX, |last| last.last_stream);
        assert!(last_stream <= before, "GOAWAY rises from {before}");
        assert!(
            last_stream == i32::MAX as u32 || last_stream <= ledger.last_stream(),
            "GOAWAY of the idle stream {last_stream}"
        );
        self.goaways.push(GoAway {
            last_stream,
            code,
            debug: String::from_utf8_lossy(debug).into_owned(),
        });
    }

    fn take_window_update(&mut self, stream: u32, payload: &[u8]) {
        let [increment] = numbers::<1>(payload);
        let increment = i64::from(increment);
        assert!(increment > 0, "a window grows by nothing");
        if stream == 0 {
            self.allowance += increment;
            return;
        }
        let over = self
            .responses
            .get(&stream)
            .and_then(|response| response.reset);
        assert!(over.is_none(), "a window for {stream}, which was reset");
        let allowance = self.allowances.entry(stream).or_default();
        *allowance += increment;
        assert!(*allowance <= WINDOW_MAX * 2, "a window without an end");
    }
}

/// A payload of so many 32-bit numbers.
fn numbers<const N: usize>(payload: &[u8]) -> [u32; N] {
    let (numbers, rest) = payload.as_chunks::<4>();
    assert!(rest.is_empty(), "the length of a payload");
    let numbers: Vec<u32> = numbers.iter().copied().map(u32::from_be_bytes).collect();
    numbers.try_into().expect("the length of a payload")
}
