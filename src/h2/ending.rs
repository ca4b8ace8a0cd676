//! How streams and connections end before their time, and in order (RFC 9113, 5.4 and 6.8).
//!
//! Owns RST_STREAM and GOAWAY. A connection that ends in order says so twice: first that it is
//! about to, and after a round trip which streams it has taken, so that no request is lost.

use super::budget::Cheap;
use super::connection::{Connection, is_full};
use super::error::{ConnectionError, ErrorCode, Fault, StreamError, Violation};
use super::frame::{encode_goaway, encode_ping, encode_rst_stream};
use super::stall::Stall;
use crate::http::{BodyError, Close, Turn};
use crate::limits::GOAWAY_GRACE_MS;

/// The PING behind the first GOAWAY: its answer says that the peer has seen that.
pub(super) const SHUTDOWN_PING: [u8; 8] = *b"goodbye.";

/// The identifier of a GOAWAY that refuses nothing yet.
const ANY_STREAM: u32 = i32::MAX as u32;

/// What an HTTP/1 peer is told on a port that speaks HTTP/2 only.
const HTTP_2_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 46\r\nConnection: close\r\n\r\n\
    This port speaks HTTP/2 only (RFC 9113, 3.3).\n";

/// How far the connection's orderly end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has not begun.
    No,
    /// It is to begin.
    Asked,
    /// The peer has been told; streams that it opens meanwhile are taken.
    Announced,
    /// Streams above this one are refused.
    Last(u32),
}

impl Ending {
    /// Whether a new stream is refused.
    pub(super) fn refuses(self, stream: u32) -> bool {
        matches!(self, Self::Last(last) if stream > last)
    }
}

impl Connection {
    /// The server is shutting down, or the connection has served its time.
    pub(crate) fn drain(&mut self) {
        self.wake();
        if self.ending == Ending::No {
            self.ending = Ending::Asked;
        }
    }

    /// The peer has said that it opens no stream any more.
    pub(super) fn peer_leaves(&mut self, out: &mut Vec<u8>) {
        if !matches!(self.ending, Ending::Last(_)) {
            self.ending = Ending::Last(self.last_stream);
            encode_goaway(out, self.last_stream, ErrorCode::NoError, &[]);
        }
    }

    /// Names the last stream that is taken.
    pub(super) fn last_goaway(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        if self.ending == Ending::Announced {
            self.peer_leaves(out);
            self.end_when_done(turn, out);
        }
    }

    /// Goes a step towards the orderly end, if there is to be one.
    pub(super) fn end_when_done(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        let limits = &turn.limits.http2;
        if limits.requests_max.is_some_and(|max| self.requests >= max) {
            self.drain();
        }
        if self.ending == Ending::Asked && self.greeted {
            encode_goaway(out, ANY_STREAM, ErrorCode::NoError, &[]);
            encode_ping(out, false, SHUTDOWN_PING);
            self.ending = Ending::Announced;
            self.clocks.goaway_until = turn.now.saturating_add(GOAWAY_GRACE_MS);
        } else if self.ending == Ending::Asked && self.input.is_empty() {
            // Nobody has said anything yet.
            self.enter_closing(Close::Linger, turn);
            return;
        }
        // Frames that wait for room come before the end of the input.
        if self.input_ended && !is_full(out, turn) {
            self.end_of_input(turn, out);
        }
        if matches!(self.ending, Ending::Last(_)) && self.open_streams() == 0 {
            self.enter_closing(Close::Linger, turn);
        }
    }

    /// The peer has finished sending and all of it is consumed: requests that are not whole never
    /// will be. The others are still answered, as far as the windows go that the peer has given.
    fn end_of_input(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        for place in (0..self.streams.len()).rev() {
            let Some(slot) = self.streams.slot_at(place) else {
                continue;
            };
            let blocked = self.send_window.available() == 0 && self.schedule.contains(slot);
            let Some(stream) = self.streams.get(slot) else {
                continue;
            };
            if let Some(exchange) = &stream.exchange {
                exchange.lifetime.finish_client();
            }
            if blocked || stream.stall.is_running() {
                // Nobody can open a window any more.
                self.reset_stream(slot, ErrorCode::Cancel.code(), turn, out);
                continue;
            }
            if !stream.state.can_receive() {
                continue;
            }
            match &stream.exchange {
                Some(exchange) if exchange.outbound().borrow().upgraded => {
                    exchange.inbound.borrow_mut().complete();
                }
                Some(exchange) => exchange.inbound.borrow_mut().fail(BodyError::UnexpectedEnd),
                None => self.remove_stream(slot, turn, out),
            }
        }
        if self.open_streams() == 0 {
            self.enter_closing(Close::Now, turn);
        }
    }

    /// A violation that ends the connection (RFC 9113, 5.4.1).
    pub(super) fn fail(&mut self, error: ConnectionError, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        let ConnectionError(violation) = error;
        turn.counters.reject(violation.name());
        if violation == Violation::OtherProtocol {
            out.extend_from_slice(HTTP_2_ONLY);
        } else {
            let debug = violation.name().as_bytes();
            // What was named once may not grow (RFC 9113, 6.8).
            let last_stream = match self.ending {
                Ending::Last(last_stream) => last_stream,
                Ending::No | Ending::Asked | Ending::Announced => self.last_stream,
            };
            encode_goaway(out, last_stream, violation.code(), debug);
        }
        if violation.code() == ErrorCode::EnhanceYourCalm {
            self.linger.cut_short();
        }
        self.sever_streams(turn);
        self.enter_closing(Close::Linger, turn);
    }

    /// Nothing more is answered; what still comes is forgotten.
    pub(super) fn enter_closing(&mut self, close: Close, turn: &mut Turn<'_>) {
        self.close = close;
        self.sever_streams(turn);
        self.open_block = None;
        self.block = Vec::new();
        self.forget_input(turn.now);
    }

    /// FIN is on its way: from now on the peer is waited for.
    pub(crate) fn fin_sent(&mut self, turn: &Turn<'_>) {
        self.linger.begin(turn.now, None);
        self.clocks.deadline = self.closing_deadline();
    }

    /// Until when a connection that closes is read; for ever if it ends as soon as all is sent.
    pub(super) fn closing_deadline(&self) -> u64 {
        match self.close {
            Close::Linger | Close::Agreed => self.linger.deadline(),
            Close::No | Close::Now | Close::Reset => u64::MAX,
        }
    }

    /// Forgets what comes on a connection that closes.
    pub(super) fn forget_input(&mut self, now: u64) {
        self.linger.received(self.input.len(), now);
        self.input.consume(usize::MAX);
        if self.input_ended && self.close == Close::Linger {
            self.close = Close::Now;
        }
    }

    /// Answers a violation as its kind asks for.
    pub(super) fn answer_fault(
        &mut self,
        fault: Fault,
        id: u32,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        match fault {
            Fault::Connection(error) => Err(error),
            Fault::Stream(StreamError(violation)) => self.reset_for(violation, id, turn, out),
        }
    }

    /// Resets a stream for a mistake of the peer's. These count: a peer could make us reset as
    /// many streams as it likes, and their handlers would go on.
    pub(super) fn reset_for(
        &mut self,
        violation: Violation,
        id: u32,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        if id > self.last_stream || id == 0 {
            // What was never open cannot be reset.
            return Err(ConnectionError(violation));
        }
        turn.counters.reject(violation.name());
        self.charge(Cheap::Reset, turn)?;
        match self.streams.find(id) {
            Some(slot) => {
                let error = BodyError::Malformed {
                    status: crate::http::Status::BAD_REQUEST,
                    name: violation.name(),
                };
                if let Some(stream) = self.streams.get(slot)
                    && let Some(exchange) = &stream.exchange
                {
                    exchange.inbound.borrow_mut().fail(error);
                }
                self.reset_stream(slot, violation.code().code(), turn, out);
            }
            None => encode_rst_stream(out, id, violation.code().code()),
        }
        Ok(())
    }

    /// Resets a stream.
    pub(super) fn reset_stream(
        &mut self,
        slot: u32,
        code: u32,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) {
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        let was_closed = stream.state.is_closed();
        if stream.state.send_reset().is_ok() {
            encode_rst_stream(out, stream.id, code);
        }
        if !was_closed {
            self.abandon(slot, turn, out);
        }
    }

    /// A stream was reset, by the peer or by us: its handler is told, and the stream goes as soon
    /// as the handler has ended.
    pub(super) fn abandon(&mut self, slot: u32, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        self.schedule.remove(slot);
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        stream.stall = Stall::NONE;
        stream.drain_until = u64::MAX;
        self.unanswered += u64::from(stream.exchange.is_some());
        let runs = stream.exchange.as_ref().is_some_and(|exchange| {
            exchange.abandon();
            !exchange.is_finished()
        });
        if runs {
            self.abandoned += 1;
            let unreturned = std::mem::take(&mut stream.unreturned);
            self.give_back(unreturned, out);
        } else {
            self.remove_stream(slot, turn, out);
        }
    }

    /// Removes a stream that is closed and whose handler has ended.
    pub(super) fn remove_stream(&mut self, slot: u32, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        self.schedule.remove(slot);
        let Some(stream) = self.streams.remove(slot) else {
            return;
        };
        if let Some(exchange) = stream.exchange {
            turn.exchanges.give(exchange, turn.limits);
        }
        self.give_back(stream.unreturned, out);
    }
}
