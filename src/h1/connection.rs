//! The state of one HTTP/1 connection.
//!
//! ```text
//!            head complete            response and request body done
//!   Head ---------------------> Exchange --------------------------> Head (kept alive)
//!    |                           |     \                              or Closing
//!    | rejected, idle            |      `--> Drain (response done, body not) --> Head
//!    v                           v 101 or CONNECT
//!   Closing <---------------- Exchange with a raw body
//! ```
//!
//! The shard calls `receive`, `receive_end`, `expire` or `drain` as things happen, then `drive`
//! until it answers `Drive::Wait`, then reads `wants_input`, `close` and `deadline`. Nothing here
//! allocates for a request that arrives in one piece and is answered at once.

use std::rc::Rc;

use super::chunked::ChunkedDecoder;
use super::reject::Reject;
use super::scan::HeadScan;
use crate::buf::BufSlice;
use crate::http::{
    Backlog, BlockRate, BodyError, Close, ConnectionKey, Drive, Exchange, Linger, RateClock,
    Status, Transport, Turn, after,
};
use crate::limits::DataRate;

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for a request head. `since` is when its first byte came.
    Head { since: Option<u64> },
    /// An exchange is under way.
    Exchange,
    /// The response is done; the rest of the request body is read and forgotten.
    Drain,
    /// Nothing is read any more but to be forgotten.
    Closing,
}

/// What is left of the request body.
#[derive(Debug)]
pub(super) enum Body {
    /// Nothing.
    Done,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked(ChunkedDecoder),
    /// Everything until the peer finishes: the exchange was upgraded.
    Raw,
}

/// How the response body is framed, once its head is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// Nothing is sent: HEAD, 204, 304.
    Discard,
    /// So many bytes are still owed.
    Length(u64),
    /// Chunks and a last chunk.
    Chunked,
    /// Bytes until the connection closes, or raw bytes of an upgrade.
    Raw,
}

/// What the response needs to know of its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RequestFacts {
    pub(super) http10: bool,
    pub(super) head: bool,
    pub(super) connect: bool,
    pub(super) keep_alive: bool,
    /// The peer may send another request; where not, it has said so (RFC 9112, 9.3 and 9.6).
    pub(super) more_allowed: bool,
    /// The peer waits for 100 Continue before it sends the body.
    pub(super) awaits_continue: bool,
}

impl RequestFacts {
    /// Those of an HTTP/1.1 request that asks for nothing special of its response.
    pub(super) const PLAIN: Self = Self {
        http10: false,
        head: false,
        connect: false,
        keep_alive: true,
        more_allowed: true,
        awaits_continue: false,
    };
}

/// One HTTP/1 connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) key: ConnectionKey,
    pub(super) id: u64,
    pub(super) transport: Transport,
    pub(super) requests: u64,
    pub(super) phase: Phase,
    pub(super) close: Close,
    pub(super) backlog: Backlog,
    /// How far the backlog was searched for the end of a head.
    pub(super) scan: HeadScan,
    pub(super) body: Body,
    pub(super) sending: Sending,
    pub(super) request: RequestFacts,
    pub(super) exchange: Option<Rc<Exchange>>,
    pub(super) input_ended: bool,
    pub(super) truncated: bool,
    pub(super) linger: Linger,
    pub(super) rate: RateClock,
    /// The rate of the block that is being filled.
    pub(super) block_rate: BlockRate,
    /// Millisecond at which `expire` is due; `u64::MAX` for none.
    pub(super) deadline: u64,
}

impl Connection {
    /// A connection that was accepted just now.
    pub(crate) fn new(key: ConnectionKey, id: u64, transport: Transport, turn: &Turn<'_>) -> Self {
        let mut scan = HeadScan::default();
        scan.set_transport(transport);
        Self {
            key,
            id,
            transport,
            requests: 0,
            phase: Phase::Head { since: None },
            close: Close::No,
            backlog: Backlog::Empty,
            scan,
            body: Body::Done,
            sending: Sending::Discard,
            request: RequestFacts::default(),
            exchange: None,
            input_ended: false,
            truncated: false,
            linger: Linger::default(),
            rate: RateClock::default(),
            block_rate: BlockRate::default(),
            deadline: after(turn.now, turn.limits.keep_alive_timeout),
        }
    }

    /// A connection on which nothing is said any more: what still comes is forgotten until it has
    /// ended as `close` says.
    pub(crate) fn closing(
        key: ConnectionKey,
        id: u64,
        close: Close,
        input_ended: bool,
        turn: &Turn<'_>,
    ) -> Self {
        let mut connection = Self {
            close,
            input_ended,
            ..Self::new(key, id, Transport::default(), turn)
        };
        connection.enter_closing();
        connection
    }

    /// The peer may name another scheme than the connection's.
    pub(crate) fn trust_schemes(&mut self) {
        self.transport.is_gateway = true;
        self.scan.set_transport(self.transport);
    }

    /// Takes received bytes.
    pub(crate) fn receive(&mut self, bytes: BufSlice) {
        self.backlog.push(bytes);
    }

    /// Takes received bytes that lie in no receive buffer.
    pub(crate) fn receive_copied(&mut self, bytes: &[u8]) {
        self.backlog.push_copied(bytes);
    }

    /// Takes the input back, for the protocol that the peer really speaks.
    pub(crate) fn take_input(&mut self) -> Backlog {
        std::mem::take(&mut self.backlog)
    }

    /// The peer has finished sending. What it has sent is still answered.
    pub(crate) fn receive_end(&mut self) {
        self.input_ended = true;
    }

    /// Input has ended, and not because the peer has said so: of a raw stream, whose end nothing
    /// else tells, something may be missing.
    pub(crate) fn receive_truncated(&mut self) {
        self.input_ended = true;
        self.truncated = true;
    }

    /// Whether an exchange is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.exchange.is_some()
    }

    /// Whether a drive would do nothing: no input waits, no exchange is under way.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Head { .. })
            && self.backlog.is_empty()
            && self.close == Close::No
            && !self.input_ended
    }

    /// Goes on as far as possible: appends what is to be sent to `out` and answers whether a
    /// request is ready for the application.
    pub(crate) fn drive(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> Drive {
        loop {
            let answered = self.transmit(turn, out);
            if self.close != Close::No && self.phase != Phase::Closing {
                self.enter_closing();
            }
            match self.consume(turn, out) {
                super::receive::Consumed::Dispatch(exchange) => return Drive::Dispatch(exchange),
                super::receive::Consumed::Http2 => return Drive::Http2,
                super::receive::Consumed::Some => {}
                super::receive::Consumed::Nothing if answered => {}
                super::receive::Consumed::Nothing => break,
            }
        }
        // Requests that wait for room come before the end of the input.
        let held_back = matches!(self.phase, Phase::Head { .. })
            && !self.backlog.is_empty()
            && is_full(out, turn);
        if self.input_ended && !held_back {
            self.end_of_input(turn);
        }
        self.backlog.settle();
        self.update_deadline(turn);
        Drive::Wait
    }

    /// A deadline has passed: the peer was too slow.
    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        self.deadline = u64::MAX;
        match self.phase {
            Phase::Head { since: None } | Phase::Closing => self.close = Close::Now,
            Phase::Drain => {
                // It is sending: a reset would take the response from it.
                self.close = Close::Linger;
                self.enter_closing();
            }
            Phase::Head { since: Some(_) } => self.reject(Reject::HeadTimeout, turn, out),
            Phase::Exchange => self.fail_body(BodyError::TooSlow, turn),
        }
    }

    /// The server is shutting down: an idle connection ends, a busy one after its response.
    pub(crate) fn drain(&mut self) {
        self.request.keep_alive = false;
        if matches!(self.phase, Phase::Head { since: None }) && self.backlog.is_empty() {
            self.close = Close::Linger;
        }
    }

    /// The connection broke: nothing more can be sent or received.
    pub(crate) fn sever(&mut self, turn: &mut Turn<'_>) {
        self.close = Close::Reset;
        self.phase = Phase::Closing;
        self.backlog = Backlog::Empty;
        if let Some(exchange) = self.exchange.take() {
            exchange.sever();
            turn.exchanges.give(exchange, turn.limits);
        }
    }

    /// Whether more input can be taken.
    pub(crate) fn wants_input(&self, turn: &Turn<'_>) -> bool {
        if self.input_ended {
            return false;
        }
        let full = self.exchange.as_ref().is_some_and(|exchange| {
            exchange
                .inbound
                .borrow_mut()
                .is_full(turn.limits.request_buffer_bytes_max)
        });
        self.phase == Phase::Closing
            || (!full && self.backlog.len() < turn.limits.request_buffer_bytes_max)
    }

    /// The lowest rate at which the peer must take what was appended since this was last asked.
    pub(crate) fn take_block_rate(&mut self, turn: &Turn<'_>) -> Option<DataRate> {
        self.block_rate.take(turn.limits.response_rate_min)
    }

    /// How the connection wants to end.
    pub(crate) fn close(&self) -> Close {
        self.close
    }

    /// Whether no request has come yet.
    pub(crate) fn is_new(&self) -> bool {
        self.requests == 0
    }

    /// Whether the exchange was upgraded to a raw stream.
    pub(crate) fn is_upgraded(&self) -> bool {
        matches!(self.body, Body::Raw)
    }

    /// The millisecond at which `expire` is due; `u64::MAX` for none.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline
    }

    /// Answers a violation and closes. With an exchange under way the handler learns it instead.
    pub(super) fn reject(&mut self, reject: Reject, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        turn.counters.reject(reject.name());
        reject.answer(turn.date, turn.server_field, out);
        self.close = Close::Linger;
        self.enter_closing();
    }

    /// Whether the status that the handler set asks for the connection to close with it.
    pub(super) fn closes_with(status: Status, request: RequestFacts) -> bool {
        // A CONNECT that was refused leaves a peer that may already have sent tunnel bytes.
        request.connect && !status.is_success()
    }

    fn update_deadline(&mut self, turn: &Turn<'_>) {
        match self.phase {
            Phase::Exchange => self.deadline = self.body_deadline(turn),
            Phase::Head { since: None } if self.deadline == u64::MAX => {
                self.deadline = after(turn.now, turn.limits.keep_alive_timeout);
            }
            Phase::Closing => self.deadline = self.closing_deadline(),
            Phase::Head { .. } | Phase::Drain => {}
        }
    }

    /// When the body is too slow if nothing more comes.
    #[inline(never)]
    fn body_deadline(&mut self, turn: &Turn<'_>) -> u64 {
        let Some(exchange) = &self.exchange else {
            return u64::MAX;
        };
        let owed = matches!(self.body, Body::Length(_) | Body::Chunked(_));
        let counts = owed && exchange.inbound.borrow().is_awaited();
        let rate = exchange.body_rate.rate().filter(|_| counts);
        self.rate.deadline(turn.now, rate)
    }
}

/// Whether so much waits for the peer that no further request is answered for now.
pub(super) fn is_full(out: &[u8], turn: &Turn<'_>) -> bool {
    out.len() >= turn.limits.response_buffer_bytes_max.max(1)
}
