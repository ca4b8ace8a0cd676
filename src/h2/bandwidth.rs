//! Receive windows that grow with the path.
//!
//! A sender can have one window of DATA under way in each round trip, so a fixed window limits a
//! long or fast path, while one that is large enough for every path lets every peer fill memory.
//! Owns the estimate in between: a PING marks a moment, and the DATA that comes between it and its
//! answer is what the path holds in a round trip, its bandwidth-delay product. When that comes
//! close to the window it is the window that limits, and it doubles.
//!
//! One window stands for all: that of a stream, which limits a single upload. The connection's is
//! to grow with it.
//!
//! Counts bytes only. No clock is needed, because a round trip is measured by the PING itself; and
//! for the same reason DATA that waits in a peer's send buffer counts as the path's. The maximum
//! is what bounds the memory. Sends nothing: the caller sends PING and WINDOW_UPDATE.

/// The opaque data of a probe, to tell its answer from those to other PINGs.
pub(crate) const PROBE: [u8; 8] = *b"lanrBDP\0";

/// Fruitless probes are set ever further apart, up to sixteen half windows: on a short path there
/// would be thousands a second, which the peer must answer. A path that becomes longer is seen
/// after that much DATA.
const BACKOFF_MAX: u32 = 4;

/// The estimate of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bandwidth {
    window: u32,
    window_max: u32,
    /// DATA since the last probe was sent or answered, or since the beginning.
    since_probe: u64,
    /// How often the half window between two probes is doubled.
    backoff: u32,
    /// Whether a probe has not been answered yet.
    outstanding: bool,
}

impl Bandwidth {
    /// An estimate that starts from the window that the peer has now, and never asks for more than
    /// `window_max` (at most 2^31-1).
    pub(crate) const fn new(initial_window: u32, window_max: u32) -> Self {
        Self {
            window: initial_window,
            window_max,
            since_probe: 0,
            backoff: 0,
            outstanding: false,
        }
    }

    /// The window that the peer should have.
    #[cfg(test)]
    pub(crate) const fn window(self) -> u32 {
        self.window
    }

    /// Counts bytes of DATA as they arrive, padding included.
    #[inline]
    pub(crate) fn received(&mut self, bytes: usize) {
        self.since_probe = self.since_probe.saturating_add(bytes as u64);
    }

    /// Whether a probe should go out: none is under way, enough DATA has come since the last for
    /// the answer to matter, and the window can still grow.
    #[inline]
    pub(crate) const fn probe_due(self) -> bool {
        let spacing = (self.window as u64 / 2) << self.backoff;
        !self.outstanding && self.window < self.window_max && self.since_probe >= spacing
    }

    /// Whether an answer is waited for.
    pub(crate) const fn is_outstanding(self) -> bool {
        self.outstanding
    }

    /// Notes that a PING with [`PROBE`] was put into the send buffer.
    pub(crate) fn probe_sent(&mut self) {
        self.outstanding = true;
        self.since_probe = 0;
    }

    /// Notes that the answer has come; the new window if it should grow. An answer that nobody
    /// waits for says nothing.
    pub(crate) fn probe_answered(&mut self) -> Option<u32> {
        if !self.outstanding {
            return None;
        }
        self.outstanding = false;
        let sample = std::mem::take(&mut self.since_probe);
        // A path that fills the window shows three quarters of it at least: the rest may be held
        // back by the batches in which it is given back, and a frame makes them uneven.
        if sample.saturating_mul(3) <= u64::from(self.window) * 2 {
            self.backoff = (self.backoff + 1).min(BACKOFF_MAX);
            return None;
        }
        self.backoff = 0;
        let grown = self.window.saturating_mul(2).min(self.window_max);
        if grown <= self.window {
            return None;
        }
        self.window = grown;
        Some(grown)
    }
}

#[cfg(test)]
mod tests;
