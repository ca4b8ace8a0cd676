//! Running the application's code so that its panics stay its own.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of the application; nothing if it panicked. No panic passes, not even one of what the
/// panic carried. What the code was changing is the caller's to drop or to make whole.
#[inline(always)]
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

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::contained;

    /// Panics when it is dropped.
    struct Explosive;

    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("a test's panic");
        }
    }

    #[test]
    fn a_value_comes_out_and_a_panic_does_not() {
        assert_eq!(contained(|| 1), Some(1));
        assert_eq!(contained(|| -> u8 { panic!("a test's panic") }), None);
        assert_eq!(contained(|| drop(Explosive)), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "leaks what cannot be dropped, on purpose; Miri tells")]
    fn what_a_panic_carries_may_panic_too() {
        assert_eq!(contained(|| -> u8 { panic_any(Explosive) }), None);
    }
}
