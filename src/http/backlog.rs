//! Received bytes that the connection has not consumed yet.
//!
//! Owns the choice between a slice of the receive buffer (while the bytes are being worked on)
//! and owned memory (once they have to wait): a connection that waits holds no receive buffer.

use super::{Chunk, RequestHead};
use crate::buf::BufSlice;

/// Bytes in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) enum Backlog {
    /// Nothing waits; no memory is held.
    #[default]
    Empty,
    /// What one receive has brought.
    Pooled(BufSlice),
    /// What had to wait. The first `start` bytes are consumed.
    Owned {
        /// Consumed bytes, then waiting bytes.
        bytes: Vec<u8>,
        /// How many are consumed.
        start: usize,
    },
}

impl Backlog {
    /// The waiting bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Pooled(slice) => slice,
            Self::Owned { bytes, start } => bytes.get(*start..).unwrap_or_default(),
        }
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether no byte waits.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Adds what was received.
    pub(crate) fn push(&mut self, slice: BufSlice) {
        self.settle();
        match self {
            Self::Owned { bytes, .. } => bytes.extend_from_slice(&slice),
            Self::Empty | Self::Pooled(_) if slice.is_empty() => {}
            Self::Empty | Self::Pooled(_) => *self = Self::Pooled(slice),
        }
    }

    /// Adds bytes that lie in no receive buffer.
    pub(crate) fn push_copied(&mut self, more: &[u8]) {
        self.settle();
        match self {
            Self::Owned { bytes, .. } => bytes.extend_from_slice(more),
            Self::Empty | Self::Pooled(_) if more.is_empty() => {}
            Self::Empty | Self::Pooled(_) => {
                *self = Self::Owned {
                    bytes: more.to_vec(),
                    start: 0,
                };
            }
        }
    }

    /// Consumes the first `n` bytes.
    pub(crate) fn consume(&mut self, n: usize) {
        match self {
            Self::Empty => {}
            Self::Pooled(slice) => slice.advance(n.min(slice.len())),
            Self::Owned { bytes, start } => *start = start.saturating_add(n).min(bytes.len()),
        }
        if self.bytes().is_empty() {
            *self = Self::Empty;
        }
    }

    /// Consumes the first `n` bytes and gives them to `head`, which was parsed over them. With
    /// `copy` the head holds no receive buffer.
    #[inline(always)]
    pub(crate) fn attach(&mut self, head: &mut RequestHead, n: usize, copy: bool) {
        match self {
            Self::Pooled(slice) if !copy && n < slice.len() => {
                head.attach_pooled(slice.split_to(n));
            }
            Self::Pooled(slice) if !copy && n == slice.len() => {
                if let Self::Pooled(slice) = std::mem::take(self) {
                    head.attach_pooled(slice);
                }
            }
            _ => self.attach_copy(head, n),
        }
    }

    #[inline(never)]
    fn attach_copy(&mut self, head: &mut RequestHead, n: usize) {
        head.attach_copied(self.bytes().get(..n).unwrap_or_default());
        self.consume(n);
    }

    /// The bytes `start..end` as a chunk of a body; they stay in the backlog. With `copy` the
    /// chunk holds no receive buffer.
    pub(crate) fn chunk(&self, start: usize, end: usize, copy: bool) -> Option<Chunk> {
        match self {
            Self::Pooled(slice) if !copy => slice.slice(start..end).map(Chunk::pooled),
            _ => self
                .bytes()
                .get(start..end)
                .map(|bytes| Chunk::from(bytes.to_vec())),
        }
    }

    /// Moves what waits out of the receive buffer.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if !self.is_empty() {
            self.settle_waiting();
        }
    }

    #[inline(never)]
    fn settle_waiting(&mut self) {
        if let Self::Pooled(slice) = self {
            *self = Self::Owned {
                bytes: slice.to_vec(),
                start: 0,
            };
        } else if let Self::Owned { bytes, start } = self {
            // What is consumed would otherwise pile up while a peer sends byte by byte.
            if *start > bytes.len() / 2 {
                bytes.drain(..*start);
                *start = 0;
            }
        }
    }
}
