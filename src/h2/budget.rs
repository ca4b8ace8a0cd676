//! What a peer may do that costs it little and the server more.
//!
//! Owns the counts of one connection within a window of time. The limits are settings; what a
//! passed one means is in the violation's name.

use super::error::{ConnectionError, Violation};
use crate::limits::{FLOOD_WINDOW_MS, FloodLimits};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cheap {
    /// A stream was reset by the peer before its answer, or by us for the peer's mistake.
    Reset,
    /// A SETTINGS frame.
    Settings,
    /// A PING frame.
    Ping,
    /// A PRIORITY, PRIORITY_UPDATE or unknown frame.
    Priority,
    /// A DATA frame without content that does not end its stream.
    EmptyData,
    /// A WINDOW_UPDATE frame.
    WindowUpdate,
    /// A DATA frame with next to no content that does not end its stream.
    TinyData,
}

const KINDS: usize = 7;

/// The counts of one connection.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// When the window began.
    since: u64,
    spent: [u32; KINDS],
}

impl Budget {
    /// Counts one, and fails when that is one too many.
    pub(super) fn charge(
        &mut self,
        cheap: Cheap,
        now: u64,
        limits: &FloodLimits,
    ) -> Result<(), ConnectionError> {
        if now.saturating_sub(self.since) >= FLOOD_WINDOW_MS {
            self.since = now;
            self.spent = [0; KINDS];
        }
        let (max, violation) = match cheap {
            Cheap::Reset => (limits.resets_max, Violation::ResetFlood),
            Cheap::Settings => (limits.settings_max, Violation::SettingsFlood),
            Cheap::Ping => (limits.pings_max, Violation::PingFlood),
            Cheap::Priority => (limits.priorities_max, Violation::PriorityFlood),
            Cheap::EmptyData => (limits.empty_data_max, Violation::EmptyDataFlood),
            Cheap::WindowUpdate => (limits.window_updates_max, Violation::WindowUpdateFlood),
            Cheap::TinyData => (limits.tiny_data_max, Violation::TinyDataFlood),
        };
        let Some(spent) = self.spent.get_mut(cheap as usize) else {
            return Ok(());
        };
        *spent = spent.saturating_add(1);
        if *spent > max {
            Err(ConnectionError(violation))
        } else {
            Ok(())
        }
    }

    /// Takes back what an honest peer does in return for something.
    #[inline]
    pub(super) fn refund(&mut self, cheap: Cheap, count: u32) {
        if let Some(spent) = self.spent.get_mut(cheap as usize) {
            *spent = spent.saturating_sub(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_budget_and_the_window_ends() {
        let limits = FloodLimits {
            pings_max: 2,
            settings_max: 1,
            ..FloodLimits::DEFAULT
        };
        let mut budget = Budget::default();
        let mut charge = |cheap, now| budget.charge(cheap, now, &limits).map_err(|e| e.0);
        assert_eq!(charge(Cheap::Ping, 0), Ok(()));
        assert_eq!(charge(Cheap::Settings, 0), Ok(()));
        assert_eq!(charge(Cheap::Ping, 4_999), Ok(()));
        assert_eq!(charge(Cheap::Ping, 4_999), Err(Violation::PingFlood));
        assert_eq!(
            charge(Cheap::Settings, 4_999),
            Err(Violation::SettingsFlood)
        );
        assert_eq!(charge(Cheap::Ping, 5_000), Ok(()));
        assert_eq!(charge(Cheap::Settings, 5_000), Ok(()));
    }

    #[test]
    fn what_is_earned_is_not_counted() {
        let limits = FloodLimits {
            window_updates_max: 2,
            ..FloodLimits::DEFAULT
        };
        let mut budget = Budget::default();
        for _ in 0..100 {
            assert!(budget.charge(Cheap::WindowUpdate, 0, &limits).is_ok());
            budget.refund(Cheap::WindowUpdate, 2);
        }
        assert!(budget.charge(Cheap::WindowUpdate, 0, &limits).is_ok());
        assert!(budget.charge(Cheap::WindowUpdate, 0, &limits).is_ok());
        assert!(budget.charge(Cheap::WindowUpdate, 0, &limits).is_err());
    }
}
