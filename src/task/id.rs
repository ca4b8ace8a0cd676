//! Names of shards and tasks. Values only: nothing here can be followed to memory.

#![forbid(unsafe_code)]

use std::fmt;

const SLOT_BITS: u32 = 28;
const GENERATION_BITS: u32 = 20;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;

/// Most tasks that one shard can hold at a time.
pub(super) const SLOTS_MAX: u32 = 1 << SLOT_BITS;

const _: () = assert!(
    u16::BITS + GENERATION_BITS + SLOT_BITS == u64::BITS,
    "a task's name fills one word"
);
const _: () = assert!(
    usize::BITS == u64::BITS,
    "a waker's data pointer must hold a task's name"
);

/// A running shard of this process.
///
/// Handed out when a thread becomes a shard, and handed out again once that shard has ended and
/// the last waker that names it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ShardId(u16);

impl ShardId {
    /// The shard with this number.
    pub(crate) const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number: small, dense, unique among the shards that run now.
    pub(crate) const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A task: 16 bits of shard, 20 of generation, 28 of slot.
///
/// A name that outlives its task does no harm: its generation no longer matches. Generations wrap
/// after a million reuses of a slot, so a name kept for that long may stand for another task; a
/// wake by it is then a spurious one, which every future must bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskId(u64);

impl TaskId {
    /// The task of `shard` in `slot` with `generation`; bits beyond the fields' widths are cut off.
    pub(super) const fn new(shard: ShardId, generation: u32, slot: u32) -> Self {
        Self(
            (shard.0 as u64) << (GENERATION_BITS + SLOT_BITS)
                | (generation as u64 & GENERATION_MASK) << SLOT_BITS
                | slot as u64 & SLOT_MASK,
        )
    }

    /// The task named by the bits of a waker's data pointer.
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All three parts in one word.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// The shard that owns the task.
    pub(crate) const fn shard(self) -> ShardId {
        ShardId((self.0 >> (GENERATION_BITS + SLOT_BITS)) as u16)
    }

    /// Which tenant of the slot it is.
    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> SLOT_BITS & GENERATION_MASK) as u32
    }

    /// The slot of the slab: usable as an index for what a driver keeps per task.
    pub(crate) const fn slot(self) -> usize {
        (self.0 & SLOT_MASK) as usize
    }
}

/// The generation after `generation`.
pub(super) const fn next_generation(generation: u32) -> u32 {
    (generation + 1) & GENERATION_MASK as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_survive_packing() {
        for (shard, generation, slot) in [
            (0, 0, 0),
            (u16::MAX, 0, SLOTS_MAX - 1),
            (1, 0xf_ffff, 0),
            (0x1234, 0x5_6789, 0xabc_def0),
        ] {
            let id = TaskId::new(ShardId::new(shard), generation, slot);
            let id = TaskId::from_bits(id.bits());
            assert_eq!(id.shard().number(), shard);
            assert_eq!(id.generation(), generation);
            assert_eq!(id.slot(), slot as usize);
        }
    }

    #[test]
    fn generations_wrap_within_their_field() {
        assert_eq!(next_generation(0), 1);
        assert_eq!(next_generation(0xf_ffff), 0);
    }
}
