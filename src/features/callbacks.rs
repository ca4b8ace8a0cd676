//! What a handler wants done at two moments of its response: before the head is fixed, and when
//! all of it is over.
//!
//! Owns the two lists and their order. When the moments have come is for the exchange to say. A
//! request that registers nothing costs a look at one flag.

use std::cell::{Cell, RefCell};
use std::fmt;

use super::ResponseFeature;
use crate::task::contained;

/// What is called at one of the moments.
type Callback = Box<dyn FnOnce(&ResponseFeature)>;

/// Both lists of one exchange. Neither has memory before something is registered.
#[derive(Default)]
pub(super) struct Callbacks {
    registered: Cell<bool>,
    starting: RefCell<Vec<Callback>>,
    completed: RefCell<Vec<Callback>>,
}

impl Callbacks {
    /// Adds to what is called before the head is fixed.
    pub(super) fn add_starting(&self, callback: Callback) {
        self.registered.set(true);
        self.starting.borrow_mut().push(callback);
    }

    /// Adds to what is called when the response is over.
    pub(super) fn add_completed(&self, callback: Callback) {
        self.registered.set(true);
        self.completed.borrow_mut().push(callback);
    }

    /// Whether anything has been registered since the last reset.
    #[inline]
    pub(super) fn are_registered(&self) -> bool {
        self.registered.get()
    }

    /// Calls what was registered for the start, the last first. A panic passes to the caller, as
    /// one of the handler does, and the rest is not called.
    #[cold]
    pub(super) fn run_starting(&self, response: &ResponseFeature) {
        // One at a time, so that a callback may register another.
        loop {
            let Some(callback) = self.starting.borrow_mut().pop() else {
                return;
            };
            callback(response);
        }
    }

    /// Calls what was registered for the end, the last first, each whatever became of those
    /// before it.
    #[cold]
    pub(super) fn run_completed(&self, response: &ResponseFeature) {
        loop {
            let Some(callback) = self.completed.borrow_mut().pop() else {
                return;
            };
            // The panic hook has reported it, and there is nobody else left to tell.
            let _: Option<()> = contained(|| callback(response));
        }
    }

    /// Forgets what was never called.
    #[inline]
    pub(super) fn reset(&self) {
        if self.registered.get() {
            self.forget();
        }
    }

    #[cold]
    fn forget(&self) {
        self.registered.set(false);
        for list in [&self.starting, &self.completed] {
            loop {
                let Some(callback) = list.borrow_mut().pop() else {
                    break;
                };
                // Dropping what it holds is the application's code too.
                let _: Option<()> = contained(|| drop(callback));
            }
        }
    }
}

/// An exchange that is dropped, not reset, must not let a panic out either.
impl Drop for Callbacks {
    fn drop(&mut self) {
        self.reset();
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("starting", &self.starting.borrow().len())
            .field("completed", &self.completed.borrow().len())
            .finish()
    }
}
