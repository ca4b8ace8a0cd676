//! Things of an application that panic, or make calls, when the server touches them: values, errors,
//! wakers.
//!
//! Knows nothing of when they are given to the server.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread;

use lanner::http::HttpContext;

use super::calls::{Call, poll_once};

/// What every panic of this test says.
pub(super) const SAID: &str = "a test's panic";

/// Panics when it is dropped, also while another panic is on its way: for what is given to the
/// server, which has to bear both.
#[derive(Clone)]
pub(super) struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("{SAID}");
    }
}

/// Panics when it is dropped, unless that would end the process: for what a handler keeps.
pub(super) struct Cracker;

impl Drop for Cracker {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic_any(Explosive);
        }
    }
}

/// Makes a call when it is dropped, and then panics, unless that would end the process.
pub(super) struct Bomb {
    pub(super) context: HttpContext,
    pub(super) call: Call,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        drop(poll_once(self.call.begin(&mut self.context)));
        if !thread::panicking() {
            panic_any(Explosive);
        }
    }
}

thread_local! {
    /// The context of a request that is over.
    pub(super) static STASH: RefCell<Option<HttpContext>> = const { RefCell::new(None) };
    /// The context and the call of a waker.
    pub(super) static AMBUSH: RefCell<Option<(HttpContext, Call)>> = const { RefCell::new(None) };
}

/// An error whose own code panics.
pub(super) struct Nasty;

impl fmt::Debug for Nasty {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic_any(Explosive)
    }
}

impl fmt::Display for Nasty {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic_any(Explosive)
    }
}

impl Error for Nasty {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        panic_any(Explosive)
    }
}

impl Drop for Nasty {
    fn drop(&mut self) {
        panic_any(Explosive);
    }
}

/// Polls once with such a waker; a panic of it is not this handler's end yet.
pub(super) fn ambush<F: Future>(
    future: Pin<&mut F>,
) -> Result<Poll<F::Output>, Box<dyn Any + Send>> {
    let waker = nasty_waker();
    let polled = catch_unwind(AssertUnwindSafe(|| {
        future.poll(&mut Context::from_waker(&waker))
    }));
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    // Neither payload may be dropped here: they panic.
    mem::forget(dropped);
    polled.map_err(|payload| {
        mem::forget(payload);
        Box::new(()) as Box<dyn Any + Send>
    })
}

thread_local! {
    /// Whether it makes the call in its clone, or else in its wake and its drop.
    pub(super) static IN_CLONE: Cell<bool> = const { Cell::new(false) };
}

static NASTY: RawWakerVTable = RawWakerVTable::new(nasty_clone, nasty_call, nasty_call, nasty_call);

fn nasty_waker() -> Waker {
    // SAFETY: the functions of the table use no data, and every thread may call them at any time.
    unsafe { Waker::new(std::ptr::null(), &NASTY) }
}

fn nasty_clone(data: *const ()) -> RawWaker {
    if IN_CLONE.get() {
        spring();
    }
    RawWaker::new(data, &NASTY)
}

fn nasty_call(_: *const ()) {
    if !IN_CLONE.get() {
        spring();
    }
}

fn spring() {
    // Elsewhere taken, or the thread is at its end.
    let taken = AMBUSH.try_with(|ambush| ambush.try_borrow_mut().ok()?.take());
    if let Ok(Some((mut context, call))) = taken {
        drop(poll_once(call.begin(&mut context)));
        AMBUSH.set(Some((context, call)));
    }
    if !thread::panicking() {
        panic_any(Explosive);
    }
}
