//! Streams as nearly all are: their request is one HEADERS frame that has arrived whole, and their
//! response is whole when the handler returns for the first time.
//!
//! Owns the short way of such a stream, from its frame to END_STREAM. The request is read where it
//! lies; the stream never gets a slot, waits for no turn and is answered by one HEADERS and one DATA
//! frame. What is unusual in any way goes the way of `receive` and `transmit`, which would do the
//! same for these.

use std::ops::Range;
use std::rc::Rc;

use super::bodies::CONTENT_BYTES_MAX;
use super::connection::Connection;
use super::frame::{FrameHead, HEAD_BYTES, Kind, encode_data_head, headers};
use super::receive::{BlockPlace, CompleteBlock, Reading};
use super::response::{HEAD_OVERHEAD_MAX, ResponseHead};
use super::streams::Stream;
use crate::http::{Exchange, KnownField, Outcome, Turn};

impl Connection {
    /// The handler of the request that was dispatched last has been run once. If its response is
    /// plain, the stream is over; otherwise it gets a slot.
    #[inline]
    pub(super) fn answer_dispatched(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        let Some(exchange) = self.dispatched.take() else {
            return;
        };
        if self.transmit_plain(&exchange, turn, out) {
            turn.exchanges.give(exchange, turn.limits);
            self.streams.closed.finished(self.opening.id);
        } else {
            self.insert_stream(exchange, true, None, turn);
        }
    }

    /// Takes the next request if its field block is one frame that lies whole in the receive buffer,
    /// and if it opens a stream. What is there otherwise is read frame by frame.
    #[inline]
    pub(super) fn take_plain_request(
        &mut self,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Rc<Exchange>> {
        let bytes = self.input.unsplit();
        let head = FrameHead::parse(bytes).filter(|head| head.kind == Kind::Headers)?;
        let length = head.length as usize;
        let payload = bytes.get(HEAD_BYTES..HEAD_BYTES + length)?;
        let opens = self.reading == Reading::Head
            && self.open_block.is_none()
            && head.has(FrameHead::END_HEADERS)
            && length <= self.headers_bytes_max
            && !head.stream.is_multiple_of(2)
            && head.stream > self.last_stream
            && !self.ending.refuses(head.stream)
            && self.has_room(turn);
        if !opens {
            return None;
        }
        let headers = headers::parse(head, payload).ok()?;
        let Range { start, end } = headers.fragment;
        let block = CompleteBlock {
            stream: head.stream,
            end_stream: headers.end_stream,
            place: BlockPlace::Input(HEAD_BYTES + start..HEAD_BYTES + end),
        };
        self.last_stream = head.stream;
        self.frames = self.frames.wrapping_add(1);
        let accepted = self.accept_request(&block, turn);
        self.input.consume_unsplit(HEAD_BYTES + length);
        match accepted {
            Ok(exchange) => Some(exchange),
            Err(unread) => {
                if let Err(error) = self.answer_unread(unread, &block, turn, out) {
                    self.fail(error, turn, out);
                }
                None
            }
        }
    }

    /// Gives a slot to the request that was dispatched last, if it has not been looked at.
    pub(super) fn keep_dispatched(&mut self, turn: &Turn<'_>) {
        if let Some(exchange) = self.dispatched.take() {
            self.insert_stream(exchange, true, None, turn);
        }
    }

    /// Gives a slot to the request that came last, whose exchange is to be looked at next.
    pub(super) fn insert_stream(
        &mut self,
        exchange: Rc<Exchange>,
        end_stream: bool,
        owed: Option<u64>,
        turn: &Turn<'_>,
    ) {
        let opening = self.opening;
        self.changed.push(opening.id);
        let send_window = self.remote.initial_window_size;
        let receive_window = turn.limits.http2.stream_window;
        self.streams.insert(Stream {
            since: turn.now,
            owed,
            ..Stream::new(opening, exchange, end_stream, send_window, receive_window)
        });
    }

    /// Appends a response that is as nearly all are: whole, with content and a length that the
    /// server counts, small enough for the windows and the send buffer, while no other waits.
    /// Answers whether it was one.
    #[inline]
    fn transmit_plain(&mut self, exchange: &Exchange, turn: &Turn<'_>, out: &mut Vec<u8>) -> bool {
        let mut outbound = exchange.outbound().borrow_mut();
        let outbound = &mut *outbound;
        let body = match outbound.fixed {
            [] => &*outbound.body,
            fixed if outbound.body.is_empty() => fixed,
            _ => return false,
        };
        let is_plain = outbound.outcome == Some(Outcome::Complete)
            // Interim responses and upgrades start it too.
            && !outbound.started
            && !outbound.status.is_bodiless()
            && !outbound.fields.known().contains(KnownField::ContentLength)
            && outbound.informational.is_empty()
            && exchange.response_trailers.section().is_empty()
            && !exchange.lifetime.is_abort_asked()
            && !self.opening.request.head
            && !self.opening.request.connect
            && self.schedule.is_empty();
        let window = self.send_window.available();
        let content_max = (self.remote.initial_window_size as usize)
            .min(self.remote.max_frame_size as usize)
            .min(CONTENT_BYTES_MAX)
            .min(window);
        // A line is hardly longer than HTTP/1 would write it.
        let head_max = HEAD_OVERHEAD_MAX + 2 * outbound.fields.wire().len();
        let room = turn
            .limits
            .response_buffer_bytes_max
            .saturating_sub(out.len());
        if !is_plain || body.len() > content_max || body.len() + head_max > room {
            return false;
        }
        let before = out.len();
        let id = self.opening.id;
        let head = ResponseHead {
            status: outbound.status,
            fields: &outbound.fields,
            length: Some(body.len() as u64),
        };
        let frame_bytes_max = self.remote.max_frame_size as usize;
        let ends = body.is_empty();
        self.encoder
            .response(id, &head, ends, turn, out, frame_bytes_max);
        if !ends {
            encode_data_head(out, id, body.len(), true);
            out.extend_from_slice(body);
            // No more than the window has.
            let _ = self.send_window.consume(body.len() as u32);
            self.clocks.blocked.sent(body.len());
            self.budget.sent(1, body.len());
        }
        outbound.body.clear();
        outbound.fixed = &[];
        outbound.started = true;
        outbound.head_sent = true;
        self.note_rate(exchange, before, turn, out);
        true
    }
}
