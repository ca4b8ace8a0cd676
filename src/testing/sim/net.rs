//! The test's side of a simulation: the network, its peers and the clock.
//!
//! Owns handles only. A test drives its shard's turns, and between them does with these what
//! clients, the file system and time would do.

use std::cell::RefCell;
use std::ffi::CString;
use std::fmt;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::time::Duration;

use super::fault::Faults;
use super::ring::SimRing;
use super::world::World;
use crate::buf::{Pool, PoolError};
use crate::ring::Errno;

/// How a simulation is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SimConfig {
    /// Decides every fault.
    pub(crate) seed: u64,
    /// What goes wrong.
    pub(crate) faults: Faults,
    /// How many receive buffers: a power of two.
    pub(crate) buffers: u32,
    /// Bytes of each.
    pub(crate) buffer_bytes: u32,
}

impl Default for SimConfig {
    /// No faults; 16 buffers of 4,096 bytes.
    fn default() -> Self {
        Self {
            seed: 1,
            faults: Faults::NONE,
            buffers: 16,
            buffer_bytes: 4096,
        }
    }
}

/// The simulated network, file system and clock of one ring. A handle; clones mean the same.
#[derive(Clone)]
pub(crate) struct SimNet(Rc<RefCell<World>>);

impl SimNet {
    /// A network and the ring that reaches it.
    ///
    /// # Errors
    /// The pool cannot have these buffers.
    pub(crate) fn new(config: &SimConfig) -> Result<(Self, SimRing), PoolError> {
        let pool = Pool::new(config.buffers, config.buffer_bytes)?;
        let world = World::new(pool, config.seed, config.faults);
        let net = Self(Rc::new(RefCell::new(world)));
        let ring = SimRing::new(Rc::clone(&net.0));
        Ok((net, ring))
    }

    /// A listening descriptor that only this simulation knows.
    pub(crate) fn listen(&self) -> RawFd {
        self.0.borrow_mut().listen()
    }

    /// Makes `fd`, a descriptor of the process, a listener in this simulation as well. Its owner
    /// closes it.
    pub(crate) fn listen_on(&self, fd: RawFd) {
        self.0.borrow_mut().listen_on(fd);
    }

    /// Connects to a listener; the connection waits there to be accepted. Without such a
    /// listener, the peer sees a reset.
    pub(crate) fn connect(&self, listener: RawFd) -> Peer {
        let socket = self.0.borrow_mut().connect(listener);
        Peer {
            net: self.clone(),
            socket,
        }
    }

    /// Makes the next accept on a listener end with an error.
    pub(crate) fn fail_accept(&self, listener: RawFd, errno: Errno) {
        self.0.borrow_mut().fail_accept(listener, errno);
    }

    /// Writes a file, for the ring to open.
    pub(crate) fn put_file(&self, path: CString, bytes: impl Into<Vec<u8>>) {
        self.0.borrow_mut().put_file(path, bytes.into());
    }

    /// Lets every further entry of the ring fail.
    pub(crate) fn break_ring(&self) {
        self.0.borrow_mut().broken = true;
    }

    /// Completes the poll of the inbox, as a write to its eventfd would.
    pub(crate) fn wake_inbox(&self) {
        self.0.borrow_mut().wake_inbox();
    }

    /// Time since the simulation began.
    pub(crate) fn now(&self) -> Duration {
        self.0.borrow().now
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, time: Duration) {
        self.0.borrow_mut().now += time;
    }

    /// Fails the test unless everything has ended: no descriptor of an accepted connection or a
    /// file open, no operation in flight (the poll of an inbox apart), no buffer held.
    #[track_caller]
    pub(crate) fn assert_quiet(&self) {
        let leftovers = self.0.borrow().leftovers();
        assert!(
            leftovers.is_empty(),
            "the simulation is not quiet:\n{}",
            leftovers.join("\n")
        );
    }
}

impl fmt::Debug for SimNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimNet")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

/// The client's end of one connection. It reads whatever arrives unless told to stop. Dropping it
/// changes nothing.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    net: SimNet,
    socket: usize,
}

impl Peer {
    /// Sends bytes; nothing after [`finish`](Self::finish) or a reset.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        self.net
            .0
            .borrow_mut()
            .socket(self.socket)
            .peer_send(bytes.as_ref());
    }

    /// What has arrived since this was last called.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.net.0.borrow_mut().socket(self.socket).take_read()
    }

    /// Sends FIN: no more bytes from here, but the other direction stays open.
    pub(crate) fn finish(&self) {
        self.net.0.borrow_mut().socket(self.socket).peer_finish();
    }

    /// Sends RST; what the server has not received is lost.
    pub(crate) fn reset(&self) {
        self.net.0.borrow_mut().socket(self.socket).peer_reset();
    }

    /// Reads no more: after 64 KiB the server's sends wait.
    pub(crate) fn stop_reading(&self) {
        self.net.0.borrow_mut().socket(self.socket).peer_pause();
    }

    /// Reads on, first what has piled up.
    pub(crate) fn resume(&self) {
        self.net.0.borrow_mut().socket(self.socket).peer_resume();
    }

    /// Bytes sent that the server has not received.
    pub(crate) fn backlog(&self) -> usize {
        self.net.0.borrow_mut().socket(self.socket).backlog()
    }

    /// Whether the end of the server's data has arrived: FIN, and everything before it.
    pub(crate) fn saw_fin(&self) -> bool {
        self.net.0.borrow_mut().socket(self.socket).saw_fin()
    }

    /// Whether the server has reset the connection, or had no listener for it.
    pub(crate) fn saw_reset(&self) -> bool {
        self.net.0.borrow_mut().socket(self.socket).saw_reset()
    }

    /// Whether nothing more will arrive.
    pub(crate) fn is_closed(&self) -> bool {
        self.saw_fin() || self.saw_reset()
    }
}
