//! How long a peer may leave a response without window.
//!
//! Owns the time that one stream, or the connection, has waited for the peer, and the bytes that
//! have gone out against it. A peer that opens its window byte by byte waits no longer than one
//! that never does: every wait counts, and only bytes at the minimum rate of responses buy more.

use std::time::Duration;

use crate::http::after;
use crate::limits::DataRate;

/// The waits of one stream or of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    /// When the running wait began; `u64::MAX` when there is none.
    since: u64,
    /// Milliseconds of the waits before.
    waited: u64,
    /// Bytes that have gone out.
    bytes: u64,
}

impl Stall {
    /// No wait yet.
    pub(super) const NONE: Self = Self {
        since: u64::MAX,
        waited: 0,
        bytes: 0,
    };

    /// Counts bytes that go out.
    #[inline]
    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// There is no window. What the handler adds during a wait does not make it a new one.
    pub(super) fn begin(&mut self, now: u64) {
        self.since = self.since.min(now);
    }

    /// There is window again, or nothing to send.
    #[inline]
    pub(super) fn end(&mut self, now: u64) {
        if self.since < u64::MAX {
            self.waited = self.waited.saturating_add(now.saturating_sub(self.since));
            self.since = u64::MAX;
        }
    }

    /// Whether a wait is running.
    pub(super) fn is_running(&self) -> bool {
        self.since < u64::MAX
    }

    /// The millisecond at which the running wait is too long; `u64::MAX` for none. Without a rate
    /// each wait has the time-out for itself.
    pub(super) fn deadline(&self, timeout: Duration, rate: Option<DataRate>) -> u64 {
        if self.since == u64::MAX {
            return u64::MAX;
        }
        let Some(rate) = rate else {
            return after(self.since, timeout);
        };
        let rate = DataRate {
            grace: timeout,
            ..rate
        };
        let left = rate.allowed_ms(self.bytes).saturating_sub(self.waited);
        self.since.saturating_add(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);
    const RATE: Option<DataRate> = Some(DataRate::DEFAULT);

    #[test]
    fn all_waits_count_together() {
        let mut stall = Stall::NONE;
        assert_eq!(stall.deadline(TIMEOUT, RATE), u64::MAX);
        stall.begin(1_000);
        stall.begin(5_000);
        assert_eq!(stall.deadline(TIMEOUT, RATE), 61_000);
        stall.end(41_000);
        assert_eq!(stall.deadline(TIMEOUT, RATE), u64::MAX);
        stall.sent(1);
        stall.begin(50_000);
        assert_eq!(stall.deadline(TIMEOUT, RATE), 70_000);
        assert_eq!(stall.deadline(TIMEOUT, None), 110_000);
        stall.end(80_000);
        stall.begin(90_000);
        assert_eq!(stall.deadline(TIMEOUT, RATE), 90_000, "at once");
    }

    #[test]
    fn bytes_buy_time() {
        let mut stall = Stall::NONE;
        stall.begin(0);
        stall.end(60_000);
        stall.sent(240 * 100);
        stall.begin(70_000);
        assert_eq!(stall.deadline(TIMEOUT, RATE), 110_000);
    }
}
