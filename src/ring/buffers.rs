//! The buffer ring: how the kernel is given receive buffers.
//!
//! Owns the array of entries that the kernel takes buffers from, and its tail. Knows nothing of
//! who holds a buffer afterwards: that is the pool's.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

use super::{Errno, SetupError};
use crate::buf::{Pool, Region};

/// The only buffer group of a ring.
pub(super) const BUFFER_GROUP: u16 = 0;

/// The entries of one registered buffer ring.
#[derive(Debug)]
pub(super) struct BufferRing {
    entries: Region,
    mask: u16,
    tail: u16,
}

impl BufferRing {
    /// Registers a buffer ring with an entry for each buffer of `pool`, empty at first.
    ///
    /// # Errors
    /// No memory for the entries, or the kernel refuses the registration.
    pub(super) fn new(ring: &IoUring, pool: &Pool) -> Result<Self, SetupError> {
        // A pool has at most 2^15 buffers.
        let count = u16::try_from(pool.count()).map_err(|_| SetupError::Refused(Errno::EINVAL))?;
        let entries = Region::new(usize::from(count) * size_of::<BufRingEntry>())
            .map_err(|_| SetupError::OutOfMemory)?;
        let address = entries.base().as_ptr() as u64;
        // SAFETY: `entries` is page-aligned, has room for `count` entries, and is freed only after
        // the group is unregistered or the ring is closed; see the drop of `Uring`.
        let done = unsafe {
            ring.submitter()
                .register_buf_ring_with_flags(address, count, BUFFER_GROUP, 0)
        };
        done.map_err(|error| SetupError::from_errno(error.into()))?;
        Ok(Self {
            entries,
            mask: count - 1,
            tail: 0,
        })
    }

    /// Gives every returned buffer of `pool` to the kernel, visible all at once. Returns how many.
    pub(super) fn give(&mut self, pool: &Pool) -> usize {
        let size = pool.size() as u32;
        let given = pool.take_returned(|id, buffer| {
            self.write(id, buffer, size);
            self.tail = self.tail.wrapping_add(1);
        });
        if given > 0 {
            self.publish();
        }
        given
    }

    /// Fills the entry at the tail, which is not the kernel's yet: there is an entry for every
    /// buffer, and this buffer is not in the ring.
    fn write(&mut self, id: u16, buffer: NonNull<u8>, size: u32) {
        let index = usize::from(self.tail & self.mask);
        let base: NonNull<BufRingEntry> = self.entries.base().cast();
        // SAFETY: `index` is at most `mask`, hence below the number of entries in the region.
        let mut entry = unsafe { base.add(index) };
        // SAFETY: the entry is aligned and initialised (zeroed), and the kernel does not look at
        // it before the tail is published. In the first entry the tail itself shares the memory;
        // only this thread writes that, and none of the calls below does.
        let entry = unsafe { entry.as_mut() };
        entry.set_addr(buffer.as_ptr() as u64);
        entry.set_len(size);
        entry.set_bid(id);
    }

    fn publish(&self) {
        let base: *const BufRingEntry = self.entries.base().cast().as_ptr();
        // SAFETY: `base` is the first entry of the ring, initialised.
        let tail = unsafe { BufRingEntry::tail(base) };
        // SAFETY: `tail` is aligned and in our region, nobody but the kernel accesses it
        // meanwhile, and the kernel does so atomically.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // Release: the kernel must see the entries before the tail that covers them.
        tail.store(self.tail, Ordering::Release);
    }

    /// Takes the buffer ring from the kernel.
    pub(super) fn unregister(&self, ring: &IoUring) {
        // Closing the ring has the same effect, so there is nothing to do about an error.
        let _ = ring.submitter().unregister_buf_ring(BUFFER_GROUP);
    }

    /// Keeps the entries for ever; see [`Pool::leak`].
    pub(super) const fn leak(&mut self) {
        self.entries.leak();
    }
}
