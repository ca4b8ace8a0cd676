//! The simulated kernel behind the ring's seam.
//!
//! Owns nothing but its share of the simulation: every operation is written down for the world to
//! carry out.

use std::cell::RefCell;
use std::ffi::CString;
use std::fmt;
use std::os::fd::{BorrowedFd, RawFd};
use std::rc::Rc;

use super::world::{Operation, Work, World};
use crate::buf::Pool;
use crate::ring::{Completion, EnterError, Errno, LastSend, Ring, RingFeatures, Token, Wait};

/// A [`Ring`] over a [`SimNet`](super::SimNet).
///
/// A wait that nothing can end passes the simulated time it was given, or fails with
/// [`EnterError::Stalled`] when it was given none: a test ends instead of hanging.
pub(crate) struct SimRing {
    world: Rc<RefCell<World>>,
    pool: Pool,
    features: RingFeatures,
}

impl SimRing {
    pub(super) fn new(world: Rc<RefCell<World>>) -> Self {
        let pool = world.borrow().pool.clone();
        let features = RingFeatures {
            flags: vec!["SIMULATED"],
            sq_entries: 512,
            cq_entries: 4096,
            buffers: pool.count() as u32,
            buffer_bytes: pool.size() as u32,
        };
        Self {
            world,
            pool,
            features,
        }
    }

    fn start(&mut self, token: Token, fd: RawFd, work: Work) {
        let mut world = self.world.borrow_mut();
        world.started += 1;
        world.queued.push(Operation {
            token,
            fd,
            work,
            socket: None,
        });
    }
}

impl fmt::Debug for SimRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimRing")
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

impl Ring for SimRing {
    fn pool(&self) -> &Pool {
        &self.pool
    }

    fn accept(&mut self, token: Token, listener: RawFd) {
        self.start(token, listener, Work::Accept);
    }

    fn recv(&mut self, token: Token, fd: RawFd) {
        let (begun, once) = (false, false);
        self.start(token, fd, Work::Recv { begun, once });
    }

    fn recv_once(&mut self, token: Token, fd: RawFd) {
        let (begun, once) = (false, true);
        self.start(token, fd, Work::Recv { begun, once });
    }

    fn watch(&mut self, token: Token, fd: RawFd) {
        self.start(token, fd, Work::Watch { told: 0 });
    }

    fn send(&mut self, token: Token, fd: RawFd, bytes: Vec<u8>, from: usize) {
        self.start(token, fd, Work::Send { bytes, from });
    }

    fn cancel(&mut self, token: Token, fd: RawFd) {
        self.start(token, fd, Work::Cancel);
    }

    fn cancel_recv(&mut self, token: Token, recv: Token) {
        self.start(token, -1, Work::CancelRecv(recv));
    }

    fn shutdown(&mut self, token: Token, fd: RawFd) {
        let mut world = self.world.borrow_mut();
        world.started += 1;
        world.shutdown(token, fd);
    }

    fn send_and_close(&mut self, fd: RawFd, bytes: &[u8]) -> Result<LastSend, Errno> {
        self.world.borrow_mut().send_and_close(fd, bytes)
    }

    fn close(&mut self, token: Token, fd: RawFd) {
        self.start(token, fd, Work::Close);
    }

    fn watch_inbox(&mut self, token: Token, eventfd: RawFd) {
        self.start(token, eventfd, Work::Inbox);
    }

    fn open(&mut self, token: Token, path: CString, _flags: i32) {
        self.start(token, -1, Work::Open(path));
    }

    fn read(&mut self, token: Token, fd: RawFd, into: Vec<u8>, offset: u64) {
        self.start(token, fd, Work::Read { into, offset });
    }

    fn submit_and_wait(&mut self, wait: Wait) -> Result<(), EnterError> {
        let mut world = self.world.borrow_mut();
        if world.broken {
            return Err(EnterError::Failed(Errno::EBADF));
        }
        world.submit();
        if world.interrupts() {
            return Ok(());
        }
        world.step(true);
        if world.ready.is_empty() && wait != Wait::No {
            // Delays must not look like time: without them, is there anything?
            world.step(false);
        }
        if !world.ready.is_empty() {
            return Ok(());
        }
        match wait {
            Wait::No => Ok(()),
            Wait::For(time) => {
                world.now += time;
                Ok(())
            }
            Wait::Forever => Err(EnterError::Stalled),
        }
    }

    fn completions(&mut self, into: &mut Vec<Completion>) {
        let mut world = self.world.borrow_mut();
        let ended = world
            .ready
            .iter()
            .filter(|completion| !completion.more)
            .count();
        world.started -= ended;
        into.extend(world.ready.drain(..));
    }

    fn recycle(&mut self) -> usize {
        self.world.borrow_mut().recycle()
    }

    fn end(&mut self) {
        self.world.borrow_mut().end_all();
    }

    fn abandon(&mut self, fd: RawFd) {
        self.world.borrow_mut().abandon(fd);
    }

    fn with_descriptor<T>(_fd: RawFd, _ask: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        None
    }

    fn features(&self) -> &RingFeatures {
        &self.features
    }

    fn in_flight(&self) -> usize {
        self.world.borrow().started
    }

    fn overflows(&self) -> u64 {
        0
    }
}
