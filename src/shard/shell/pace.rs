//! When the executor gets its next turn.

use std::time::{Duration, Instant};

/// The shortest time between two turns of the executor. Each costs some ten microseconds, so
/// handlers that keep it busy cost the shard a fifth at most.
pub(super) const SHORTEST: Duration = Duration::from_micros(50);

/// The longest: how late a completion of the executor's may be noticed.
pub(super) const LONGEST: Duration = Duration::from_micros(850);

/// Turns of the executor while somebody waits for it: often at first, as most waits are short,
/// then half as often each time, down to [`LONGEST`]. A completion is so noticed no later than
/// after as long again as it took.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// Whether somebody has begun to wait since its last turn.
    fresh: bool,
    /// When the executor had its last turn.
    last: Option<Instant>,
    /// The count of foreign registrations that it has seen.
    seen: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            interval: SHORTEST,
            fresh: true,
            last: None,
            seen: 0,
        }
    }

    /// How long the driver may sleep at `now` until the executor is due; zero if it is due.
    pub(super) fn until_due(&mut self, now: Instant, registrations: u64) -> Duration {
        if self.seen != registrations {
            self.seen = registrations;
            self.interval = SHORTEST;
            self.fresh = true;
        }
        match self.last {
            Some(last) => (last + self.interval).saturating_duration_since(now),
            None => Duration::ZERO,
        }
    }

    /// The executor has had a turn, which ended at `now`.
    pub(super) fn passed(&mut self, now: Instant) {
        if !self.fresh {
            self.interval = (self.interval * 2).min(LONGEST);
        }
        self.fresh = false;
        self.last = Some(now);
    }
}
