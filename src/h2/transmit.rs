//! The outbound direction: from exchanges to HEADERS and DATA.
//!
//! Owns what a response becomes on its stream, and the way it waits: for a window of the peer's,
//! for its turn among the other bodies, or for its handler.

use std::rc::Rc;

use super::budget::Cheap;
use super::connection::{Connection, is_full};
use super::error::ErrorCode;
use super::frame::encode_data_head;
use super::response::ResponseHead;
use super::streams::Sending;
use crate::http::{
    BodyError, BodyState, Exchange, FieldSection, Measured, Outbound, Outcome, Status, Turn, after,
};

/// Bytes of one DATA frame. Larger ones would save little and make urgent streams wait.
const CONTENT_BYTES_MAX: usize = 16 * 1024;

/// How far a response has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
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
        let read = exchange.inbound.borrow_mut().take_unreported();
        let read = u32::try_from(read).unwrap_or(u32::MAX);
        if read > 0 {
            stream.unreturned = stream.unreturned.saturating_sub(read);
            self.give_back(read, out);
            self.open_stream_window(slot, read, out);
        }
        let waits = self.schedule.contains(slot);
        let step = self.transmit_response(slot, &exchange, turn, out);
        self.put_back(slot, exchange);
        match step {
            Step::Ready if waits => {}
            Step::Ready => self.await_turn(slot, id),
            other => self.after_step(slot, other, turn, out),
        }
    }

    /// A body waits for its turn. The handler may know better than the client how urgent it is
    /// (RFC 9218, 8).
    fn await_turn(&mut self, slot: u32, id: u32) {
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        if let Some(exchange) = &stream.exchange
            && let Some(value) = exchange.outbound().borrow().fields.get("priority")
        {
            stream.priority = stream.priority.merged(value);
        }
        self.schedule.insert(slot, id, stream.priority);
    }

    fn put_back(&mut self, slot: u32, exchange: Rc<Exchange>) {
        if let Some(stream) = self.streams.get(slot) {
            stream.exchange = Some(exchange);
        }
    }

    /// Gives the room that is left to the bodies whose turn it is (RFC 9218, 10).
    pub(super) fn transmit_bodies(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        while !is_full(out, turn) && self.send_window.available() > 0 {
            let Some(slot) = self.schedule.next() else {
                return;
            };
            let Some(exchange) = self
                .streams
                .get(slot)
                .and_then(|stream| stream.exchange.take())
            else {
                self.schedule.remove(slot);
                continue;
            };
            let alone = self.schedule.keeps_turn(slot);
            let step = {
                let mut outbound = exchange.outbound().borrow_mut();
                self.write_content(slot, &exchange, &mut outbound, alone, turn, out)
            };
            self.put_back(slot, exchange);
            if step == Step::Ready {
                self.schedule.yielded(slot);
            } else {
                self.schedule.remove(slot);
                self.after_step(slot, step, turn, out);
            }
        }
    }

    fn after_step(&mut self, slot: u32, step: Step, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        match step {
            Step::Idle | Step::Ready => {}
            Step::Starved => {
                if let Some(stream) = self.streams.get(slot) {
                    stream.starved_since = turn.now;
                }
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
        if has_content && (!self.schedule.is_empty() || is_full(out, turn)) {
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
            announced, whole, ..
        } = outbound.measure(facts.head);
        let status = outbound.status;
        let tunnel = facts.connect && status.is_success();
        let bodiless = status.is_bodiless() || (tunnel && !outbound.upgraded);
        let length = match announced.or(whole) {
            _ if outbound.upgraded => None,
            _ if status == Status::RESET_CONTENT => Some(0),
            _ if bodiless => None,
            length => length,
        };
        stream.sending = match length {
            _ if bodiless || facts.head => Sending::Discard,
            Some(length) => Sending::Length(length),
            None => Sending::Open,
        };
        if stream.sending == Sending::Discard {
            outbound.body.clear();
            outbound.fixed = &[];
            outbound.wake_writer();
        }
        let whole_now = matches!(
            outbound.outcome,
            Some(Outcome::Complete | Outcome::Replaced)
        ) && outbound.body.is_empty()
            && outbound.fixed.is_empty();
        let owed = matches!(stream.sending, Sending::Length(left) if left > 0);
        let end_stream = whole_now && !owed && exchange.response_trailers.fields().is_empty();
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

    /// Writes a frame of the body, or as many as fit when the stream is `alone`, and the end.
    fn write_content(
        &mut self,
        slot: u32,
        exchange: &Exchange,
        outbound: &mut Outbound,
        alone: bool,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Step {
        let capacity = turn.limits.response_buffer_bytes_max.max(1);
        let Some(stream) = self.streams.get(slot) else {
            return Step::Idle;
        };
        if stream.sending == Sending::Discard {
            outbound.body.clear();
            outbound.fixed = &[];
        }
        let body: &[u8] = if outbound.fixed.is_empty() {
            &outbound.body
        } else {
            outbound.fixed
        };
        let complete = matches!(
            outbound.outcome,
            Some(Outcome::Complete | Outcome::Replaced)
        );
        let ends = complete && exchange.response_trailers.fields().is_empty();
        let (left, ended) = self.write_frames(slot, body, ends, alone, capacity, out);
        let written = body.len() - left;
        outbound.take_front(written);
        let Some(stream) = self.streams.get(slot) else {
            return Step::Idle;
        };
        match outbound.outcome {
            _ if ended => {
                // The state allows it, or the stream would not be sending.
                let _ = stream.state.send_data(true);
                Step::Done
            }
            _ if left > 0 && stream.send_window.available() == 0 => Step::Starved,
            _ if left > 0 => Step::Ready,
            None => Step::Idle,
            Some(_) if !complete || matches!(stream.sending, Sending::Length(1..)) => Step::Broken,
            Some(_) => self.write_end(slot, exchange, out),
        }
    }

    /// Writes DATA frames of `body` as the windows and the room allow. Answers how much is left,
    /// and whether the last frame ends the stream, which it does when `ends` says that the body is
    /// whole.
    fn write_frames(
        &mut self,
        slot: u32,
        body: &[u8],
        ends: bool,
        alone: bool,
        capacity: usize,
        out: &mut Vec<u8>,
    ) -> (usize, bool) {
        let frame_bytes_max = (self.remote.max_frame_size as usize).min(CONTENT_BYTES_MAX);
        let mut rest = body;
        let mut ended = false;
        let Some(stream) = self.streams.get(slot) else {
            return (rest.len(), ended);
        };
        while !rest.is_empty() {
            let count = rest
                .len()
                .min(frame_bytes_max)
                .min(stream.send_window.available())
                .min(self.send_window.available())
                .min(capacity.saturating_sub(out.len()));
            let Some((now, later)) = rest.split_at_checked(count).filter(|_| count > 0) else {
                break;
            };
            if let Sending::Length(left) = &mut stream.sending {
                *left = left.saturating_sub(count as u64);
            }
            let owed = matches!(stream.sending, Sending::Length(1..));
            ended = ends && later.is_empty() && !owed;
            encode_data_head(out, stream.id, count, ended);
            out.extend_from_slice(now);
            // `count` is at most what both windows have.
            let _ = stream.send_window.consume(count as u32);
            let _ = self.send_window.consume(count as u32);
            self.budget.refund(Cheap::WindowUpdate, 2);
            self.clocks.blocked_since = u64::MAX;
            rest = later;
            if !alone {
                break;
            }
        }
        (rest.len(), ended)
    }

    /// Ends a response whose content has been sent: with trailers, or with an empty frame.
    fn write_end(&mut self, slot: u32, exchange: &Exchange, out: &mut Vec<u8>) -> Step {
        let frame_bytes_max = self.remote.max_frame_size as usize;
        let Some(stream) = self.streams.get(slot) else {
            return Step::Idle;
        };
        let trailers = exchange.response_trailers.fields();
        if trailers.is_empty() {
            encode_data_head(out, stream.id, 0, true);
        } else {
            self.encoder
                .trailers(stream.id, &trailers, out, frame_bytes_max);
        }
        // The state allows it, or the stream would not be sending.
        let _ = stream.state.send_data(true);
        Step::Done
    }

    /// The response is sent: what happens to the rest of the request.
    fn finish_response(&mut self, slot: u32, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        stream.sending = Sending::Done;
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
        // What is left is taken if it can fit the window; otherwise the peer is spared sending it
        // (RFC 9113, 8.1).
        let window = stream.receive_window.available() as u64;
        let fits = stream.owed.is_none_or(|owed| owed <= window);
        if fits && !stream.request.awaits_continue {
            stream.drain_until = after(turn.now, turn.limits.drain_timeout);
        } else {
            self.reset_stream(slot, ErrorCode::NoError.code(), turn, out);
        }
    }
}
