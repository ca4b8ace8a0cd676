//! How a connection ends on its descriptor: at once with the last response, or by FIN and lingering, or
//! broken.
//!
//! A descriptor is closed only when no operation names it any more: a pending receive would keep
//! the socket open behind its closed descriptor and no FIN would be sent.

use std::os::fd::RawFd;
use std::time::Duration;

use socket2::SockRef;

use super::driver::{Clock, Shard};
use super::slots::{Receiving, Slot, Stage};
use super::transfer::token;
use crate::http::{Close, ConnectionKey, HttpContext};
use crate::limits::AGREED_BYTES_MAX;
use crate::ring::{LastSend, OpKind, Ring};

impl Slot {
    /// Whether its protocol still runs.
    pub(super) fn is_driven(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Lingering)
    }
}

impl<R, C, H, F> Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    /// The connection broke: whoever waits on it is told, and it goes.
    pub(super) fn sever(&mut self, key: ConnectionKey) {
        if let Some(slot) = self.slots.get(key) {
            slot.connection
                .sever(&mut self.world.turn(), &mut self.resources);
            self.touch(key);
        }
    }

    /// Ends a connection whatever it is doing.
    pub(super) fn tear_down(&mut self, key: ConnectionKey) {
        self.sever(key);
        self.settle(key);
    }

    /// The rest of `settle` for a connection that is to end, or whose end has begun. `block` is to be
    /// sent before.
    #[inline(never)]
    pub(super) fn settle_end(&mut self, key: ConnectionKey, block: Option<Vec<u8>>) {
        if let Some(block) = block {
            self.send_before_end(key, block);
        }
        self.settle_close(key);
        if let Some(slot) = self.slots.get(key).filter(|slot| slot.is_driven()) {
            Self::settle_receive(slot, &self.world.turn(), &mut self.ring);
            Self::settle_timer(slot, &self.local);
        }
    }

    /// Sends a block of a connection that is to end. Where the peer is not waited for, nothing holds
    /// the socket and the block is a small one, the descriptor is closed with it, in one packet and
    /// without another turn.
    fn send_before_end(&mut self, key: ConnectionKey, block: Vec<u8>) {
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        let mut sent = 0;
        if slot.operations == 0
            && block.len() <= AGREED_BYTES_MAX
            && slot.connection.close() == Close::Agreed
        {
            match self.ring.send_and_close(slot.fd, &block) {
                Ok(LastSend::Closed) => {
                    slot.open.set(false);
                    probe::probe!(lanner, connection__close, slot.fd);
                    slot.connection.sent(block, &mut self.resources);
                    self.remove(key);
                    return;
                }
                Ok(LastSend::Open(count)) if count < block.len() => {
                    sent = count;
                    let left = block.len().saturating_sub(sent);
                    slot.connection.sent_partly(left, &self.world.turn());
                }
                // The peer has sent more: it is read before the end.
                Ok(LastSend::Open(_)) => {
                    slot.connection.sent(block, &mut self.resources);
                    return;
                }
                Err(_) => {
                    slot.connection.sent(block, &mut self.resources);
                    slot.connection
                        .sever(&mut self.world.turn(), &mut self.resources);
                    return;
                }
            }
        }
        slot.operations += 1;
        self.ring
            .send(token(OpKind::Send, key), slot.fd, block, sent);
    }

    fn settle_close(&mut self, key: ConnectionKey) {
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        if slot.is_driven() {
            let close = slot.connection.close();
            match close {
                Close::No => return,
                Close::Reset => {}
                _ if !slot.connection.is_flushed() => return,
                Close::Linger | Close::Agreed => {
                    if slot.stage == Stage::Open {
                        slot.stage = Stage::Lingering;
                        slot.operations += 1;
                        // Never both directions: what came later would be answered with a reset,
                        // and the peer would lose what is still on its way.
                        let token = token(OpKind::Shutdown, key);
                        self.ring.shutdown(token, slot.fd);
                    }
                    // Also where TLS has failed behind FIN: what closes now has not heard of it.
                    slot.connection.fin_sent(&self.world.turn());
                    return;
                }
                Close::Now => {}
            }
            if close == Close::Reset {
                reset_at_close::<R>(slot.fd);
            }
            slot.stage = Stage::Cancelling;
            slot.connection
                .sever(&mut self.world.turn(), &mut self.resources);
            if matches!(slot.receiving, Receiving::Armed | Receiving::Cancelling)
                || slot.watched
                || slot.connection.sending() > 0
            {
                slot.operations += 1;
                self.ring.cancel(token(OpKind::Cancel, key), slot.fd);
            }
        }
        if slot.stage == Stage::Cancelling && slot.operations == 0 {
            slot.stage = Stage::Closing;
            slot.operations = 1;
            slot.open.set(false);
            probe::probe!(lanner, connection__close, slot.fd);
            self.ring.close(token(OpKind::Close, key), slot.fd);
        }
    }

    /// The descriptor is closed: nothing names the connection any more.
    pub(super) fn remove(&mut self, key: ConnectionKey) {
        let Some(slot) = self.slots.remove(key) else {
            return;
        };
        self.upgraded = self
            .upgraded
            .saturating_sub(usize::from(slot.counted_upgraded));
        if let Some((timer, _)) = slot.timer {
            self.local.wheel.borrow_mut().cancel(timer);
        }
    }
}

impl<R: Ring, C, H, F: Future<Output = ()>> Shard<R, C, H, F> {
    /// Closes whatever the shard still has when it ends in the middle, by a panic or with a ring that is
    /// of no more use: what is not closed here nobody would ever close, and peers would wait for ever.
    ///
    /// The ring is ended first, so that the sockets are nobody else's. A close that was handed to a ring
    /// which cannot be entered any more is the ring's: whether it has happened cannot be known.
    pub(super) fn abandon(&mut self) {
        let untaken = self.untaken.drain(..).filter_map(|completion| {
            let opened = matches!(completion.token.kind(), OpKind::Accept | OpKind::Open);
            let fd = completion.result.ok().filter(|_| opened)?;
            RawFd::try_from(fd).ok()
        });
        let mut left: Vec<RawFd> = untaken.collect();
        // The panic was not one of whoever borrows it, which is nobody between two turns.
        if let Ok(files) = self.local.files.try_borrow() {
            left.extend(files.descriptors());
        }
        for key in self.slots.keys() {
            let Some(slot) = self
                .slots
                .get(key)
                .filter(|slot| slot.stage != Stage::Closing)
            else {
                continue;
            };
            slot.open.set(false);
            if slot.stage != Stage::Lingering {
                // As a connection that is torn down: what was begun must not look whole.
                reset_at_close::<R>(slot.fd);
            }
            left.push(slot.fd);
        }
        if left.is_empty() {
            return;
        }
        self.ring.end();
        for fd in left {
            self.ring.abandon(fd);
        }
    }
}

/// A broken response must look broken: `SO_LINGER` with zero sends RST.
fn reset_at_close<R: Ring>(fd: RawFd) {
    R::with_descriptor(fd, |fd| SockRef::from(&fd).set_linger(Some(Duration::ZERO)));
}
