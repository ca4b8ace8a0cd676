//! One request and its response: where a handler and the protocol meet.
//!
//! Owns the per-request feature slots and their reset between requests, which allocates nothing.
//! Handlers reach it through `HttpContext`; the protocol fills the request and takes the response.
//! Knows no wire format, no socket and no shard.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::inbound::{BodyState, Inbound};
use super::outbound::Outbound;
use super::outbox::{Mark, Outbox};
use super::{BodyError, Chunk, HandlerError, RequestHead, Status};
use crate::features::{
    MaxRequestBodySize, MinRequestBodyDataRate, MinResponseDataRate, RequestBodyDetection,
    RequestFeature, RequestIdentifier, RequestLifetime, RequestTrailers, ResponseFeature,
    ResponseTrailers, Upgrade,
};
use crate::limits::Limits;
use crate::task::contained;

/// Body bytes that a pooled exchange keeps room for; larger buffers are given back.
const BODY_CAPACITY_KEPT: usize = 16 * 1024;

/// One request and its response.
///
/// A server makes one for each request (or reuses one), fills the request, runs an application
/// over an [`HttpContext`](super::HttpContext) of it, and takes the response.
#[derive(Debug, Default)]
pub struct Exchange {
    pub(crate) request: RequestFeature,
    pub(crate) response: ResponseFeature,
    pub(crate) inbound: RefCell<Inbound>,
    pub(crate) detection: RequestBodyDetection,
    pub(crate) request_trailers: RequestTrailers,
    pub(crate) response_trailers: ResponseTrailers,
    pub(crate) body_size: MaxRequestBodySize,
    pub(crate) body_rate: MinRequestBodyDataRate,
    pub(crate) response_rate: MinResponseDataRate,
    pub(crate) lifetime: RequestLifetime,
    pub(crate) identifier: RequestIdentifier,
    pub(crate) upgrade: Upgrade,
    response_capacity: Cell<usize>,
    owner: RefCell<Option<(Rc<Outbox>, Mark)>>,
    marked: Cell<bool>,
}

impl Exchange {
    /// An exchange over a request without a body, outside any connection.
    #[must_use]
    pub fn new(head: RequestHead) -> Rc<Self> {
        let exchange = Self::default();
        exchange.begin(&Limits::default());
        exchange.request.replace(head);
        Rc::new(exchange)
    }

    /// Gives the request a body. Call before the application runs.
    pub fn set_body(&self, body: Vec<u8>) {
        self.open_body(Some(body.len() as u64));
        let mut inbound = self.inbound.borrow_mut();
        inbound.push(Chunk::from(body));
        inbound.complete();
    }

    /// Takes what the application has answered so far: all of it once the application is done.
    #[must_use]
    pub fn take_body(&self) -> Vec<u8> {
        let mut outbound = self.outbound().borrow_mut();
        let mut body = outbound.body.take_all();
        if body.is_empty() {
            body.extend_from_slice(std::mem::take(&mut outbound.fixed));
        }
        outbound.wake_writer();
        body
    }

    /// The response feature: status and fields.
    #[must_use]
    pub fn response(&self) -> &ResponseFeature {
        &self.response
    }

    /// The server is done with the exchange: the response has been sent, or never will be. Runs
    /// what was registered by [`ResponseFeature::on_completed`], now, or when the handler is done
    /// if it is not: it learns that nobody waits for it any more. Call once, at the end.
    pub fn complete(&self) {
        if self.is_finished() {
            self.run_completed();
        } else {
            self.sever();
        }
    }

    /// Makes a used exchange new again. The limits of the server become those of the request.
    #[inline(always)]
    pub(crate) fn begin(&self, limits: &Limits) {
        self.request.reset();
        self.inbound.borrow_mut().reset();
        self.response.reset(BODY_CAPACITY_KEPT);
        if self.detection.can_have_body() {
            self.forget_body();
        }
        self.response_trailers.reset();
        self.body_size.reset(limits.body_bytes_max);
        self.body_rate.reset(limits.request_body_rate_min);
        self.response_rate.reset(limits.response_rate_min);
        self.lifetime.reset();
        self.identifier.reset();
        self.upgrade.reset();
        self.response_capacity.set(limits.response_buffer_bytes_max);
        self.marked.set(false);
    }

    #[inline(never)]
    fn forget_body(&self) {
        self.detection.reset();
        self.request_trailers.reset();
    }

    /// Ties the exchange to the connection and the stream that it belongs to.
    #[inline(always)]
    pub(crate) fn attach(&self, outbox: &Rc<Outbox>, mark: Mark) {
        let mut owner = self.owner.borrow_mut();
        match &mut *owner {
            // The common case: a pooled exchange stays on its shard, so only the name changes.
            Some((_, old)) => *old = mark,
            None => *owner = Some((Rc::clone(outbox), mark)),
        }
    }

    /// The stream of HTTP/2 that the exchange is on (RFC 9113, 5.1.1).
    pub(crate) fn stream(&self) -> Option<u32> {
        let owner = self.owner.borrow();
        let (_, mark) = owner.as_ref()?;
        (mark.stream > 0).then_some(mark.stream)
    }

    /// Tells the connection that there is something to do for this exchange.
    #[inline]
    pub(crate) fn mark(&self) {
        if !self.marked.replace(true) {
            self.mark_owner();
        }
    }

    #[inline(never)]
    fn mark_owner(&self) {
        if let Some((outbox, mark)) = &*self.owner.borrow() {
            outbox.mark(*mark);
        }
    }

    /// Whether the connection has still to look.
    #[cfg(all(debug_assertions, any(test, feature = "testing")))]
    pub(crate) fn is_marked(&self) -> bool {
        self.marked.get()
    }

    /// The connection is about to look: the next change marks it again.
    pub(crate) fn clear_mark(&self) {
        self.marked.set(false);
    }

    /// Changes are looked at without a mark until `clear_mark`: the connection is being driven.
    pub(crate) fn suppress_mark(&self) {
        self.marked.set(true);
    }

    /// Expects a request body.
    pub(crate) fn open_body(&self, declared: Option<u64>) {
        self.inbound.borrow_mut().open(declared);
        self.detection.set(true);
    }

    /// The response as the protocol takes it.
    pub(crate) fn outbound(&self) -> &RefCell<Outbound> {
        self.response.outbound()
    }

    /// Changes how many response bytes may wait for the connection.
    pub(crate) fn set_response_capacity(&self, bytes: usize) {
        self.response_capacity.set(bytes);
    }

    /// How many response bytes may wait for the connection.
    pub(crate) fn response_capacity(&self) -> usize {
        self.response_capacity.get()
    }

    /// Whether the handler is done.
    pub(crate) fn is_finished(&self) -> bool {
        self.outbound().borrow().outcome.is_some()
    }

    /// The handler has ended in peace: what it wanted to be called before the head is fixed is
    /// called now, if it was not before.
    #[inline]
    pub(crate) fn run_starting(&self) -> Result<(), HandlerError> {
        if !self.response.has_callbacks() {
            return Ok(());
        }
        contained(|| self.response.run_starting()).ok_or(HandlerError::Panicked)
    }

    /// The handler is done, and the protocol has taken or dropped the response: what was to be
    /// called at the end is called. Does nothing while the handler is not done.
    #[inline]
    pub(crate) fn run_completed(&self) {
        if self.response.has_callbacks() && self.is_finished() {
            self.response.run_completed();
        }
    }

    /// The handler is done.
    #[inline]
    pub(crate) fn finish(&self, result: Result<(), &HandlerError>) {
        match result {
            Ok(()) => self.end_response(Ok(()), Status::INTERNAL_SERVER_ERROR),
            Err(error) => self.fail(error),
        }
        self.mark();
        // Nobody was left to take the response: the protocol was done before the handler.
        if self.lifetime.is_severed() {
            self.run_completed();
        }
    }

    /// The server answers in place of the application, which never sees the request.
    pub(crate) fn refuse(&self, status: Status) {
        self.outbound().borrow_mut().refuse(status);
        self.mark();
    }

    #[inline(never)]
    fn fail(&self, error: &HandlerError) {
        self.end_response(Err(error), self.status_of(error));
    }

    #[inline(always)]
    fn end_response(&self, result: Result<(), &HandlerError>, fallback: Status) {
        self.outbound().borrow_mut().finish(result, fallback);
    }

    /// The status that answers a failed handler.
    fn status_of(&self, error: &HandlerError) -> Status {
        // A handler may have wrapped the body's error in one of its own.
        let state = match self.inbound.borrow().state() {
            BodyState::Failed(error) => Some(error.status()),
            BodyState::Open | BodyState::Complete => None,
        };
        let status = error.peers_status().or(state);
        status.unwrap_or(Status::INTERNAL_SERVER_ERROR)
    }

    /// The connection is gone: everything the handler waits for ends.
    pub(crate) fn sever(&self) {
        self.owner.borrow_mut().take();
        self.abandon();
    }

    /// Nobody waits for the response any more, but the connection lives: everything the handler
    /// waits for ends, and its own end still marks the connection.
    pub(crate) fn abandon(&self) {
        self.lifetime.sever();
        self.inbound.borrow_mut().fail(BodyError::Aborted);
        self.outbound().borrow_mut().wake_writer();
    }
}
