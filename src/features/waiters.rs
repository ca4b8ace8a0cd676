//! Those who wait for one fact of the shard's: the end of a request, a shut-down.
//!
//! Owns their places, which are used again, so that waiting over and over allocates nothing and
//! costs the same however many wait. Knows nothing of what they wait for.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;

use crate::task::Parked;

/// The places of all futures that wait for one fact.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    places: RefCell<Places>,
    /// Whether anybody has taken a place since they were all forgotten.
    used: Cell<bool>,
}

#[derive(Debug, Default)]
struct Places {
    parked: Vec<Option<Parked>>,
    free: Vec<usize>,
}

impl Waiters {
    /// Waits until `holds` is true, which is asked again whenever all are woken.
    pub(super) async fn until(&self, holds: impl Fn() -> bool) {
        let mut place = Place {
            waiters: self,
            index: None,
        };
        poll_fn(|cx| {
            if holds() {
                return Poll::Ready(());
            }
            place.take(Parked::from_context(cx));
            Poll::Pending
        })
        .await;
    }

    /// Wakes all of them.
    pub(super) fn wake(&self) {
        if !self.used.get() {
            return;
        }
        for parked in self
            .places
            .borrow_mut()
            .parked
            .iter_mut()
            .filter_map(Option::take)
        {
            parked.wake();
        }
    }

    /// Nobody waits any more: what is left are places of futures that were never dropped.
    #[inline]
    pub(super) fn reset(&self) {
        if self.used.get() {
            self.forget();
        }
    }

    #[cold]
    fn forget(&self) {
        self.used.set(false);
        let mut places = self.places.borrow_mut();
        places.parked.clear();
        places.free.clear();
    }
}

/// The place of one future.
struct Place<'a> {
    waiters: &'a Waiters,
    index: Option<usize>,
}

impl Place<'_> {
    fn take(&mut self, parked: Parked) {
        self.waiters.used.set(true);
        let mut places = self.waiters.places.borrow_mut();
        let index = *self.index.get_or_insert_with(|| {
            places.free.pop().unwrap_or_else(|| {
                places.parked.push(None);
                places.parked.len() - 1
            })
        });
        if let Some(place) = places.parked.get_mut(index) {
            *place = Some(parked);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(index) = self.index {
            let mut places = self.waiters.places.borrow_mut();
            if let Some(place) = places.parked.get_mut(index) {
                *place = None;
                places.free.push(index);
            }
        }
    }
}
