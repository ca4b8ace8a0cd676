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
