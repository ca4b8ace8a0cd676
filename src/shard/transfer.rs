//! What happens on a connection's descriptor while it lives: receive, send, time-outs.
//!
//! Owns how the kernel's operations follow the connection's state. How a connection ends is told in
//! `ending`.

use super::accept::NO_SLOT;
use super::driver::{Clock, Shard};
use super::local::Local;
use super::slots::{Receiving, Slot};
use crate::http::{Close, ConnectionKey, HttpContext, Turn};
use crate::ring::{Completion, Errno, OpKind, Payload, Ring, Token};

/// Why a connection stops receiving, as the probe `stall` says it: no receive buffer is free.
const STALL_NO_BUFFER: isize = 0;

/// The same: what waits for the handler, or for the peer, is as much as may wait.
const STALL_FULL: isize = 1;

pub(super) fn key_of(token: Token) -> ConnectionKey {
    ConnectionKey {
        slot: token.slot(),
        generation: token.generation(),
    }
}

pub(super) fn token(kind: OpKind, key: ConnectionKey) -> Token {
    Token::new(kind, key.generation, key.slot)
}

impl<R, C, H, F> Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    /// A receive has brought bytes, or has ended.
    pub(super) fn received(&mut self, completion: Completion) {
        let key = key_of(completion.token);
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        if !completion.more {
            slot.operations = slot.operations.saturating_sub(1);
            slot.receiving = Receiving::Off;
        }
        if !slot.is_driven() {
            self.touch(key);
            return;
        }
        match (completion.result, completion.payload) {
            (Ok(_), Payload::Received(bytes)) if !bytes.is_empty() => {
                slot.connection.receive(bytes, &mut self.resources);
            }
            (Ok(_), _) => {
                slot.receiving = Receiving::Ended;
                slot.connection.receive_end();
            }
            (Err(Errno::ENOBUFS), _) => {
                probe::probe!(lanner, stall, slot.fd, STALL_NO_BUFFER);
                slot.receiving = Receiving::Starved;
                self.starved.push(key);
                // Until there is one, something else has to tell of its break.
                Self::settle_watch(slot, &mut self.ring);
                return;
            }
            // Cancelled to hold the peer back, or not begun: `settle` decides what is next.
            (Err(Errno::ECANCELED | Errno::EINTR | Errno::EAGAIN), _) => {
                self.touch(key);
                return;
            }
            (Err(_), _) => {
                self.sever(key);
                return;
            }
        }
        self.drive(key);
    }

    /// A send has ended.
    pub(super) fn sent(&mut self, completion: Completion) {
        let key = key_of(completion.token);
        let Payload::Sent(block) = completion.payload else {
            return;
        };
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        let from = block.len().saturating_sub(slot.connection.sending());
        slot.operations = slot.operations.saturating_sub(1);
        let sent = completion.result.unwrap_or(0) as usize;
        let left = block.len().saturating_sub(from.saturating_add(sent));
        let failed = match completion.result {
            Ok(_) => false,
            Err(errno) => !matches!(errno, Errno::EINTR | Errno::EAGAIN),
        };
        if !slot.is_driven() {
            slot.connection.sent(block, &mut self.resources);
            self.touch(key);
        } else if failed {
            slot.connection.sent(block, &mut self.resources);
            self.sever(key);
        } else if left > 0 {
            slot.connection.sent_partly(left, &self.world.turn());
            slot.operations += 1;
            let fd = slot.fd;
            self.ring.send(
                token(OpKind::Send, key),
                fd,
                block,
                from.saturating_add(sent),
            );
            self.touch(key);
        } else {
            slot.connection.sent(block, &mut self.resources);
            self.drive(key);
        }
    }

    /// A cancel, a shutdown or a close has ended.
    pub(super) fn ended(&mut self, completion: &Completion) {
        if completion.token.slot() == NO_SLOT {
            return;
        }
        let key = key_of(completion.token);
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        slot.operations = slot.operations.saturating_sub(1);
        if completion.token.kind() == OpKind::Close {
            self.remove(key);
        } else if completion.result == Err(Errno::ENOENT) && slot.receiving == Receiving::Cancelling
        {
            // The receive was just completing: it goes on, and the next event tries again.
            slot.receiving = Receiving::Armed;
        } else {
            self.touch(key);
        }
    }

    /// A timer of the connection has fired; it may have been armed for an earlier deadline.
    pub(super) fn expire(&mut self, key: ConnectionKey) {
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        slot.timer = None;
        if slot.is_driven() && slot.connection.deadline() <= self.world.now {
            if slot
                .connection
                .expire(&mut self.world.turn(), &mut self.resources)
            {
                self.sever(key);
            } else {
                self.drive(key);
            }
        }
        self.touch(key);
    }

    /// Brings the kernel's operations in line with the connection's state.
    pub(super) fn settle(&mut self, key: ConnectionKey) {
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        if slot.is_driven() {
            let mut turn = self.world.turn();
            let block = slot.connection.next_send(&mut turn, &mut self.resources);
            Self::settle_upgrade(slot, &mut self.upgraded);
            if slot.connection.close() != Close::No {
                self.settle_end(key, block);
                return;
            }
            if let Some(block) = block {
                slot.operations += 1;
                self.ring.send(token(OpKind::Send, key), slot.fd, block, 0);
            }
            Self::settle_receive(slot, &turn, &mut self.ring);
            if slot.receiving != Receiving::Armed {
                Self::settle_watch(slot, &mut self.ring);
            }
            Self::settle_timer(slot, &self.local);
        } else {
            self.settle_end(key, None);
        }
    }

    fn settle_upgrade(slot: &mut Slot, upgraded: &mut usize) {
        if !slot.counted_upgraded && slot.connection.is_upgraded() {
            slot.counted_upgraded = true;
            *upgraded += 1;
        }
    }

    /// Arms or cancels the receive of a connection that is driven.
    pub(super) fn settle_receive(slot: &mut Slot, turn: &Turn<'_>, ring: &mut R) {
        let key = slot.key;
        let wanted = slot.connection.wants_input(turn);
        match slot.receiving {
            Receiving::Off if wanted => {
                slot.receiving = Receiving::Armed;
                slot.operations += 1;
                // One that goes on would hold the socket of a connection that ends with its first
                // response.
                if slot.connection.is_new() {
                    ring.recv_once(token(OpKind::Recv, key), slot.fd);
                } else {
                    ring.recv(token(OpKind::Recv, key), slot.fd);
                }
            }
            Receiving::Armed if !wanted => {
                probe::probe!(lanner, stall, slot.fd, STALL_FULL);
                slot.receiving = Receiving::Cancelling;
                slot.operations += 1;
                ring.cancel_recv(token(OpKind::Cancel, key), token(OpKind::Recv, key));
            }
            Receiving::Off
            | Receiving::Armed
            | Receiving::Cancelling
            | Receiving::Starved
            | Receiving::Ended => {}
        }
    }

    /// Arms the timer of a connection that is driven when its deadline is earlier than what is
    /// armed. A later one is left: the timer fires early, finds nothing due, and is armed again.
    pub(super) fn settle_timer(slot: &mut Slot, local: &Local) {
        let key = slot.key;
        let deadline = slot.connection.deadline();
        let armed = slot.timer.map_or(u64::MAX, |(_, at)| at);
        if deadline >= armed {
            return;
        }
        let mut wheel = local.wheel.borrow_mut();
        if let Some((timer, _)) = slot.timer.take() {
            wheel.cancel(timer);
        }
        let wheel_key = u64::from(key.slot) | (u64::from(key.generation) << 32);
        slot.timer = Some((wheel.insert(deadline, wheel_key), deadline));
    }

    /// Receives again on connections that had found no buffer, now that some have returned.
    pub(super) fn feed_starved(&mut self) {
        let pool = self.ring.pool();
        if self.starved.is_empty() || pool.in_use() >= pool.count() {
            return;
        }
        let mut starved = std::mem::take(&mut self.starved);
        for key in starved.drain(..) {
            if let Some(slot) = self.slots.get(key)
                && slot.receiving == Receiving::Starved
            {
                slot.receiving = Receiving::Off;
                if slot.is_driven() {
                    Self::settle_receive(slot, &self.world.turn(), &mut self.ring);
                }
                Self::settle_watch(slot, &mut self.ring);
            }
        }
        self.starved = starved;
    }
}
