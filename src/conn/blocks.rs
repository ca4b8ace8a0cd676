//! The shard's pool of send blocks.
//!
//! A connection holds a block only while it has something to send, so that idle connections cost
//! no send memory; blocks go round, so that a busy shard allocates none.

use crate::http::Surplus;

/// Blocks kept for reuse; a shard with more connections in the act of sending allocates.
const IDLE_BLOCKS_MAX: usize = 512;

/// Those that it keeps for good, though nobody needs them.
const IDLE_BLOCKS_KEPT: usize = 16;

/// What a new block has room for: the answers of a deep pipeline, or one small response.
const BLOCK_BYTES: usize = 4 * 1024;

/// Blocks that have grown beyond this are dropped rather than kept.
const BLOCK_BYTES_KEPT: usize = 80 * 1024;

/// Send blocks in no use.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    idle: Vec<Vec<u8>>,
    surplus: Surplus,
}

impl Blocks {
    /// An empty block.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let block = self
            .idle
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(BLOCK_BYTES));
        self.surplus.taken(self.idle.len());
        block
    }

    /// Whether there are more than are kept for good.
    #[inline]
    pub(crate) fn have_grown(&self) -> bool {
        self.idle.len() > IDLE_BLOCKS_KEPT
    }

    /// Drops those that were in no use since the last call, and says how many.
    pub(crate) fn trim(&mut self) -> usize {
        let surplus = self.surplus.take(self.idle.len(), IDLE_BLOCKS_KEPT);
        self.idle.drain(..surplus);
        surplus
    }

    /// Takes a block back.
    pub(crate) fn give(&mut self, mut block: Vec<u8>) {
        let kept = 1..=BLOCK_BYTES_KEPT;
        if kept.contains(&block.capacity()) && self.idle.len() < IDLE_BLOCKS_MAX {
            block.clear();
            self.idle.push(block);
        }
    }
}
