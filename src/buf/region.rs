//! Page-aligned memory that never moves.
//!
//! Owns one anonymous mapping, zeroed at first, and the wish for huge pages where it has room for one.
//! Knows nothing of buffers: the pool and the buffer ring lay out what is inside.

use std::fmt;
use std::ptr::NonNull;

/// Bytes of a huge page on x86-64, and on AArch64 with pages of 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

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
    /// The mapping that `base` lies in.
    mapping: NonNull<u8>,
    /// Bytes to unmap; 0 once leaked.
    mapped: usize,
}

impl Region {
    /// Maps `len` zero bytes. Pages cost memory once they are touched.
    ///
    /// A region with room for a huge page begins at the address of one and asks for them: the kernel
    /// goes through all receive buffers in turn, and one page in place of 512 took 8% off a small
    /// request. Where the machine has none to give, pages are small.
    ///
    /// # Errors
    /// [`OutOfMemory`] when the kernel has no room, or when `len` is 0.
    pub(crate) fn new(len: usize) -> Result<Self, OutOfMemory> {
        let slack = if len < HUGE_PAGE { 0 } else { HUGE_PAGE };
        let mapped = len.checked_add(slack).ok_or(OutOfMemory)?;
        let mapping = map(mapped).ok_or(OutOfMemory)?;
        let base = match slack {
            0 => mapping,
            _ => huge(mapping, len),
        };
        Ok(Self {
            base,
            mapping,
            mapped,
        })
    }

    /// The first byte. Valid for reads and writes of the region's length until the region drops.
    pub(crate) const fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Keeps the memory mapped for ever, even after this value drops.
    pub(crate) const fn leak(&mut self) {
        self.mapped = 0;
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.mapped > 0 {
            unmap(self.mapping, self.mapped);
        }
    }
}

/// The first address of a huge page in `mapping`, which has a huge page's bytes more than `len`; asks
/// for huge pages from there.
fn huge(mapping: NonNull<u8>, len: usize) -> NonNull<u8> {
    let skipped = mapping.as_ptr().align_offset(HUGE_PAGE).min(HUGE_PAGE);
    // SAFETY: `skipped` is at most what the mapping has beyond `len`, so this stays inside.
    let base = unsafe { mapping.add(skipped) };
    advise(base, len);
    base
}

#[cfg(not(miri))]
fn advise(base: NonNull<u8>, len: usize) {
    // SAFETY: the range is inside a mapping of ours that nobody uses yet, and its contents stay what
    // they are. Advice that the kernel does not take, as one without huge pages, changes nothing.
    unsafe { libc::madvise(base.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
}

#[cfg(miri)]
const fn advise(_: NonNull<u8>, _: usize) {}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(region: &Region) -> usize {
        region.base().as_ptr().addr()
    }

    #[test]
    fn room_for_a_huge_page_begins_at_one() {
        for len in [HUGE_PAGE, HUGE_PAGE + 1, 3 * HUGE_PAGE] {
            let region = Region::new(len).unwrap();
            assert!(address(&region).is_multiple_of(HUGE_PAGE), "{len}");
            // SAFETY: the last byte is inside the region.
            let last = unsafe { region.base().add(len - 1) };
            // SAFETY: it is mapped, and nobody else uses it.
            unsafe { last.write(1) };
        }
        let small = Region::new(HUGE_PAGE - 1).unwrap();
        assert_eq!(small.base(), small.mapping);
        assert_eq!(Region::new(usize::MAX).unwrap_err(), OutOfMemory);
    }

    #[test]
    #[cfg_attr(miri, ignore = "reads /proc")]
    fn huge_pages_are_asked_for_from_there() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            return;
        }
        let region = Region::new(HUGE_PAGE).unwrap();
        let start = format!("{:x}-", address(&region));
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let own = maps.lines().skip_while(|line| !line.starts_with(&start));
        let flags = own.skip(1).find(|line| line.starts_with("VmFlags:"));
        assert!(flags.unwrap().contains(" hg"), "{flags:?}");
    }
}
