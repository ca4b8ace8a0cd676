//! The clock of a real shard.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::shard::Clock;

/// Time since the shard was made, and the time of day.
pub(super) struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    pub(super) fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn millis(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn unix_seconds(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}
