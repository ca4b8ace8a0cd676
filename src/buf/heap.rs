//! The heap, as far as the allocator does not give it back by itself.
//!
//! glibc returns free memory to the system only from the end of each arena: one block that is in use
//! behind a burst of others keeps all of them. Asked to, it lets go of every page that is free
//! anywhere. Other allocators have clocks of their own for that.

/// Has the allocator give back what it holds for nothing. Takes a while with a large heap, during
/// which nobody allocates from the part that is being looked through.
#[cfg(target_env = "gnu")]
pub(crate) fn release_heap() {
    // SAFETY: touches free memory of the allocator's only, and may be called on any thread at any
    // time.
    unsafe { libc::malloc_trim(0) };
}

/// Nothing: how it is asked is not known.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn release_heap() {}
