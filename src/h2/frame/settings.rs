//! SETTINGS (RFC 9113, 6.5; RFC 8441, 3; RFC 9218, 2.1).
//!
//! Owns the parameters of both sides, their defaults and their ranges. What a changed value does
//! to streams and compression is the connection's business.

use super::head::{FrameHead, Kind};
use super::{FRAME_BYTES_CEILING, FRAME_BYTES_DEFAULT};
use crate::h2::error::{ConnectionError, Violation};
use crate::h2::flow::WINDOW_BYTES_MAX;

const HEADER_TABLE_SIZE: u16 = 0x1;
const ENABLE_PUSH: u16 = 0x2;
const MAX_CONCURRENT_STREAMS: u16 = 0x3;
const INITIAL_WINDOW_SIZE: u16 = 0x4;
const MAX_FRAME_SIZE: u16 = 0x5;
const MAX_HEADER_LIST_SIZE: u16 = 0x6;
const ENABLE_CONNECT_PROTOCOL: u16 = 0x8;
const NO_RFC7540_PRIORITIES: u16 = 0x9;

/// Bytes of one parameter: identifier and value.
const PARAMETER_BYTES: usize = 6;

const HEADER_TABLE_BYTES_DEFAULT: u32 = 4096;

/// The initial window of streams, and the one window of the connection, before anything is said
/// (RFC 9113, 6.9.2).
pub(crate) const WINDOW_BYTES_DEFAULT: u32 = 65_535;

/// What the peer has told about itself, or what holds until it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RemoteSettings {
    /// Bytes of dynamic table that our encoder may use at most.
    pub(crate) header_table_size: u32,
    /// Whether the peer would take pushed responses.
    pub(crate) enable_push: bool,
    /// Streams that we may open; it matters to servers that push.
    pub(crate) max_concurrent_streams: Option<u32>,
    /// The window that streams have for our DATA when they open; at most 2^31-1.
    pub(crate) initial_window_size: u32,
    /// The largest payload that we may send.
    pub(crate) max_frame_size: u32,
    /// Bytes of fields that the peer takes, as advice; counted as RFC 9113, 6.5.2 says.
    pub(crate) max_header_list_size: Option<u32>,
    /// Whether the peer leaves the priorities of RFC 7540 alone.
    pub(crate) no_rfc7540_priorities: bool,
    /// Whether the first SETTINGS are here: from then on the parameter above is fixed.
    applied: bool,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            header_table_size: HEADER_TABLE_BYTES_DEFAULT,
            enable_push: true,
            max_concurrent_streams: None,
            initial_window_size: WINDOW_BYTES_DEFAULT,
            max_frame_size: FRAME_BYTES_DEFAULT,
            max_header_list_size: None,
            no_rfc7540_priorities: false,
            applied: false,
        }
    }
}

impl RemoteSettings {
    /// Applies the payload of one SETTINGS frame, parameter by parameter in their order. Unknown
    /// ones are ignored. Answers the smallest table size that held at any time: a peer that lowers
    /// it and raises it again has evicted what did not fit in between (RFC 7541, 4.2).
    ///
    /// # Errors
    /// A value out of its range. Parameters before it have been applied, which nobody sees: the
    /// connection ends.
    pub(crate) fn apply(&mut self, payload: &[u8]) -> Result<u32, ConnectionError> {
        let (parameters, rest) = payload.as_chunks::<PARAMETER_BYTES>();
        if !rest.is_empty() {
            return Err(ConnectionError(Violation::WrongFrameLength));
        }
        let mut smallest = self.header_table_size;
        for [i0, i1, v0, v1, v2, v3] in parameters {
            let identifier = u16::from_be_bytes([*i0, *i1]);
            let value = u32::from_be_bytes([*v0, *v1, *v2, *v3]);
            self.set(identifier, value).map_err(ConnectionError)?;
            smallest = smallest.min(self.header_table_size);
        }
        self.applied = true;
        Ok(smallest)
    }

    fn set(&mut self, identifier: u16, value: u32) -> Result<(), Violation> {
        match identifier {
            HEADER_TABLE_SIZE => self.header_table_size = value,
            ENABLE_PUSH => {
                self.enable_push = boolean(value).ok_or(Violation::InvalidEnablePush)?;
            }
            MAX_CONCURRENT_STREAMS => self.max_concurrent_streams = Some(value),
            INITIAL_WINDOW_SIZE if value > WINDOW_BYTES_MAX => {
                return Err(Violation::InvalidInitialWindow);
            }
            INITIAL_WINDOW_SIZE => self.initial_window_size = value,
            MAX_FRAME_SIZE if !(FRAME_BYTES_DEFAULT..=FRAME_BYTES_CEILING).contains(&value) => {
                return Err(Violation::InvalidMaxFrameSize);
            }
            MAX_FRAME_SIZE => self.max_frame_size = value,
            MAX_HEADER_LIST_SIZE => self.max_header_list_size = Some(value),
            NO_RFC7540_PRIORITIES => {
                let flag = boolean(value).ok_or(Violation::InvalidNoRfc7540Priorities)?;
                if self.applied && flag != self.no_rfc7540_priorities {
                    return Err(Violation::ChangedNoRfc7540Priorities);
                }
                self.no_rfc7540_priorities = flag;
            }
            // ENABLE_CONNECT_PROTOCOL among them: from a client it says nothing (RFC 8441, 3).
            _ => {}
        }
        Ok(())
    }
}

const fn boolean(value: u32) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// What we tell the peer about ourselves. The defaults are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalSettings {
    /// Bytes of dynamic table that the peer's encoder may use at most.
    pub(crate) header_table_size: u32,
    /// Streams that the peer may have open at a time.
    pub(crate) max_concurrent_streams: Option<u32>,
    /// The window that streams have for the peer's DATA when they open; at most 2^31-1.
    pub(crate) initial_window_size: u32,
    /// The largest payload that the peer may send; 2^14 to 2^24-1.
    pub(crate) max_frame_size: u32,
    /// Bytes of fields that we take, as advice.
    pub(crate) max_header_list_size: Option<u32>,
    /// Whether CONNECT may name a protocol (RFC 8441).
    pub(crate) enable_connect_protocol: bool,
    /// Whether we ignore the priorities of RFC 7540 (RFC 9218, 2.1).
    pub(crate) no_rfc7540_priorities: bool,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            header_table_size: HEADER_TABLE_BYTES_DEFAULT,
            max_concurrent_streams: None,
            initial_window_size: WINDOW_BYTES_DEFAULT,
            max_frame_size: FRAME_BYTES_DEFAULT,
            max_header_list_size: None,
            enable_connect_protocol: false,
            no_rfc7540_priorities: false,
        }
    }
}

impl LocalSettings {
    /// Appends the SETTINGS frame that turns the protocol's defaults into these; what is as the
    /// default is left out, so the frame may be empty.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let differing = |value: u32, default: u32| (value != default).then_some(value);
        let parameters = [
            (
                HEADER_TABLE_SIZE,
                differing(self.header_table_size, HEADER_TABLE_BYTES_DEFAULT),
            ),
            (MAX_CONCURRENT_STREAMS, self.max_concurrent_streams),
            (
                INITIAL_WINDOW_SIZE,
                differing(self.initial_window_size, WINDOW_BYTES_DEFAULT),
            ),
            (
                MAX_FRAME_SIZE,
                differing(self.max_frame_size, FRAME_BYTES_DEFAULT),
            ),
            (MAX_HEADER_LIST_SIZE, self.max_header_list_size),
            (
                ENABLE_CONNECT_PROTOCOL,
                self.enable_connect_protocol.then_some(1),
            ),
            (
                NO_RFC7540_PRIORITIES,
                self.no_rfc7540_priorities.then_some(1),
            ),
        ];
        let named = parameters.iter().filter(|(_, value)| value.is_some());
        encode_head(out, 0, named.count() * PARAMETER_BYTES);
        for (identifier, value) in parameters {
            if let Some(value) = value {
                out.extend_from_slice(&identifier.to_be_bytes());
                out.extend_from_slice(&value.to_be_bytes());
            }
        }
    }
}

/// Appends the acknowledgement of the peer's SETTINGS.
pub(crate) fn encode_settings_ack(out: &mut Vec<u8>) {
    encode_head(out, FrameHead::ACK, 0);
}

fn encode_head(out: &mut Vec<u8>, flags: u8, length: usize) {
    let head = FrameHead {
        length: length as u32,
        kind: Kind::Settings,
        flags,
        stream: 0,
    };
    out.extend_from_slice(&head.to_bytes());
}
