//! A record that comes in pieces, until it is whole.
//!
//! Owns its bytes: a buffer of the shard's pool for records where one is free, memory of its own
//! otherwise. Knows a record's length and nothing of its content.

use std::ops::Range;

use super::fault::Fault;
use super::record::{HEADER_BYTES, RECORD_MAX, record_length};
use crate::buf::{BufSlice, Pool};

/// Opened bytes of the application, on their way to the protocol.
pub(crate) enum Plain<'a> {
    /// A range of a buffer.
    Pooled(BufSlice),
    /// Bytes that are gone when they have been looked at.
    Lent(&'a [u8]),
}

/// Buffers for records that came in pieces, in a shard.
const BUFFERS: u32 = 64;

/// The buffers that records are gathered in: 64 of them for a shard, 1 MiB when all were used. A
/// peer that is slow with a record keeps one; others then gather in memory of their own.
pub(crate) fn record_buffers() -> Option<Pool> {
    // A constant that fits, and a mapping that costs nothing before it is touched.
    Pool::new(BUFFERS, u32::try_from(RECORD_MAX).ok()?).ok()
}

/// What has come of a record so far.
#[derive(Default)]
pub(super) enum Gather {
    /// Nothing.
    #[default]
    Empty,
    /// `filled` bytes at the start of a buffer that is nobody else's.
    Pooled { buffer: BufSlice, filled: usize },
    /// Bytes in memory of their own.
    Owned(Vec<u8>),
}

impl Gather {
    /// Whether no byte waits.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Takes what the record still lacks from the start of `bytes`, and answers how much that was
    /// and whether the record is whole.
    ///
    /// # Errors
    /// A header that no record has.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        pool: Option<&Pool>,
    ) -> Result<(usize, bool), Fault> {
        let mut taken = 0;
        loop {
            let length = record_length(self.bytes())?;
            let wanted = length.unwrap_or(HEADER_BYTES);
            let lacking = wanted.saturating_sub(self.bytes().len());
            if lacking == 0 {
                return Ok((taken, true));
            }
            let rest = bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                return Ok((taken, false));
            }
            let piece = rest.get(..lacking).unwrap_or(rest);
            self.append(piece, pool);
            taken += piece.len();
        }
    }

    fn append(&mut self, piece: &[u8], pool: Option<&Pool>) {
        if self.is_empty() {
            *self = match pool.and_then(Pool::blank) {
                Some(buffer) => Self::Pooled { buffer, filled: 0 },
                None => Self::Owned(Vec::new()),
            };
        }
        match self {
            Self::Empty => {}
            Self::Pooled { buffer, filled } => {
                let end = *filled + piece.len();
                // Records are no longer than a buffer, and the buffer is this one's alone.
                let room = buffer
                    .unique_mut()
                    .and_then(|all| all.get_mut(*filled..end));
                if let Some(room) = room {
                    room.copy_from_slice(piece);
                    *filled = end;
                }
            }
            Self::Owned(bytes) => bytes.extend_from_slice(piece),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Pooled { buffer, filled } => buffer.get(..*filled).unwrap_or_default(),
            Self::Owned(bytes) => bytes,
        }
    }

    /// The bytes, to be opened in place.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Empty => &mut [],
            Self::Pooled { buffer, filled } => {
                let filled = *filled;
                let all = buffer.unique_mut().unwrap_or_default();
                all.get_mut(..filled).unwrap_or_default()
            }
            Self::Owned(bytes) => bytes,
        }
    }

    /// Hands on a range of what was gathered.
    pub(super) fn deliver(self, range: Range<usize>, deliver: &mut impl FnMut(Plain<'_>)) {
        match self {
            Self::Empty => {}
            Self::Pooled { mut buffer, .. } => {
                buffer.truncate(range.end);
                buffer.advance(range.start);
                deliver(Plain::Pooled(buffer));
            }
            Self::Owned(bytes) => deliver(Plain::Lent(bytes.get(range).unwrap_or_default())),
        }
    }
}
