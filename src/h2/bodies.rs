//! Response bodies as DATA frames, and whose turn it is (RFC 9113, 6.1; RFC 9218, 10).
//!
//! Owns how much of a body goes into which frame: no more than both windows, the send buffer and
//! the stream's turn allow.

use super::connection::{Connection, is_full};
use super::frame::encode_data_head;
use super::streams::Sending;
use super::transmit::Step;
use crate::http::{Exchange, Outbound, Outcome, Turn};

/// Bytes of one DATA frame. Larger ones would save little and make urgent streams wait.
pub(super) const CONTENT_BYTES_MAX: usize = 16 * 1024;

impl Connection {
    /// A body waits for its turn. The handler may know better than the client how urgent it is
    /// (RFC 9218, 8); what the client says after that counts again.
    pub(super) fn await_turn(&mut self, slot: u32, id: u32) {
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        let first = !std::mem::replace(&mut stream.prioritised, true);
        if first
            && let Some(exchange) = &stream.exchange
            && let Some(value) = exchange.outbound().borrow().fields.get("priority")
        {
            stream.priority = stream.priority.merged(value);
        }
        self.schedule.insert(slot, id, stream.turn());
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
            let before = out.len();
            let step = {
                let mut outbound = exchange.outbound().borrow_mut();
                self.write_content(slot, &exchange, &mut outbound, alone, turn, out)
            };
            self.note_rate(&exchange, before, turn, out);
            self.put_back(slot, exchange);
            if step == Step::Ready {
                self.schedule.yielded(slot);
                if let Some(stream) = self.streams.get(slot) {
                    self.schedule.reprioritise(slot, stream.turn());
                }
            } else {
                self.schedule.remove(slot);
                self.after_step(slot, step, turn, out);
            }
        }
    }

    /// Writes a frame of the body, or as many as fit when the stream is `alone`, and the end.
    pub(super) fn write_content(
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
            outbound.discard_body();
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
        let ends = complete && exchange.response_trailers.section().is_empty();
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
        let mut frames = 0;
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
            rest = later;
            frames += 1;
            if !alone {
                break;
            }
        }
        let written = body.len() - rest.len();
        if written > 0 {
            stream.sent = stream.sent.saturating_add(written as u64);
            stream.stall.sent(written);
            self.clocks.blocked.sent(written);
            let is_cut = !rest.is_empty()
                && (stream.send_window.available() == 0 || self.send_window.available() == 0);
            self.budget.sent(frames - u32::from(is_cut), written);
        }
        (rest.len(), ended)
    }

    /// Ends a response whose content has been sent: with trailers, or with an empty frame.
    fn write_end(&mut self, slot: u32, exchange: &Exchange, out: &mut Vec<u8>) -> Step {
        let frame_bytes_max = self.remote.max_frame_size as usize;
        let Some(stream) = self.streams.get(slot) else {
            return Step::Idle;
        };
        let trailers = exchange.response_trailers.section();
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
}
