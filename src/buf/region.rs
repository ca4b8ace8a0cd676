//! Page-aligned memory that never moves.
//!
//! Owns one anonymous mapping, zeroed at first. Knows nothing of buffers: the pool and the buffer
//! ring lay out what is inside.

use std::fmt;
use std::ptr::NonNull;

/// The machine has no memory left for a mapping of the wanted size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")
    }
}

/// `len` bytes from a page-aligned address, all initialised, unmapped on drop.
///
/// Hands out a raw pointer only: who may read or write when is the business of its user, because
/// the kernel is one of the writers.
#[derive(Debug)]
pub(crate) struct Region {
    base: NonNull<u8>,
    /// Bytes to unmap; 0 once leaked.
    len: usize,
}

impl Region {
    /// Maps `len` zero bytes. Pages cost memory once they are touched.
    ///
    /// # Errors
    /// [`OutOfMemory`] when the kernel has no room, or when `len` is 0.
    pub(crate) fn new(len: usize) -> Result<Self, OutOfMemory> {
        let base = map(len).ok_or(OutOfMemory)?;
        Ok(Self { base, len })
    }

    /// The first byte. Valid for reads and writes of the region's length until the region drops.
    pub(crate) const fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Keeps the memory mapped for ever, even after this value drops.
    pub(crate) const fn leak(&mut self) {
        self.len = 0;
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.len > 0 {
            unmap(self.base, self.len);
        }
    }
}

#[cfg(not(miri))]
fn map(len: usize) -> Option<NonNull<u8>> {
    // SAFETY: an anonymous private mapping at an address of the kernel's choice touches no memory
    // that exists already; a bad length is an error, not undefined.
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        None
    } else {
        NonNull::new(address.cast())
    }
}

#[cfg(not(miri))]
fn unmap(base: NonNull<u8>, len: usize) {
    // SAFETY: `base` and `len` are one whole mapping of `map`, and its only owner is being
    // dropped.
    let result = unsafe { libc::munmap(base.as_ptr().cast(), len) };
    debug_assert_eq!(result, 0, "the mapping is ours");
}

/// What Miri offers in place of a mapping.
#[cfg(miri)]
fn layout(len: usize) -> Option<std::alloc::Layout> {
    const PAGE: usize = 4096;
    std::alloc::Layout::from_size_align(len, PAGE)
        .ok()
        .filter(|layout| layout.size() > 0)
}

#[cfg(miri)]
fn map(len: usize) -> Option<NonNull<u8>> {
    let layout = layout(len)?;
    // SAFETY: the layout has a size above zero.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })
}

#[cfg(miri)]
fn unmap(base: NonNull<u8>, len: usize) {
    if let Some(layout) = layout(len) {
        // SAFETY: `base` was allocated by `map` with the same layout.
        unsafe { std::alloc::dealloc(base.as_ptr(), layout) };
    }
}
