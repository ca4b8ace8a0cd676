//! How the break of a connection is seen where nothing is received: the peer has finished sending,
//! or is held back, and a handler or a window is waited for.
//!
//! Owns when the kernel is asked to tell. A receive or a send that is under way fails by itself, so a
//! request that is answered at once costs no operation more.

use super::driver::{Clock, Shard};
use super::slots::{Receiving, Slot, Stage};
use super::transfer::{key_of, token};
use crate::http::HttpContext;
use crate::ring::{Completion, OpKind, Ring};

/// Poll events of a connection that has failed, by RST as a rule.
const BROKEN: u32 = libc::POLLERR as u32;

/// Poll events of one that nobody is at the other end of. While there may be something to receive,
/// receiving it comes first and will tell.
const GONE: u32 = libc::POLLHUP as u32;

impl<R, C, H, F> Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    /// Watches a connection that is driven, if nothing else would tell of its break. It is watched to
    /// its end then: a receive that begins again does not mind.
    pub(super) fn settle_watch(slot: &mut Slot, ring: &mut R) {
        let waits = matches!(
            slot.receiving,
            Receiving::Off | Receiving::Starved | Receiving::Ended
        );
        let is_open = slot.stage == Stage::Open;
        if waits && is_open && !slot.watched && slot.connection.sending() == 0 {
            slot.watched = true;
            slot.operations += 1;
            ring.watch(token(OpKind::Watch, slot.key), slot.fd);
        }
    }

    /// A watched connection has something to tell, or is watched no more.
    pub(super) fn watched(&mut self, completion: &Completion) {
        let key = key_of(completion.token);
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        if !completion.more {
            slot.operations = slot.operations.saturating_sub(1);
            slot.watched = false;
        }
        let events = completion.result.unwrap_or(0);
        let fatal = match slot.receiving {
            Receiving::Ended => BROKEN | GONE,
            _ => BROKEN,
        };
        // Once we have finished sending ourselves, a hangup is how it ends.
        if slot.stage == Stage::Open && events & fatal != 0 {
            self.sever(key);
        } else {
            self.touch(key);
        }
    }
}
