//! How an HTTP/1 connection ends: by the peer, by a body that fails, by lingering.
//!
//! Owns what becomes of the exchange and of the input then; who ends it is decided elsewhere.

use super::connection::{Body, Connection, Phase};
use super::reject::Reject;
use crate::http::{Backlog, BodyError, Close, Turn};

impl Connection {
    /// The request body will never be complete: the handler learns it, the connection ends with
    /// the response.
    pub(super) fn fail_body(&mut self, error: BodyError, turn: &mut Turn<'_>) {
        match error {
            BodyError::Malformed { name, .. } => turn.counters.reject(name),
            BodyError::TooSlow => turn.counters.reject(Reject::BodyTimeout.name()),
            BodyError::UnexpectedEnd if matches!(self.body, Body::Chunked(_)) => {
                turn.counters.reject(Reject::IncompleteChunkedBody.name());
            }
            BodyError::UnexpectedEnd => turn.counters.reject(Reject::IncompleteBody.name()),
            // Counted with the end of the exchange: the handler meets it wherever the body is.
            BodyError::TooLarge | BodyError::Unread | BodyError::Aborted | BodyError::Upgraded => {}
        }
        self.request.keep_alive = false;
        self.body = Body::Done;
        self.backlog = Backlog::Empty;
        if let Some(exchange) = &self.exchange {
            exchange.inbound.borrow_mut().fail(error);
        }
    }

    /// Nothing more is answered; what still comes is forgotten.
    #[inline(never)]
    pub(super) fn enter_closing(&mut self) {
        self.phase = Phase::Closing;
        self.backlog = Backlog::Empty;
        // The peer is waited for once it has been told everything. Until then what is told has a
        // deadline, by the rate at which the peer takes it.
        self.deadline = u64::MAX;
        if self.input_ended && matches!(self.close, Close::Linger | Close::Agreed) {
            self.close = Close::Now;
        }
    }

    /// FIN is on its way: from now on the peer is waited for.
    #[inline(never)]
    pub(crate) fn fin_sent(&mut self, turn: &Turn<'_>) {
        let body = turn.limits.drain_timeout.as_millis();
        let first = self
            .forgets_a_body()
            .then(|| u64::try_from(body).unwrap_or(u64::MAX));
        self.linger.begin(turn.now, first);
        self.deadline = self.closing_deadline();
    }

    /// Until when a connection that closes is read; for ever if it ends as soon as all is sent.
    pub(super) fn closing_deadline(&self) -> u64 {
        match self.close {
            Close::Linger | Close::Agreed => self.linger.deadline(),
            Close::No | Close::Now | Close::Reset => u64::MAX,
        }
    }

    /// How the connection ends with the response to the request that it has taken last. `failed`
    /// tells that the body of this one was not taken whole.
    pub(super) fn close_after_response(&self, failed: bool) -> Close {
        let agreed = !self.request.more_allowed
            && !self.request.connect
            && matches!(self.body, Body::Done)
            && !failed
            && self.backlog.is_empty()
            && !self.forgets_a_body();
        if agreed { Close::Agreed } else { Close::Linger }
    }

    /// Whether what comes after the end may be a body that the peer was not told to send, but may:
    /// it was announced in good faith, and gets the time of an unread body to pass.
    pub(super) fn forgets_a_body(&self) -> bool {
        self.request.awaits_continue
    }

    /// Acts on the peer's end of input once everything before it is consumed.
    #[inline(never)]
    pub(super) fn end_of_input(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Head { since } => {
                if since.is_some() {
                    turn.counters.reject(Reject::IncompleteHead.name());
                }
                self.close = Close::Now;
            }
            Phase::Drain => self.close = Close::Now,
            Phase::Closing if matches!(self.close, Close::Linger | Close::Agreed) => {
                self.close = Close::Now;
            }
            Phase::Closing => {}
            Phase::Exchange => {
                if let Some(exchange) = &self.exchange {
                    exchange.lifetime.finish_client();
                }
                self.request.keep_alive = self.request.keep_alive && !self.backlog.is_empty();
                match self.body {
                    Body::Length(_) | Body::Chunked(_) if self.backlog.is_empty() => {
                        self.fail_body(BodyError::UnexpectedEnd, turn);
                    }
                    // What still waits for room comes before the end.
                    Body::Raw if self.backlog.is_empty() && self.truncated => {
                        self.fail_body(BodyError::UnexpectedEnd, turn);
                    }
                    Body::Raw if self.backlog.is_empty() => {
                        if let Some(exchange) = &self.exchange {
                            exchange.inbound.borrow_mut().complete();
                        }
                    }
                    Body::Length(_) | Body::Chunked(_) | Body::Raw | Body::Done => {}
                }
            }
        }
    }
}
