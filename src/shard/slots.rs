//! The shard's slab of connections: what the shard itself knows of each.
//!
//! Owns slots and generations, so that a completion or a mark of a connection that is gone is
//! recognised and never reaches its successor.

use std::os::fd::RawFd;

use super::driver::OpenFlag;
use super::wheel::TimerId;
use crate::conn::Connection;
use crate::features;
use crate::http::ConnectionKey;

/// Generations fit the 24 bits that a ring token has for them.
const GENERATION_MASK: u32 = 0x00ff_ffff;

/// Whether the connection's receive operation is with the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiving {
    /// No operation.
    Off,
    /// A receive is armed.
    Armed,
    /// Its cancellation is under way.
    Cancelling,
    /// It ended for want of buffers and waits for some to return.
    Starved,
    /// The peer has finished sending.
    Ended,
}

/// How far the connection's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// In use.
    Open,
    /// FIN is sent; input is read and forgotten.
    Lingering,
    /// Waiting for the kernel to let go of its operations.
    Cancelling,
    /// The descriptor is being closed.
    Closing,
}

/// One connection of the shard.
pub(super) struct Slot {
    pub(super) key: ConnectionKey,
    pub(super) fd: RawFd,
    /// Cleared before the descriptor is closed.
    pub(super) open: OpenFlag,
    pub(super) connection: Connection,
    pub(super) facts: features::Connection,
    pub(super) receiving: Receiving,
    /// Whether its break would be seen also where nothing is received.
    pub(super) watched: bool,
    pub(super) stage: Stage,
    /// Operations with the kernel that name this slot.
    pub(super) operations: u32,
    /// The armed timer and the millisecond it is armed for.
    pub(super) timer: Option<(TimerId, u64)>,
    /// Whether the slot is in the list of those to settle this turn.
    pub(super) queued: bool,
    /// Whether it was marked and not driven since.
    pub(super) marked: bool,
    /// Whether its handshake waits for a later turn.
    pub(super) postponed: bool,
    /// Whether an upgraded connection was taken off the count of ordinary ones.
    pub(super) counted_upgraded: bool,
}

/// The connections of a shard.
#[derive(Default)]
pub(super) struct Slots {
    entries: Vec<Entry>,
    free: Vec<u32>,
    live: usize,
}

struct Entry {
    generation: u32,
    slot: Option<Box<Slot>>,
}

impl Slots {
    /// Adds a connection that `make` makes for its key.
    pub(super) fn insert(&mut self, make: impl FnOnce(ConnectionKey) -> Slot) -> ConnectionKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry {
                generation: 0,
                slot: None,
            });
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        let generation = self
            .entries
            .get(index as usize)
            .map_or(0, |entry| entry.generation);
        let key = ConnectionKey {
            slot: index,
            generation,
        };
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.slot = Some(Box::new(make(key)));
            self.live += 1;
        }
        key
    }

    /// The connection of a key, unless it is gone.
    pub(super) fn get(&mut self, key: ConnectionKey) -> Option<&mut Slot> {
        let entry = self.entries.get_mut(key.slot as usize)?;
        if entry.generation != key.generation {
            return None;
        }
        entry.slot.as_deref_mut()
    }

    /// Removes a connection; its key never names another.
    pub(super) fn remove(&mut self, key: ConnectionKey) -> Option<Box<Slot>> {
        self.get(key)?;
        let entry = self.entries.get_mut(key.slot as usize)?;
        let slot = entry.slot.take();
        entry.generation = entry.generation.wrapping_add(1) & GENERATION_MASK;
        self.free.push(key.slot);
        self.live = self.live.saturating_sub(1);
        slot
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The keys of all connections.
    pub(super) fn keys(&self) -> Vec<ConnectionKey> {
        self.entries
            .iter()
            .filter_map(|entry| Some(entry.slot.as_ref()?.key))
            .collect()
    }
}
