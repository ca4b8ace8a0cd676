//! When the executor gets its next turn.

use std::time::{Duration, Instant};

/// The least time between two turns of the executor. Each costs some 15 microseconds, so handlers
/// that keep the executor busy leave the shard three quarters of its time at least.
const SHORTEST: Duration = Duration::from_micros(50);

/// The most time that a sleeping shard lets pass. A completion of the executor's is noticed within
/// it, and a millisecond is what may go by until it has reached its handler.
const LONGEST: Duration = Duration::from_micros(850);

/// Turns of the executor while somebody waits for it.
///
/// Frequent at first, as most waits are short, and half as often each time down to one in
/// 850 microseconds. A shard that is awake has a turn for the executor after two thirds of the
/// interval already: that leaves a busy one room for its own turns within the millisecond, and
/// spares one with little to do a wake.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// When the executor had its last turn.
    last: Option<Instant>,
    /// How many foreign waits had ever begun when this looked last.
    registrations: u64,
    /// Whether any has begun since the executor's last turn.
    fresh: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            interval: SHORTEST,
            last: None,
            registrations: 0,
            fresh: true,
        }
    }

    /// Takes note of how many foreign waits have ever begun: a new one resets the interval.
    pub(super) fn observe(&mut self, registrations: u64) {
        if self.registrations != registrations {
            self.registrations = registrations;
            self.interval = SHORTEST;
            self.fresh = true;
        }
    }

    /// How long the shard may sleep at `now`.
    pub(super) fn sleep(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |last| {
            (last + self.interval).saturating_duration_since(now)
        })
    }

    /// Whether the executor gets a turn from a shard that is awake at `now`.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let awake = (self.interval * 2 / 3).max(SHORTEST);
        self.last
            .is_none_or(|last| now.saturating_duration_since(last) >= awake)
    }

    /// Takes note of a turn of the executor that ended at `now`.
    pub(super) fn turned(&mut self, now: Instant) {
        self.last = Some(now);
        if !self.fresh {
            self.interval = (self.interval * 2).min(LONGEST);
        }
        self.fresh = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    #[test]
    fn sleeps_grow_to_the_longest_and_a_new_wait_resets_them() {
        let mut now = Instant::now();
        let mut pace = Pace::new();
        pace.observe(1);
        assert_eq!(pace.sleep(now), Duration::ZERO);
        let mut sleeps = Vec::new();
        for _ in 0..7 {
            assert!(pace.is_due(now));
            pace.turned(now);
            sleeps.push(pace.sleep(now));
            now += pace.sleep(now);
        }
        assert_eq!(sleeps, [50, 100, 200, 400, 800, 850, 850].map(micros));
        pace.turned(now);
        pace.observe(2);
        assert_eq!(pace.sleep(now), SHORTEST);
        pace.turned(now);
        assert_eq!(pace.sleep(now), SHORTEST);
    }

    #[test]
    fn an_awake_shard_need_not_wait_for_the_whole_interval() {
        let start = Instant::now();
        let mut pace = Pace::new();
        for _ in 0..7 {
            pace.turned(start);
        }
        assert!(!pace.is_due(start + micros(566)));
        assert!(pace.is_due(start + micros(567)));
        assert_eq!(pace.sleep(start + micros(800)), micros(50));
        pace.observe(1);
        assert!(!pace.is_due(start + micros(49)));
        assert!(pace.is_due(start + micros(50)));
    }
}
