//! Running the application's code so that its panics stay its own.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of the application; nothing if it panicked. No panic passes, not even one of what the
/// panic carried. What the code was changing is the caller's to drop or to make whole.
#[inline]
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(panic) => {
            discard(panic);
            None
        }
    }
}

/// Drops what a panic carried. The panic hook has reported it already.
#[cold]
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // The payload panics when dropped, and so may the next: leaking it ends the chain.
        mem::forget(again);
    }
}
