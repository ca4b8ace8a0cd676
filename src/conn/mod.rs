//! One connection as its transport sees it: bytes in, blocks of bytes out, one deadline.
//!
//! Owns what comes between a transport and a protocol: the block that is being filled, the block
//! that is being sent and the clock of the minimum response rate. Protocol detection and TLS
//! belong here, between `receive` and the protocol. Must not know a ring, a socket or a task.

#![forbid(unsafe_code)]

mod blocks;
#[cfg(test)]
mod tests;

pub(crate) use blocks::Blocks;

use crate::buf::BufSlice;
use crate::h1;
use crate::http::{Close, ConnectionKey, Drive, Turn};
use crate::limits::DataRate;

/// One connection, whatever it speaks.
#[derive(Debug)]
pub(crate) struct Connection {
    http1: h1::Connection,
    /// What the protocol has produced since the last send began. No memory while it is empty.
    out: Vec<u8>,
    /// Bytes of the block that is being sent; 0 when none is.
    sending: usize,
    /// The lowest rate at which the peer must take it.
    send_rate: Option<DataRate>,
    /// Millisecond at which the running send is too slow; `u64::MAX` for none.
    send_deadline: u64,
}

impl Connection {
    /// A connection that was accepted just now. `id` tells it apart in logs.
    pub(crate) fn new(key: ConnectionKey, id: u64, turn: &Turn<'_>) -> Self {
        Self {
            http1: h1::Connection::new(key, id, turn),
            out: Vec::new(),
            sending: 0,
            send_rate: None,
            send_deadline: u64::MAX,
        }
    }

    /// Takes received bytes; `drive` works on them.
    pub(crate) fn receive(&mut self, bytes: BufSlice) {
        self.http1.receive(bytes);
    }

    /// An exchange of this connection has something for it. One that has only one looks at it in
    /// every drive.
    pub(crate) fn mark(&mut self, _stream: u32) {}

    /// The peer has finished sending.
    pub(crate) fn receive_end(&mut self) {
        self.http1.receive_end();
    }

    /// Goes on as far as possible. On `Drive::Dispatch` run the application and call again.
    pub(crate) fn drive(&mut self, turn: &mut Turn<'_>, blocks: &mut Blocks) -> Drive {
        if self.out.capacity() == 0 {
            self.out = blocks.take();
        }
        let drive = self.http1.drive(turn, &mut self.out);
        if self.out.is_empty() && matches!(drive, Drive::Wait) {
            blocks.give(std::mem::take(&mut self.out));
        }
        drive
    }

    /// The next block to send, when there is one and none is on its way.
    pub(crate) fn next_send(&mut self, turn: &Turn<'_>) -> Option<Vec<u8>> {
        if self.sending > 0 || self.out.is_empty() {
            return None;
        }
        let block = std::mem::take(&mut self.out);
        self.send_rate = self.http1.take_block_rate(turn);
        self.begin_send(block.len(), turn);
        Some(block)
    }

    /// Of the block on its way, `left` bytes are still to be sent.
    pub(crate) fn sent_partly(&mut self, left: usize, turn: &Turn<'_>) {
        self.begin_send(left, turn);
    }

    /// The block has been sent whole.
    pub(crate) fn sent(&mut self, block: Vec<u8>, blocks: &mut Blocks) {
        self.sending = 0;
        self.send_deadline = u64::MAX;
        blocks.give(block);
    }

    /// Bytes of the block on its way that are still to be sent; 0 when none is.
    pub(crate) fn sending(&self) -> usize {
        self.sending
    }

    /// Whether all that was produced has been sent.
    pub(crate) fn is_flushed(&self) -> bool {
        self.sending == 0 && self.out.is_empty()
    }

    /// The connection broke: nothing more can be sent or received.
    pub(crate) fn sever(&mut self, turn: &mut Turn<'_>, blocks: &mut Blocks) {
        blocks.give(std::mem::take(&mut self.out));
        self.http1.sever(turn);
    }

    /// The server is shutting down.
    pub(crate) fn drain(&mut self) {
        self.http1.drain();
    }

    /// The deadline has passed. True when the connection is broken by it.
    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>, blocks: &mut Blocks) -> bool {
        if self.send_deadline <= turn.now {
            turn.counters.reject("response_rate_min");
            return true;
        }
        if self.http1.deadline() <= turn.now {
            if self.out.capacity() == 0 {
                self.out = blocks.take();
            }
            self.http1.expire(turn, &mut self.out);
        }
        false
    }

    /// When `expire` is due, in milliseconds; `u64::MAX` for never.
    pub(crate) fn deadline(&self) -> u64 {
        self.http1.deadline().min(self.send_deadline)
    }

    /// Whether more input can be taken.
    pub(crate) fn wants_input(&self, turn: &Turn<'_>) -> bool {
        // A peer that does not read its answers is not read either.
        self.out.len() < turn.limits.response_buffer_bytes_max.max(1)
            && self.http1.wants_input(turn)
    }

    /// How the connection wants to end once it is flushed.
    pub(crate) fn close(&self) -> Close {
        self.http1.close()
    }

    /// Whether it was upgraded to a raw stream.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.http1.is_upgraded()
    }

    fn begin_send(&mut self, bytes: usize, turn: &Turn<'_>) {
        self.sending = bytes;
        self.send_deadline = self.send_rate.map_or(u64::MAX, |rate| {
            turn.now.saturating_add(rate.allowed_ms(bytes as u64))
        });
    }
}
