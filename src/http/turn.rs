//! What a protocol core is given each time it is driven: time, limits, exchanges, counters.
//!
//! Protocol cores have no clock and no globals; all they know of the world is in here.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::surplus::Surplus;
use super::{Exchange, Mark, Outbox, Protocols};
use crate::limits::Limits;

/// Idle exchanges that a shard keeps; more are dropped. A busy shard needs one per request that
/// waits at the same time, and each keeps its buffers (some KiB after use).
const IDLE_EXCHANGES_MAX: usize = 256;

/// Those that it keeps for good, though nobody needs them.
const IDLE_EXCHANGES_KEPT: usize = 16;

/// The world of one drive.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    /// Milliseconds on the shard's clock.
    pub(crate) now: u64,
    /// The current Date field value (RFC 9110, 6.6.1).
    pub(crate) date: &'a [u8; 29],
    /// The server's limits.
    pub(crate) limits: &'a Limits,
    /// Whether responses carry a Server field.
    pub(crate) server_field: bool,
    /// Whether receive buffers are running short, so that what is kept must be copied.
    pub(crate) scarce: bool,
    /// Whether the server is shutting down: no connection is kept alive.
    pub(crate) draining: bool,
    /// Whether another connection may be upgraded.
    pub(crate) upgrades: bool,
    /// Which protocols are spoken.
    pub(crate) protocols: Protocols,
    /// Where exchanges come from and go to.
    pub(crate) exchanges: &'a mut ExchangePool,
    /// What is counted on the way.
    pub(crate) counters: &'a mut Counters,
}

/// Counts of one shard.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Requests whose head was accepted.
    pub(crate) requests: u64,
    /// Those that the application was not given because of the limit on handlers.
    pub(crate) requests_refused: u64,
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Connections closed at once because the limit was reached.
    pub(crate) connections_refused: u64,
    /// TLS handshakes completed.
    pub(crate) handshakes: u64,
    /// Those among them that resumed a session.
    pub(crate) handshakes_resumed: u64,
    /// Peers' mistakes by the name of the violation.
    pub(crate) rejected: BTreeMap<&'static str, u64>,
}

impl Counters {
    /// Counts a violation.
    pub(crate) fn reject(&mut self, name: &'static str) {
        let count = self.rejected.entry(name).or_default();
        *count = count.saturating_add(1);
    }
}

/// The exchanges of a shard that are in no use.
#[derive(Debug)]
pub(crate) struct ExchangePool {
    idle: Vec<Rc<Exchange>>,
    surplus: Surplus,
    outbox: Rc<Outbox>,
}

impl ExchangePool {
    /// An empty pool whose exchanges mark their connections in `outbox`.
    pub(crate) fn new(outbox: Rc<Outbox>) -> Self {
        Self {
            idle: Vec::with_capacity(IDLE_EXCHANGES_MAX),
            surplus: Surplus::default(),
            outbox,
        }
    }

    /// A new or a reused exchange that marks its connection with `mark`.
    #[inline(always)]
    pub(crate) fn take(&mut self, mark: Mark, limits: &Limits) -> Rc<Exchange> {
        let exchange = self.idle.pop().unwrap_or_else(|| Self::make(limits));
        self.surplus.taken(self.idle.len());
        exchange.attach(&self.outbox, mark);
        exchange
    }

    /// Whether there are more than are kept for good.
    #[inline]
    pub(crate) fn has_grown(&self) -> bool {
        self.idle.len() > IDLE_EXCHANGES_KEPT
    }

    /// Drops those that were in no use since the last call, and says how many.
    pub(crate) fn trim(&mut self) -> usize {
        let surplus = self.surplus.take(self.idle.len(), IDLE_EXCHANGES_KEPT);
        self.idle.drain(..surplus);
        surplus
    }

    #[cold]
    fn make(limits: &Limits) -> Rc<Exchange> {
        let exchange = Exchange::default();
        exchange.begin(limits);
        Rc::new(exchange)
    }

    /// Takes an exchange back: its response is encoded whole, or nobody is there to take it. Every
    /// protocol ends every exchange here, which is where `on_completed` is called. One that somebody
    /// still holds is left to its holder.
    #[inline(always)]
    pub(crate) fn give(&mut self, exchange: Rc<Exchange>, limits: &Limits) {
        probe::probe!(lanner, request__stop, Rc::as_ptr(&exchange));
        exchange.run_completed();
        if is_free(&exchange) && self.idle.len() < self.idle.capacity() {
            exchange.begin(limits);
            self.idle.push(exchange);
        } else {
            self.give_rare(exchange, limits);
        }
    }

    /// Takes back an exchange that somebody holds, or that there is no room for yet.
    #[inline(never)]
    fn give_rare(&mut self, exchange: Rc<Exchange>, limits: &Limits) {
        if is_free(&exchange) {
            if self.idle.len() < IDLE_EXCHANGES_MAX {
                exchange.begin(limits);
                self.idle.push(exchange);
            }
        } else {
            exchange.sever();
        }
    }
}

/// Whether nobody else has anything of the exchange. A look at the head that was forgotten (as by
/// `mem::forget`) lasts for ever: the head of the next request could never take its place.
#[inline(always)]
fn is_free(exchange: &Rc<Exchange>) -> bool {
    Rc::strong_count(exchange) == 1 && !exchange.request.is_looked_at()
}
