//! What a client has allowed its server.
//!
//! Owns the sums of windows and settings as they were sent. They are upper bounds: a window that
//! was made smaller counts with its largest size, for nobody knows what was on its way.

use std::collections::BTreeMap;

use super::{flag, kind, number, setting};

/// The window of every stream and of the connection before anything is said (RFC 9113, 6.9.2).
const WINDOW_BYTES: u64 = 65_535;

/// What has been allowed so far.
#[derive(Debug)]
pub(super) struct Bounds {
    /// Bytes of a frame's payload.
    pub(super) frame_bytes: usize,
    stream_window: u64,
    /// What WINDOW_UPDATEs have added, for each stream and for the connection.
    added: BTreeMap<u32, u64>,
    /// Streams that the client has opened.
    opened: BTreeMap<u32, ()>,
    unparsed: Vec<u8>,
    /// Bytes of the preface that have not passed yet.
    preface_left: usize,
    /// The client writes what is no frame: nothing more is known.
    lost: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            frame_bytes: 16_384,
            stream_window: WINDOW_BYTES,
            added: BTreeMap::new(),
            opened: BTreeMap::new(),
            unparsed: Vec::new(),
            preface_left: 24,
            lost: false,
        }
    }
}

impl Bounds {
    /// Takes note of what the client sends.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        if self.lost {
            return;
        }
        let (preface, rest) = bytes.split_at(self.preface_left.min(bytes.len()));
        self.preface_left -= preface.len();
        self.unparsed.extend_from_slice(rest);
        let unparsed = std::mem::take(&mut self.unparsed);
        let mut rest = unparsed.as_slice();
        while let Some((head, behind)) = rest.split_first_chunk::<9>() {
            let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *head;
            let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
            let stream = u32::from_be_bytes([s0, s1, s2, s3]) & (u32::MAX >> 1);
            let Some((payload, behind)) = behind.split_at_checked(length) else {
                break;
            };
            rest = behind;
            self.allow(kind, flags, stream, payload);
        }
        self.unparsed = rest.to_vec();
    }

    fn allow(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        match kind {
            kind::HEADERS => {
                self.opened.insert(stream, ());
            }
            kind::WINDOW_UPDATE if payload.len() == 4 => {
                let added = self.added.entry(stream).or_default();
                *added += u64::from(number(payload));
            }
            kind::SETTINGS if flags & flag::ACK == 0 => {
                for parameter in payload.chunks_exact(6) {
                    let (name, value) = parameter.split_at(2);
                    let name = u16::from_be_bytes(*name.first_chunk().expect("two bytes"));
                    let value = number(value);
                    match name {
                        setting::INITIAL_WINDOW_SIZE => {
                            self.stream_window = self.stream_window.max(u64::from(value));
                        }
                        setting::MAX_FRAME_SIZE => {
                            self.frame_bytes = self.frame_bytes.max(value as usize);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// The client goes on to write what is no frame.
    pub(super) fn lose_track(&mut self) {
        self.lost = true;
    }

    /// Whether the client has opened this stream, as far as is known.
    pub(super) fn is_open(&self, stream: u32) -> bool {
        self.lost || self.opened.contains_key(&stream)
    }

    /// Bytes of DATA that the stream, or for 0 the connection, may have had so far.
    pub(super) fn window(&self, stream: u32) -> u64 {
        let first = if stream == 0 {
            WINDOW_BYTES
        } else {
            self.stream_window
        };
        first + self.added.get(&stream).copied().unwrap_or(0)
    }
}
