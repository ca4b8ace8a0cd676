//! HTTP/2 frames by themselves, for benchmarks.
//!
//! Owns plain doors to the check of frame heads and to the framing of a field block. Knows no
//! connection and no compression.

use crate::h2::frame::{FRAME_BYTES_DEFAULT, FrameHead, HEAD_BYTES, begin_headers, finish_headers};

/// Parses and checks the frame heads in `input`, stepping over payloads, and says how many there
/// are. `None` at the first that a client must not send, or that is cut off.
#[must_use]
#[inline]
pub fn check_heads(input: &[u8]) -> Option<usize> {
    let (mut rest, mut count) = (input, 0);
    while !rest.is_empty() {
        let head = FrameHead::parse(rest)?;
        head.check(FRAME_BYTES_DEFAULT).ok()?;
        rest = rest.get(HEAD_BYTES + head.length as usize..)?;
        count += 1;
    }
    Some(count)
}

/// Appends a field block as HEADERS and, where it does not fit one frame, CONTINUATION.
#[inline]
pub fn frame_block(block: &[u8], out: &mut Vec<u8>) {
    let at = begin_headers(out, 1);
    out.extend_from_slice(block);
    finish_headers(out, at, false, FRAME_BYTES_DEFAULT as usize);
}
