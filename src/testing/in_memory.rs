//! A whole shard in memory, for counting what a request costs it.
//!
//! Owns a door for benchmarks: bytes in, a count of bytes out, and between them the real loop, its
//! connections, the slab of handlers and a real application, over a ring that does nothing but
//! hand completions on. Speaks no protocol: the bytes are the caller's. Faults, time and the ends
//! of connections belong to the simulated shard.

mod ring;

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::sync::Arc;

use self::ring::{InMemoryRing, Wire};
use crate::http::{Application, HttpContext, Protocols, process_shared};
use crate::limits::Limits;
use crate::net::{self, BindOptions, Endpoint, Networks};
use crate::shard::shell::Driver;
use crate::shard::{Clock, Control, Shard, ShardOptions};
use crate::task::Inbox;

/// Time does not pass: a request that is counted is answered at once.
struct StoppedClock;

impl Clock for StoppedClock {
    fn millis(&self) -> u64 {
        1
    }

    fn unix_seconds(&self) -> u64 {
        784_111_777
    }
}

/// A shard with connections in memory.
///
/// Behind a trait, because the type of a shard names its handlers, which have no name.
pub trait InMemoryShard: fmt::Debug {
    /// Opens a connection and gives its number.
    fn connect(&mut self) -> usize;

    /// Sends `bytes`, as many as one receive buffer holds, on a connection.
    fn send(&mut self, connection: usize, bytes: &[u8]);

    /// Takes one turn of the loop and says how many bytes it has sent.
    fn turn(&mut self) -> usize;
}

/// A shard that serves `application` on the calling thread, which must be no shard yet.
///
/// # Panics
///
/// When the process is out of memory, descriptors or ports.
#[must_use]
pub fn shard<A: Application + 'static>(application: A) -> Box<dyn InMemoryShard> {
    let wire = Wire::new().expect("a pool of the default size can be made");
    let options = BindOptions {
        backlog: 1,
        reuse_port: false,
        shards: NonZeroUsize::MIN,
    };
    // The shard holds a real listener, to which nobody ever connects.
    let endpoints = Endpoint::parse_list("http://127.0.0.1:0").expect("it is a valid URL");
    let bound = net::bind(&endpoints, options).expect("loopback has a free port");
    let listeners = bound.per_shard.into_iter().next().unwrap_or_default();
    let listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
    let inbox = Inbox::new().expect("an eventfd can be had");
    let scope = inbox.enter().expect("no other shard is on this thread");
    let mail = inbox.sender();
    // As the server's builder makes it.
    let application = Rc::new(application);
    let handler = move |request: HttpContext| process_shared(Rc::clone(&application), request);
    let options = ShardOptions {
        index: 0,
        limits: Limits::default(),
        server_field: true,
        protocols: Protocols::default(),
        gateways: Networks::default(),
    };
    let ring = InMemoryRing::new(wire.clone());
    let shard = Shard::new(
        options,
        ring,
        StoppedClock,
        listeners,
        inbox,
        scope,
        handler,
    );
    let mut served = Served { shard, wire };
    assert!(mail.send(Control::Serve(Box::default())).is_ok());
    served.turn();
    Box::new(served)
}

struct Served<H, F: Future<Output = ()>> {
    shard: Shard<InMemoryRing, StoppedClock, H, F>,
    wire: Wire,
}

impl<H, F> InMemoryShard for Served<H, F>
where
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    fn connect(&mut self) -> usize {
        let fd = self.wire.connect();
        self.turn();
        fd as usize
    }

    fn send(&mut self, connection: usize, bytes: &[u8]) {
        self.wire.send(connection as RawFd, bytes);
    }

    fn turn(&mut self) -> usize {
        self.shard.turn(None);
        self.wire.take_sent()
    }
}

impl<H, F: Future<Output = ()>> fmt::Debug for Served<H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryShard").finish_non_exhaustive()
    }
}
