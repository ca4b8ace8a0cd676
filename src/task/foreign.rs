//! Waits on something that is not the shard's, counted by hand.

#![forbid(unsafe_code)]

use std::marker::PhantomData;

use super::id::ShardId;
use super::local;

/// Counts in [`foreign_waits`](super::foreign_waits) until dropped.
///
/// For work that the executor must go on with though no handler waits for it yet.
#[derive(Debug)]
pub(crate) struct ForeignWait {
    shard: Option<ShardId>,
    not_send: PhantomData<*const ()>,
}

impl ForeignWait {
    /// Begins to count, if this thread is a shard.
    pub(crate) fn begin() -> Self {
        let shard = local::current();
        if let Some(shard) = shard {
            local::begin_foreign_wait(shard);
        }
        Self {
            shard,
            not_send: PhantomData,
        }
    }
}

impl Drop for ForeignWait {
    fn drop(&mut self) {
        if let Some(shard) = self.shard {
            local::end_foreign_wait(shard);
        }
    }
}
