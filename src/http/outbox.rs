//! How an exchange tells its connection that there is something to send or to read again.
//!
//! Handlers and protocol code never call each other: a handler changes its exchange and marks the
//! connection here; the shard drives the marked connections later in the same turn.

use std::cell::RefCell;

/// A connection of a shard: its slot and the slot's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionKey {
    /// Index into the shard's slab of connections.
    pub(crate) slot: u32,
    /// Tells a later connection in the same slot from this one.
    pub(crate) generation: u32,
}

/// The connections that an exchange has marked since the shard last looked.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    marked: RefCell<Vec<ConnectionKey>>,
}

impl Outbox {
    /// Marks a connection as having work.
    pub(crate) fn mark(&self, key: ConnectionKey) {
        self.marked.borrow_mut().push(key);
    }

    /// Whether nothing is marked.
    pub(crate) fn is_empty(&self) -> bool {
        self.marked.borrow().is_empty()
    }

    /// Moves what is marked behind `into`, keeping the capacity of both.
    pub(crate) fn take(&self, into: &mut Vec<ConnectionKey>) {
        into.append(&mut self.marked.borrow_mut());
    }
}
