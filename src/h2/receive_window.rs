//! What a peer may send, and when it is told that it may send more (RFC 9113, 6.9).
//!
//! Owns the window of one stream or of the connection and the bytes that were used up but not
//! announced again. A quarter is announced at a time, so that frames are few; but never is as much
//! held back as the peer has left, so that all of it has been announced when nothing is left.

use super::flow::{FlowWindow, Overdrawn};

/// The window of one stream or of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveWindow {
    window: FlowWindow,
    /// What the window is opened to again.
    target: u32,
    /// What may be announced.
    pending: u32,
}

impl ReceiveWindow {
    /// A window of which the peer knows `known` bytes; it is to be opened to `target`.
    pub(super) fn new(known: u32, target: u32) -> Self {
        Self {
            window: FlowWindow::new(known),
            target: target.max(known),
            pending: target.saturating_sub(known),
        }
    }

    /// Takes flow-controlled bytes.
    pub(super) fn receive(&mut self, bytes: u32) -> Result<(), Overdrawn> {
        self.window.consume(bytes)
    }

    /// Bytes are used up, or none since this was last asked. Answers by how much the window is to be
    /// opened, when it is time. Ask again when bytes have come.
    #[inline]
    pub(super) fn give_back(&mut self, bytes: u32) -> Option<u32> {
        self.pending = self.pending.saturating_add(bytes);
        // What is held back is missing on the path; with half of the window held back a path that
        // fills it looks like one that does not.
        if self.pending < self.target / 4 && (self.pending as usize) < self.available().max(1) {
            return None;
        }
        self.open()
    }

    /// Whether less than a quarter of the window is left, so that what handlers have read may be
    /// missing.
    pub(super) fn is_low(&self) -> bool {
        self.available() < self.target as usize / 4
    }

    /// Whether half of the window is left: far enough from too little.
    pub(super) fn is_ample(&self) -> bool {
        self.available() >= self.target as usize / 2
    }

    /// Opens the window by all that is pending.
    pub(super) fn open(&mut self) -> Option<u32> {
        let increment = std::mem::take(&mut self.pending);
        if increment == 0 || self.window.grow(increment).is_err() {
            return None;
        }
        Some(increment)
    }

    /// Opens the window to more from now on.
    pub(super) fn raise(&mut self, target: u32) {
        let more = target.saturating_sub(self.target);
        self.target += more;
        self.pending = self.pending.saturating_add(more);
    }

    /// What the peer may send, now and after what is pending.
    #[cfg(all(debug_assertions, any(test, feature = "testing")))]
    pub(super) fn sum(&self) -> u32 {
        self.window.available() as u32 + self.pending
    }

    /// Whether everything is announced that may be, as far as the peer could need it.
    #[cfg(all(debug_assertions, any(test, feature = "testing")))]
    pub(super) fn is_given(&self) -> bool {
        self.pending == 0 || (self.pending as usize) < self.available()
    }

    /// What the window is opened to.
    #[cfg(all(debug_assertions, any(test, feature = "testing")))]
    pub(super) fn target(&self) -> u32 {
        self.target
    }

    /// What the peer may still send.
    pub(super) fn available(&self) -> usize {
        self.window.available()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_window_is_announced_at_a_time() {
        let mut window = ReceiveWindow::new(100, 100);
        assert!(window.receive(50).is_ok());
        assert_eq!(window.give_back(24), None);
        assert_eq!(window.give_back(1), Some(25));
        assert!(window.receive(76).is_err());
        assert_eq!(window.available(), 75);
    }

    #[test]
    fn what_the_peer_may_need_is_announced_however_little() {
        let mut window = ReceiveWindow::new(100, 100);
        assert!(window.receive(98).is_ok());
        assert_eq!(window.give_back(1), None);
        assert_eq!(window.give_back(1), Some(2));
        assert!(window.receive(4).is_ok());
        assert!(window.receive(1).is_err());
        // Nothing is left: the first byte counts.
        assert_eq!(window.give_back(1), Some(1));
    }

    #[test]
    fn a_raised_window_is_announced_with_the_next_bytes() {
        let mut window = ReceiveWindow::new(65_535, 100_000);
        assert_eq!(window.open(), Some(34_465));
        assert_eq!(window.available(), 100_000);
        window.raise(200_000);
        window.raise(50_000);
        assert_eq!(window.give_back(1), Some(100_001));
        assert_eq!(window.available(), 200_001);
    }
}
