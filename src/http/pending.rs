//! Response body bytes that wait for the protocol: appended behind, taken in front.
//!
//! Owns their memory. Taking moves nothing, or a body of many megabytes that goes out a frame at a
//! time would be moved once for each frame.

use std::ops::Deref;

/// The waiting bytes; a slice of them for whoever reads.
#[derive(Debug, Default)]
pub(crate) struct PendingBody {
    bytes: Vec<u8>,
    /// Bytes in front that were taken. Less than there are: the last one taken empties the buffer.
    taken: usize,
}

impl PendingBody {
    /// Appends bytes.
    pub(crate) fn extend_from_slice(&mut self, more: &[u8]) {
        // What was taken is dropped when it is at least as much as what is left, so that no byte is
        // moved more often than one is taken, and the memory stays within twice what waits.
        if self.taken > 0 && self.taken >= self.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(more);
    }

    /// Takes `count` bytes in front, or all if there are fewer.
    #[inline]
    pub(crate) fn take_front(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count);
        if self.taken >= self.bytes.len() {
            self.clear();
        }
    }

    /// Forgets all of it.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.taken = 0;
    }

    /// Forgets all of it, and memory beyond `capacity_max`.
    #[inline]
    pub(crate) fn reset(&mut self, capacity_max: usize) {
        self.clear();
        if self.bytes.capacity() > capacity_max {
            self.shrink(capacity_max);
        }
    }

    #[cold]
    fn shrink(&mut self, capacity_max: usize) {
        self.bytes.shrink_to(capacity_max);
    }

    /// The buffer itself, emptied, to be filled with a whole body.
    pub(crate) fn replace(&mut self) -> &mut Vec<u8> {
        self.clear();
        &mut self.bytes
    }

    /// Takes all of it with its memory.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        std::mem::take(&mut self.bytes)
    }
}

impl Deref for PendingBody {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::PendingBody;

    #[derive(Clone, Debug)]
    enum Step {
        Append(usize),
        Take(usize),
        Clear,
        TakeAll,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..200_usize).prop_map(Step::Append),
            6 => (0..120_usize).prop_map(Step::Take),
            1 => Just(Step::Clear),
            1 => Just(Step::TakeAll),
        ]
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(steps in prop::collection::vec(step(), 0..60)) {
            let (mut body, mut model) = (PendingBody::default(), Vec::new());
            let mut next = 0_u8;
            let mut most = 0;
            for step in steps {
                match step {
                    Step::Append(count) => {
                        let more: Vec<u8> = (0..count).map(|_| { next = next.wrapping_add(1); next }).collect();
                        body.extend_from_slice(&more);
                        model.extend(more);
                    }
                    Step::Take(count) => {
                        body.take_front(count);
                        model.drain(..count.min(model.len()));
                    }
                    Step::Clear => {
                        body.clear();
                        model.clear();
                    }
                    Step::TakeAll => {
                        prop_assert_eq!(body.take_all(), std::mem::take(&mut model));
                    }
                }
                prop_assert_eq!(&*body, &model[..]);
                most = most.max(body.len());
                prop_assert!(body.bytes.len() <= 2 * most, "{} bytes are kept", body.bytes.len());
            }
        }
    }

    #[test]
    fn taking_moves_nothing() {
        let mut body = PendingBody::default();
        *body.replace() = vec![1; 1000];
        let end = body.as_ptr_range().end;
        for left in (1..1000).rev() {
            body.take_front(1);
            assert_eq!((body.len(), body.as_ptr_range().end), (left, end));
        }
        body.take_front(1);
        assert!(body.is_empty());
    }
}
