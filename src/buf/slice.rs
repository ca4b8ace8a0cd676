//! A range of bytes in a receive buffer, shared by count.
//!
//! Owns one share of one buffer. Knows nothing of where the buffer goes when the last share is
//! dropped: that is the pool's.

use std::fmt;
use std::ops::{Deref, Range};
use std::ptr::NonNull;
use std::rc::Rc;

use super::pool::Inner;

/// Received bytes: a range of one buffer, which stays out of the kernel's hands while any slice
/// over it lives.
///
/// Cloning and cutting copy no bytes and allocate nothing. Not `Send`.
pub(crate) struct BufSlice {
    pool: Rc<Inner>,
    /// The first byte: inside the buffer, or one past its end when `len` is 0.
    start: NonNull<u8>,
    len: u32,
    id: u16,
}

impl BufSlice {
    /// The share that the pool has counted already.
    pub(super) fn first(pool: Rc<Inner>, id: u16, start: NonNull<u8>, len: usize) -> Self {
        // A buffer's size is a `u32`, and `len` is at most that.
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        Self {
            pool,
            start,
            len,
            id,
        }
    }

    /// How many bytes.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is no byte.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A slice over a part of this one. `None` when the range is out of bounds or turned round.
    pub(crate) fn slice(&self, range: Range<usize>) -> Option<Self> {
        let len = range.end.checked_sub(range.start)?;
        if range.end > self.len() {
            return None;
        }
        let mut part = self.clone();
        part.advance(range.start);
        part.truncate(len);
        Some(part)
    }

    /// Cuts off and returns the first `n` bytes, or all of them when there are fewer.
    #[inline(always)]
    pub(crate) fn split_to(&mut self, n: usize) -> Self {
        let mut front = self.clone();
        front.truncate(n);
        self.advance(n);
        front
    }

    /// The bytes, to be changed in place; `None` while another slice shares the buffer.
    #[inline]
    pub(crate) fn unique_mut(&mut self) -> Option<&mut [u8]> {
        if !self.pool.is_unique(self.id) {
            return None;
        }
        // SAFETY: as for `deref`; and this slice is the only one over the buffer, which is not the
        // kernel's either, so nobody else looks at these bytes while the borrow of it lasts: what
        // could make another slice, a clone, needs this one.
        Some(unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len as usize) })
    }

    /// Forgets the first `n` bytes, or all of them when there are fewer.
    #[inline]
    pub(crate) fn advance(&mut self, n: usize) {
        let n = self.clamp(n);
        // SAFETY: `n` is at most `len`, so this stays within the buffer or one past its end.
        self.start = unsafe { self.start.add(n as usize) };
        self.len -= n;
    }

    /// Keeps the first `n` bytes only.
    #[inline]
    pub(crate) fn truncate(&mut self, n: usize) {
        self.len = self.clamp(n);
    }

    fn clamp(&self, n: usize) -> u32 {
        u32::try_from(n).unwrap_or(u32::MAX).min(self.len)
    }
}

impl Deref for BufSlice {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `start` and `len` lie within one buffer of the pool's region, which `pool` keeps
        // mapped and which was zeroed at first, so every byte is initialised. This slice is
        // counted, so the buffer is not the kernel's and nobody writes to it while it lives.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len as usize) }
    }
}

impl AsRef<[u8]> for BufSlice {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Clone for BufSlice {
    #[inline]
    fn clone(&self) -> Self {
        self.pool.hold(self.id);
        Self {
            pool: Rc::clone(&self.pool),
            start: self.start,
            len: self.len,
            id: self.id,
        }
    }
}

impl Drop for BufSlice {
    #[inline]
    fn drop(&mut self) {
        self.pool.release(self.id);
    }
}

impl fmt::Debug for BufSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: they are a peer's, and may be secret.
        f.debug_struct("BufSlice")
            .field("buffer", &self.id)
            .field("len", &self.len)
            .finish()
    }
}
