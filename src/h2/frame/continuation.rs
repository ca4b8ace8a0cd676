//! CONTINUATION (RFC 9113, 6.10): field blocks that are too long for one frame.
//!
//! A received payload is a fragment as a whole, so there is nothing to parse. Owns how a block
//! that lies in a buffer already is cut into frames where it lies.

use super::FRAME_BYTES_CEILING;
use super::head::{FrameHead, HEAD_BYTES, Kind};

/// The payload that frames are filled up to: `frame_bytes_max`, but at least one byte, so that
/// there is progress, and no more than a head can say.
#[inline]
pub(super) fn payload_bytes(frame_bytes_max: usize) -> usize {
    frame_bytes_max.clamp(1, FRAME_BYTES_CEILING as usize)
}

/// Writes a head over the nine bytes at `at`.
#[inline]
pub(super) fn put_head(out: &mut [u8], at: usize, head: FrameHead) {
    let place = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    debug_assert!(place.is_some(), "no room for a head at {at}");
    if let Some(place) = place {
        *place = head.to_bytes();
    }
}

/// Makes room for heads in the field block that begins at `start` and goes to the end of `out`:
/// the first `frame_bytes_max` bytes stay, each further piece becomes a CONTINUATION frame.
#[cold]
pub(super) fn split(out: &mut Vec<u8>, start: usize, stream: u32, frame_bytes_max: usize) {
    let block = out.len().saturating_sub(start);
    let further = block.div_ceil(frame_bytes_max).saturating_sub(1);
    out.resize(out.len() + further * HEAD_BYTES, 0);
    // From the back, so that nothing is written over before it has moved.
    for piece in (1..=further).rev() {
        let offset = piece * frame_bytes_max;
        let length = frame_bytes_max.min(block - offset);
        let from = start + offset;
        let to = from + piece * HEAD_BYTES;
        out.copy_within(from..from + length, to);
        let last = piece == further;
        let head = FrameHead {
            length: length as u32,
            kind: Kind::Continuation,
            flags: if last { FrameHead::END_HEADERS } else { 0 },
            stream,
        };
        put_head(out, to - HEAD_BYTES, head);
    }
}
