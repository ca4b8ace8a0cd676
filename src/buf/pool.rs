//! The pool: which buffers exist and who holds each of them.
//!
//! Owns the region, the owner of every buffer and the list of returned ones. Knows nothing of the
//! ring that hands buffers to the kernel, nor of the bytes.

use std::cell::Cell;
use std::fmt;
use std::ptr::NonNull;
use std::rc::Rc;

use super::{BufSlice, OutOfMemory, Region};

/// Most buffers of a pool: an io_uring buffer ring has at most 2^15 entries.
const COUNT_MAX: u32 = 32_768;

/// Why a pool cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// The count is no power of two from 1 to 32,768.
    Count,
    /// The size is zero, or all buffers together exceed the address space.
    Size,
    /// The machine has not that much memory.
    OutOfMemory,
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "the number of receive buffers must be a power of two up to 32768",
            Self::Size => "the size of a receive buffer is zero or too large",
            Self::OutOfMemory => "no memory for the receive buffers",
        })
    }
}

impl From<OutOfMemory> for PoolError {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// Who may touch a buffer's memory.
#[derive(Clone, Copy)]
enum Owner {
    /// Nobody: it waits for the ring, `next` in the list of those that wait.
    Returned { next: Option<u16> },
    /// The kernel may write to it at any time.
    Kernel,
    /// That many slices read it; nobody writes.
    Slices(usize),
}

/// The receive buffers of one shard: `count` buffers of `size` bytes in one mapping.
///
/// A handle; clones mean the same pool. Not `Send`: nothing in here is atomic. Allocates nothing
/// after creation. The memory lives as long as any handle or slice does.
#[derive(Clone)]
pub(crate) struct Pool(Rc<Inner>);

pub(super) struct Inner {
    region: Region,
    size: u32,
    owners: Box<[Cell<Owner>]>,
    /// The first of the returned buffers. A list through `owners`: a return can then happen at
    /// any moment, even while the list is being taken, without a borrow that might fail.
    returned: Cell<Option<u16>>,
    in_use: Cell<usize>,
}

impl Pool {
    /// A pool whose buffers are all on the returned list, for the ring to take.
    ///
    /// # Errors
    /// `count` must be a power of two up to 32,768 and `size` above 0, in bytes.
    pub(crate) fn new(count: u32, size: u32) -> Result<Self, PoolError> {
        if !count.is_power_of_two() || count > COUNT_MAX {
            return Err(PoolError::Count);
        }
        let bytes = u64::from(count) * u64::from(size);
        let bytes = usize::try_from(bytes)
            .ok()
            .filter(|&bytes| isize::try_from(bytes).is_ok());
        let bytes = bytes.filter(|&bytes| bytes > 0).ok_or(PoolError::Size)?;
        let region = Region::new(bytes)?;
        let last = u16::try_from(count - 1).map_err(|_| PoolError::Count)?;
        let owners = (0..=last)
            .map(|id| {
                Cell::new(Owner::Returned {
                    next: (id < last).then(|| id + 1),
                })
            })
            .collect();
        Ok(Self(Rc::new(Inner {
            region,
            size,
            owners,
            returned: Cell::new(Some(0)),
            in_use: Cell::new(0),
        })))
    }

    /// How many buffers there are.
    pub(crate) fn count(&self) -> usize {
        self.0.owners.len()
    }

    /// Bytes of each buffer.
    pub(crate) fn size(&self) -> usize {
        self.0.size as usize
    }

    /// How many buffers slices hold. Zero once everything received is dropped.
    #[inline]
    pub(crate) fn in_use(&self) -> usize {
        self.0.in_use.get()
    }

    /// Whether slices hold more than three quarters of the buffers. Copy bytes out then rather
    /// than keep slices, or the kernel runs out of buffers to receive into.
    #[inline]
    pub(crate) fn is_scarce(&self) -> bool {
        self.in_use() * 4 > self.count() * 3
    }

    /// Whether a buffer waits to be given to the kernel.
    #[cfg(test)]
    pub(crate) fn has_returned(&self) -> bool {
        self.0.returned.get().is_some()
    }

    /// Hands each returned buffer to the kernel through `hand_over`, which gets its id and its
    /// first byte. Returns how many there were.
    ///
    /// From then on a buffer is the kernel's until [`Pool::filled`].
    pub(crate) fn take_returned(&self, mut hand_over: impl FnMut(u16, NonNull<u8>)) -> usize {
        let mut taken = 0;
        while let Some(id) = self.0.pop_returned(Owner::Kernel) {
            hand_over(id, self.0.address(id));
            taken += 1;
        }
        taken
    }

    /// The first `len` bytes of a buffer that the kernel has filled.
    ///
    /// `None`, and nothing changed, when the buffer is not the kernel's or has not that many
    /// bytes: no sound kernel reports such a thing.
    ///
    /// # Safety
    /// The kernel must have reported the buffer as filled since it was handed over: it will not
    /// write to it until it is handed over again.
    pub(crate) unsafe fn filled(&self, id: u16, len: usize) -> Option<BufSlice> {
        let owner = self.0.owners.get(usize::from(id))?;
        if !matches!(owner.get(), Owner::Kernel) || len > self.size() {
            return None;
        }
        Some(self.lend(id, owner, len))
    }

    /// Copies `bytes`, as many as a buffer holds, into a returned buffer: what a ring without a
    /// kernel receives with. `None` when no buffer is on the returned list.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn fill(&self, bytes: &[u8]) -> Option<BufSlice> {
        let id = self.0.pop_returned(Owner::Slices(0))?;
        let owner = self.0.owners.get(usize::from(id))?;
        let len = bytes.len().min(self.size());
        let to = self.0.address(id).as_ptr();
        // SAFETY: the buffer has just left the returned list, so neither the kernel nor a slice
        // touches it; it has room for `len` bytes, and `bytes`, a shared slice, is elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, len) };
        Some(self.lend(id, owner, len))
    }

    /// A returned buffer, whole, to be written to by who asks: it comes back with its last slice, and
    /// the kernel never sees it unless this pool is given to a ring. What is in it is zeros or what
    /// it held before. `None` when no buffer is on the returned list.
    pub(crate) fn blank(&self) -> Option<BufSlice> {
        let id = self.0.pop_returned(Owner::Slices(0))?;
        let owner = self.0.owners.get(usize::from(id))?;
        Some(self.lend(id, owner, self.size()))
    }

    /// Keeps the memory mapped for ever. For a ring that goes away while the kernel may still
    /// write to it: a leak is the price of never freeing memory that somebody writes to.
    pub(crate) fn leak(self) {
        std::mem::forget(self);
    }

    fn lend(&self, id: u16, owner: &Cell<Owner>, len: usize) -> BufSlice {
        owner.set(Owner::Slices(1));
        self.0.in_use.set(self.0.in_use.get() + 1);
        BufSlice::first(Rc::clone(&self.0), id, self.0.address(id), len)
    }
}

impl Inner {
    /// The first byte of buffer `id`, which must exist.
    fn address(&self, id: u16) -> NonNull<u8> {
        debug_assert!(usize::from(id) < self.owners.len());
        let offset = usize::from(id) * self.size as usize;
        // SAFETY: ids come from `owners`, so the offset is below `count * size`, the length of
        // the region, which was checked to fit `isize`.
        unsafe { self.region.base().add(offset) }
    }

    fn pop_returned(&self, owner: Owner) -> Option<u16> {
        let id = self.returned.get()?;
        let slot = self.owners.get(usize::from(id))?;
        let Owner::Returned { next } = slot.get() else {
            debug_assert!(false, "the returned list holds returned buffers");
            return None;
        };
        self.returned.set(next);
        slot.set(owner);
        Some(id)
    }

    /// Whether exactly one slice is over buffer `id`.
    #[inline]
    pub(super) fn is_unique(&self, id: u16) -> bool {
        self.owners
            .get(usize::from(id))
            .is_some_and(|slot| matches!(slot.get(), Owner::Slices(1)))
    }

    /// One more slice over buffer `id`.
    #[inline]
    pub(super) fn hold(&self, id: u16) {
        if let Some(slot) = self.owners.get(usize::from(id))
            && let Owner::Slices(slices) = slot.get()
        {
            // Cannot overflow: each slice also counts as a reference of the `Rc`, which aborts
            // first.
            slot.set(Owner::Slices(slices + 1));
        }
    }

    /// One slice less over buffer `id`; the last one returns it.
    #[inline]
    pub(super) fn release(&self, id: u16) {
        if let Some(slot) = self.owners.get(usize::from(id))
            && let Owner::Slices(slices) = slot.get()
        {
            if slices > 1 {
                slot.set(Owner::Slices(slices - 1));
            } else {
                slot.set(Owner::Returned {
                    next: self.returned.get(),
                });
                self.returned.set(Some(id));
                self.in_use.set(self.in_use.get() - 1);
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("count", &self.count())
            .field("size", &self.size())
            .field("in_use", &self.in_use())
            .finish()
    }
}
