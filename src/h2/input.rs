//! Received bytes on their way to the frame parser.
//!
//! Owns the choice between working on a receive buffer in place and gathering the pieces of a
//! frame that straddles two of them: only what the next step needs is moved. Knows no frame.

use crate::buf::BufSlice;
use crate::http::{Backlog, Chunk};

/// Bytes in the order of their arrival: first those gathered, then those of the receive buffer.
#[derive(Debug, Default)]
pub(super) struct Input {
    gathered: Vec<u8>,
    /// How many of the gathered bytes are consumed.
    start: usize,
    slice: Option<BufSlice>,
}

impl Input {
    /// Input that another protocol had taken in.
    pub(super) fn new(backlog: Backlog) -> Self {
        let (gathered, start, slice) = match backlog {
            Backlog::Empty => (Vec::new(), 0, None),
            Backlog::Pooled(slice) => (Vec::new(), 0, Some(slice)),
            Backlog::Owned { bytes, start } => (bytes, start, None),
        };
        Self {
            gathered,
            start,
            slice,
        }
    }

    /// Adds what was received.
    pub(super) fn push(&mut self, slice: BufSlice) {
        self.settle();
        if !slice.is_empty() {
            self.slice = Some(slice);
        }
    }

    /// Adds bytes that lie in no receive buffer.
    pub(super) fn push_copied(&mut self, bytes: &[u8]) {
        self.settle();
        self.gathered.extend_from_slice(bytes);
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.gathered.len() - self.start + self.slice.as_ref().map_or(0, BufSlice::len)
    }

    /// Whether no byte waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At least `count` bytes in one piece, or nothing while they have not all arrived.
    #[inline]
    pub(super) fn peek(&mut self, count: usize) -> Option<&[u8]> {
        if self.gathered.len() > self.start {
            let missing = count.saturating_sub(self.gathered.len() - self.start);
            if missing > 0 {
                self.gather(missing);
            }
            let gathered = self.gathered.get(self.start..).unwrap_or_default();
            return (gathered.len() >= count).then_some(gathered);
        }
        let bytes = self.slice.as_deref().unwrap_or_default();
        (bytes.len() >= count).then_some(bytes)
    }

    /// What waits, where it lies in one piece in the receive buffer; otherwise nothing.
    #[inline]
    pub(super) fn unsplit(&self) -> &[u8] {
        match &self.slice {
            Some(slice) if self.gathered.is_empty() => slice,
            _ => &[],
        }
    }

    /// Forgets the first `count` bytes of [`unsplit`](Self::unsplit).
    #[inline(always)]
    pub(super) fn consume_unsplit(&mut self, count: usize) {
        if let Some(slice) = &mut self.slice {
            slice.advance(count);
            if slice.is_empty() {
                self.slice = None;
            }
        }
    }

    /// What was last seen by a peek.
    #[inline(always)]
    pub(super) fn front(&self) -> &[u8] {
        match self.gathered.get(self.start..) {
            Some(gathered) if !gathered.is_empty() => gathered,
            _ => self.slice.as_deref().unwrap_or_default(),
        }
    }

    /// Moves up to `count` bytes of the receive buffer behind the gathered ones.
    fn gather(&mut self, count: usize) {
        let Some(slice) = &mut self.slice else {
            return;
        };
        let taken = count.min(slice.len());
        self.gathered
            .extend_from_slice(slice.get(..taken).unwrap_or_default());
        slice.advance(taken);
        if slice.is_empty() {
            self.slice = None;
        }
    }

    /// Forgets the first `count` bytes.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let gathered = self.gathered.len() - self.start;
        let first = count.min(gathered);
        self.start += first;
        if self.start == self.gathered.len() {
            self.gathered.clear();
            self.start = 0;
        }
        if let Some(slice) = &mut self.slice {
            slice.advance(count - first);
            if slice.is_empty() {
                self.slice = None;
            }
        }
    }

    /// Takes up to `count` bytes as a piece of a body; none when nothing waits. With `copy` the
    /// piece holds no receive buffer.
    pub(super) fn chunk(&mut self, count: usize, copy: bool) -> Option<Chunk> {
        let gathered = self.gathered.get(self.start..).unwrap_or_default();
        let (chunk, taken) = if gathered.is_empty() {
            let slice = self.slice.as_ref()?;
            let taken = count.min(slice.len());
            let part = slice.slice(0..taken)?;
            let chunk = if copy {
                Chunk::from(part.to_vec())
            } else {
                Chunk::pooled(part)
            };
            (chunk, taken)
        } else {
            let taken = count.min(gathered.len());
            let part = gathered.get(..taken).unwrap_or_default();
            (Chunk::from(part.to_vec()), taken)
        };
        self.consume(taken);
        (taken > 0).then_some(chunk)
    }

    /// Moves what waits out of the receive buffer, and gives memory back that is not needed.
    pub(super) fn settle(&mut self) {
        /// What a connection in use keeps for the frames that straddle its buffers.
        const KEPT: usize = 1024;
        if let Some(slice) = self.slice.take() {
            if self.start > 0 {
                self.gathered.drain(..self.start);
                self.start = 0;
            }
            self.gathered.extend_from_slice(&slice);
        } else if self.gathered.is_empty() && self.gathered.capacity() > KEPT {
            self.gathered = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::buf::Pool;

    /// Takes `sizes` off the input one after the other, as the parser does.
    fn take(input: &mut Input, sizes: &[usize], got: &mut Vec<Vec<u8>>) {
        while let Some(size) = sizes.get(got.len()) {
            let Some(bytes) = input.peek(*size) else {
                return;
            };
            got.push(bytes[..*size].to_vec());
            input.consume(*size);
        }
    }

    #[test]
    fn units_come_whole_however_they_are_split() {
        let bytes: Vec<u8> = (0..60).collect();
        let sizes = [9, 1, 20, 9, 9, 12];
        let mut expected = Vec::new();
        let mut rest = bytes.as_slice();
        for size in sizes {
            expected.push(rest[..size].to_vec());
            rest = &rest[size..];
        }
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pool = Pool::new(8, 64).unwrap();
                let mut input = Input::default();
                let mut got = Vec::new();
                for piece in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                    if !piece.is_empty() {
                        input.push(pool.fill(piece).unwrap());
                    }
                    take(&mut input, &sizes, &mut got);
                    input.settle();
                    assert_eq!(pool.in_use(), 0, "what waits holds no receive buffer");
                }
                assert_eq!(got, expected);
                assert!(input.is_empty());
            }
        }
    }

    #[test]
    fn chunks_hold_the_buffer_unless_they_are_copied() {
        let pool = Pool::new(4, 64).unwrap();
        let mut input = Input::default();
        input.push(pool.fill(b"abcdef").unwrap());
        let first = input.chunk(2, false).unwrap();
        let second = input.chunk(2, true).unwrap();
        input.settle();
        assert_eq!(pool.in_use(), 1);
        drop(first);
        assert_eq!(pool.in_use(), 0);
        assert_eq!(&*second, b"cd");
        input.push(pool.fill(b"gh").unwrap());
        assert_eq!(
            &*input.chunk(9, false).unwrap(),
            b"ef",
            "gathered bytes come first"
        );
        assert_eq!(&*input.chunk(9, false).unwrap(), b"gh");
        assert!(input.chunk(9, false).is_none());
    }
}
