//! How the latest streams ended that have no slot any more.
//!
//! Owns the memory of that, and what peers may still send on streams that we have reset: frames that
//! were on their way come before the peer has seen the reset (RFC 9113, 5.4.2), and are no fault of
//! its. What such a frame does to the connection is decided elsewhere.

use std::ops::RangeInclusive;

/// Closed streams that are remembered of each kind: as many as may be open at a time, within these
/// bounds. The upper one is for the time that it takes to look one up.
const KEPT: RangeInclusive<usize> = 128..=1024;

/// How a closed stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Both sides had finished, or the peer reset it.
    Finished,
    /// We reset it: frames that were on their way are ignored.
    ResetByUs,
    /// It may be one that we have reset: so many were that not all of them are remembered.
    Forgotten,
}

/// The streams that ended last.
#[derive(Debug)]
pub(super) struct ClosedStreams {
    /// Apart from the others, so that those that end in order push none of them out.
    finished: Ring<u32>,
    resets: Ring<(u32, Closed)>,
    /// The highest identifier of a reset stream that is not remembered.
    forgotten: u32,
    /// Bytes that the windows of reset streams still allowed: the peer sends no more of them.
    allowed: u64,
}

impl ClosedStreams {
    /// None yet, of a connection that has at most `open_max` open at a time.
    pub(super) fn new(open_max: u32) -> Self {
        let kept = (open_max as usize).clamp(*KEPT.start(), *KEPT.end());
        Self {
            finished: Ring::new(kept),
            resets: Ring::new(kept),
            forgotten: 0,
            allowed: 0,
        }
    }

    /// Remembers a stream behind whose end nothing can be on its way.
    #[inline]
    pub(super) fn finished(&mut self, id: u32) {
        self.finished.push(id);
    }

    /// Remembers a stream that we have reset while the peer was sending, and could send `window`
    /// bytes more.
    pub(super) fn reset(&mut self, id: u32, window: usize) {
        self.allowed = self.allowed.saturating_add(window as u64);
        if let Some((id, Closed::ResetByUs)) = self.resets.push((id, Closed::ResetByUs)) {
            self.forgotten = self.forgotten.max(id);
        }
    }

    /// The peer has ended or reset a stream too that we have reset: it sends nothing any more.
    pub(super) fn forget_reset(&mut self, id: u32) {
        let mut resets = self.resets.entries.iter_mut();
        if let Some(entry) = resets.find(|(closed, _)| *closed == id) {
            entry.1 = Closed::Finished;
        }
    }

    /// Takes flow-controlled bytes for streams that we have reset, and says whether they are as
    /// many as may come.
    pub(super) fn receive(&mut self, bytes: u32) -> bool {
        match self.allowed.checked_sub(u64::from(bytes)) {
            Some(left) => {
                self.allowed = left;
                true
            }
            None => false,
        }
    }

    /// How a stream ended, as far as that is known.
    pub(super) fn how(&self, id: u32) -> Option<Closed> {
        let mut resets = self.resets.entries.iter();
        if let Some((_, how)) = resets.find(|(closed, _)| *closed == id) {
            return Some(*how);
        }
        if self.finished.entries.contains(&id) {
            return Some(Closed::Finished);
        }
        (id <= self.forgotten).then_some(Closed::Forgotten)
    }
}

/// The latest entries.
#[derive(Debug)]
struct Ring<T> {
    entries: Vec<T>,
    max: usize,
    /// Where the next one goes, once there are as many.
    next: usize,
}

impl<T> Ring<T> {
    const fn new(max: usize) -> Self {
        Self {
            entries: Vec::new(),
            max,
            next: 0,
        }
    }

    /// Adds an entry. Answers the one that made room for it.
    #[inline]
    fn push(&mut self, entry: T) -> Option<T> {
        if self.entries.len() < self.max {
            self.entries.push(entry);
            return None;
        }
        let place = self.entries.get_mut(self.next)?;
        self.next += 1;
        if self.next >= self.max {
            self.next = 0;
        }
        Some(std::mem::replace(place, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_are_never_taken_for_unknown_streams() {
        let mut closed = ClosedStreams::new(1);
        closed.finished(1);
        for id in (3..=257).step_by(2) {
            closed.reset(id, 10);
        }
        assert_eq!(closed.how(3), Some(Closed::ResetByUs));
        assert_eq!(closed.how(259), None);
        closed.reset(301, 10);
        assert_eq!(closed.how(3), Some(Closed::Forgotten));
        assert_eq!(closed.how(1), Some(Closed::Finished), "it is remembered");
        assert_eq!(closed.how(5), Some(Closed::ResetByUs));
        assert_eq!(closed.how(299), None, "it was passed over");
        closed.forget_reset(5);
        assert_eq!(closed.how(5), Some(Closed::Finished));
        // One that was at its end is no loss.
        closed.reset(303, 10);
        assert_eq!(closed.how(5), None);
    }

    #[test]
    fn streams_that_end_in_order_push_no_reset_out() {
        let mut closed = ClosedStreams::new(1);
        closed.reset(1, 10);
        for id in (3..10_001).step_by(2) {
            closed.finished(id);
        }
        assert_eq!(closed.how(1), Some(Closed::ResetByUs));
        assert_eq!(closed.how(3), None);
        assert_eq!(closed.how(9_999), Some(Closed::Finished));
    }

    #[test]
    fn late_content_is_what_the_windows_allowed() {
        let mut closed = ClosedStreams::new(1);
        assert!(!closed.receive(1));
        closed.reset(1, 10);
        closed.reset(3, 10);
        assert!(closed.receive(15));
        assert!(!closed.receive(6));
        assert!(closed.receive(5));
        closed.reset(5, usize::MAX);
        closed.reset(7, usize::MAX);
        assert!(closed.receive(u32::MAX));
    }
}
