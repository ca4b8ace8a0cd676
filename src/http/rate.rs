//! The clock of a request body's minimum data rate.
//!
//! Owns the time that counts: only while a handler waits for the peer. Reads no clock, and knows
//! neither framing nor what happens to a peer that is too slow.

use std::time::Duration;

use crate::limits::DataRate;

/// How long a handler has waited for a body, and what came in that time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateClock {
    /// When the running stretch began.
    since: Option<u64>,
    /// Milliseconds of the stretches before.
    elapsed: u64,
    /// Bytes received.
    bytes: u64,
}

impl RateClock {
    /// Counts received bytes.
    #[inline]
    pub(crate) fn received(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// The millisecond at which the body is too slow if nothing more comes; `u64::MAX` for none.
    /// Without a rate, because none is asked for or because nobody waits, the clock stands.
    pub(crate) fn deadline(&mut self, now: u64, rate: Option<DataRate>) -> u64 {
        let Some(rate) = rate else {
            if let Some(since) = self.since.take() {
                self.elapsed = self.elapsed.saturating_add(now.saturating_sub(since));
            }
            return u64::MAX;
        };
        let since = *self.since.get_or_insert(now);
        since
            .saturating_sub(self.elapsed)
            .saturating_add(rate.allowed_ms(self.bytes))
    }
}

/// The millisecond that lies `timeout` after `now`.
pub(crate) fn after(now: u64, timeout: Duration) -> u64 {
    now.saturating_add(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX))
}
