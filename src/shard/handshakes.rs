//! TLS in the shard: the sites that it answers with, and handshakes that wait for their turn.
//!
//! A handshake costs as much as a hundred requests. So a turn begins only a few, and the rest wait in
//! the order in which they came while those who are connected are served.

use std::collections::VecDeque;
use std::sync::Arc;

use super::driver::{Clock, Shard};
use crate::http::{ConnectionKey, HttpContext};
use crate::ring::Ring;
use crate::tls::{Material, TicketKeys, TlsError};

/// What a shard makes its sites of. Each makes its own, so that none shares a count or a lock with
/// another.
#[derive(Clone, Debug)]
pub(crate) struct TlsSet {
    /// Certificates, keys and what goes with them, validated.
    pub(crate) material: Arc<Material>,
    /// The keys of session tickets, the same for every shard.
    pub(crate) tickets: TicketKeys,
}

/// Connections whose handshake waits for a later turn, the first first.
#[derive(Debug, Default)]
pub(super) struct Postponed(VecDeque<ConnectionKey>);

impl Postponed {
    /// One more waits, behind all others. Its slot says so, so that it waits once.
    pub(super) fn push(&mut self, key: ConnectionKey) {
        self.0.push_back(key);
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<R, C, H, F> Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    /// Handshakes from now on are answered with this set. Connections go on as they are.
    ///
    /// # Errors
    /// The set cannot be used, and what was there before stays.
    pub(crate) fn use_tls(&mut self, set: &TlsSet) -> Result<(), TlsError> {
        let sites = set.material.sites(&set.tickets)?;
        self.resources.set_sites(sites);
        Ok(())
    }

    /// The same for sites that were made already.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn use_sites(&mut self, sites: crate::tls::Sites) {
        self.resources.set_sites(sites);
    }

    /// Begins as many of the handshakes that wait as a turn may, before those that this turn brings.
    /// Who is gone takes nobody's place.
    pub(super) fn resume_handshakes(&mut self) {
        while self.resources.may_begin_handshake() {
            let Some(key) = self.postponed.0.pop_front() else {
                return;
            };
            if let Some(slot) = self.slots.get(key) {
                slot.postponed = false;
                self.drive(key);
            }
        }
    }
}
