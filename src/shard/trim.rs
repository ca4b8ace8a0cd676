//! Memory that goes back after a burst.
//!
//! Owns when a shard looks at what its pools have kept for nothing, and at how many connections and
//! handlers have gone. A shard that has had none sleeps on: nothing here wakes it.

use super::driver::{Clock, Shard};
use crate::buf::release_heap;
use crate::http::HttpContext;
use crate::limits::{TRIM_INTERVAL_MS, TRIM_MIN};
use crate::ring::Ring;

impl<R, C, H, F> Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    /// Lets go of what was in nobody's use since the last time, if it is time, and sees to it that
    /// it will be if there is more than pools keep anyway.
    #[inline]
    pub(super) fn settle_memory(&mut self) {
        let held = self.slots.len() + self.tasks.len();
        self.held_max = self.held_max.max(held);
        let grown = self.held_max >= held + TRIM_MIN
            || self.resources.has_grown()
            || self.world.exchanges.has_grown();
        if grown && self.world.now >= self.trim_at {
            self.trim();
        } else if grown && self.trim_at == u64::MAX {
            self.trim_at = self.world.now.saturating_add(TRIM_INTERVAL_MS);
        }
        if !grown {
            self.trim_at = u64::MAX;
        }
    }

    #[cold]
    fn trim(&mut self) {
        self.trim_at = self.world.now.saturating_add(TRIM_INTERVAL_MS);
        let held = self.slots.len() + self.tasks.len();
        let gone = self.held_max.saturating_sub(held);
        self.held_max = held;
        let dropped = self.resources.trim() + self.world.exchanges.trim();
        if gone + dropped >= TRIM_MIN {
            release_heap();
        }
    }
}
