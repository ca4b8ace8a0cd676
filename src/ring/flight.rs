//! What the kernel still owns.
//!
//! Owns the count of operations in flight, their memory, and the way from a completion entry back
//! to a [`Completion`]. Submits nothing.

use io_uring::cqueue;

use super::held::{Held, Memory};
use super::{Completion, Errno, Payload, Token};
use crate::buf::Pool;

/// Marks user data that is a key into [`Held`] rather than a token.
const HELD: u64 = 1 << 63;

/// User data of the cancellation that a dropped ring starts; no key is that large.
pub(super) const DROPPED: u64 = u64::MAX;

/// The operations in flight.
#[derive(Debug)]
pub(super) struct Flight {
    /// Where received bytes are.
    pub(super) pool: Pool,
    /// Operations that have not completed for the last time.
    pub(super) count: usize,
    held: Held,
}

impl Flight {
    /// Nothing in flight; allocates only once more than `operations` with memory are.
    pub(super) fn new(pool: Pool, operations: usize) -> Self {
        Self {
            pool,
            count: 0,
            held: Held::with_capacity(operations),
        }
    }

    /// Keeps the memory of an operation and returns the operation's user data.
    pub(super) fn keep(&mut self, token: Token, memory: Memory) -> u64 {
        HELD | u64::from(self.held.keep(token, memory))
    }

    /// What a completion entry says. `None` for one that nobody asked for.
    pub(super) fn land(&mut self, entry: &cqueue::Entry) -> Option<Completion> {
        let more = cqueue::more(entry.flags());
        if !more {
            self.count = self.count.saturating_sub(1);
        }
        let result = match u32::try_from(entry.result()) {
            Ok(value) => Ok(value),
            Err(_) => Err(Errno(entry.result().saturating_neg())),
        };
        let (token, payload) = match entry.user_data() {
            DROPPED => return None,
            data if data & HELD != 0 => {
                let (token, memory) = self.held.take(data as u32)?;
                (token, give_back(memory, result))
            }
            data => (Token::from_bits(data)?, self.received(entry, result)),
        };
        Some(Completion {
            token,
            result,
            more,
            payload,
        })
    }

    fn received(&self, entry: &cqueue::Entry, result: Result<u32, Errno>) -> Payload {
        let Some(id) = cqueue::buffer_select(entry.flags()) else {
            return Payload::None;
        };
        let len = result.unwrap_or(0) as usize;
        // SAFETY: this completion says that the kernel took the buffer from the buffer ring and
        // is done with it; it is not in the ring again before it is handed over anew.
        let slice = unsafe { self.pool.filled(id, len) };
        debug_assert!(
            slice.is_some(),
            "the kernel fills buffers that it was given"
        );
        match slice {
            Some(slice) if !slice.is_empty() => Payload::Received(slice),
            _ => Payload::None,
        }
    }

    /// Never frees what the kernel may still read or write.
    pub(super) fn leak(&mut self) {
        self.pool.clone().leak();
        std::mem::forget(std::mem::take(&mut self.held));
    }
}

fn give_back(memory: Memory, result: Result<u32, Errno>) -> Payload {
    match memory {
        Memory::Send(bytes) => Payload::Sent(bytes),
        Memory::Read(mut bytes) => {
            let read = result.unwrap_or(0) as usize;
            let len = bytes.len().saturating_add(read).min(bytes.capacity());
            // SAFETY: the kernel has written `read` bytes behind the vector's length, within its
            // capacity, which is what it was given to write to.
            unsafe { bytes.set_len(len) };
            Payload::Read(bytes)
        }
        Memory::Open(path) => {
            drop(path);
            Payload::None
        }
    }
}
