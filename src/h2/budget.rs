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
    /// A frame that nothing comes of: of a stream that is closed or was refused, or said twice.
    Unwanted,
}

const KINDS: usize = 8;

/// WINDOW_UPDATEs that DATA under way may still cause: that of a window of 64 MiB, one for each
/// KiB.
const EARNED_MAX: u32 = 65_536;

/// Bytes of DATA for which a peer may send a WINDOW_UPDATE: a quarter of what the smallest windows
/// in use have, and twenty times the frame.
const BYTES_FOR_UPDATE: usize = 256;

/// The counts of one connection.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// When the window began.
    since: u64,
    spent: [u32; KINDS],
    /// WINDOW_UPDATEs that are not counted.
    earned: u32,
    /// Bytes that went out and have not earned one yet.
    unearned: usize,
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
        if cheap == Cheap::WindowUpdate && self.earned > 0 {
            self.earned -= 1;
            return Ok(());
        }
        let (max, violation) = match cheap {
            Cheap::Reset => (limits.resets_max, Violation::ResetFlood),
            Cheap::Settings => (limits.settings_max, Violation::SettingsFlood),
            Cheap::Ping => (limits.pings_max, Violation::PingFlood),
            Cheap::Priority => (limits.priorities_max, Violation::PriorityFlood),
            Cheap::EmptyData => (limits.empty_data_max, Violation::EmptyDataFlood),
            Cheap::WindowUpdate => (limits.window_updates_max, Violation::WindowUpdateFlood),
            Cheap::Unwanted => (limits.unwanted_max, Violation::UnwantedFlood),
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

    /// DATA went out, so WINDOW_UPDATEs will come: two for each frame, for its stream and for the
    /// connection, or one for each 256 bytes from those that read in small pieces. `frames` are those
    /// that were not cut short by a window: who opens it byte by byte earns by bytes alone.
    #[inline]
    pub(super) fn earn(&mut self, frames: u32, bytes: usize) {
        let bytes = self.unearned.saturating_add(bytes);
        // No more than can be earned at all, so that the sum does not overflow.
        let pieces = (bytes / BYTES_FOR_UPDATE).min(EARNED_MAX as usize) as u32;
        self.unearned = bytes % BYTES_FOR_UPDATE;
        let earned = 2 * frames.min(EARNED_MAX) + pieces;
        self.earned = (self.earned + earned).min(EARNED_MAX);
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
        let charge = |budget: &mut Budget| budget.charge(Cheap::WindowUpdate, 0, &limits);
        let mut budget = Budget::default();
        budget.earn(1, 10 * BYTES_FOR_UPDATE);
        for _ in 0..12 + 2 {
            assert_eq!(charge(&mut budget), Ok(()));
        }
        assert!(charge(&mut budget).is_err());
        // Small pieces add up, but a window that is opened byte by byte earns next to nothing.
        let mut budget = Budget::default();
        for _ in 0..BYTES_FOR_UPDATE {
            budget.earn(0, 1);
        }
        assert_eq!(charge(&mut budget), Ok(()));
        for _ in 0..2 {
            assert_eq!(charge(&mut budget), Ok(()));
        }
        assert!(charge(&mut budget).is_err());
        let mut budget = Budget::default();
        budget.earn(u32::MAX, usize::MAX);
        for _ in 0..EARNED_MAX + 2 {
            assert_eq!(charge(&mut budget), Ok(()));
        }
        assert!(charge(&mut budget).is_err());
    }
}
