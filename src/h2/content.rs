//! DATA frames of requests (RFC 9113, 6.1), handed on as they arrive.
//!
//! Owns what a frame is checked against, and where its content goes: to its handler, or nowhere.
//! When the peer may send as much again is in `credit`.

use super::budget::Cheap;
use super::closed::Closed;
use super::connection::Connection;
use super::error::{ConnectionError, Fault, StreamError, Violation};
use super::frame::{FrameHead, data, encode_ping};
use super::receive::{Consumed, Reading};
use crate::http::{BodyState, Turn};
use crate::limits::TINY_DATA_BYTES;

impl Connection {
    /// A DATA frame begins; the length of its padding is known.
    pub(super) fn begin_content(
        &mut self,
        head: FrameHead,
        pad_length: Option<u8>,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        let layout = data::Layout::of(head, pad_length)?;
        let (content, id) = (layout.content, head.stream);
        self.spend(head.length, out)?;
        self.bandwidth.received(head.length as usize);
        if self.bandwidth.probe_due() {
            self.bandwidth.probe_sent();
            encode_ping(out, false, super::bandwidth::PROBE);
        }
        if !layout.end_stream && content < TINY_DATA_BYTES {
            self.charge_small(id, content, turn)?;
        }
        let taken = self.admit_content(head, content, layout.end_stream)?;
        // Padding is used up as soon as it has come.
        self.give_back(head.length - content, out);
        self.reading = Reading::Content {
            stream: id,
            left: content,
            padding: layout.padding,
            end_stream: layout.end_stream,
        };
        if let Err(StreamError(violation)) = taken {
            self.reset_for(violation, id, turn, out)?;
        } else if let Some(slot) = self.streams.find(id) {
            self.open_stream_window(slot, head.length - content, out);
        }
        if content == 0 {
            self.end_content(id, layout.padding, layout.end_stream, turn, out)?;
        }
        Ok(())
    }

    /// Counts a frame with little content or none. What the handler has read so far may have earned
    /// it.
    #[inline(never)]
    fn charge_small(
        &mut self,
        id: u32,
        content: u32,
        turn: &Turn<'_>,
    ) -> Result<(), ConnectionError> {
        if let Some(slot) = self.streams.find(id)
            && let Some(stream) = self.streams.get(slot)
        {
            self.budget.read(stream.take_read());
        }
        let cheap = if content == 0 {
            Cheap::EmptyData
        } else {
            Cheap::TinyData
        };
        self.charge(cheap, turn)
    }

    /// Whether the stream may send this frame.
    fn admit_content(
        &mut self,
        head: FrameHead,
        content: u32,
        end_stream: bool,
    ) -> Result<Result<(), StreamError>, ConnectionError> {
        let Some(slot) = self.streams.find(head.stream) else {
            self.check_was_open(head.stream)?;
            return self.admit_late(head, end_stream).map(Ok);
        };
        let Some(stream) = self.streams.get(slot) else {
            return Ok(Ok(()));
        };
        if stream.state.is_ignoring() {
            // Behind its end nothing can be on its way any more.
            let _ = stream.state.receive_data(end_stream);
            return match stream.receive_window.receive(head.length) {
                Ok(()) => Ok(Ok(())),
                Err(_) => Err(ConnectionError(Violation::FlowControlExceeded)),
            };
        }
        let mut state = stream.state;
        match state.receive_data(end_stream) {
            Ok(()) => {}
            Err(Fault::Connection(error)) => return Err(error),
            Err(Fault::Stream(error)) => return Ok(Err(error)),
        }
        if stream.receive_window.receive(head.length).is_err() {
            return Ok(Err(StreamError(Violation::FlowControlExceeded)));
        }
        if let Some(owed) = &mut stream.owed {
            match owed.checked_sub(u64::from(content)) {
                Some(left) if left == 0 || !end_stream => *owed = left,
                Some(_) | None => return Ok(Err(StreamError(Violation::ContentLengthMismatch))),
            }
        }
        Ok(Ok(()))
    }

    /// Whether a frame may come for a stream that has no slot: one that was on its way when we
    /// reset or refused the stream counts for the connection's window and is ignored otherwise (RFC
    /// 9113, 5.4.2 and 6.8). Such streams get no window any more, so what comes has an end.
    #[inline(never)]
    fn admit_late(&mut self, head: FrameHead, end_stream: bool) -> Result<(), ConnectionError> {
        let closed = match self.how_closed(head.stream) {
            Some(Closed::ResetByUs | Closed::Forgotten) => &mut self.streams.closed,
            Some(Closed::Finished) | None => {
                return Err(ConnectionError(Violation::FrameOnClosedStream));
            }
        };
        if end_stream {
            closed.forget_reset(head.stream);
        }
        if closed.receive(head.length) {
            Ok(())
        } else {
            Err(ConnectionError(Violation::FlowControlExceeded))
        }
    }

    /// Hands on what has come of the frame.
    pub(super) fn read_content(
        &mut self,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        let Reading::Content {
            stream: id,
            left,
            padding,
            end_stream,
        } = self.reading
        else {
            return Ok(Consumed::Nothing);
        };
        let arrived = self.input.len().min(left as usize);
        if arrived == 0 {
            return Ok(Consumed::Nothing);
        }
        let taken = self.take_content(id, arrived, turn, out);
        // At most `left`, which is 32 bits.
        let left = left - taken as u32;
        if left > 0 {
            self.reading = Reading::Content {
                stream: id,
                left,
                padding,
                end_stream,
            };
        } else {
            self.end_content(id, padding, end_stream, turn, out)?;
        }
        Ok(Consumed::Some)
    }

    /// Gives up to `count` bytes to the handler, or forgets them, and says how many.
    fn take_content(
        &mut self,
        id: u32,
        count: usize,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> usize {
        if let Some(slot) = self.streams.find(id)
            && let Some(stream) = self.streams.get(slot)
            && !stream.state.is_closed()
            && let Some(exchange) = &stream.exchange
            && !exchange.is_finished()
        {
            let mut inbound = exchange.inbound.borrow_mut();
            if inbound.state() == BodyState::Open
                && let Some(chunk) = self.input.chunk(count, turn.scarce)
            {
                let taken = chunk.len();
                stream.rate.received(taken);
                // A chunk is no longer than a receive buffer or a frame.
                stream.unreturned = stream.unreturned.saturating_add(taken as u32);
                inbound.push(chunk);
                return taken;
            }
        }
        // Nobody reads it. A response that came first must not make the peer wait for a window, but
        // no more is taken than a request may have.
        self.input.consume(count);
        self.give_back(count as u32, out);
        if let Some(slot) = self.streams.find(id)
            && let Some(stream) = self.streams.get(slot)
            && stream.is_unread()
        {
            stream.drained = stream.drained.saturating_add(count as u64);
            let max = turn.limits.body_bytes_max.unwrap_or(u64::MAX);
            if stream.drained <= max {
                self.open_stream_window(slot, count as u32, out);
            }
        }
        count
    }

    /// A DATA frame is complete.
    fn end_content(
        &mut self,
        id: u32,
        padding: u32,
        end_stream: bool,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        self.skip(padding);
        if end_stream
            && let Some(slot) = self.streams.find(id)
            && let Some(stream) = self.streams.get(slot)
            && !stream.state.is_closed()
        {
            self.end_request(slot, turn, out)?;
        }
        Ok(())
    }

    /// The request is complete.
    pub(super) fn end_request(
        &mut self,
        slot: u32,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        let Some(stream) = self.streams.get(slot) else {
            return Ok(());
        };
        let id = stream.id;
        if stream.owed.is_some_and(|owed| owed > 0) {
            return self.reset_for(Violation::ContentLengthMismatch, id, turn, out);
        }
        if let Err(fault) = stream.state.receive_data(true) {
            return self.answer_fault(fault, id, turn, out);
        }
        stream.drain_until = u64::MAX;
        if let Some(exchange) = &stream.exchange {
            exchange.request_trailers.conclude();
            exchange.inbound.borrow_mut().complete();
        }
        if stream.state.is_closed() {
            self.remove_stream(slot, turn, out);
        }
        Ok(())
    }
}
