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

/// One exchange that has something for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The connection to drive.
    pub(crate) connection: ConnectionKey,
    /// Which of its exchanges, in the connection's own terms; 0 where there is only one.
    pub(crate) stream: u32,
}

/// The exchanges that were marked since the shard last looked.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    marked: RefCell<Vec<Mark>>,
}

impl Outbox {
    /// Marks an exchange as having work for its connection.
    pub(crate) fn mark(&self, mark: Mark) {
        self.marked.borrow_mut().push(mark);
    }

    /// Whether nothing is marked.
    pub(crate) fn is_empty(&self) -> bool {
        self.marked.borrow().is_empty()
    }

    /// Moves what is marked behind `into`, keeping the capacity of both.
    pub(crate) fn take(&self, into: &mut Vec<Mark>) {
        into.append(&mut self.marked.borrow_mut());
    }
}
