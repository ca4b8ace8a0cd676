//! The request body as a handler reads it.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::{BodyError, BodyState, Chunk, Exchange, FieldSection};
use crate::task::Parked;

/// The request body: chunks as they arrive, then the trailers.
#[derive(Debug)]
pub struct RequestBody<'a> {
    exchange: &'a Exchange,
}

impl<'a> RequestBody<'a> {
    pub(super) fn new(exchange: &'a Exchange) -> Self {
        Self { exchange }
    }

    /// The next chunk; `None` at the end of the body. The first read sends `100 Continue` where
    /// the peer waits for it (RFC 9110, 10.1.1).
    ///
    /// # Errors
    ///
    /// [`BodyError`], the same again on each later call. Returned from a handler that has not
    /// answered yet, it answers with [`BodyError::status`].
    pub async fn chunk(&mut self) -> Result<Option<Chunk>, BodyError> {
        poll_fn(|cx| poll_chunk(self.exchange, cx)).await
    }

    /// Reads the whole body.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLarge`] when it is longer than `bytes_max`, and those of [`chunk`](Self::chunk).
    pub async fn read_to_end(&mut self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > bytes_max.saturating_sub(whole.len()) {
                return Err(BodyError::TooLarge);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    /// Whether the request may have a body.
    #[must_use]
    pub fn can_have_body(&self) -> bool {
        self.exchange.detection.can_have_body()
    }

    /// A copy of the trailers, once the body was read to its end.
    #[must_use]
    pub fn trailers(&self) -> Option<FieldSection> {
        self.exchange.request_trailers.fields()
    }

    /// Changes the largest body that this request may have; `None` lifts the limit.
    ///
    /// # Errors
    ///
    /// [`ReadOnly`](crate::features::ReadOnly) once the body is being read.
    pub fn limit(&self, bytes_max: Option<u64>) -> Result<(), crate::features::ReadOnly> {
        self.exchange.body_size.set(bytes_max)
    }
}

/// Takes the next chunk or parks the caller.
pub(super) fn poll_chunk(
    exchange: &Exchange,
    cx: &Context<'_>,
) -> Poll<Result<Option<Chunk>, BodyError>> {
    exchange.body_size.freeze();
    let mut inbound = exchange.inbound.borrow_mut();
    let (taken, drive) = inbound.take(exchange.body_size.bytes());
    let ready = match taken {
        Some(Ok(chunk)) => Poll::Ready(Ok(Some(chunk))),
        Some(Err(error)) => Poll::Ready(Err(error)),
        None if inbound.state() == BodyState::Complete => Poll::Ready(Ok(None)),
        None => Poll::Pending,
    };
    // A reader that begins to wait starts the clock of the minimum data rate.
    let waits = ready.is_pending();
    drop(inbound);
    if waits {
        // A waker's clone is not our code: nothing may be borrowed.
        let reader = Parked::from_context(cx);
        exchange.inbound.borrow_mut().park(reader);
    }
    if drive || waits {
        exchange.mark();
    }
    ready
}
