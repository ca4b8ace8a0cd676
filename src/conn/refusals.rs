//! What the operator is told of clients whose certificates are refused.
//!
//! Owns how often, so that a flood of refusals is no flood of lines. Knows no connection.

use crate::journal;
use crate::limits::REFUSALS_SAID_MAX;
use crate::tls::ClientRefusal;

/// Milliseconds within which [`REFUSALS_SAID_MAX`] counts.
const SECOND_MS: u64 = 1000;

/// The refusals of a shard.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// When the current second began.
    since: u64,
    /// Said in it.
    said: u32,
    /// Not said since the last that was.
    unsaid: u64,
}

impl Refusals {
    /// Says one, if there is room for it.
    pub(super) fn say(&mut self, refusal: &ClientRefusal, now: u64) {
        match self.admit(now) {
            None => {}
            Some(0) => journal::say_now(refusal),
            Some(unsaid) => journal::say_now(format_args!(
                "{refusal}; so were {unsaid} before it that are not listed"
            )),
        }
    }

    /// Whether one is said, and how many were not before it.
    fn admit(&mut self, now: u64) -> Option<u64> {
        if now.saturating_sub(self.since) >= SECOND_MS {
            (self.since, self.said) = (now, 0);
        }
        if self.said >= REFUSALS_SAID_MAX {
            self.unsaid += 1;
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_counted_and_not_listed() {
        let mut refusals = Refusals::default();
        for second in 1..4 {
            let now = second * SECOND_MS;
            let left_out = if second == 1 { 0 } else { 5 };
            assert_eq!(refusals.admit(now), Some(left_out));
            for _ in 1..REFUSALS_SAID_MAX {
                assert_eq!(refusals.admit(now + 1), Some(0));
            }
            for late in 0..5 {
                assert_eq!(refusals.admit(now + late), None);
            }
        }
    }
}
