//! The minimum data rates of both directions: the clock of a request body, the rate of a block of
//! responses.
//!
//! Owns which time counts (of a body, only while a handler waits for the peer) and which rate holds
//! where responses of different rates are sent together. Reads no clock, and knows neither framing
//! nor what happens to a peer that is too slow.

use std::time::Duration;

use crate::features::MinResponseDataRate;
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

/// The lowest rate at which a peer must take a block of bytes, found out while it is filled.
///
/// A block is sent as one, so that its parts cannot be timed apart: the most lenient rate among them
/// holds for all. No response is then ever cut off by a rate that is not its own; a strict one gains
/// time where it shares a block with a lenient one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum BlockRate {
    /// Nothing in it has a rate of its own: the server's.
    #[default]
    Server,
    /// The most lenient of those in it; `None` is any.
    Own(Option<DataRate>),
}

impl BlockRate {
    /// Bytes of a response were added. `shared`: to a block that held some before.
    #[inline]
    pub(crate) fn add(
        &mut self,
        response: &MinResponseDataRate,
        shared: bool,
        server: Option<DataRate>,
    ) {
        let before = match *self {
            Self::Server if !response.is_changed() => return,
            Self::Server => shared.then_some(server),
            Self::Own(before) => Some(before),
        };
        let own = response.rate();
        *self = Self::Own(before.map_or(own, |before| DataRate::more_lenient(before, own)));
    }

    /// The rate of the block, which is complete. The next one begins without.
    pub(crate) fn take(&mut self, server: Option<DataRate>) -> Option<DataRate> {
        match std::mem::take(self) {
            Self::Server => server,
            Self::Own(rate) => rate,
        }
    }
}

/// The millisecond that lies `timeout` after `now`.
pub(crate) fn after(now: u64, timeout: Duration) -> u64 {
    now.saturating_add(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX))
}
