//! What the tests of the running server share: a server on a free port, a client that reads
//! strictly, and bounded waiting.
//!
//! Knows no test's subject. Every wait has a bound that only a hang can reach, so no result depends
//! on how fast the machine is.

// Each test file is a program of its own and uses its own part of this.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod client;
pub mod command;
pub mod dev_certs;
pub mod http2;
pub mod oneshot;
pub mod seccomp;
pub mod tls;

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use lanner::{Application, RunningServer, Server, ShardCount, ShellKind, Stats};

use client::Client;

/// Longer than anything takes that works, on the slowest machine.
pub const HANG: Duration = Duration::from_secs(30);

/// Both kinds of shell; what matters most must work on either.
pub const SHELLS: [ShellKind; 2] = [ShellKind::Glommio, ShellKind::Thread];

/// A server of one shard on a free port of the loopback interface.
pub struct TestServer {
    pub running: RunningServer,
    address: SocketAddr,
}

impl TestServer {
    /// Starts a server with default limits.
    pub fn start<A>(application: A) -> Self
    where
        A: Application + Clone + Send + 'static,
    {
        Self::with(Server::new(), application)
    }

    /// Starts the server described so far, on one shard.
    pub fn with<A>(server: Server, application: A) -> Self
    where
        A: Application + Clone + Send + 'static,
    {
        Self::sharded(server, 1, application)
    }

    /// Starts the server described so far, on `shards` shards.
    pub fn sharded<A>(server: Server, shards: u16, application: A) -> Self
    where
        A: Application + Clone + Send + 'static,
    {
        let count = ShardCount::Fixed(NonZeroU16::new(shards).unwrap());
        let server = server.urls("http://127.0.0.1:0").unwrap().shards(count);
        let running = server.start(application).unwrap();
        let address = running.addresses().iter().next().unwrap();
        let address = address.strip_prefix("http://").unwrap().parse().unwrap();
        Self { running, address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of its own connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// How things stand on the first shard.
    pub fn stats(&self) -> Stats {
        self.running.stats().into_iter().next().unwrap()
    }

    /// How often the first shard has counted this violation.
    pub fn rejected(&self, name: &str) -> u64 {
        self.stats().rejected.get(name).copied().unwrap_or(0)
    }

    /// Waits until no connection, no handler and no receive buffer is in use on any shard.
    pub fn settle(&self) {
        let left = |stats: &Stats| (stats.connections_open, stats.handlers, stats.buffers_in_use);
        let end = Instant::now() + HANG;
        loop {
            let all: Vec<_> = self.running.stats().iter().map(left).collect();
            if all.iter().all(|left| *left == (0, 0, 0)) {
                return;
            }
            let late = Instant::now() >= end;
            assert!(!late, "connections, handlers and buffers are left: {all:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends the test: all clients are gone, so nothing may be left, and the server must end in
    /// order.
    pub fn finish(self) {
        self.settle();
        assert!(
            self.running.shut_down(HANG),
            "the drain ended by its time-out"
        );
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + HANG;
    while !condition() {
        assert!(Instant::now() < end, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
