//! Whether somebody still waits for the answer to a request.
//!
//! Owns what is known of the peer's end, and those handlers that wait for it. Reset between requests
//! without allocation.

use std::cell::Cell;

use super::waiters::Waiters;

/// The protocol has let go of the exchange.
const SEVERED: u8 = 1;
/// The handler wants its stream to end.
const ABORT: u8 = 1 << 1;
/// The peer has finished sending.
const FINISHED: u8 = 1 << 2;

/// Whether somebody still waits for the answer.
#[derive(Debug, Default)]
pub struct RequestLifetime {
    /// Together, so that a reset costs one store.
    facts: Cell<u8>,
    /// The error code that goes with an abort (RFC 9113, 7).
    code: Cell<u32>,
    waiters: Waiters,
}

impl RequestLifetime {
    /// Whether the connection or the stream is gone: the answer can reach nobody.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.facts.get() & (SEVERED | ABORT) != 0
    }

    /// Waits until the connection or the stream is gone. Does not end for a request that is
    /// answered in peace: use it beside other work.
    pub async fn aborted(&self) {
        self.waiters.until(|| self.is_aborted()).await;
    }

    /// Whether the client has finished sending on its connection: it sends no request any more, and
    /// nothing of a body that is not complete. Over HTTP/1 it may well read the answer (`nc` does).
    /// Over HTTP/2 a client that wants answers does not finish, since it could open no window: it is
    /// gone as a rule, and what its windows do not allow is lost.
    #[must_use]
    pub fn is_client_finished(&self) -> bool {
        self.facts.get() & FINISHED != 0
    }

    /// Waits until the client has finished sending, or is gone. Does not end for a request that is
    /// answered in peace: use it beside other work.
    pub async fn client_finished(&self) {
        self.waiters
            .until(|| self.is_client_finished() || self.is_aborted())
            .await;
    }

    /// Whether the protocol has let go of the exchange before the handler was done.
    pub(crate) fn is_severed(&self) -> bool {
        self.facts.get() & SEVERED != 0
    }

    pub(crate) fn is_abort_asked(&self) -> bool {
        self.facts.get() & ABORT != 0
    }

    /// The error code with which the handler ends its stream, if it does.
    pub(crate) fn abort_code(&self) -> Option<u32> {
        self.is_abort_asked().then(|| self.code.get())
    }

    pub(crate) fn ask_abort(&self, code: u32) {
        self.code.set(code);
        self.learn(ABORT);
    }

    pub(crate) fn sever(&self) {
        self.learn(SEVERED);
    }

    /// The client has finished sending, as it may be told more than once.
    pub(crate) fn finish_client(&self) {
        if !self.is_client_finished() {
            self.learn(FINISHED);
        }
    }

    fn learn(&self, fact: u8) {
        self.facts.set(self.facts.get() | fact);
        self.waiters.wake();
    }

    #[inline]
    pub(crate) fn reset(&self) {
        self.facts.set(0);
        self.waiters.reset();
    }
}
