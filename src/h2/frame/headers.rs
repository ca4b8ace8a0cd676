//! HEADERS (RFC 9113, 6.2).
//!
//! Owns what surrounds the first fragment of a field block, in both directions. What is in the
//! block is the business of HPACK, what follows when it does not fit is CONTINUATION's.

use std::ops::Range;

use super::head::{FrameHead, HEAD_BYTES, Kind};
use super::{FRAME_BYTES_DEFAULT, continuation, priority};
use crate::h2::error::{ConnectionError, Fault, Violation};

/// A parsed HEADERS frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Headers {
    /// Where in the payload the fragment of the field block lies.
    pub(crate) fragment: Range<usize>,
    /// Whether nothing but CONTINUATION follows on the stream.
    pub(crate) end_stream: bool,
    /// Whether the field block is complete.
    pub(crate) end_headers: bool,
}

/// Parses the whole payload of a HEADERS frame. Priorities of RFC 7540 are checked and dropped.
///
/// # Errors
/// All of them end the connection, also a stream that is to depend on itself: its field block
/// would have to be decoded all the same, for a peer that is broken.
#[inline(always)]
pub(crate) fn parse(head: FrameHead, payload: &[u8]) -> Result<Headers, Fault> {
    let fragment = if head.flags & (FrameHead::PADDED | FrameHead::PRIORITY) == 0 {
        0..payload.len()
    } else {
        surrounded(head, payload)?
    };
    Ok(Headers {
        fragment,
        end_stream: head.has(FrameHead::END_STREAM),
        end_headers: head.has(FrameHead::END_HEADERS),
    })
}

/// Where the fragment lies among padding and priorities.
#[inline(never)]
fn surrounded(head: FrameHead, payload: &[u8]) -> Result<Range<usize>, Fault> {
    let too_short = ConnectionError(Violation::FrameTooShort);
    let mut rest = payload;
    let mut padding = 0;
    if head.has(FrameHead::PADDED) {
        let (pad_length, behind) = rest.split_first().ok_or(too_short)?;
        (padding, rest) = (usize::from(*pad_length), behind);
    }
    if head.has(FrameHead::PRIORITY) {
        let (fields, behind) = rest
            .split_first_chunk::<{ priority::FIELD_BYTES }>()
            .ok_or(too_short)?;
        priority::check_dependency(head.stream, *fields)?;
        rest = behind;
    }
    let start = payload.len() - rest.len();
    let length = rest
        .len()
        .checked_sub(padding)
        .ok_or(ConnectionError(Violation::PaddingTooLong))?;
    Ok(start..start + length)
}

/// Appends a field block as HEADERS, and CONTINUATION where it is longer than `frame_bytes_max`.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn encode_headers(
    out: &mut Vec<u8>,
    stream: u32,
    block: &[u8],
    end_stream: bool,
    frame_bytes_max: usize,
) {
    let at = begin_headers(out, stream);
    out.extend_from_slice(block);
    finish_headers(out, at, end_stream, frame_bytes_max);
}

/// Appends a field block that is known to fit the smallest SETTINGS_MAX_FRAME_SIZE.
#[inline]
pub(crate) fn encode_short_headers(out: &mut Vec<u8>, stream: u32, block: &[u8], end_stream: bool) {
    debug_assert!(block.len() <= FRAME_BYTES_DEFAULT as usize);
    let end = if end_stream { FrameHead::END_STREAM } else { 0 };
    let head = FrameHead {
        length: block.len() as u32,
        kind: Kind::Headers,
        flags: FrameHead::END_HEADERS | end,
        stream,
    };
    out.reserve(HEAD_BYTES + block.len());
    out.extend_from_slice(&head.to_bytes());
    out.extend_from_slice(block);
}

/// Appends the head of a HEADERS frame whose length is not known yet, and says where it lies. The
/// field block is to be appended, and then [`finish_headers`] called.
#[inline]
pub(crate) fn begin_headers(out: &mut Vec<u8>, stream: u32) -> usize {
    let at = out.len();
    let head = FrameHead {
        length: 0,
        kind: Kind::Headers,
        flags: FrameHead::END_HEADERS,
        stream,
    };
    out.extend_from_slice(&head.to_bytes());
    at
}

/// Completes the frame that [`begin_headers`] has begun at `at`, with everything behind it as its
/// field block. A block longer than `frame_bytes_max`, the peer's SETTINGS_MAX_FRAME_SIZE, goes on
/// in CONTINUATION frames.
#[inline]
pub(crate) fn finish_headers(
    out: &mut Vec<u8>,
    at: usize,
    end_stream: bool,
    frame_bytes_max: usize,
) {
    let block = out.len().saturating_sub(at.saturating_add(HEAD_BYTES));
    let frame_bytes_max = continuation::payload_bytes(frame_bytes_max);
    let place = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    let Some([l0, l1, l2, _, flags, s0, s1, s2, s3]) = place else {
        debug_assert!(false, "no frame was begun at {at}");
        return;
    };
    let stream = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
    [_, *l0, *l1, *l2] = (block.min(frame_bytes_max) as u32).to_be_bytes();
    if end_stream {
        *flags |= FrameHead::END_STREAM;
    }
    if block > frame_bytes_max {
        *flags &= !FrameHead::END_HEADERS;
        continuation::split(out, at + HEAD_BYTES, stream, frame_bytes_max);
    }
}
