//! Running the application's code so that its panics stay its own, dropping what it has made included.
//!
//! Whatever is called here must find nothing of the shard's borrowed: it may call anything that a
//! handler may. What Rust itself cannot contain is a second panic of the application's own values while
//! they are dropped by a first one: that ends the process, whoever catches.

use std::any::Any;
use std::fmt;
use std::mem::{self, ManuallyDrop};
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

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

/// A value of the application's that is dropped where a panic must not come out: in the driver, or
/// while another panic is on its way, when a second one would end the process.
///
/// A contained future answers nothing in place of its output when its poll panics.
pub(crate) struct Contained<T>(ManuallyDrop<T>);

impl<T> Contained<T> {
    /// Contains a value.
    #[inline]
    pub(crate) fn new(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }

    /// The value for whoever may let it panic.
    #[inline]
    pub(crate) fn into_inner(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped and ends here, so the value is neither used nor dropped by it
        // again.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl<T> Deref for Contained<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Contained<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Clone> Clone for Contained<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Contained<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Option<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the future is pinned with what contains it: nothing here moves it, `into_inner` takes
        // `self` by value, which a pinned one cannot be, and the drop below is in place.
        let future = unsafe { self.map_unchecked_mut(|this| &mut *this.0) };
        match contained(|| future.poll(cx)) {
            Some(polled) => polled.map(Some),
            None => Poll::Ready(None),
        }
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            let _: Option<()> = contained(|| {
                // SAFETY: this is the drop of what contains it, which happens once, and nothing comes
                // after it. A panic leaves it dropped all the same.
                unsafe { ManuallyDrop::drop(&mut self.0) }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::panic::panic_any;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::{Contained, contained};

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

    #[test]
    fn what_is_contained_drops_in_peace() {
        drop(Contained::new(Explosive));
        assert_eq!(Contained::new(1).into_inner(), 1);
        // While another panic is on its way, a second one that came out would end the process.
        let panicked = contained(|| {
            let _held = Contained::new(Explosive);
            panic!("a test's panic");
        });
        assert_eq!(panicked, None);
    }

    #[test]
    fn a_contained_future_ends_in_peace() {
        let mut cx = Context::from_waker(Waker::noop());
        let value = pin!(Contained::new(ready(1))).poll(&mut cx);
        assert_eq!(value, Poll::Ready(Some(1)));
        let panicked: Poll<Option<u8>> =
            pin!(Contained::new(async { panic!("a test's panic") })).poll(&mut cx);
        assert_eq!(panicked, Poll::Ready(None));
        let explosive = Explosive;
        drop(Contained::new(async move { drop(explosive) }));
    }
}
