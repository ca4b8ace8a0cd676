//! What a pool has kept for nothing.
//!
//! Owns the least number of idle things since it was last asked: so many were in nobody's use in all
//! that time, whatever happened. Knows no pool.

/// The low-water mark of a pool.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surplus {
    least: usize,
}

impl Surplus {
    /// Something was taken, and so many are left.
    #[inline(always)]
    pub(crate) fn taken(&mut self, left: usize) {
        self.least = self.least.min(left);
    }

    /// How many of the `idle` ones a pool may let go of if it keeps `kept` of them; it does so.
    pub(crate) fn take(&mut self, idle: usize, kept: usize) -> usize {
        let surplus = self.least.min(idle.saturating_sub(kept));
        self.least = idle - surplus;
        surplus
    }
}

#[cfg(test)]
mod tests {
    use super::Surplus;

    #[test]
    fn what_was_used_at_once_is_kept() {
        let mut surplus = Surplus::default();
        // Something that was given just now is not known to be of no use yet.
        assert_eq!(surplus.take(100, 10), 0);
        surplus.taken(70);
        surplus.taken(90);
        assert_eq!(surplus.take(100, 10), 70);
        surplus.taken(0);
        assert_eq!(surplus.take(30, 10), 0);
        assert_eq!(surplus.take(30, 10), 20);
        assert_eq!(surplus.take(10, 10), 0);
    }
}
