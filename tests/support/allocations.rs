//! The allocator of tests that count allocations: each thread has a count of its own.
//!
//! Not a part of `support`: only a program that counts is to have it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lanner::{HttpContext, ResponseError};

/// Counts, and passes everything on.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread on its way out has no counter any more, and nobody asks it.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator unchanged, so its promises hold.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the calling thread has allocated so far.
pub(crate) fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// How many requests of [`fill_table`] it takes: as many lines as a table of 4 KiB has room for
/// when they are short, then as much text when they are long.
pub(crate) const FILLING: usize = 200;
const SHORT_LINES: usize = 128;

/// Answers with a field that has never been there before.
///
/// The compression table of a connection grows until it is full, a little with each second that
/// `Date` names. A test that fills it beforehand comes to the same on a slow machine as on a fast
/// one.
pub(crate) fn fill_table(ctx: &HttpContext) -> Result<(), ResponseError> {
    thread_local! {
        static FILLED: Cell<usize> = const { Cell::new(0) };
    }
    let number = FILLED.replace(FILLED.get() + 1);
    let width = if number < SHORT_LINES { 3 } else { 60 };
    ctx.response().set_field("x", format!("{number:0width$}"))
}
