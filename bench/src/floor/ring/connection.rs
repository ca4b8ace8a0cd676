//! One connection of the floor: input that is not a whole head yet, output, and what is in flight.
//!
//! Knows nothing of the ring; it says what has to be sent and the loop sends it.
#![forbid(unsafe_code)]

use std::net::Shutdown;
use std::os::fd::OwnedFd;

use socket2::SockRef;

use crate::floor::answer::{Answerer, REJECTION};

/// What the loop has to do for a connection at the end of a turn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// Nothing: a completion will bring it back.
    Wait,
    /// Send these bytes; they stay where they are until [`Connection::sent`].
    Send(*const u8, u32),
    /// Drop it: nothing is in flight any more.
    Close,
}

/// State of one accepted socket.
pub(super) struct Connection {
    socket: OwnedFd,
    partial: Vec<u8>,
    queued: Vec<u8>,
    sending: Vec<u8>,
    sent: usize,
    send_in_flight: bool,
    receiving: bool,
    finished: bool,
    /// Whether the loop has it on its list for the end of this turn.
    pub(super) dirty: bool,
}

impl Connection {
    /// A connection whose receive is about to be armed.
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            partial: Vec::new(),
            queued: Vec::new(),
            sending: Vec::new(),
            sent: 0,
            send_in_flight: false,
            receiving: true,
            finished: false,
            dirty: false,
        }
    }

    /// Takes received bytes and queues the answers to the heads they complete.
    pub(super) fn receive(&mut self, bytes: &[u8], answerer: &Answerer) {
        if self.finished {
            return;
        }
        let outcome = if self.partial.is_empty() {
            let outcome = answerer.answer(bytes, &mut self.queued);
            if let Ok(consumed) = outcome {
                self.partial
                    .extend_from_slice(bytes.get(consumed..).unwrap_or_default());
            }
            outcome
        } else {
            self.partial.extend_from_slice(bytes);
            let outcome = answerer.answer(&self.partial, &mut self.queued);
            if let Ok(consumed) = outcome {
                self.partial.drain(..consumed);
            }
            outcome
        };
        match outcome {
            Ok(0) => {}
            Ok(_) => self.finished = answerer.is_last(),
            Err(_) => {
                self.queued.extend_from_slice(REJECTION);
                self.finished = true;
            }
        }
    }

    /// The peer sends no more, or the receive failed.
    pub(super) fn receive_ended(&mut self) {
        self.receiving = false;
    }

    /// The send completed with `result`: a count of bytes or a negative errno.
    pub(super) fn sent(&mut self, result: i32) {
        self.send_in_flight = false;
        match usize::try_from(result) {
            Ok(count) => self.sent += count,
            Err(_) => {
                self.queued.clear();
                self.sending.clear();
                self.finished = true;
            }
        }
        if self.sent >= self.sending.len() {
            self.sending.clear();
            self.sent = 0;
        }
    }

    /// What to do now; at most one send is in flight, all else waits to be sent with the next.
    pub(super) fn settle(&mut self) -> Next {
        if self.send_in_flight {
            return Next::Wait;
        }
        if self.sending.is_empty() {
            std::mem::swap(&mut self.sending, &mut self.queued);
        }
        if let Some(rest) = self
            .sending
            .get(self.sent..)
            .filter(|rest| !rest.is_empty())
        {
            self.send_in_flight = true;
            return Next::Send(rest.as_ptr(), u32::try_from(rest.len()).unwrap_or(u32::MAX));
        }
        if !self.receiving {
            return Next::Close;
        }
        if self.finished {
            // Ends the armed receive, whose last completion then closes the socket. Failure means
            // that the peer is gone already, which ends the receive as well.
            let _ = SockRef::from(&self.socket).shutdown(Shutdown::Both);
        }
        Next::Wait
    }
}
