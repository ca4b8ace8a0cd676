//! The inbound direction: from waiting bytes to a dispatched request and its body.

use std::rc::Rc;

use super::chunked::{ChunkedDecoder, Step};
use super::connection::{Body, Connection, Phase, RequestFacts, Sending, is_full};
use super::framing::{BodyFraming, Framing};
use super::head::{Parse, parse, parse_plain};
use super::reject::Reject;
use crate::http::{
    Backlog, BodyError, BodyState, Close, Exchange, FieldSection, Inbound, Mark, Method, RateClock,
    RequestHead, Scheme, Turn, Version, after,
};

/// What became of the waiting bytes.
#[derive(Debug)]
pub(super) enum Consumed {
    /// A request head is complete.
    Dispatch(Rc<Exchange>),
    /// The peer speaks HTTP/2, and the server does too.
    Http2,
    /// Some bytes are gone or the state has changed: look again.
    Some,
    /// Nothing can be done with them now.
    Nothing,
}

/// SETTINGS without content, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113, 6.5, 6.8 and 7): what
/// an HTTP/2 peer understands on a port that speaks HTTP/1 only.
const HTTP_1_1_REQUIRED: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0d";

impl Connection {
    /// Works on the waiting bytes as far as the state allows.
    pub(super) fn consume(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> Consumed {
        match self.phase {
            Phase::Head { since } => self.consume_head(since, turn, out),
            Phase::Exchange => self.consume_body(turn),
            Phase::Drain => self.consume_unread(turn),
            Phase::Closing => {
                self.consume_late(turn);
                Consumed::Nothing
            }
        }
    }

    /// Forgets what comes while the connection closes.
    #[inline(never)]
    fn consume_late(&mut self, turn: &Turn<'_>) {
        if self.close == Close::Agreed && !self.backlog.is_empty() {
            self.close = Close::Linger;
        }
        self.linger.received(self.backlog.len(), turn.now);
        self.backlog.consume(usize::MAX);
    }

    #[inline(never)]
    fn consume_head(
        &mut self,
        since: Option<u64>,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Consumed {
        // Answers that nobody reads must not pile up: the next request waits for the send.
        if self.backlog.is_empty() || is_full(out, turn) {
            return Consumed::Nothing;
        }
        let mark = Mark {
            connection: self.key,
            stream: 0,
        };
        let exchange = turn.exchanges.take(mark, turn.limits);
        if let Some(framing) = self.parse_plain(&exchange, turn) {
            self.begin_exchange(&exchange, framing, turn);
            return Consumed::Dispatch(exchange);
        }
        self.consume_unusual_head(exchange, since, turn, out)
    }

    /// Reads a plain head; `None` when it is not one.
    #[inline(always)]
    fn parse_plain(&mut self, exchange: &Exchange, turn: &Turn<'_>) -> Option<Framing> {
        let mut head = exchange.request.fill()?;
        let input = self.backlog.bytes();
        let (consumed, framing) = parse_plain(input, &mut self.scan, turn.limits, &mut head)?;
        self.take_head(&mut head, consumed, framing, turn);
        Some(framing)
    }

    #[inline(never)]
    fn consume_unusual_head(
        &mut self,
        exchange: Rc<Exchange>,
        since: Option<u64>,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Consumed {
        match self.parse_head(&exchange, turn) {
            Ok(Parse::Complete { framing, .. }) => {
                self.begin_exchange(&exchange, framing, turn);
                Consumed::Dispatch(exchange)
            }
            other => {
                turn.exchanges.give(exchange, turn.limits);
                self.await_rest(other, since, turn, out)
            }
        }
    }

    /// There is no head yet, or there will be none.
    #[inline(never)]
    fn await_rest(
        &mut self,
        parsed: Result<Parse, Reject>,
        since: Option<u64>,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Consumed {
        match parsed {
            Ok(Parse::Incomplete | Parse::Complete { .. }) => {
                if since.is_none() {
                    self.phase = Phase::Head {
                        since: Some(turn.now),
                    };
                    self.deadline = after(turn.now, turn.limits.head_timeout);
                }
                Consumed::Nothing
            }
            Ok(Parse::Http2Preface) => {
                // Under TLS the protocol was negotiated (RFC 9113, 3.2).
                let negotiable =
                    self.transport.scheme == Scheme::Http && turn.protocols.allow_http2();
                if negotiable && self.requests == 0 {
                    return Consumed::Http2;
                }
                turn.counters.reject("http2_preface");
                out.extend_from_slice(HTTP_1_1_REQUIRED);
                self.close = Close::Linger;
                self.enter_closing();
                Consumed::Nothing
            }
            Err(reject) => {
                self.reject(reject, turn, out);
                Consumed::Nothing
            }
        }
    }

    /// Reads a head of any kind.
    fn parse_head(&mut self, exchange: &Exchange, turn: &Turn<'_>) -> Result<Parse, Reject> {
        let Some(mut head) = exchange.request.fill() else {
            // A pooled exchange is held by nobody else, so this head cannot be borrowed.
            debug_assert!(false, "a pooled head is borrowed");
            return Err(Reject::MalformedHead);
        };
        let parsed = parse(self.backlog.bytes(), &mut self.scan, turn.limits, &mut head)?;
        if let Parse::Complete { consumed, framing } = parsed {
            self.take_head(&mut head, consumed, framing, turn);
        }
        Ok(parsed)
    }

    /// A head is complete: its bytes leave the backlog, and what the response needs to know of it is
    /// noted.
    #[inline(always)]
    fn take_head(
        &mut self,
        head: &mut RequestHead,
        consumed: usize,
        framing: Framing,
        turn: &Turn<'_>,
    ) {
        self.backlog.attach(head, consumed, turn.scarce);
        head.set_scheme(self.transport.scheme);
        self.request = RequestFacts {
            http10: head.version() == Version::Http10,
            head: head.method() == Method::Head,
            connect: head.method() == Method::Connect,
            keep_alive: framing.keep_alive && !turn.draining,
            more_allowed: framing.keep_alive,
            awaits_continue: framing.expect_continue,
        };
    }

    /// A head is complete: its exchange becomes the connection's.
    #[inline(always)]
    fn begin_exchange(&mut self, exchange: &Rc<Exchange>, facts: Framing, turn: &mut Turn<'_>) {
        self.requests = self.requests.saturating_add(1);
        turn.counters.requests = turn.counters.requests.saturating_add(1);
        exchange.identifier.assign(self.id, self.requests);
        match facts.body {
            // As the request before has left it.
            BodyFraming::None | BodyFraming::Length(0) if matches!(self.body, Body::Done) => {}
            body => self.begin_body(body, exchange),
        }
        if turn.upgrades && (facts.upgrade || self.request.connect) {
            exchange.upgrade.offer();
        }
        self.sending = Sending::Discard;
        self.phase = Phase::Exchange;
        self.deadline = u64::MAX;
        self.exchange = Some(Rc::clone(exchange));
    }

    #[inline(never)]
    fn begin_body(&mut self, framing: BodyFraming, exchange: &Exchange) {
        self.rate = RateClock::default();
        self.body = match framing {
            BodyFraming::None | BodyFraming::Length(0) => Body::Done,
            BodyFraming::Length(length) => {
                exchange.open_body(Some(length));
                Body::Length(length)
            }
            BodyFraming::Chunked => {
                exchange.open_body(None);
                Body::Chunked(ChunkedDecoder::default())
            }
        };
    }

    /// Hands waiting body bytes to the exchange.
    #[inline(never)]
    fn consume_body(&mut self, turn: &mut Turn<'_>) -> Consumed {
        let Some(exchange) = &self.exchange else {
            return Consumed::Nothing;
        };
        if self.backlog.is_empty() || matches!(self.body, Body::Done) {
            return Consumed::Nothing;
        }
        let mut inbound = exchange.inbound.borrow_mut();
        if let BodyState::Failed(error) = inbound.state() {
            // The handler was told; what the peer still sends of this body is not read.
            drop(inbound);
            self.fail_body(error, turn);
            return Consumed::Some;
        }
        if inbound.is_full(turn.limits.request_buffer_bytes_max) {
            return Consumed::Nothing;
        }
        let before = self.backlog.len();
        match &mut self.body {
            Body::Done => {}
            Body::Raw => {
                if let Some(chunk) = self.backlog.chunk(0, before, turn.scarce) {
                    inbound.push(chunk);
                }
                self.backlog.consume(before);
            }
            Body::Length(left) => {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(before);
                if let Some(chunk) = self.backlog.chunk(0, take, turn.scarce) {
                    inbound.push(chunk);
                }
                self.backlog.consume(take);
                *left = left.saturating_sub(take as u64);
                if *left == 0 {
                    self.body = Body::Done;
                    exchange.request_trailers.conclude();
                    inbound.complete();
                }
            }
            Body::Chunked(decoder) => {
                let backlog = &mut self.backlog;
                match take_chunked(decoder, backlog, &mut inbound, exchange, turn) {
                    Ok(false) => {}
                    Ok(true) => {
                        self.body = Body::Done;
                        exchange.request_trailers.conclude();
                        inbound.complete();
                    }
                    Err(reject) => {
                        drop(inbound);
                        let (status, name) = (reject.status(), reject.name());
                        self.fail_body(BodyError::Malformed { status, name }, turn);
                        return Consumed::Some;
                    }
                }
            }
        }
        self.rate
            .received(before.saturating_sub(self.backlog.len()));
        Consumed::Some
    }

    /// Forgets the rest of a body that the handler did not read.
    #[inline(never)]
    fn consume_unread(&mut self, turn: &mut Turn<'_>) -> Consumed {
        if self.backlog.is_empty() {
            return Consumed::Nothing;
        }
        match &mut self.body {
            Body::Done | Body::Raw => {}
            Body::Length(left) => {
                let take = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(self.backlog.len());
                self.backlog.consume(take);
                *left = left.saturating_sub(take as u64);
                if *left == 0 {
                    self.body = Body::Done;
                }
            }
            Body::Chunked(decoder) => match decoder.decode(
                self.backlog.bytes(),
                turn.limits,
                &mut FieldSection::default(),
            ) {
                Ok(Step::Data { end, .. }) => self.backlog.consume(end),
                Ok(Step::NeedMore) => self.backlog.consume(usize::MAX),
                Ok(Step::Complete { consumed }) => {
                    self.backlog.consume(consumed);
                    self.body = Body::Done;
                }
                Err(reject) => {
                    // The response is complete, so there is nothing left to answer.
                    turn.counters.reject(reject.name());
                    self.close = Close::Linger;
                    self.enter_closing();
                    return Consumed::Nothing;
                }
            },
        }
        if matches!(self.body, Body::Done) {
            self.await_head();
        }
        Consumed::Some
    }

    /// The next request may come.
    pub(super) fn await_head(&mut self) {
        self.phase = Phase::Head { since: None };
        // The clock of the idle connection starts with the end of the drive, in the same turn: a
        // request that is there already needs none.
        self.deadline = u64::MAX;
    }
}

/// Hands the next piece of a chunked body to its handler and says whether the body is complete.
fn take_chunked(
    decoder: &mut ChunkedDecoder,
    backlog: &mut Backlog,
    inbound: &mut Inbound,
    exchange: &Exchange,
    turn: &Turn<'_>,
) -> Result<bool, Reject> {
    let step = exchange
        .request_trailers
        .decode_into(|trailers| decoder.decode(backlog.bytes(), turn.limits, trailers))?;
    match step {
        Step::Data { start, end } => {
            if let Some(chunk) = backlog.chunk(start, end, turn.scarce) {
                inbound.push(chunk);
            }
            backlog.consume(end);
        }
        Step::NeedMore => backlog.consume(usize::MAX),
        Step::Complete { consumed } => {
            backlog.consume(consumed);
            return Ok(true);
        }
    }
    Ok(false)
}
