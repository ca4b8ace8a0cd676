//! What one connection holds, for tests of its bounds.

use std::cell::Cell;

use super::Connection;

/// Counts of what grows with what a peer sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Streams that have slots.
    pub(crate) streams: usize,
    /// Those of them that are closed and whose handlers run.
    pub(crate) abandoned: usize,
    /// Bytes of a field block that is not complete.
    pub(crate) block_bytes: usize,
    /// Received bytes that have not been looked at.
    pub(crate) input_bytes: usize,
    /// Priorities of streams that are not open.
    pub(crate) early_priorities: usize,
    /// Streams whose exchanges are to be looked at.
    pub(crate) changed: usize,
    /// Bytes of responses that wait in their streams.
    pub(crate) response_bytes: usize,
    /// The size of the table that requests are decoded with.
    pub(crate) table_bytes: u32,
}

impl Connection {
    /// Counts.
    pub(crate) fn census(&self) -> Census {
        let bodies = Cell::new(0);
        self.streams.count(|_, stream| {
            if let Some(exchange) = &stream.exchange {
                bodies.set(bodies.get() + exchange.outbound().borrow().body.len());
            }
            false
        });
        Census {
            response_bytes: bodies.get(),
            streams: self.streams.len(),
            abandoned: self.abandoned,
            block_bytes: self.open_block.map_or(0, |_| self.block.len()),
            input_bytes: self.input.len(),
            early_priorities: self.early_priorities.len(),
            changed: self.changed.len(),
            table_bytes: self.decoder.table_bytes(),
        }
    }
}
