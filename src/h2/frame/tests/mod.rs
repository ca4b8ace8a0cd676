//! Frames: tables written from the RFCs, small domains exhausted, round trips.

mod heads;
mod payloads;
mod round_trips;
mod settings;

use super::{FrameHead, Kind};
use crate::h2::error::{ConnectionError, Fault, StreamError, Violation};

const KINDS: [Kind; 12] = [
    Kind::Data,
    Kind::Headers,
    Kind::Priority,
    Kind::RstStream,
    Kind::Settings,
    Kind::PushPromise,
    Kind::Ping,
    Kind::GoAway,
    Kind::WindowUpdate,
    Kind::Continuation,
    Kind::PriorityUpdate,
    Kind::Unknown,
];

fn head(kind: Kind, flags: u8, stream: u32, length: usize) -> FrameHead {
    FrameHead {
        length: u32::try_from(length).expect("frames are short"),
        kind,
        flags,
        stream,
    }
}

fn connection<T>(violation: Violation) -> Result<T, Fault> {
    Err(ConnectionError(violation).into())
}

fn stream<T>(violation: Violation) -> Result<T, Fault> {
    Err(StreamError(violation).into())
}
