//! The seam between a shard and its ring.
//!
//! Owns the operations a shard can ask for and the form of their completions. The real ring and
//! the simulated one of the tests implement it. Knows nothing of io_uring's structures.

#![forbid(unsafe_code)]

use std::ffi::CString;
use std::fmt;
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

use super::{Errno, Token};
use crate::buf::{BufSlice, Pool};

/// How long [`Ring::submit_and_wait`] may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    No,
    /// Until something completes.
    Forever,
    /// Until something completes or the time is over.
    For(Duration),
}

/// Why a ring cannot go on. What only delays a ring (EINTR, ETIME, EAGAIN, EBUSY) is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnterError {
    /// The kernel refuses the call as such.
    Failed(Errno),
    /// A wait without limit, and nothing is in flight that could end it.
    Stalled,
}

impl fmt::Display for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(errno) => write!(f, "the ring cannot be entered: {errno}"),
            Self::Stalled => f.write_str("the ring waits for nothing"),
        }
    }
}

/// The memory of an operation, on its way back with the completion.
#[derive(Debug)]
pub(crate) enum Payload {
    /// The operation had none, or brought none.
    None,
    /// Bytes received; never empty.
    Received(BufSlice),
    /// The whole buffer given to [`Ring::send`], sent or not.
    Sent(Vec<u8>),
    /// The buffer given to [`Ring::read`], longer by what was read.
    Read(Vec<u8>),
}

/// What has become of an operation.
#[derive(Debug)]
pub(crate) struct Completion {
    /// The token of the operation.
    pub(crate) token: Token,
    /// A descriptor (accept, open), a byte count (recv, send, read), a count of operations
    /// (cancel), poll events (inbox, watch), or 0.
    pub(crate) result: Result<u32, Errno>,
    /// Whether the operation goes on and completes again. A multishot operation without it has
    /// ended, whatever the result, and must be started anew.
    pub(crate) more: bool,
    /// The operation's memory.
    pub(crate) payload: Payload,
}

/// What [`Ring::send_and_close`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastSend {
    /// Everything: the descriptor is no more.
    Closed,
    /// So many bytes were taken. The descriptor is open.
    Open(usize),
}

/// What was chosen when a ring was set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RingFeatures {
    /// Set-up flags and features by the kernel's names.
    pub(crate) flags: Vec<&'static str>,
    /// Entries of the submission queue.
    pub(crate) sq_entries: u32,
    /// Entries of the completion queue.
    pub(crate) cq_entries: u32,
    /// How many receive buffers.
    pub(crate) buffers: u32,
    /// Bytes of each receive buffer.
    pub(crate) buffer_bytes: u32,
}

/// A shard's ring.
///
/// Operations are taken at once and submitted with the next [`Ring::submit_and_wait`]. Each
/// completes at least once, and exactly once with `more` clear, cancelled ones too. Operations of
/// one descriptor may complete in any order. None of the methods panics or fails because of a
/// descriptor: that is what completions are for.
pub(crate) trait Ring {
    /// The receive buffers.
    fn pool(&self) -> &Pool;

    /// Accepts connections (close-on-exec) until the operation ends. Leave `O_NONBLOCK` off, here
    /// and on connections: some kernels then answer EAGAIN instead of waiting.
    fn accept(&mut self, token: Token, listener: RawFd);

    /// Receives into buffers of the pool until the operation ends. `Ok(0)` is the end of the
    /// peer's data. `ENOBUFS` says that the kernel is out of buffers: start anew after
    /// [`Ring::recycle`] has given some.
    fn recv(&mut self, token: Token, fd: RawFd);

    /// Receives once, into a buffer of the pool, and ends. Otherwise as [`Ring::recv`].
    fn recv_once(&mut self, token: Token, fd: RawFd);

    /// Watches a connection on which nothing is received: completes, with poll events, when it breaks
    /// (`POLLERR`), when it is closed in both directions (`POLLHUP`), and also when the peer finishes
    /// sending or has (`POLLRDHUP`). Goes on until it is cancelled.
    fn watch(&mut self, token: Token, fd: RawFd);

    /// Sends `bytes[from..]`, without SIGPIPE. May send less. Have only one in flight for each
    /// descriptor: the kernel keeps no order among several.
    fn send(&mut self, token: Token, fd: RawFd, bytes: Vec<u8>, from: usize);

    /// Ends everything in flight on `fd`; what is ended completes with `ECANCELED`. The result is
    /// how many operations that were, maybe none.
    fn cancel(&mut self, token: Token, fd: RawFd);

    /// Ends the receive `recv` alone, so that a peer who is not to be read is held back while a
    /// send goes on. `ENOENT` when it was not found: it has ended, or is just about to complete.
    fn cancel_recv(&mut self, token: Token, recv: Token);

    /// Ends what we send on a connection, and the peer sees FIN. Takes effect at once, before anything
    /// that waits to be submitted: start it when no send is in flight.
    fn shutdown(&mut self, token: Token, fd: RawFd);

    /// Sends `bytes` and closes the descriptor, so that FIN is in the last packet of theirs; but not
    /// if the kernel does not take all of them now, or if bytes of the peer wait to be received, which
    /// a close would answer with a reset. What was taken may then wait for what follows: send the
    /// rest, or shut down, in the same turn. Takes effect at once and without SIGPIPE. Nothing may
    /// be in flight on the descriptor.
    ///
    /// # Errors
    /// Why none was taken, other than for want of room. The descriptor is open.
    fn send_and_close(&mut self, fd: RawFd, bytes: &[u8]) -> Result<LastSend, Errno>;

    /// Closes a descriptor. Does not end what is in flight on it, and no FIN is sent while a
    /// receive is: cancel and await that first.
    fn close(&mut self, token: Token, fd: RawFd);

    /// Completes each time `eventfd` is written to. Whoever owns the eventfd reads it.
    fn watch_inbox(&mut self, token: Token, eventfd: RawFd);

    /// Opens a file with the `O_` flags of open(2); close-on-exec is always added.
    fn open(&mut self, token: Token, path: CString, flags: i32);

    /// Reads from `offset` of a file into the spare capacity of `into`. `Ok(0)` is the end of the
    /// file, or no spare capacity.
    fn read(&mut self, token: Token, fd: RawFd, into: Vec<u8>, offset: u64);

    /// Submits everything started since the last call and waits as told, unless completions are
    /// there already. At most one system call, none when there is nothing to do.
    ///
    /// # Errors
    /// [`EnterError`] only when the ring is of no more use.
    fn submit_and_wait(&mut self, wait: Wait) -> Result<(), EnterError>;

    /// Moves the completions that are there to the end of `into`: at most about
    /// [`RingFeatures::cq_entries`] of them.
    fn completions(&mut self, into: &mut Vec<Completion>);

    /// Gives all returned buffers to the kernel in one batch. Returns how many.
    fn recycle(&mut self) -> usize;

    /// Ends everything in flight and waits until the kernel has let go of it, half a second at most: for
    /// a shard that ends in the middle. Nothing that was started names a descriptor afterwards, and
    /// nothing more may be started.
    fn end(&mut self);

    /// Closes a descriptor at once, once [`Ring::end`] was called: before, what waits to be submitted
    /// could name another descriptor that has got its number since.
    fn abandon(&mut self, fd: RawFd);

    /// Runs `ask` with a descriptor of the kernel's that the caller knows to be open. `None` for a
    /// ring whose descriptors are not the kernel's.
    fn with_descriptor<T>(fd: RawFd, ask: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T>
    where
        Self: Sized;

    /// What was chosen at set-up.
    fn features(&self) -> &RingFeatures;

    /// Operations started whose last completion was not yet taken by [`Ring::completions`].
    fn in_flight(&self) -> usize;

    /// How often the kernel had to put completions aside because the completion queue was full.
    /// None is lost, but it is slow and ends multishot operations.
    fn overflows(&self) -> u64;
}
