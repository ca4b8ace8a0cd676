//! New connections: accept, the limit on their number, and what is known of each.

use std::cell::Cell;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;

use super::driver::{Clock, OpenFlag, Shard};
use super::slots::{Receiving, Slot, Stage};
use crate::conn::Connection;
use crate::features::{self, AddressSource, ConnectionFacts};
use crate::http::{ConnectionKey, HttpContext, Turn};
use crate::journal;
use crate::net::{PeerAddress, local_address, peer_address};
use crate::ring::{Completion, Errno, OpKind, Ring, Token};

/// How long accept rests after an error, as when the process is out of descriptors: long enough not to
/// spin, short enough that nobody notices.
const ACCEPT_PAUSE_MS: u64 = 100;

/// How often it is said that accept rests.
const ACCEPT_TOLD_MS: u64 = 10_000;

/// Slot number of operations that belong to no connection.
pub(super) const NO_SLOT: u32 = u32::MAX;

impl<R, C, H, F> Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    /// Arms a multishot accept on every listener that has none.
    pub(super) fn arm_accepts(&mut self) {
        if self.world.draining || self.server.is_none() {
            return;
        }
        for (index, listener) in self.listeners.iter().enumerate() {
            if let Some(armed) = self.accepting.get_mut(index)
                && !std::mem::replace(armed, true)
            {
                let slot = u32::try_from(index).unwrap_or(NO_SLOT);
                self.ring.accept(
                    Token::new(OpKind::Accept, 0, slot),
                    listener.as_fd().as_raw_fd(),
                );
            }
        }
    }

    /// An accept has brought a connection, or has ended.
    pub(super) fn accepted(&mut self, completion: &Completion) {
        if !completion.more {
            if let Some(armed) = self.accepting.get_mut(completion.token.slot() as usize) {
                *armed = false;
            }
            match completion.result {
                Ok(_) | Err(Errno::ECONNABORTED | Errno::EINTR) => self.arm_accepts(),
                Err(Errno::ECANCELED) if self.world.draining => {}
                // Mostly out of descriptors or memory: some come back when connections end.
                Err(errno) => {
                    self.accept_again = self.world.now.saturating_add(ACCEPT_PAUSE_MS);
                    self.tell_refusal(errno);
                }
            }
        }
        if let Ok(fd) = completion.result {
            let listener = self.listeners.get(completion.token.slot() as usize);
            let secure = listener.is_some_and(|listener| listener.is_tls());
            self.admit(RawFd::try_from(fd).unwrap_or(-1), secure);
        }
        // Listeners are forgotten only when what they have brought is admitted.
        if !completion.more {
            self.stop_listening();
        }
    }

    /// Says why nobody is accepted, and not with each try.
    #[cold]
    fn tell_refusal(&mut self, errno: Errno) {
        if self.world.now < self.accept_told {
            return;
        }
        self.accept_told = self.world.now.saturating_add(ACCEPT_TOLD_MS);
        let index = self.options.index;
        let cure = match errno {
            Errno::EMFILE | Errno::ENFILE => {
                ": raise the limit of open files (ulimit -n, LimitNOFILE= of systemd)"
            }
            _ => "",
        };
        journal::say_now(format_args!(
            "shard {index} accepts no connections for now, {errno}{cure}"
        ));
    }

    /// Lets go of the listening sockets when the shard drains, once no accept holds them. Before that
    /// the kernel goes on completing connections, which nobody would answer. The server has let go of
    /// its share before it has told us.
    pub(super) fn stop_listening(&mut self) {
        if self.world.draining && !self.accepting.contains(&true) {
            self.listeners.clear();
        }
    }

    fn admit(&mut self, fd: RawFd, secure: bool) {
        let full = self
            .world
            .limits
            .connections_max
            .is_some_and(|max| self.slots.len().saturating_sub(self.upgraded) >= max);
        let Some(server) = self
            .server
            .clone()
            .filter(|_| !full && !self.world.draining)
        else {
            self.world.counters.connections_refused += u64::from(full);
            self.ring.close(Token::new(OpKind::Close, 0, NO_SLOT), fd);
            return;
        };
        self.accepted = self.accepted.wrapping_add(1);
        self.world.counters.connections = self.accepted;
        let id = ((self.options.index as u64) << 48) | self.accepted;
        let open: OpenFlag = Rc::new(Cell::new(true));
        let addresses = Box::new(Descriptor::<R> {
            fd,
            open: Rc::clone(&open),
            ring: PhantomData,
        });
        probe::probe!(lanner, connection__open, fd);
        // Asked of the kernel only where the answer counts, and once.
        let gateways = &self.options.gateways;
        let is_gateway =
            !gateways.is_empty() && addresses.remote().is_some_and(|peer| gateways.hold(&peer));
        let turn = self.world.turn();
        let key = self.slots.insert(|key| Slot {
            key,
            fd,
            open,
            connection: open_connection(key, id, secure, is_gateway, &turn),
            facts: features::Connection::new(ConnectionFacts {
                id,
                addresses,
                server,
                drain: Rc::clone(&self.drain),
            }),
            receiving: Receiving::Off,
            watched: false,
            stage: Stage::Open,
            operations: 0,
            timer: None,
            queued: false,
            marked: false,
            postponed: false,
            counted_upgraded: false,
        });
        self.touch(key);
    }
}

fn open_connection(
    key: ConnectionKey,
    id: u64,
    secure: bool,
    is_gateway: bool,
    turn: &Turn<'_>,
) -> Connection {
    let mut connection = if secure {
        Connection::secure(key, id, turn)
    } else {
        Connection::cleartext(key, id, turn)
    };
    if is_gateway {
        connection.trust_schemes();
    }
    connection
}

/// The addresses of a descriptor, for as long as it is open.
struct Descriptor<R> {
    fd: RawFd,
    open: OpenFlag,
    ring: PhantomData<R>,
}

impl<R: Ring> AddressSource for Descriptor<R> {
    fn remote(&self) -> Option<PeerAddress> {
        self.open
            .get()
            .then(|| R::with_descriptor(self.fd, |fd| peer_address(fd).ok()))??
    }

    fn local(&self) -> Option<PeerAddress> {
        self.open
            .get()
            .then(|| R::with_descriptor(self.fd, |fd| local_address(fd).ok()))??
    }
}
