//! How long a peer may leave a response without window.
//!
//! Owns the time that one stream, or the connection, has waited for the peer. A peer that opens its
//! window byte by byte has no more of it than one that never does: waits add up, and only bytes at
//! the minimum rate of responses take them back.

use std::time::Duration;

use crate::http::after;
use crate::limits::DataRate;

/// The waits of one stream or of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    /// When the running wait began; `u64::MAX` when there is none.
    since: u64,
    /// Milliseconds of the waits before that no bytes have taken back.
    waited: u64,
    /// Bytes that have gone out since the last wait began.
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

    /// There is no window. What the handler adds during a wait does not make it a new one. Without
    /// a minimum rate each wait stands alone.
    pub(super) fn begin(&mut self, now: u64, rate: Option<DataRate>) {
        if self.is_running() {
            return;
        }
        let earned = rate.map_or(u64::MAX, |rate| {
            let rate = DataRate {
                grace: Duration::ZERO,
                ..rate
            };
            rate.allowed_ms(self.bytes)
        });
        self.waited = self.waited.saturating_sub(earned);
        self.bytes = 0;
        self.since = now;
    }

    /// There is window again, or nothing to send.
    #[inline]
    pub(super) fn end(&mut self, now: u64) {
        if self.is_running() {
            self.waited = self.waited.saturating_add(now.saturating_sub(self.since));
            self.since = u64::MAX;
        }
    }

    /// Whether a wait is running.
    #[inline]
    pub(super) fn is_running(&self) -> bool {
        self.since < u64::MAX
    }

    /// The millisecond at which the running wait is too long; `u64::MAX` for none.
    pub(super) fn deadline(&self, timeout: Duration) -> u64 {
        if self.is_running() {
            after(self.since.saturating_sub(self.waited), timeout).max(self.since)
        } else {
            u64::MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);
    const RATE: Option<DataRate> = Some(DataRate::DEFAULT);

    #[test]
    fn waits_add_up() {
        let mut stall = Stall::NONE;
        assert_eq!(stall.deadline(TIMEOUT), u64::MAX);
        stall.begin(1_000, RATE);
        stall.begin(5_000, RATE);
        assert_eq!(stall.deadline(TIMEOUT), 61_000);
        stall.end(41_000);
        assert_eq!(stall.deadline(TIMEOUT), u64::MAX);
        stall.sent(1);
        stall.begin(50_000, RATE);
        assert_eq!(stall.deadline(TIMEOUT), 70_004);
        stall.end(80_000);
        stall.begin(90_000, RATE);
        assert_eq!(stall.deadline(TIMEOUT), 90_000, "at once");
    }

    #[test]
    fn bytes_take_waits_back_and_no_more() {
        let mut stall = Stall::NONE;
        stall.begin(0, RATE);
        stall.end(50_000);
        stall.sent(240 * 20);
        stall.begin(60_000, RATE);
        assert_eq!(stall.deadline(TIMEOUT), 90_000);
        stall.end(60_000);
        stall.sent(240 * 1_000_000);
        stall.begin(70_000, RATE);
        assert_eq!(stall.deadline(TIMEOUT), 130_000);
    }

    #[test]
    fn without_a_rate_each_wait_stands_alone() {
        let mut stall = Stall::NONE;
        stall.begin(0, None);
        stall.end(59_000);
        stall.begin(59_000, None);
        assert_eq!(stall.deadline(TIMEOUT), 119_000);
    }
}
