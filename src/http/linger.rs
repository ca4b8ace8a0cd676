//! How long the peer of a connection that has said its last is still heard (RFC 9112, 9.6).
//!
//! Owns the clock of lingering: it starts when FIN goes out, for before that the peer has not been told
//! everything, and what it is told has a deadline of its own. Reads no clock.

use crate::limits::{
    LINGER_BYTES_PER_SECOND, LINGER_FIRST_MS, LINGER_PAUSE_MS, LINGER_TIME_MAX_MS, LINGER_TIME_MS,
};

/// The clock of a connection that lingers, or may come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linger {
    /// When FIN went out; `u64::MAX` before.
    since: u64,
    /// When the peer has been silent for too long.
    quiet_until: u64,
    /// Bytes that have come since.
    bytes: u64,
    /// What the peer sends earns it no time.
    curt: bool,
}

impl Default for Linger {
    fn default() -> Self {
        Self {
            since: u64::MAX,
            quiet_until: u64::MAX,
            bytes: 0,
            curt: false,
        }
    }
}

impl Linger {
    /// Gives no time to a peer for what it sends: it is the reason for the end.
    pub(crate) fn cut_short(&mut self) {
        self.curt = true;
    }

    /// FIN goes out. The peer may be silent for `first_ms`, or for as long as any peer. Does nothing
    /// once it has gone out.
    pub(crate) fn begin(&mut self, now: u64, first_ms: Option<u64>) {
        if self.since == u64::MAX {
            self.since = now;
            self.quiet_until = now.saturating_add(first_ms.unwrap_or(LINGER_FIRST_MS));
        }
    }

    /// Bytes have come.
    pub(crate) fn received(&mut self, bytes: usize, now: u64) {
        if self.since < u64::MAX && bytes > 0 && !self.curt {
            self.bytes = self.bytes.saturating_add(bytes as u64);
            self.quiet_until = now.saturating_add(LINGER_PAUSE_MS);
        }
    }

    /// The millisecond at which the peer is not waited for any longer; `u64::MAX` before FIN.
    pub(crate) fn deadline(&self) -> u64 {
        let earned = self.bytes.saturating_mul(1000) / LINGER_BYTES_PER_SECOND;
        let time = LINGER_TIME_MS
            .saturating_add(earned)
            .min(LINGER_TIME_MAX_MS);
        self.since.saturating_add(time).min(self.quiet_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Linger {
        let mut linger = Linger::default();
        linger.begin(1_000, None);
        linger
    }

    #[test]
    fn the_clock_starts_with_fin() {
        let mut linger = Linger::default();
        linger.received(1 << 30, 500);
        assert_eq!(linger.deadline(), u64::MAX);
        linger.begin(1_000, None);
        assert_eq!(linger.deadline(), 3_000);
        linger.begin(2_000, None);
        assert_eq!(linger.deadline(), 3_000, "it starts once");
        let mut patient = Linger::default();
        patient.begin(1_000, Some(7_000));
        assert_eq!(patient.deadline(), 8_000);
    }

    #[test]
    fn who_sends_fast_has_the_time_that_its_bytes_take() {
        let mut linger = begun();
        // Ten times what is asked.
        for second in 1..300 {
            let now = second * 1_000;
            assert!(linger.deadline() > now);
            linger.received(640 * 1024, now);
        }
        assert_eq!(linger.deadline(), 301_000, "and not for ever");
    }

    #[test]
    fn who_trickles_has_half_a_minute() {
        let mut linger = begun();
        for second in 1..30 {
            let now = second * 1_000;
            assert!(linger.deadline() > now);
            linger.received(1, now);
        }
        assert_eq!(linger.deadline(), 31_000);
    }

    #[test]
    fn who_pauses_is_waited_for_a_while() {
        let mut linger = begun();
        linger.received(1 << 20, 2_000);
        assert_eq!(linger.deadline(), 7_000);
    }

    #[test]
    fn who_is_the_reason_for_the_end_earns_nothing() {
        let mut linger = begun();
        linger.cut_short();
        linger.received(1 << 30, 2_000);
        assert_eq!(linger.deadline(), 3_000);
    }
}
