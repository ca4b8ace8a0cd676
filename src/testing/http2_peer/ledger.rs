//! What a client has said: what it allows the server, and what it asks of it.
//!
//! Owns the reading of a client's frames, as far as the server may be held to them. A client that
//! breaks the protocol is read on as if it had not: that can only allow a server more than it has.

use std::collections::BTreeMap;

use super::frames::{
    ACK, CONTINUATION, DATA, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};

const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;

/// What changes what the server may send, or is answered, in the order in which it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// SETTINGS: the last value of each parameter that counts.
    Settings {
        table_bytes: Option<u32>,
        initial_window: Option<u32>,
        frame_bytes_max: Option<u32>,
    },
    Ping([u8; 8]),
    WindowUpdate {
        stream: u32,
        increment: u32,
    },
}

/// What became of the client's side of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// It has said END_STREAM.
    pub(crate) ended: bool,
    /// It has reset the stream.
    pub(crate) reset: bool,
    /// Bytes of DATA, padding included.
    pub(crate) flow: u64,
}

/// What a client has said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    unread: Vec<u8>,
    greeted: bool,
    pub(super) said: Vec<Said>,
    streams: BTreeMap<u32, Asked>,
    /// Bytes of DATA on all streams, padding included.
    flow: u64,
}

impl Ledger {
    /// Goes on with `bytes`.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let unread = std::mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        if !self.greeted
            && let Some((_, behind)) = rest.split_at_checked(PREFACE_BYTES)
        {
            rest = behind;
            self.greeted = true;
        }
        while self.greeted
            && let Some((frame, behind)) = split_frame(rest)
        {
            self.take(frame);
            rest = behind;
        }
        self.unread = rest.to_vec();
    }

    /// The streams that the client has opened, by their identifiers.
    pub(crate) fn streams(&self) -> &BTreeMap<u32, Asked> {
        &self.streams
    }

    /// Whether it has opened this one.
    pub(crate) fn has_opened(&self, stream: u32) -> bool {
        self.streams.contains_key(&stream)
    }

    /// The highest identifier that it has used.
    pub(crate) fn last_stream(&self) -> u32 {
        self.streams.keys().next_back().copied().unwrap_or(0)
    }

    /// Bytes of DATA, which the server's windows must have had room for.
    pub(crate) fn flow(&self) -> u64 {
        self.flow
    }

    /// Whether no frame is begun and not complete.
    pub(crate) fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    fn take(&mut self, frame: &[u8]) {
        let Some((&[_, _, _, kind, flags, s0, s1, s2, s3], payload)) = frame.split_first_chunk()
        else {
            return;
        };
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & (u32::MAX >> 1);
        match kind {
            SETTINGS if flags & ACK == 0 => self.said.push(settings(payload)),
            PING if flags & ACK == 0 => {
                let opaque = payload.first_chunk().copied().unwrap_or_default();
                self.said.push(Said::Ping(opaque));
            }
            WINDOW_UPDATE => {
                let increment = number(payload) & (u32::MAX >> 1);
                self.said.push(Said::WindowUpdate { stream, increment });
            }
            HEADERS | DATA | RST_STREAM | CONTINUATION => {
                if kind == HEADERS && stream > self.last_stream() {
                    self.streams.insert(stream, Asked::default());
                }
                let flow = if kind == DATA {
                    payload.len() as u64
                } else {
                    0
                };
                self.flow += flow;
                if let Some(asked) = self.streams.get_mut(&stream) {
                    let may_end = kind == HEADERS || kind == DATA;
                    asked.ended |= may_end && flags & END_STREAM != 0;
                    asked.reset |= kind == RST_STREAM;
                    asked.flow += flow;
                }
            }
            _ => {}
        }
    }
}

/// The next whole frame, head and payload, and what is behind it.
fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let &[l0, l1, l2, ..] = bytes else {
        return None;
    };
    bytes.split_at_checked(HEAD_BYTES + u32::from_be_bytes([0, l0, l1, l2]) as usize)
}

fn settings(payload: &[u8]) -> Said {
    let (parameters, _) = payload.as_chunks::<6>();
    let last = |wanted: u16| {
        parameters
            .iter()
            .rev()
            .find(|[i0, i1, ..]| u16::from_be_bytes([*i0, *i1]) == wanted)
            .map(|[_, _, value @ ..]| u32::from_be_bytes(*value))
    };
    Said::Settings {
        table_bytes: last(0x1),
        initial_window: last(0x4),
        frame_bytes_max: last(0x5),
    }
}

fn number(payload: &[u8]) -> u32 {
    payload
        .first_chunk()
        .map_or(0, |number| u32::from_be_bytes(*number))
}
