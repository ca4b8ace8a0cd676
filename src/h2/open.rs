//! Complete field blocks: requests that open streams, and trailers that end them.
//!
//! Owns the life of a stream up to the dispatch of its request. How the block is read is in
//! `request`.

use std::rc::Rc;

use super::budget::Cheap;
use super::closed::Closed;
use super::connection::Connection;
use super::error::{ConnectionError, Fault, StreamError, Violation};
use super::frame::encode_rst_stream;
use super::priority::Priority;
use super::receive::{CompleteBlock, Consumed};
use super::request::{Refusal, Request, Unread, read_request};
use super::streams::{Opening, RequestFacts, Stream};
use super::trailers::read_trailers;
use crate::http::{Exchange, FieldSection, Mark, Method, Turn, after};
use crate::limits::ABANDONED_PER_STREAM;

impl Connection {
    /// A field block is complete.
    pub(super) fn end_block(
        &mut self,
        block: &CompleteBlock,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        let id = block.stream;
        if id > self.last_stream {
            self.last_stream = id;
            return self.open_stream(block, turn, out);
        }
        if let Some(slot) = self.streams.find(id) {
            self.end_with_trailers(slot, block, turn, out)?;
            return Ok(Consumed::Some);
        }
        match self.how_closed(id) {
            // It was on its way when the stream was reset, and is the last that can be.
            Some(Closed::ResetByUs) if block.end_stream => {
                self.streams.closed.forget_reset(id);
                self.ignore_block(block, turn)?;
                Ok(Consumed::Some)
            }
            Some(Closed::ResetByUs | Closed::Forgotten) => {
                self.charge(Cheap::Unwanted, turn)?;
                self.ignore_block(block, turn)?;
                Ok(Consumed::Some)
            }
            Some(Closed::Finished) => Err(ConnectionError(Violation::FrameOnClosedStream)),
            None => Err(ConnectionError(Violation::StreamIdNotIncreasing)),
        }
    }

    /// Decodes a block that nobody wants, for the sake of the tables (RFC 9113, 4.3).
    fn ignore_block(
        &mut self,
        block: &CompleteBlock,
        turn: &mut Turn<'_>,
    ) -> Result<(), ConnectionError> {
        let mut unread = FieldSection::new();
        let read = read_trailers(
            &mut self.decoder,
            block.place.of(&self.input, &self.block),
            &mut unread,
            turn.limits,
            turn.counters,
        );
        read.map(drop)
    }

    fn open_stream(
        &mut self,
        block: &CompleteBlock,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        let id = block.stream;
        if self.ending.refuses(id) {
            // The peer knows from GOAWAY that it was not processed.
            self.charge(Cheap::Unwanted, turn)?;
            self.ignore_block(block, turn)?;
            self.remember_refused(block, turn);
            return Ok(Consumed::Some);
        }
        if !self.has_room(turn) {
            self.charge(Cheap::Unwanted, turn)?;
            self.ignore_block(block, turn)?;
            self.refuse_stream(block, Violation::TooManyStreams, turn, out);
            return Ok(Consumed::Some);
        }
        match self.accept_request(block, turn) {
            Ok(exchange) => Ok(Consumed::Dispatch(exchange)),
            Err(unread) => {
                self.answer_unread(unread, block, turn, out)?;
                Ok(Consumed::Some)
            }
        }
    }

    /// Whether another stream may be opened.
    #[inline]
    pub(super) fn has_room(&self, turn: &Turn<'_>) -> bool {
        let streams_max = turn.limits.http2.streams_max as usize;
        self.open_streams() < streams_max
            && self.abandoned < streams_max.saturating_mul(ABANDONED_PER_STREAM)
    }

    /// Reads the request of a new stream, and begins its exchange.
    #[inline(always)]
    pub(super) fn accept_request(
        &mut self,
        block: &CompleteBlock,
        turn: &mut Turn<'_>,
    ) -> Result<Rc<Exchange>, Unread> {
        let mark = Mark {
            connection: self.key,
            stream: block.stream,
        };
        let exchange = turn.exchanges.take(mark, turn.limits);
        let read = match exchange.request.fill() {
            Some(mut head) => read_request(
                &mut self.decoder,
                block.place.of(&self.input, &self.block),
                &self.bounds,
                &mut head,
                self.transport,
                turn.limits,
                turn.counters,
            ),
            None => {
                // A pooled exchange is held by nobody else, so this head cannot be borrowed.
                debug_assert!(false, "a pooled head is borrowed");
                Err(Unread::Failed(ConnectionError(Violation::Compression)))
            }
        };
        let unread = match read {
            // A request that ends with its head has no body (RFC 9113, 8.1.1).
            Ok(request) if block.end_stream && request.content_length.is_some_and(|it| it > 0) => {
                Unread::Refused(Violation::ContentLengthMismatch.into())
            }
            Ok(request) => {
                self.begin_exchange(&exchange, block, &request, turn);
                return Ok(exchange);
            }
            Err(unread) => unread,
        };
        turn.exchanges.give(exchange, turn.limits);
        Err(unread)
    }

    /// Answers a request that the application does not get.
    #[inline(never)]
    pub(super) fn answer_unread(
        &mut self,
        unread: Unread,
        block: &CompleteBlock,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        match unread {
            Unread::Failed(error) => return Err(error),
            Unread::Refused(Refusal::Malformed(StreamError(violation))) => {
                self.charge(Cheap::Reset, turn)?;
                self.refuse_stream(block, violation, turn, out);
            }
            Unread::Refused(Refusal::Status(status, violation)) => {
                let id = block.stream;
                turn.counters.reject(violation.name());
                self.encoder.refusal(id, status, turn, out);
                if block.end_stream {
                    self.streams.closed.finished(id);
                } else {
                    // The rest of the request is taken as with any response that comes first.
                    let until = after(turn.now, turn.limits.drain_timeout);
                    let window = turn.limits.http2.stream_window;
                    self.streams.insert(Stream::answered(id, window, until));
                }
            }
        }
        Ok(())
    }

    /// Resets a stream that never got a slot.
    fn refuse_stream(
        &mut self,
        block: &CompleteBlock,
        violation: Violation,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) {
        turn.counters.reject(violation.name());
        encode_rst_stream(out, block.stream, violation.code().code());
        self.remember_refused(block, turn);
    }

    /// Remembers a stream that never got a slot. If its request goes on, as much of it as a window
    /// of a stream may be on its way.
    fn remember_refused(&mut self, block: &CompleteBlock, turn: &Turn<'_>) {
        let closed = &mut self.streams.closed;
        if block.end_stream {
            closed.finished(block.stream);
        } else {
            closed.reset(block.stream, turn.limits.http2.stream_window as usize);
        }
    }

    /// A head is complete: its exchange gets what the handler will ask for.
    #[inline(always)]
    fn begin_exchange(
        &mut self,
        exchange: &Rc<Exchange>,
        block: &CompleteBlock,
        request: &Request,
        turn: &mut Turn<'_>,
    ) {
        self.requests = self.requests.saturating_add(1);
        // It may be over before this drive is; the connection was in use all the same.
        self.clocks.idle_since = u64::MAX;
        turn.counters.requests = turn.counters.requests.saturating_add(1);
        exchange.identifier.assign(self.id, self.requests);
        self.give_share(exchange, turn);
        let priority = if self.early_priorities.is_empty() {
            request.priority
        } else {
            self.take_early_priority(block.stream)
                .unwrap_or(request.priority)
        };
        self.opening = Opening {
            id: block.stream,
            request: RequestFacts {
                head: request.method == Method::Head,
                connect: request.method == Method::Connect,
                awaits_continue: request.expect_continue && !block.end_stream,
            },
            priority,
        };
        let exchange = Rc::clone(exchange);
        if block.end_stream {
            self.dispatched = Some(exchange);
        } else {
            self.begin_body(exchange, request.content_length, turn);
        }
    }

    /// The priority that came before its stream.
    #[inline(never)]
    fn take_early_priority(&mut self, stream: u32) -> Option<Priority> {
        let mut early = self.early_priorities.iter();
        let at = early.position(|(id, _)| *id == stream)?;
        Some(self.early_priorities.swap_remove(at).1)
    }

    /// The request goes on: its stream gets a slot, and its exchange a body.
    #[inline(never)]
    fn begin_body(&mut self, exchange: Rc<Exchange>, content_length: Option<u64>, turn: &Turn<'_>) {
        if self.opening.request.connect {
            exchange.inbound.borrow_mut().open_stream();
            exchange.upgrade.offer();
        } else {
            exchange.open_body(content_length);
        }
        exchange.inbound.borrow_mut().report_at(self.report_step());
        let owed = content_length.filter(|_| !self.opening.request.connect);
        self.insert_stream(exchange, false, owed, turn);
    }

    /// Trailers, or HEADERS where there may be none.
    fn end_with_trailers(
        &mut self,
        slot: u32,
        block: &CompleteBlock,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        let Some(stream) = self.streams.get(slot) else {
            return Ok(());
        };
        if stream.state.is_ignoring() {
            let _ = stream.state.receive_trailers(block.end_stream);
            if !block.end_stream {
                self.charge(Cheap::Unwanted, turn)?;
            }
            return self.ignore_block(block, turn);
        }
        let mut state = stream.state;
        let allowed = state.receive_trailers(block.end_stream);
        // Those that came before may be looked at this moment: they change no more.
        let exchange = stream.exchange.clone().filter(|_| allowed.is_ok());
        let mut unread = FieldSection::new();
        let read = match &exchange {
            Some(exchange) => exchange.request_trailers.decode_into(|trailers| {
                read_trailers(
                    &mut self.decoder,
                    block.place.of(&self.input, &self.block),
                    trailers,
                    turn.limits,
                    turn.counters,
                )
            })?,
            None => read_trailers(
                &mut self.decoder,
                block.place.of(&self.input, &self.block),
                &mut unread,
                turn.limits,
                turn.counters,
            )?,
        };
        let taken = allowed.and_then(|()| read.map_err(Fault::from));
        match taken {
            Ok(()) => self.end_request(slot, turn, out),
            Err(fault) => self.answer_fault(fault, block.stream, turn, out),
        }
    }
}
