//! One connection as its transport sees it: bytes in, blocks of bytes out, one deadline.
//!
//! Owns what comes between a transport and a protocol: the block that is being filled, the block
//! that is being sent and the clock of the minimum response rate. It tells the protocols apart; TLS
//! belongs here too, between `receive` and the protocol. Must not know a ring, a socket or a task.

#![forbid(unsafe_code)]

mod blocks;
#[cfg(test)]
mod tests;

pub(crate) use blocks::Blocks;

use crate::buf::BufSlice;
use crate::http::{Backlog, Close, ConnectionKey, Drive, Protocols, Turn};
use crate::limits::DataRate;
use crate::{h1, h2};

/// What the connection speaks.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "HTTP/1 connections are many and idle: a box would cost each an allocation"
)]
enum Protocol {
    /// HTTP/1, or HTTP/2 that has not shown itself yet.
    Http1(h1::Connection),
    /// Apart, so that it does not make every HTTP/1 connection as large.
    Http2(Box<h2::Connection>),
}

/// Calls a method that both protocols have.
macro_rules! either {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &mut $self.protocol {
            Protocol::Http1(http1) => http1.$method($($argument),*),
            Protocol::Http2(http2) => http2.$method($($argument),*),
        }
    };
    (&$self:ident.$method:ident($($argument:expr),*)) => {
        match &$self.protocol {
            Protocol::Http1(http1) => http1.$method($($argument),*),
            Protocol::Http2(http2) => http2.$method($($argument),*),
        }
    };
}

/// One connection, whatever it speaks.
#[derive(Debug)]
pub(crate) struct Connection {
    key: ConnectionKey,
    id: u64,
    protocol: Protocol,
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
        let protocol = if turn.protocols == Protocols::Http2 {
            Protocol::Http2(Box::new(h2::Connection::new(key, id, Backlog::Empty, turn)))
        } else {
            Protocol::Http1(h1::Connection::new(key, id, turn))
        };
        Self {
            key,
            id,
            protocol,
            out: Vec::new(),
            sending: 0,
            send_rate: None,
            send_deadline: u64::MAX,
        }
    }

    /// Takes received bytes; `drive` works on them.
    pub(crate) fn receive(&mut self, bytes: BufSlice) {
        either!(self.receive(bytes));
    }

    /// An exchange of this connection has something for it.
    pub(crate) fn mark(&mut self, stream: u32) {
        match &mut self.protocol {
            // There is only one, which is looked at in every drive.
            Protocol::Http1(_) => {}
            Protocol::Http2(http2) => http2.mark(stream),
        }
    }

    /// The peer has finished sending.
    pub(crate) fn receive_end(&mut self) {
        either!(self.receive_end());
    }

    /// Goes on as far as possible. On `Drive::Dispatch` run the application and call again.
    pub(crate) fn drive(&mut self, turn: &mut Turn<'_>, blocks: &mut Blocks) -> Drive {
        // As after nearly every send.
        if let Protocol::Http1(http1) = &self.protocol
            && http1.is_idle()
        {
            return Drive::Wait;
        }
        if self.out.capacity() == 0 {
            self.out = blocks.take();
        }
        let mut drive = either!(self.drive(turn, &mut self.out));
        if matches!(drive, Drive::Http2) {
            self.switch(turn);
            drive = either!(self.drive(turn, &mut self.out));
        }
        if self.out.is_empty() && matches!(drive, Drive::Wait) {
            blocks.give(std::mem::take(&mut self.out));
        }
        drive
    }

    /// The peer has begun with the preface of HTTP/2 (RFC 9113, 3.4).
    fn switch(&mut self, turn: &Turn<'_>) {
        if let Protocol::Http1(http1) = &mut self.protocol {
            let input = http1.take_input();
            let http2 = h2::Connection::new(self.key, self.id, input, turn);
            self.protocol = Protocol::Http2(Box::new(http2));
        }
    }

    /// The next block to send, when there is one and none is on its way.
    pub(crate) fn next_send(&mut self, turn: &Turn<'_>) -> Option<Vec<u8>> {
        if self.sending > 0 || self.out.is_empty() {
            return None;
        }
        let block = std::mem::take(&mut self.out);
        self.send_rate = either!(self.take_block_rate(turn));
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
        either!(self.sever(turn));
    }

    /// The server is shutting down.
    pub(crate) fn drain(&mut self) {
        either!(self.drain());
    }

    /// The deadline has passed. True when the connection is broken by it.
    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>, blocks: &mut Blocks) -> bool {
        if self.send_deadline <= turn.now {
            turn.counters.reject("response_rate_min");
            return true;
        }
        if either!(&self.deadline()) <= turn.now {
            if self.out.capacity() == 0 {
                self.out = blocks.take();
            }
            either!(self.expire(turn, &mut self.out));
        }
        false
    }

    /// When `expire` is due, in milliseconds; `u64::MAX` for never.
    pub(crate) fn deadline(&self) -> u64 {
        either!(&self.deadline()).min(self.send_deadline)
    }

    /// Whether more input can be taken.
    pub(crate) fn wants_input(&self, turn: &Turn<'_>) -> bool {
        // A peer that does not read its answers is not read either.
        self.out.len() < turn.limits.response_buffer_bytes_max.max(1)
            && either!(&self.wants_input(turn))
    }

    /// How the connection wants to end once it is flushed.
    pub(crate) fn close(&self) -> Close {
        either!(&self.close())
    }

    /// Whether it was upgraded to a raw stream.
    pub(crate) fn is_upgraded(&self) -> bool {
        match &self.protocol {
            Protocol::Http1(http1) => http1.is_upgraded(),
            // Upgraded streams share their connection with others.
            Protocol::Http2(_) => false,
        }
    }

    fn begin_send(&mut self, bytes: usize, turn: &Turn<'_>) {
        self.sending = bytes;
        self.send_deadline = self.send_rate.map_or(u64::MAX, |rate| {
            turn.now.saturating_add(rate.allowed_ms(bytes as u64))
        });
    }
}
