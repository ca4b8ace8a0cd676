//! What is true of every connection whenever it has been driven.
//!
//! Compiled for tests and fuzzing with debug assertions only. Owns the sums and relations that no
//! single step can see: that window goes nowhere, that counts count what they say, and that nothing
//! that could be sent is forgotten.

use super::connection::Connection;
use super::receive::Reading;
use super::streams::Stream;
use crate::http::Close;
use crate::limits::EARLY_PRIORITIES_MAX;

impl Connection {
    /// What a drive of an idle connection leaves as it is.
    pub(super) fn rest(&self, out: &[u8]) -> (usize, u64, Close, u64) {
        (out.len(), self.deadline(), self.close, self.frames)
    }

    /// Panics when a relation does not hold. `full` says that the send buffer has no room.
    pub(super) fn check(&mut self, full: bool) {
        let in_frame = match self.reading {
            Reading::Content { left, .. } => left,
            _ => 0,
        };
        let unreturned: u32 = self.streams.iter_mut().map(|it| it.unreturned).sum();
        assert_eq!(
            self.receive_window.sum() + unreturned + in_frame,
            self.receive_window.target(),
            "the connection's window"
        );
        // Together these say that nothing but unread bytes keeps window from a peer that has none: a
        // stream whose handler reads everything goes on as long as others leave room.
        assert!(
            !self.greeted || self.receive_window.is_given(),
            "window is kept back from the connection"
        );
        assert!(
            !self.greeted || self.readers_watched || !self.receive_window.is_low(),
            "reads are not heard of"
        );
        let step = self.report_step();
        let closed = self.streams.iter_mut().filter(|it| it.state.is_closed());
        assert_eq!(self.abandoned, closed.count(), "streams without a peer");
        assert!(self.changed.is_empty(), "marks are left");
        assert!(self.early_priorities.len() <= EARLY_PRIORITIES_MAX);
        self.streams.check();
        let blocked = self.send_window.available() == 0;
        assert!(
            full || blocked || self.schedule.is_empty(),
            "a body does not go out"
        );
        for place in 0..self.streams.len() {
            let slot = self.streams.slot_at(place).expect("a place has a slot");
            let listed = self.schedule.contains(slot);
            let stream = self.streams.get(slot).expect("a slot has a stream");
            stream.check(listed, step);
        }
    }
}

impl Stream {
    fn check(&self, listed: bool, step: usize) {
        assert!(
            self.receive_window.sum() <= self.receive_window.target(),
            "the window of {}",
            self.id
        );
        assert!(
            self.receive_window.is_given() || !self.state.can_receive(),
            "window is kept back from {}",
            self.id
        );
        let Some(exchange) = &self.exchange else {
            assert!(!listed, "{} has no body to send", self.id);
            assert!(self.drain_until < u64::MAX, "{} waits for nothing", self.id);
            return;
        };
        let unreported = exchange.inbound.borrow().unreported();
        assert!(
            unreported < step || exchange.is_marked(),
            "what the handler of {} has read is forgotten",
            self.id
        );
        assert!(!listed || !self.state.is_closed(), "{} is closed", self.id);
        let outbound = exchange.outbound().borrow();
        let waits = !outbound.body.is_empty() || !outbound.fixed.is_empty();
        let live = outbound.head_sent && !self.state.is_closed() && !exchange.is_marked();
        if live && waits {
            assert!(
                listed || self.stall.is_running(),
                "the body of {} is forgotten",
                self.id
            );
        }
        if live && !waits {
            assert!(outbound.outcome.is_none(), "{} does not end", self.id);
        }
    }
}
