//! What a connection speaks: one of two protocols behind one set of calls.
//!
//! Owns the choice between them. Must not know TLS, which lies below both.

use crate::buf::BufSlice;
use crate::http::{Close, Drive, Turn};
use crate::limits::DataRate;
use crate::{h1, h2};

/// What the connection speaks.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "HTTP/1 connections are many and idle: a box would cost each an allocation"
)]
pub(super) enum Protocol {
    /// HTTP/1, or HTTP/2 that has not shown itself yet.
    Http1(h1::Connection),
    /// Apart, so that it does not make every HTTP/1 connection as large.
    Http2(Box<h2::Connection>),
}

/// Calls a method that both protocols have.
macro_rules! either {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            Self::Http1(http1) => http1.$method($($argument),*),
            Self::Http2(http2) => http2.$method($($argument),*),
        }
    };
}

impl Protocol {
    /// Takes received bytes.
    #[inline]
    pub(super) fn receive(&mut self, bytes: BufSlice) {
        either!(self.receive(bytes));
    }

    /// Takes received bytes that must be copied.
    pub(super) fn receive_copied(&mut self, bytes: &[u8]) {
        either!(self.receive_copied(bytes));
    }

    /// The peer has finished sending.
    pub(super) fn receive_end(&mut self) {
        either!(self.receive_end());
    }

    /// Input has ended, and not because the peer has said that it is done.
    pub(super) fn receive_truncated(&mut self) {
        either!(self.receive_truncated());
    }

    /// Whether an exchange is under way.
    pub(super) fn is_busy(&self) -> bool {
        either!(self.is_busy())
    }

    /// An exchange has something for the connection.
    pub(super) fn mark(&mut self, stream: u32) {
        match self {
            // There is only one, which is looked at in every drive.
            Self::Http1(_) => {}
            Self::Http2(http2) => http2.mark(stream),
        }
    }

    /// Whether no request has come yet. One over HTTP/2 is never the last of its connection.
    pub(super) fn is_new(&self) -> bool {
        matches!(self, Self::Http1(http1) if http1.is_new())
    }

    /// Whether a drive would do nothing, as after nearly every send.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        either!(self.is_idle())
    }

    /// Goes on as far as possible.
    #[inline]
    pub(super) fn drive(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> Drive {
        either!(self.drive(turn, out))
    }

    /// The connection broke.
    pub(super) fn sever(&mut self, turn: &mut Turn<'_>) {
        either!(self.sever(turn));
    }

    /// The server is shutting down.
    pub(super) fn drain(&mut self) {
        either!(self.drain());
    }

    /// The deadline has passed.
    pub(super) fn expire(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        either!(self.expire(turn, out));
    }

    /// The peer is trusted to know the scheme of what it asks for.
    pub(super) fn trust_schemes(&mut self) {
        either!(self.trust_schemes());
    }

    /// FIN is on its way.
    pub(super) fn fin_sent(&mut self, turn: &Turn<'_>) {
        either!(self.fin_sent(turn));
    }

    /// When `expire` is due; `u64::MAX` for never.
    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        either!(self.deadline())
    }

    /// Whether more input can be taken.
    #[inline]
    pub(super) fn wants_input(&self, turn: &Turn<'_>) -> bool {
        either!(self.wants_input(turn))
    }

    /// How the connection wants to end.
    #[inline]
    pub(super) fn close(&self) -> Close {
        either!(self.close())
    }

    /// The lowest rate at which the peer must take what was produced since this was last asked.
    #[inline]
    pub(super) fn take_block_rate(&mut self, turn: &Turn<'_>) -> Option<DataRate> {
        either!(self.take_block_rate(turn))
    }

    /// Whether the connection was upgraded to a raw stream.
    #[inline]
    pub(super) fn is_upgraded(&self) -> bool {
        match self {
            Self::Http1(http1) => http1.is_upgraded(),
            // Upgraded streams share their connection with others.
            Self::Http2(_) => false,
        }
    }
}
