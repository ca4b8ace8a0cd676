//! DATA (RFC 9113, 6.1).
//!
//! Owns where content and padding lie in a payload. DATA is never collected: content is handed on
//! as it arrives, so the layout needs only the head and the pad length behind it.

use super::head::{FrameHead, Kind};
use crate::h2::error::{ConnectionError, Violation};

/// The parts of a DATA payload, in this order. All of them count for flow control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Whether the first byte is the pad length.
    pub(crate) pad_field: bool,
    /// Bytes of content behind it.
    pub(crate) content: u32,
    /// Bytes of padding behind that, to be ignored.
    pub(crate) padding: u32,
    /// Whether the content is the stream's last.
    pub(crate) end_stream: bool,
}

impl Layout {
    /// The layout of a payload. `pad_length` is its first byte; it is looked at only when the
    /// head says PADDED.
    ///
    /// # Errors
    /// Padding that does not fit the payload, or no pad length where there must be one.
    #[inline]
    pub(crate) fn of(head: FrameHead, pad_length: Option<u8>) -> Result<Self, ConnectionError> {
        let pad_field = head.has(FrameHead::PADDED);
        let (mut content, mut padding) = (head.length, 0);
        if pad_field {
            let pad_length = pad_length.ok_or(ConnectionError(Violation::FrameTooShort))?;
            padding = u32::from(pad_length);
            // The pad length is one byte of the payload itself.
            let behind = content
                .checked_sub(1)
                .ok_or(ConnectionError(Violation::FrameTooShort))?;
            content = behind
                .checked_sub(padding)
                .ok_or(ConnectionError(Violation::PaddingTooLong))?;
        }
        Ok(Self {
            pad_field,
            content,
            padding,
            end_stream: head.has(FrameHead::END_STREAM),
        })
    }
}

/// Appends the head of a DATA frame; `length` bytes of content, at most
/// [`FRAME_BYTES_CEILING`](super::FRAME_BYTES_CEILING), are to follow it.
#[inline]
pub(crate) fn encode_data_head(out: &mut Vec<u8>, stream: u32, length: usize, end_stream: bool) {
    debug_assert!(length <= super::FRAME_BYTES_CEILING as usize);
    let head = FrameHead {
        length: length as u32,
        kind: Kind::Data,
        flags: if end_stream { FrameHead::END_STREAM } else { 0 },
        stream,
    };
    out.extend_from_slice(&head.to_bytes());
}
