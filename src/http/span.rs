//! A range of a head's bytes that survives the move of those bytes.

/// `start..start + len` of some head. Resolved with a check, so a wrong span is an empty slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The range from `start` to `end`, exclusive. Both are below 4 GiB, as every head is; were
    /// one not, the span would resolve to other bytes or to none.
    #[inline]
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            len: end.saturating_sub(start) as u32,
        }
    }

    /// The range of `len` bytes from `start` on.
    #[inline]
    pub(crate) const fn sized(start: u32, len: u32) -> Self {
        Self { start, len }
    }

    /// The first byte's offset.
    #[inline]
    pub(crate) const fn start(self) -> usize {
        self.start as usize
    }

    /// How many bytes.
    #[inline]
    pub(crate) const fn len(self) -> usize {
        self.len as usize
    }

    /// The offset behind the last byte.
    #[inline]
    pub(crate) const fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    /// The bytes, empty when the span does not lie within `bytes`.
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The same range of a text that begins `base` bytes into another.
    #[inline]
    pub(crate) fn offset(self, base: usize) -> Self {
        Self::new(self.start() + base, self.end() + base)
    }

    /// The same range after `removed` bytes before it are gone.
    pub(crate) fn pulled_back(self, removed: usize) -> Self {
        Self::new(
            self.start().saturating_sub(removed),
            self.end().saturating_sub(removed),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_is_empty_not_a_panic() {
        assert_eq!(Span::new(1, 3).of(b"abcd"), b"bc");
        assert_eq!(Span::new(3, 5).of(b"abcd"), b"");
        assert_eq!(Span::new(5, 4).of(b"abcd"), b"");
        assert_eq!(Span::new(usize::MAX - 1, usize::MAX).of(b"abcd"), b"");
        assert_eq!(Span::new(0, 2).offset(2).of(b"abcd"), b"cd");
        assert_eq!(Span::new(2, 4).pulled_back(2).of(b"abcd"), b"ab");
    }
}
