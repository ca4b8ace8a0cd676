//! The outbound direction: from exchanges to HEADERS and DATA.
//!
//! Owns what a response becomes on its stream, and how it goes on: with its handler, with a window
//! of the peer's, or in its turn among the other bodies, which is for `bodies` to say.

use std::rc::Rc;

use super::connection::{Connection, is_full};
use super::error::ErrorCode;
use super::response::ResponseHead;
use super::streams::Sending;
use crate::http::{
    BodyError, BodyState, Exchange, FieldSection, Measured, Outbound, Outcome, Status, Turn, after,
};

/// How far a response has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is nothing to send until the handler goes on.
    Idle,
    /// There is more to send, when it is the stream's turn.
    Ready,
    /// There is more to send, when the peer opens the stream's window.
    Starved,
    /// The response has been sent whole.
    Done,
    /// The response can never be whole.
    Broken,
}

impl Connection {
    /// Looks at the exchanges that have something for the peer.
    pub(super) fn transmit_changed(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        if self.changed.is_empty() {
            return;
        }
        let mut changed = std::mem::take(&mut self.changed);
        for id in changed.drain(..) {
            self.transmit(id, turn, out);
        }
        // Nothing is marked while this runs, so the list that it left behind is empty.
        std::mem::swap(&mut self.changed, &mut changed);
    }

    fn transmit(&mut self, id: u32, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        let Some(slot) = self.streams.find(id) else {
            return;
        };
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        let Some(exchange) = stream.exchange.take() else {
            return;
        };
        exchange.clear_mark();
        if stream.state.is_closed() {
            let finished = exchange.is_finished();
            stream.exchange = Some(exchange);
            if finished {
                self.abandoned = self.abandoned.saturating_sub(1);
                self.remove_stream(slot, turn, out);
            }
            return;
        }
        if let Some(code) = exchange.lifetime.abort_code() {
            stream.exchange = Some(exchange);
            self.reset_stream(slot, code, turn, out);
            return;
        }
        self.collect(slot, &exchange, out);
        if exchange.is_finished() {
            self.forget_unread(slot, out);
        }
        let waits = self.schedule.contains(slot);
        let before = out.len();
        let step = self.transmit_response(slot, &exchange, turn, out);
        self.note_rate(&exchange, before, turn, out);
        self.put_back(slot, exchange);
        match step {
            Step::Ready if waits => {}
            Step::Ready => {
                self.await_turn(slot, id);
                self.note_waiting(turn);
            }
            other => self.after_step(slot, other, turn, out),
        }
    }

    /// Bytes of a response may have been added to the `before` bytes of the block.
    #[inline]
    pub(super) fn note_rate(
        &mut self,
        exchange: &Exchange,
        before: usize,
        turn: &Turn<'_>,
        out: &[u8],
    ) {
        if out.len() > before {
            let server = turn.limits.response_rate_min;
            self.block_rate
                .add(&exchange.response_rate, before > 0, server);
        }
    }

    pub(super) fn put_back(&mut self, slot: u32, exchange: Rc<Exchange>) {
        if let Some(stream) = self.streams.get(slot) {
            stream.exchange = Some(exchange);
        }
    }

    pub(super) fn after_step(
        &mut self,
        slot: u32,
        step: Step,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) {
        match step {
            Step::Idle | Step::Ready => {}
            Step::Starved => {
                if let Some(stream) = self.streams.get(slot) {
                    let exchange = stream.exchange.as_ref();
                    let rate = exchange.and_then(|exchange| exchange.response_rate.rate());
                    stream.stall.begin(turn.now, rate);
                }
                self.note_waiting(turn);
            }
            Step::Done => self.finish_response(slot, turn, out),
            Step::Broken => {
                self.reset_stream(slot, ErrorCode::InternalError.code(), turn, out);
            }
        }
    }

    #[inline]
    fn transmit_response(
        &mut self,
        slot: u32,
        exchange: &Exchange,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Step {
        let mut outbound = exchange.outbound().borrow_mut();
        let outbound = &mut *outbound;
        if !outbound.head_sent {
            self.transmit_interim(slot, exchange, outbound, out);
            if !outbound.started && outbound.outcome.is_none() {
                return Step::Idle;
            }
            if self.transmit_head(slot, exchange, outbound, turn, out) {
                return Step::Done;
            }
        }
        let has_content = !outbound.body.is_empty() || !outbound.fixed.is_empty();
        // What is not sent waits for nobody.
        let sends = self
            .streams
            .get(slot)
            .is_some_and(|stream| stream.sending != Sending::Discard);
        if has_content && sends && (!self.schedule.is_empty() || is_full(out, turn)) {
            // Others wait already: it gets its turn.
            return Step::Ready;
        }
        self.write_content(slot, exchange, outbound, true, turn, out)
    }

    /// 100 Continue when the handler reads a body that the peer holds back, and interim responses
    /// of the handler.
    fn transmit_interim(
        &mut self,
        slot: u32,
        exchange: &Exchange,
        outbound: &mut Outbound,
        out: &mut Vec<u8>,
    ) {
        let frame_bytes_max = self.remote.max_frame_size as usize;
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        let id = stream.id;
        if stream.request.awaits_continue && outbound.outcome.is_none() && !outbound.started {
            let inbound = exchange.inbound.borrow();
            if inbound.is_reading() && inbound.state() == BodyState::Open {
                stream.request.awaits_continue = false;
                let none = FieldSection::new();
                self.encoder
                    .interim(id, Status::CONTINUE, &none, out, frame_bytes_max);
            }
        }
        for interim in outbound.informational.drain(..) {
            self.encoder
                .interim(id, interim.status, &interim.fields, out, frame_bytes_max);
        }
    }

    /// Sends the head and says whether it was all.
    fn transmit_head(
        &mut self,
        slot: u32,
        exchange: &Exchange,
        outbound: &mut Outbound,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(stream) = self.streams.get(slot) else {
            return false;
        };
        outbound.head_sent = true;
        outbound.started = true;
        let facts = stream.request;
        let Measured {
            announced,
            whole,
            contradicts,
        } = outbound.measure(facts.head, facts.connect);
        let status = outbound.status;
        let bodiless = status.is_bodiless();
        let length = match announced.or(whole) {
            _ if outbound.upgraded => None,
            _ if status == Status::RESET_CONTENT => Some(0),
            _ if bodiless => None,
            length => length,
        };
        stream.sending = match length {
            _ if contradicts || bodiless || facts.head => Sending::Discard,
            Some(length) => Sending::Length(length),
            None => Sending::Open,
        };
        if stream.sending == Sending::Discard {
            outbound.discard_body();
        }
        let whole_now = matches!(
            outbound.outcome,
            Some(Outcome::Complete | Outcome::Replaced)
        ) && outbound.body.is_empty()
            && outbound.fixed.is_empty();
        let owed = matches!(stream.sending, Sending::Length(left) if left > 0);
        let end_stream = whole_now && !owed && exchange.response_trailers.section().is_empty();
        let head = ResponseHead {
            status,
            fields: &outbound.fields,
            length,
        };
        let frame_bytes_max = self.remote.max_frame_size as usize;
        self.encoder
            .response(stream.id, &head, end_stream, turn, out, frame_bytes_max);
        // The state allows it, or the exchange would not be here.
        let _ = stream.state.send_headers(end_stream);
        end_stream
    }

    /// The response is sent: what happens to the rest of the request.
    fn finish_response(&mut self, slot: u32, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        stream.sending = Sending::Done;
        self.budget.read(stream.take_read());
        if let Some(exchange) = stream.exchange.take() {
            if exchange.inbound.borrow().state() == BodyState::Failed(BodyError::TooLarge) {
                turn.counters.reject("body_too_large");
            }
            turn.exchanges.give(exchange, turn.limits);
        }
        if stream.state.is_closed() {
            self.remove_stream(slot, turn, out);
            return;
        }
        // What is left is taken for a while and forgotten. A reset, though RFC 9113, 8.1 allows it,
        // makes clients lose the response that they have (curl did so up to 8.1).
        stream.drain_until = after(turn.now, turn.limits.drain_timeout);
        self.forget_unread(slot, out);
    }
}
