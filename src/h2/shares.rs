//! How much of each response may wait for the peer: the streams of a connection share what it has.
//!
//! Owns the number of responses that wait, for a window or for their turn, and what that leaves for
//! each. The parts are powers of two and change late, so that they are not handed out anew with
//! every frame. Whatever its part, a response that was promised more keeps what it has.

use super::connection::Connection;
use crate::http::{Exchange, Turn};
use crate::limits::RESPONSE_SHARE_BYTES_MIN;

/// The parts of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    /// Responses that wait; some of them may have gone since they were counted.
    waiting: usize,
    /// In how many parts the room is divided.
    parts: usize,
}

impl Shares {
    /// One response has all of it.
    pub(super) const WHOLE: Self = Self {
        waiting: 0,
        parts: 1,
    };

    /// What `bytes` leave for each response.
    fn of(self, bytes: usize) -> usize {
        (bytes / self.parts).max(RESPONSE_SHARE_BYTES_MIN.min(bytes))
    }
}

impl Connection {
    /// A new exchange gets its part.
    #[inline]
    pub(super) fn give_share(&self, exchange: &Exchange, turn: &Turn<'_>) {
        if self.shares.parts > 1 {
            let bytes = turn.limits.response_buffer_bytes_max;
            exchange.set_response_capacity(self.shares.of(bytes));
        }
    }

    /// A response begins to wait, or goes on to.
    pub(super) fn note_waiting(&mut self, turn: &Turn<'_>) {
        self.shares.waiting += 1;
        if self.shares.waiting > self.shares.parts {
            self.divide(turn);
        }
    }

    /// At the end of a drive: fewer may wait than before, and those that wait now do so for longer.
    #[inline]
    pub(super) fn settle_shares(&mut self, turn: &Turn<'_>) {
        if self.shares.parts > 1 || self.streams.len() > 1 {
            self.divide(turn);
        } else {
            self.shares.waiting = 0;
        }
    }

    /// Counts who waits, and hands out other parts if that makes a difference.
    #[inline(never)]
    fn divide(&mut self, turn: &Turn<'_>) {
        let schedule = &self.schedule;
        let waiting = self
            .streams
            .count(|slot, stream| stream.stall.is_running() || schedule.contains(slot));
        self.shares.waiting = waiting;
        let parts = self.shares.parts;
        if waiting > parts || waiting < parts / 4 {
            self.shares.parts = waiting.max(1).next_power_of_two();
            let part = self.shares.of(turn.limits.response_buffer_bytes_max);
            for stream in self.streams.iter_mut() {
                if let Some(exchange) = &stream.exchange {
                    exchange.set_response_capacity(part);
                }
            }
        }
    }
}
