//! The outbound direction: from the exchange's response to bytes.

use std::rc::Rc;

use super::connection::{Body, Connection, Phase, RequestFacts, Sending};
use super::encode::{
    CHUNK_END, CONTINUE, ConnectionOption, PLAIN_HEAD_BYTES, ResponseFraming, ResponseHead,
    encode_chunk_head, encode_head, encode_informational, encode_last_chunk, encode_plain,
};
use super::framing::ConnectionOptions;
use super::reject::Reject;
use crate::http::{
    BodyError, BodyState, Close, Exchange, FieldSection, KnownField, Measured, Outbound, Outcome,
    Status, Turn, after,
};

impl Connection {
    /// Appends what the exchange has for the peer. Answers whether the exchange came to its end.
    #[inline]
    pub(super) fn transmit(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> bool {
        self.phase == Phase::Exchange && self.transmit_any(turn, out)
    }

    // A function of its own, and what is rare in others: the way of the plain response then keeps
    // its values in registers.
    #[inline(never)]
    fn transmit_any(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> bool {
        let Some(exchange) = self.exchange.take() else {
            return false;
        };
        exchange.clear_mark();
        if exchange.lifetime.is_abort_asked() {
            self.close = Close::Reset;
            self.exchange = Some(exchange);
            return false;
        }
        let before = out.len();
        let server = turn.limits.response_rate_min;
        if self.transmit_plain(&exchange, turn, out) {
            self.block_rate
                .add(&exchange.response_rate, before > 0, server);
            turn.exchanges.give(exchange, turn.limits);
            self.await_head();
            return true;
        }
        let ended = self.transmit_exchange(&exchange, turn, out);
        if out.len() > before {
            self.block_rate
                .add(&exchange.response_rate, before > 0, server);
        }
        if ended {
            self.end_exchange(exchange, turn);
        } else {
            self.exchange = Some(exchange);
        }
        ended
    }

    /// Appends a response that is as nearly all are: complete, a 200 that says nothing about its
    /// own framing, to a request without a body that asks for nothing special, small enough for the
    /// send buffer. Answers whether it was one. What remains for `transmit_exchange` may be anything,
    /// these too: this is what it would do for them.
    #[inline(always)]
    fn transmit_plain(&self, exchange: &Exchange, turn: &Turn<'_>, out: &mut Vec<u8>) -> bool {
        let mut outbound = exchange.outbound().borrow_mut();
        let outbound = &mut *outbound;
        let is_plain = outbound.outcome == Some(Outcome::Complete)
            // An upgrade starts the response too.
            && !outbound.started
            && outbound.status == Status::OK
            && outbound.fields.known().is_empty()
            && outbound.informational.is_empty()
            && exchange.response_trailers.section().is_empty()
            // Without a request body there is none to be drained, or to have failed.
            && !exchange.detection.can_have_body()
            && self.request == RequestFacts::PLAIN
            && self.close == Close::No
            && !turn.draining;
        let body = match outbound.fixed {
            [] => &*outbound.body,
            fixed if outbound.body.is_empty() => fixed,
            _ => return false,
        };
        let bytes = PLAIN_HEAD_BYTES + outbound.fields.wire().len() + body.len();
        if !is_plain || out.len() + bytes > turn.limits.response_buffer_bytes_max {
            return false;
        }
        encode_plain(out, &outbound.fields, body, turn.date, turn.server_field);
        outbound.body.clear();
        outbound.fixed = &[];
        outbound.started = true;
        outbound.head_sent = true;
        true
    }

    #[inline(never)]
    fn transmit_exchange(
        &mut self,
        exchange: &Rc<Exchange>,
        turn: &Turn<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let mut outbound = exchange.outbound().borrow_mut();
        if !outbound.head_sent {
            self.transmit_interim(exchange, &mut outbound, out);
            if !outbound.started && outbound.outcome.is_none() {
                return false;
            }
            self.transmit_head(exchange, &mut outbound, turn, out);
        }
        self.transmit_body(&mut outbound, turn, out);
        let Some(outcome) = outbound.outcome else {
            return false;
        };
        if !outbound.body.is_empty() || !outbound.fixed.is_empty() {
            return false;
        }
        self.transmit_end(outcome, &exchange.response_trailers.section(), out);
        true
    }

    /// `100 Continue` when the handler reads a body that the peer holds back, and interim
    /// responses of the handler.
    fn transmit_interim(
        &mut self,
        exchange: &Exchange,
        outbound: &mut Outbound,
        out: &mut Vec<u8>,
    ) {
        if self.request.awaits_continue && outbound.outcome.is_none() && !outbound.started {
            let inbound = exchange.inbound.borrow();
            if inbound.is_reading() && inbound.state() == BodyState::Open {
                self.request.awaits_continue = false;
                out.extend_from_slice(CONTINUE);
            }
        }
        for interim in outbound.informational.drain(..) {
            encode_informational(out, interim.status, &interim.fields);
        }
    }

    fn transmit_head(
        &mut self,
        exchange: &Exchange,
        outbound: &mut Outbound,
        turn: &Turn<'_>,
        out: &mut Vec<u8>,
    ) {
        outbound.head_sent = true;
        outbound.started = true;
        let framing = self.choose_framing(exchange, outbound);
        // A peer that was never told to continue may or may not send its body: nothing after the
        // response could be told from it. If it does, it is forgotten like any unread body, so that
        // the response is not lost to a reset (`Connection::forgets_a_body`).
        let keep_alive = self.request.keep_alive
            && !turn.draining
            && !self.request.awaits_continue
            && !matches!(outbound.outcome, Some(Outcome::Truncated))
            && !matches!(exchange.inbound.borrow().state(), BodyState::Failed(_))
            && !Self::closes_with(outbound.status, self.request)
            && (framing != ResponseFraming::Unsaid || self.sending != Sending::Raw)
            && !asks_to_close(&outbound.fields);
        self.request.keep_alive = keep_alive;
        let connection = match (outbound.upgraded, keep_alive, self.request.http10) {
            (true, _, _) if self.request.connect => ConnectionOption::Keep,
            (true, _, _) => ConnectionOption::Upgrade,
            (false, false, _) => ConnectionOption::Close,
            (false, true, true) => ConnectionOption::KeepAlive10,
            (false, true, false) => ConnectionOption::Keep,
        };
        encode_head(
            out,
            &ResponseHead {
                status: outbound.status,
                fields: &outbound.fields,
                framing,
                connection,
                date: turn.date,
                server: turn.server_field,
            },
        );
        if outbound.upgraded {
            self.body = Body::Raw;
        }
    }

    /// Decides how the body is framed (RFC 9112, 6.3; RFC 9110, 8.6) and what the head says of it.
    fn choose_framing(&mut self, exchange: &Exchange, outbound: &mut Outbound) -> ResponseFraming {
        if outbound.upgraded {
            self.sending = Sending::Raw;
            return ResponseFraming::Unsaid;
        }
        let Measured {
            announced,
            whole,
            contradicts,
        } = outbound.measure(self.request.head, self.request.connect);
        if contradicts {
            self.request.keep_alive = false;
        }
        if contradicts || outbound.status == Status::RESET_CONTENT {
            self.sending = Sending::Discard;
            return ResponseFraming::Length(0);
        }
        if outbound.status.is_bodiless() {
            self.sending = Sending::Discard;
            return ResponseFraming::Unsaid;
        }
        let trailers = !exchange.response_trailers.section().is_empty() && !self.request.http10;
        let head = match (announced, whole) {
            (Some(length), _) => ResponseFraming::Length(length),
            (None, Some(length)) if !trailers => ResponseFraming::Length(length),
            (None, _) if self.request.http10 => ResponseFraming::Unsaid,
            (None, _) => ResponseFraming::Chunked,
        };
        self.sending = match head {
            _ if self.request.head => Sending::Discard,
            ResponseFraming::Length(length) => Sending::Length(length),
            ResponseFraming::Chunked => Sending::Chunked,
            ResponseFraming::Unsaid => Sending::Raw,
        };
        head
    }

    /// Moves body bytes behind the head, as many as the send buffer takes.
    fn transmit_body(&mut self, outbound: &mut Outbound, turn: &Turn<'_>, out: &mut Vec<u8>) {
        let room = turn
            .limits
            .response_buffer_bytes_max
            .max(1)
            .saturating_sub(out.len());
        let fixed = !outbound.fixed.is_empty();
        let body: &[u8] = if fixed {
            outbound.fixed
        } else {
            &outbound.body
        };
        let taken = if matches!(self.sending, Sending::Discard) {
            body.len()
        } else {
            body.len().min(room)
        };
        let Some((now, _)) = body
            .split_at_checked(taken)
            .filter(|(now, _)| !now.is_empty())
        else {
            return;
        };
        match &mut self.sending {
            Sending::Discard => {}
            Sending::Raw => out.extend_from_slice(now),
            Sending::Length(left) => {
                *left = left.saturating_sub(now.len() as u64);
                out.extend_from_slice(now);
            }
            Sending::Chunked => {
                encode_chunk_head(out, now.len());
                out.extend_from_slice(now);
                out.extend_from_slice(CHUNK_END);
            }
        }
        outbound.take_front(taken);
    }

    fn transmit_end(&mut self, outcome: Outcome, trailers: &FieldSection, out: &mut Vec<u8>) {
        let short = matches!(self.sending, Sending::Length(left) if left > 0);
        if outcome == Outcome::Truncated || short {
            // FIN tells a peer that counts bytes or chunks; only a reset tells one that reads
            // until the end.
            self.close = if matches!(self.sending, Sending::Raw) {
                Close::Reset
            } else {
                Close::Linger
            };
            self.request.keep_alive = false;
        } else if self.sending == Sending::Chunked {
            encode_last_chunk(out, trailers);
        }
    }

    /// The response is encoded: what happens to the connection now.
    #[inline(never)]
    fn end_exchange(&mut self, exchange: Rc<Exchange>, turn: &mut Turn<'_>) {
        let body_left = matches!(self.body, Body::Length(_) | Body::Chunked(_));
        let body_state = exchange.inbound.borrow().state();
        if body_state == BodyState::Failed(BodyError::TooLarge) {
            turn.counters.reject(Reject::BodyTooLarge.name());
        }
        turn.exchanges.give(exchange, turn.limits);
        if self.close != Close::No {
            self.enter_closing();
        } else if matches!(self.body, Body::Raw) || !self.request.keep_alive {
            self.close = self.close_after_response(matches!(body_state, BodyState::Failed(_)));
            self.enter_closing();
        } else if body_left {
            self.phase = Phase::Drain;
            self.deadline = after(turn.now, turn.limits.drain_timeout);
        } else {
            self.await_head();
        }
    }
}

/// Whether the handler's fields ask for the connection to close (RFC 9112, 9.6).
fn asks_to_close(fields: &FieldSection) -> bool {
    fields.known().contains(KnownField::Connection) && {
        let mut options = ConnectionOptions::default();
        fields
            .iter()
            .filter(|line| line.name.eq_ignore_ascii_case("connection"))
            .for_each(|line| options.add(line.value));
        options.close
    }
}
