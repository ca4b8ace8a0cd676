//! How a handler's bytes get into a response whose buffer is bounded.
//!
//! Owns the waiting: for room, and for the protocol to have taken everything. The buffer is the
//! exchange's.

use std::future::poll_fn;
use std::task::Poll;

use super::{Exchange, ResponseError};
use crate::task::Parked;

/// Appends all of `bytes`, waiting for room.
pub(super) async fn write_all(exchange: &Exchange, bytes: &[u8]) -> Result<(), ResponseError> {
    let mut rest = bytes;
    poll_fn(|cx| {
        if exchange.lifetime.is_aborted() {
            return Poll::Ready(Err(ResponseError::Aborted));
        }
        let mut outbound = exchange.outbound().borrow_mut();
        let capacity = exchange.response_capacity();
        let taken = match outbound.append(rest, capacity) {
            Ok(taken) => taken,
            Err(error) => return Poll::Ready(Err(error)),
        };
        rest = rest.get(taken..).unwrap_or_default();
        let waits = !rest.is_empty();
        if waits {
            drop(outbound);
            if let Err(error) = exchange.response.start() {
                return Poll::Ready(Err(error));
            }
            // A waker's clone is not our code: nothing may be borrowed.
            let writer = Parked::from_context(cx);
            outbound = exchange.outbound().borrow_mut();
            outbound.park(writer);
        }
        let notify = outbound.started;
        drop(outbound);
        if notify {
            exchange.mark();
        }
        if waits {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    })
    .await
}

/// Waits until the connection has taken all that was written.
pub(super) async fn drained(exchange: &Exchange) -> Result<(), ResponseError> {
    poll_fn(|cx| {
        if exchange.lifetime.is_aborted() {
            return Poll::Ready(Err(ResponseError::Aborted));
        }
        let outbound = exchange.outbound().borrow();
        if outbound.body.is_empty() && outbound.fixed.is_empty() {
            return Poll::Ready(Ok(()));
        }
        drop(outbound);
        let writer = Parked::from_context(cx);
        exchange.outbound().borrow_mut().park(writer);
        exchange.mark();
        Poll::Pending
    })
    .await
}
