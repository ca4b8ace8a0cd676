//! The floor's provided-buffer ring: memory that the kernel picks a buffer from for each receive.
//!
//! Owns who may touch which buffer when. It knows nothing of connections.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::BufRingEntry;
use io_uring::{Submitter, cqueue};

/// The group that receives name to draw from this ring.
pub(super) const GROUP: u16 = 0;
/// Buffers in the pool; a power of two. One each for the largest connection count measured; few
/// under test, so that receives that find none left are tested as well.
const COUNT: u16 = if cfg!(test) { 64 } else { 4096 };
/// Bytes in a buffer: sixteen pipelined requests of a load generator fit.
const SIZE: usize = 2048;
/// The buffer ring has to start on a page (io_uring_register_buf_ring(3)).
const PAGE: usize = 4096;

/// The pool and the ring over it. The memory is never freed: the kernel may write to a lent
/// buffer for as long as the io_uring instance lives, which is as long as the process.
pub(super) struct BufferRing {
    entries: NonNull<BufRingEntry>,
    storage: NonNull<u8>,
    /// Where the next buffer is given back; what lies before it is visible after [`Self::lend`].
    tail: u16,
}

impl BufferRing {
    /// Allocates the pool, registers the ring as [`GROUP`] and lends all buffers.
    pub(super) fn register(submitter: &Submitter<'_>) -> io::Result<Self> {
        let entries: NonNull<BufRingEntry> =
            allocate(usize::from(COUNT) * size_of::<BufRingEntry>())?.cast();
        let storage = allocate(usize::from(COUNT) * SIZE)?;
        let address = entries.as_ptr() as u64;
        // SAFETY: the address is the start of a zeroed, page-aligned allocation of COUNT entries,
        // which is never freed and so outlives the registration.
        unsafe { submitter.register_buf_ring_with_flags(address, COUNT, GROUP, 0) }?;
        let mut ring = Self {
            entries,
            storage,
            tail: 0,
        };
        for id in 0..COUNT {
            ring.place(id);
        }
        ring.lend();
        Ok(ring)
    }

    /// Hands the bytes of a receive to `read` and takes the buffer back, for [`Self::lend`].
    ///
    /// # Safety
    ///
    /// `completion` is that of a receive from [`GROUP`] on the ring this was registered with, and
    /// is passed here once.
    pub(super) unsafe fn consume(&mut self, completion: &cqueue::Entry, read: impl FnOnce(&[u8])) {
        let Some(id) = cqueue::buffer_select(completion.flags()) else {
            return;
        };
        let length = usize::try_from(completion.result()).unwrap_or(0).min(SIZE);
        // SAFETY: the kernel names only ids that were lent, all below COUNT, so the offset is
        // within the allocation.
        let start = unsafe { self.storage.add(usize::from(id) * SIZE) };
        // SAFETY: a completion passes its buffer to us and the caller passes each one once, so
        // nobody writes to it until it is lent again, which is after `read` has returned. The bytes
        // are initialised: zeroed at first, then written by the kernel; `length` is at most SIZE.
        let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), length) };
        read(bytes);
        self.place(id);
    }

    /// Lends the buffers taken back since the last call, with a single store for all of them.
    pub(super) fn lend(&self) {
        // SAFETY: `entries` is the base address of the registered ring.
        let tail = unsafe { BufRingEntry::tail(self.entries.as_ptr()) };
        // SAFETY: the tail is a valid, aligned u16 that the kernel reads and only we write, and
        // both sides access it atomically.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // Release: the entries must be seen by the kernel before the tail that covers them.
        tail.store(self.tail, Ordering::Release);
    }

    /// Writes the entry for buffer `id` at the tail, which only [`Self::lend`] makes visible.
    fn place(&mut self, id: u16) {
        // SAFETY: ids are below COUNT, those from completions too, so the offset is within the
        // allocation.
        let buffer = unsafe { self.storage.add(usize::from(id) * SIZE) };
        let slot = usize::from(self.tail & (COUNT - 1));
        // SAFETY: the mask keeps `slot` below COUNT.
        let entry = unsafe { self.entries.add(slot) };
        // SAFETY: each id is in the ring at most once, so the kernel is done with this slot;
        // entries are plain integers, valid when zeroed, and nothing else points into the ring.
        let entry = unsafe { &mut *entry.as_ptr() };
        // The tail shares its bytes with a field of entry 0 that these setters leave alone.
        entry.set_addr(buffer.as_ptr() as u64);
        entry.set_len(SIZE as u32);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }
}

fn allocate(size: usize) -> io::Result<NonNull<u8>> {
    let layout = Layout::from_size_align(size, PAGE).map_err(io::Error::other)?;
    // SAFETY: both callers ask for a size above zero.
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory).map_or_else(|| handle_alloc_error(layout), Ok)
}
