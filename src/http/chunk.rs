//! One piece of a request body as a handler receives it.
//!
//! Owns the choice between a slice of the shard's receive buffer (nothing is copied) and owned
//! bytes (when the pool is scarce, or when the server has no pool). Knows nothing of framing.

use crate::buf::BufSlice;

/// A non-empty run of body bytes.
///
/// It usually borrows its bytes from the shard's receive buffers: keeping many chunks alive makes
/// the shard fall back to copying, so copy what must live long.
#[derive(Debug)]
pub struct Chunk(Bytes);

#[derive(Debug)]
enum Bytes {
    Pooled(BufSlice),
    Owned(Vec<u8>),
}

impl Chunk {
    /// A chunk over a receive buffer.
    pub(crate) fn pooled(slice: BufSlice) -> Self {
        Self(Bytes::Pooled(slice))
    }

    /// Takes a small chunk that follows this one into itself, if that saves memory, and says
    /// whether it did. What it takes no longer holds a receive buffer.
    pub(crate) fn absorb(&mut self, next: &[u8]) -> bool {
        /// Chunks below this are small: they would hold a whole receive buffer for little.
        const SMALL: usize = 256;
        /// What a chunk grows to by this.
        const JOINED_MAX: usize = 4 * 1024;
        match &mut self.0 {
            Bytes::Owned(bytes) if next.len() <= bytes.capacity() - bytes.len() => {
                bytes.extend_from_slice(next);
                true
            }
            _ if next.len() >= SMALL => false,
            Bytes::Pooled(slice) if slice.len() < SMALL => {
                let mut bytes = Vec::with_capacity(JOINED_MAX);
                bytes.extend_from_slice(slice);
                bytes.extend_from_slice(next);
                self.0 = Bytes::Owned(bytes);
                true
            }
            Bytes::Owned(bytes) if bytes.len() + next.len() <= JOINED_MAX => {
                bytes.extend_from_slice(next);
                true
            }
            Bytes::Pooled(_) | Bytes::Owned(_) => false,
        }
    }
}

impl From<Vec<u8>> for Chunk {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::Owned(bytes))
    }
}

impl std::ops::Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Pooled(slice) => slice,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_was_made_for_small_pieces_is_filled() {
        let mut chunk = Chunk::from(vec![b'a']);
        assert!(!chunk.absorb(&[b'x'; 256]), "it is large enough for itself");
        assert!(chunk.absorb(b"b"));
        let mut chunk = Chunk::from(Vec::with_capacity(4096));
        assert!(chunk.absorb(b"a"));
        // What comes between has room, and would otherwise leave it empty.
        assert!(chunk.absorb(&[b'x'; 4000]));
        assert!(!chunk.absorb(&[b'x'; 4000]));
        assert!(chunk.absorb(&[b'y'; 95]));
        assert!(!chunk.absorb(b"z"));
        assert_eq!(chunk.len(), 4096);
    }
}
