//! One connection as its transport sees it: bytes in, blocks of bytes out, one deadline.
//!
//! Owns what comes between a transport and a protocol: TLS, the block that is being filled, the
//! block that is being sent and the clock of the minimum response rate. It tells the protocols
//! apart. Must not know a ring, a socket or a task.

#![forbid(unsafe_code)]

mod blocks;
mod protocol;
mod refusals;
mod resources;
mod security;
#[cfg(test)]
mod tests;

use blocks::Blocks;
use protocol::Protocol;
pub(crate) use resources::Resources;
use security::Security;

use crate::buf::BufSlice;
use crate::http::{Backlog, Close, ConnectionKey, Drive, Protocols, Scheme, Transport, Turn};
use crate::limits::DataRate;
use crate::{h1, h2};

/// One connection, whatever it speaks.
#[derive(Debug)]
pub(crate) struct Connection {
    key: ConnectionKey,
    id: u64,
    /// The peer may name another scheme than the connection's.
    is_gateway: bool,
    protocol: Protocol,
    security: Security,
    /// What the protocol has produced since the last send began. No memory while it is empty.
    out: Vec<u8>,
    /// Bytes of the block that is being sent; 0 when none is.
    sending: usize,
    /// The lowest rate at which the peer must take it.
    send_rate: Option<DataRate>,
    /// Millisecond at which the running send is too slow; `u64::MAX` for none.
    send_deadline: u64,
    /// Nothing can be sent any more that the peer would understand.
    broken: bool,
}

impl Connection {
    /// A connection on a cleartext endpoint that was accepted just now. `id` tells it apart in logs.
    pub(crate) fn cleartext(key: ConnectionKey, id: u64, turn: &Turn<'_>) -> Self {
        let transport = Transport::of(Scheme::Http);
        let protocol = if turn.protocols == Protocols::Http2 {
            let http2 = h2::Connection::new(key, id, Backlog::Empty, transport, turn);
            Protocol::Http2(Box::new(http2))
        } else {
            Protocol::Http1(h1::Connection::new(key, id, transport, turn))
        };
        Self::new(key, id, protocol, Security::None)
    }

    fn new(key: ConnectionKey, id: u64, protocol: Protocol, security: Security) -> Self {
        Self {
            key,
            id,
            is_gateway: false,
            protocol,
            security,
            out: Vec::new(),
            sending: 0,
            send_rate: None,
            send_deadline: u64::MAX,
            broken: false,
        }
    }

    /// The peer is trusted to know the scheme of what it asks for, whatever the connection is (RFC 9110,
    /// 7.4). To be said before anything is received.
    pub(crate) fn trust_schemes(&mut self) {
        self.is_gateway = true;
        self.protocol.trust_schemes();
    }

    /// What the protocol above a connection with this scheme is to hold requests against.
    fn transport(&self, scheme: Scheme) -> Transport {
        Transport {
            scheme,
            is_gateway: self.is_gateway,
        }
    }

    /// Takes received bytes; `drive` works on them.
    #[inline]
    pub(crate) fn receive(&mut self, bytes: BufSlice, resources: &mut Resources) {
        match self.security {
            Security::None => self.protocol.receive(bytes),
            _ => self.receive_secure(bytes, resources),
        }
    }

    /// An exchange of this connection has something for it.
    pub(crate) fn mark(&mut self, stream: u32) {
        self.protocol.mark(stream);
    }

    /// The peer has finished sending.
    pub(crate) fn receive_end(&mut self) {
        match self.security {
            Security::None => self.protocol.receive_end(),
            _ => self.receive_end_secure(),
        }
    }

    /// Whether a drive would do nothing, as after nearly every send in the clear.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.security, Security::None) && self.protocol.is_idle()
    }

    /// Goes on as far as possible. On `Drive::Dispatch` run the application and call again.
    pub(crate) fn drive(&mut self, turn: &mut Turn<'_>, resources: &mut Resources) -> Drive {
        if !matches!(self.security, Security::None) {
            if let Some(drive) = self.drive_security(turn, resources) {
                return drive;
            }
            if self.protocol.is_idle() {
                return Drive::Wait;
            }
        }
        if self.out.capacity() == 0 {
            self.out = resources.blocks.take();
        }
        // One call in the code, so that it becomes part of this function.
        let drive = loop {
            let drive = self.protocol.drive(turn, &mut self.out);
            if !matches!(drive, Drive::Http2) || !self.switch(turn) {
                break drive;
            }
        };
        if self.out.is_empty() && matches!(drive, Drive::Wait) {
            resources.blocks.give(std::mem::take(&mut self.out));
        }
        drive
    }

    /// The peer has begun with the preface of HTTP/2 (RFC 9113, 3.4). False when that is what it
    /// speaks already.
    #[cold]
    fn switch(&mut self, turn: &Turn<'_>) -> bool {
        let transport = self.transport(Scheme::Http);
        let Protocol::Http1(http1) = &mut self.protocol else {
            return false;
        };
        let input = http1.take_input();
        let http2 = h2::Connection::new(self.key, self.id, input, transport, turn);
        self.protocol = Protocol::Http2(Box::new(http2));
        true
    }

    /// The next block to send, when there is one and none is on its way.
    pub(crate) fn next_send(
        &mut self,
        turn: &mut Turn<'_>,
        resources: &mut Resources,
    ) -> Option<Vec<u8>> {
        if self.sending > 0 {
            return None;
        }
        let block = match self.security {
            Security::Session(_) => self.seal_block(turn, resources)?,
            Security::None | Security::Handshake(_) if self.out.is_empty() => return None,
            Security::None | Security::Handshake(_) => std::mem::take(&mut self.out),
        };
        self.send_rate = self.protocol.take_block_rate(turn);
        self.begin_send(block.len(), turn);
        Some(block)
    }

    /// Of the block on its way, `left` bytes are still to be sent.
    pub(crate) fn sent_partly(&mut self, left: usize, turn: &Turn<'_>) {
        self.begin_send(left, turn);
    }

    /// The block has been sent whole.
    pub(crate) fn sent(&mut self, block: Vec<u8>, resources: &mut Resources) {
        self.sending = 0;
        self.send_deadline = u64::MAX;
        resources.blocks.give(block);
    }

    /// Bytes of the block on its way that are still to be sent; 0 when none is.
    pub(crate) fn sending(&self) -> usize {
        self.sending
    }

    /// Whether all that was produced has been sent.
    pub(crate) fn is_flushed(&self) -> bool {
        self.sending == 0 && self.out.is_empty() && !self.owes_records()
    }

    /// The connection broke: nothing more can be sent or received.
    pub(crate) fn sever(&mut self, turn: &mut Turn<'_>, resources: &mut Resources) {
        resources.blocks.give(std::mem::take(&mut self.out));
        self.protocol.sever(turn);
        self.security = Security::None;
    }

    /// The server is shutting down.
    pub(crate) fn drain(&mut self) {
        // A handshake sees it when it is driven: there is no protocol to drain yet.
        if !matches!(self.security, Security::Handshake(_)) {
            self.protocol.drain();
        }
    }

    /// The deadline has passed. True when the connection is broken by it.
    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>, resources: &mut Resources) -> bool {
        if self.send_deadline <= turn.now {
            turn.counters.reject("response_rate_min");
            return true;
        }
        if let Security::Handshake(handshaking) = &self.security {
            if handshaking.deadline <= turn.now {
                self.expire_handshake(turn);
            }
        } else if self.protocol.deadline() <= turn.now {
            if self.out.capacity() == 0 {
                self.out = resources.blocks.take();
            }
            self.protocol.expire(turn, &mut self.out);
        }
        false
    }

    /// When `expire` is due, in milliseconds; `u64::MAX` for never.
    pub(crate) fn deadline(&self) -> u64 {
        let own = match &self.security {
            Security::Handshake(handshaking) => handshaking.deadline,
            Security::None | Security::Session(_) => self.protocol.deadline(),
        };
        own.min(self.send_deadline)
    }

    /// Whether more input can be taken.
    pub(crate) fn wants_input(&self, turn: &Turn<'_>) -> bool {
        // A peer that does not read its answers is not read either.
        self.out.len() < turn.limits.response_buffer_bytes_max.max(1)
            && self.protocol.wants_input(turn)
    }

    /// How the connection wants to end once it is flushed.
    pub(crate) fn close(&self) -> Close {
        match &self.security {
            _ if self.broken => Close::Reset,
            Security::Handshake(_) => Close::No,
            Security::None => self.protocol.close(),
            Security::Session(_) => match self.protocol.close() {
                // It has not said all: its close_notify is still to come (RFC 8446, 6.1).
                Close::Agreed => Close::Linger,
                close => close,
            },
        }
    }

    /// FIN is on its way: from now on the peer is waited for. May be said again.
    pub(crate) fn fin_sent(&mut self, turn: &Turn<'_>) {
        self.protocol.fin_sent(turn);
    }

    /// Whether the connection may end with what it receives next: it has said nothing yet that an
    /// answer could end.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.security, Security::Handshake(_)) || self.protocol.is_new()
    }

    /// Whether it was upgraded to a raw stream.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.protocol.is_upgraded()
    }

    fn begin_send(&mut self, bytes: usize, turn: &Turn<'_>) {
        self.sending = bytes;
        self.send_deadline = self.send_rate.map_or(u64::MAX, |rate| {
            turn.now.saturating_add(rate.allowed_ms(bytes as u64))
        });
    }
}
