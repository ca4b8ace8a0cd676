//! A ring whose kernel does everything at once and next to nothing.
//!
//! Owns the completions that are to be taken and a count of the bytes sent. Unlike the simulated
//! ring it has no sockets, faults or time, so that what a benchmark counts is the shard and not the
//! world around it. Knows one listener and one receive for each connection, and never fails.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::os::fd::{BorrowedFd, RawFd};
use std::rc::Rc;

use crate::buf::Pool;
use crate::ring::{
    Completion, EnterError, Errno, LastSend, Payload, Ring, RingConfig, RingFeatures, SetupError,
    Token, Wait,
};

/// What the ring and its peers share. A handle; clones mean the same.
#[derive(Clone)]
pub(super) struct Wire(Rc<Inner>);

struct Inner {
    pool: Pool,
    ready: RefCell<Vec<Completion>>,
    accept: Cell<Option<Token>>,
    /// The receive of each connection, by descriptor, and whether it goes on.
    receives: RefCell<Vec<Option<(Token, bool)>>>,
    sent: Cell<usize>,
}

impl Wire {
    /// A wire without connections, with as many buffers as a real ring has by default.
    pub(super) fn new() -> Result<Self, SetupError> {
        let config = RingConfig::default();
        Ok(Self(Rc::new(Inner {
            pool: Pool::new(config.buffers, config.buffer_bytes)?,
            ready: RefCell::default(),
            accept: Cell::new(None),
            receives: RefCell::default(),
            sent: Cell::new(0),
        })))
    }

    /// A new connection, which the shard accepts with its next turn. Its descriptor.
    pub(super) fn connect(&self) -> RawFd {
        let mut receives = self.0.receives.borrow_mut();
        receives.push(None);
        let fd = receives.len() - 1;
        let accept = self.0.accept.get().expect("the shard accepts");
        self.tell(accept, fd as u32, true, Payload::None);
        fd as RawFd
    }

    /// The peer of `fd` sends bytes, which must fit one buffer.
    pub(super) fn send(&self, fd: RawFd, bytes: &[u8]) {
        let mut receives = self.0.receives.borrow_mut();
        let place = receives.get_mut(fd as usize).expect("it is connected");
        let (receive, goes_on) = place.expect("the shard receives");
        if !goes_on {
            *place = None;
        }
        let slice = self.0.pool.fill(bytes).expect("a buffer is free");
        assert_eq!(slice.len(), bytes.len(), "the bytes fit one buffer");
        let len = slice.len() as u32;
        self.tell(receive, len, goes_on, Payload::Received(slice));
    }

    fn receive(&self, fd: RawFd, token: Token, goes_on: bool) {
        if let Some(receive) = self.0.receives.borrow_mut().get_mut(fd as usize) {
            *receive = Some((token, goes_on));
        }
    }

    /// Bytes sent by the shard since this was last asked.
    pub(super) fn take_sent(&self) -> usize {
        self.0.sent.take()
    }

    fn tell(&self, token: Token, result: u32, more: bool, payload: Payload) {
        self.0.ready.borrow_mut().push(Completion {
            token,
            result: Ok(result),
            more,
            payload,
        });
    }
}

/// The shard's end of a [`Wire`].
pub(crate) struct InMemoryRing {
    wire: Wire,
    features: RingFeatures,
}

impl InMemoryRing {
    /// The ring of a wire.
    pub(super) fn new(wire: Wire) -> Self {
        let config = RingConfig::default();
        let features = RingFeatures {
            flags: vec!["IN_MEMORY"],
            sq_entries: config.sq_entries,
            cq_entries: config.sq_entries,
            buffers: config.buffers,
            buffer_bytes: config.buffer_bytes,
        };
        Self { wire, features }
    }
}

impl Ring for InMemoryRing {
    fn pool(&self) -> &Pool {
        &self.wire.0.pool
    }

    fn accept(&mut self, token: Token, _listener: RawFd) {
        self.wire.0.accept.set(Some(token));
    }

    fn recv(&mut self, token: Token, fd: RawFd) {
        self.wire.receive(fd, token, true);
    }

    fn recv_once(&mut self, token: Token, fd: RawFd) {
        self.wire.receive(fd, token, false);
    }

    fn watch(&mut self, _token: Token, _fd: RawFd) {}

    fn send(&mut self, token: Token, _fd: RawFd, bytes: Vec<u8>, from: usize) {
        let sent = bytes.len() - from;
        self.wire.0.sent.set(self.wire.0.sent.get() + sent);
        self.wire
            .tell(token, sent as u32, false, Payload::Sent(bytes));
    }

    fn cancel(&mut self, token: Token, _fd: RawFd) {
        self.wire.tell(token, 0, false, Payload::None);
    }

    fn cancel_recv(&mut self, token: Token, _recv: Token) {
        self.wire.tell(token, 0, false, Payload::None);
    }

    fn shutdown(&mut self, token: Token, _fd: RawFd) {
        self.wire.tell(token, 0, false, Payload::None);
    }

    fn send_and_close(&mut self, _fd: RawFd, bytes: &[u8]) -> Result<LastSend, Errno> {
        self.wire.0.sent.set(self.wire.0.sent.get() + bytes.len());
        Ok(LastSend::Closed)
    }

    fn close(&mut self, token: Token, _fd: RawFd) {
        self.wire.tell(token, 0, false, Payload::None);
    }

    fn watch_inbox(&mut self, _token: Token, _eventfd: RawFd) {}

    fn open(&mut self, token: Token, _path: CString, _flags: i32) {
        self.wire.tell(token, 0, false, Payload::None);
    }

    fn read(&mut self, token: Token, _fd: RawFd, into: Vec<u8>, _offset: u64) {
        self.wire.tell(token, 0, false, Payload::Read(into));
    }

    fn submit_and_wait(&mut self, _wait: Wait) -> Result<(), EnterError> {
        Ok(())
    }

    fn completions(&mut self, into: &mut Vec<Completion>) {
        into.append(&mut self.wire.0.ready.borrow_mut());
    }

    fn recycle(&mut self) -> usize {
        // A buffer that has returned is free to be filled again: nobody has to be told.
        0
    }

    fn end(&mut self) {}

    fn abandon(&mut self, _fd: RawFd) {}

    fn with_descriptor<T>(_fd: RawFd, _ask: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        None
    }

    fn features(&self) -> &RingFeatures {
        &self.features
    }

    fn in_flight(&self) -> usize {
        self.wire.0.ready.borrow().len()
    }

    fn overflows(&self) -> u64 {
        0
    }
}
