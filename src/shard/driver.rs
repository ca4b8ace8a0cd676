//! The loop of a shard.
//!
//! A turn has phases, each bounded: submit and wait; completions, each driving its connection to
//! the end (a request is parsed, dispatched and answered here); the inbox; timers; handlers that
//! were woken; connections that handlers have marked; then, for every connection that was touched,
//! one send, re-armed receives and timers; last, buffers go back to the kernel.

use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::control::{Control, Stats};
use super::files::FileRequests;
use super::handshakes::Postponed;
use super::local::{Local, SLEEPER};
use super::shell::{Driver, Turn as ShellTurn};
use super::slots::Slots;
use crate::conn::Resources;
use crate::features::{self, Drain, ServerFeatures};
use crate::http::{
    ConnectionKey, Counters, Drive, Exchange, ExchangePool, HttpContext, Mark, Outbox, Protocols,
    Status, Turn,
};
use crate::journal;
use crate::limits::Limits;
use crate::net::{Listener, Networks};
use crate::ring::{Completion, OpKind, Payload, Ring, Token, Wait};
use crate::task::{self, Contained, Inbox, Polled, ShardScope, TaskId, TaskSlab};
use crate::time::DateCache;

/// Room for the timers that fire in one turn of a shard that is not crowded.
const EXPIRED_AT_ONCE: usize = 64;

/// What a shard is made with.
#[derive(Debug)]
pub(crate) struct ShardOptions {
    /// The shard's number.
    pub(crate) index: usize,
    /// The server's limits; those of the whole server are already divided among the shards.
    pub(crate) limits: Limits,
    /// Whether responses carry a Server field.
    pub(crate) server_field: bool,
    /// Which protocols the shard speaks.
    pub(crate) protocols: Protocols,
    /// The peers that may name another scheme than their connection's.
    pub(crate) gateways: Networks,
}

/// The clock of a shard: milliseconds since its start, and seconds since 1970.
pub(crate) trait Clock {
    /// Milliseconds that never go back.
    fn millis(&self) -> u64;
    /// Seconds since 1970 for the Date field.
    fn unix_seconds(&self) -> u64;
}

/// What all connections of a shard are driven with.
pub(super) struct World {
    pub(super) limits: Limits,
    server_field: bool,
    protocols: Protocols,
    date: DateCache,
    pub(super) exchanges: ExchangePool,
    pub(super) counters: Counters,
    pub(super) draining: bool,
    pub(super) now: u64,
    pub(super) scarce: bool,
    upgrades: bool,
}

impl World {
    pub(super) fn turn(&mut self) -> Turn<'_> {
        Turn {
            now: self.now,
            date: self.date.bytes(),
            limits: &self.limits,
            server_field: self.server_field,
            scarce: self.scarce,
            draining: self.draining,
            upgrades: self.upgrades,
            protocols: self.protocols,
            exchanges: &mut self.exchanges,
            counters: &mut self.counters,
        }
    }
}

/// A shard: `H` makes the future `F` that answers a request.
pub(crate) struct Shard<R: Ring, C, H, F: Future<Output = ()>> {
    pub(super) ring: R,
    clock: C,
    handler: Contained<H>,
    /// Before `_scope`: handlers that are dropped must still find their shard.
    pub(super) tasks: TaskSlab<F>,
    pub(super) options: ShardOptions,
    pub(super) world: World,
    pub(super) slots: Slots,
    pub(super) resources: Resources,
    pub(super) postponed: Postponed,
    pub(super) local: Rc<Local>,
    pub(super) listeners: Vec<Arc<Listener>>,
    pub(super) accepting: Vec<bool>,
    /// Millisecond at which a paused accept is tried again; `u64::MAX` for none.
    pub(super) accept_again: u64,
    /// Until when it need not be said again that accept rests.
    pub(super) accept_told: u64,
    /// Millisecond at which pools let go of what was of no use; `u64::MAX` for none.
    pub(super) trim_at: u64,
    /// The most connections and handlers since pools last let go.
    pub(super) held_max: usize,
    pub(super) server: Option<Rc<ServerFeatures>>,
    /// What handlers learn of a shut-down.
    pub(super) drain: Rc<Drain>,
    pub(super) accepted: u64,
    pub(super) upgraded: usize,
    outbox: Rc<Outbox>,
    inbox: Inbox<Control>,
    stopping: bool,
    /// Connections to settle at the end of the turn.
    pub(super) touched: Vec<ConnectionKey>,
    /// Connections that wait for receive buffers.
    pub(super) starved: Vec<ConnectionKey>,
    completions: Vec<Completion>,
    /// What a panic has left of them.
    pub(super) untaken: Vec<Completion>,
    ready: Vec<TaskId>,
    marked: Vec<Mark>,
    expired: Vec<u64>,
    mail: Vec<Control>,
    /// Held, not read: it makes this thread the shard.
    _scope: ShardScope,
}

impl<R, C, H, F> Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    /// A shard on this thread that serves nothing before `Control::Serve`.
    pub(crate) fn new(
        options: ShardOptions,
        mut ring: R,
        clock: C,
        listeners: Vec<Arc<Listener>>,
        inbox: Inbox<Control>,
        scope: ShardScope,
        handler: H,
    ) -> Self {
        let now = clock.millis();
        let outbox = Rc::new(Outbox::default());
        ring.watch_inbox(Token::new(OpKind::Inbox, 0, 0), inbox.fd().as_raw_fd());
        Self {
            ring,
            handler: Contained::new(handler),
            tasks: TaskSlab::new(scope.id()),
            world: World {
                limits: options.limits.clone(),
                server_field: options.server_field,
                protocols: options.protocols,
                date: DateCache::new(clock.unix_seconds()),
                exchanges: ExchangePool::new(Rc::clone(&outbox)),
                counters: Counters::default(),
                draining: false,
                now,
                scarce: false,
                upgrades: true,
            },
            clock,
            options,
            slots: Slots::default(),
            resources: Resources::default(),
            postponed: Postponed::default(),
            local: Local::install(now),
            accepting: vec![false; listeners.len()],
            listeners,
            accept_again: u64::MAX,
            accept_told: 0,
            trim_at: u64::MAX,
            held_max: 0,
            server: None,
            drain: Rc::default(),
            accepted: 0,
            upgraded: 0,
            outbox,
            inbox,
            stopping: false,
            touched: Vec::new(),
            starved: Vec::new(),
            completions: Vec::new(),
            untaken: Vec::new(),
            ready: Vec::new(),
            marked: Vec::new(),
            // Nobody can tell in which turn a timer fires: none of them allocates for it.
            expired: Vec::with_capacity(EXPIRED_AT_ONCE),
            mail: Vec::new(),
            _scope: scope,
        }
    }

    fn wait(&self, bound: Option<Duration>) -> Wait {
        let work = task::has_ready()
            || !self.outbox.is_empty()
            || !self.postponed.is_empty()
            || self.inbox.is_rung()
            || self.local.files.borrow().has_submitted();
        if work {
            return Wait::No;
        }
        let timer = self
            .local
            .wheel
            .borrow()
            .next_deadline()
            .unwrap_or(u64::MAX)
            .min(self.accept_again)
            .min(self.trim_at);
        let until = (timer < u64::MAX)
            .then(|| Duration::from_millis(timer.saturating_sub(self.clock.millis())));
        match (until, bound) {
            (Some(until), Some(bound)) => Wait::For(until.min(bound)),
            (Some(wait), None) | (None, Some(wait)) => Wait::For(wait),
            (None, None) => Wait::Forever,
        }
    }

    fn read_clock(&mut self) {
        self.world.now = self.clock.millis();
        self.world.scarce = self.ring.pool().is_scarce();
        self.world.date.refresh(self.clock.unix_seconds());
        let upgrades_max = self.world.limits.upgraded_connections_max;
        self.world.upgrades = upgrades_max.is_none_or(|max| self.upgraded < max);
        self.local.now.set(self.world.now);
        self.resources
            .begin_turn(self.world.limits.handshakes_per_turn);
    }

    fn take_completions(&mut self) {
        let mut completions = std::mem::take(&mut self.completions);
        self.ring.completions(&mut completions);
        let mut left = completions.drain(..);
        let handled = catch_unwind(AssertUnwindSafe(|| {
            for completion in left.by_ref() {
                self.handle(completion);
            }
        }));
        if let Err(panic) = handled {
            // Descriptors are among them, which are the shard's to close.
            self.untaken.extend(left);
            resume_unwind(panic);
        }
        drop(left);
        self.completions = completions;
    }

    fn handle(&mut self, completion: Completion) {
        let token = completion.token;
        match token.kind() {
            OpKind::Recv => self.received(completion),
            OpKind::Send => self.sent(completion),
            OpKind::Watch => self.watched(&completion),
            OpKind::Accept => self.accepted(&completion),
            OpKind::Inbox => {
                if !completion.more && !self.stopping {
                    self.ring.watch_inbox(token, self.inbox.fd().as_raw_fd());
                }
            }
            OpKind::Open | OpKind::Read | OpKind::CloseFile => {
                let data = match completion.payload {
                    Payload::Read(data) => data,
                    _ => Vec::new(),
                };
                let mut files = self.local.files.borrow_mut();
                files.advance(token.slot(), completion.result, data, &mut self.ring);
            }
            OpKind::Cancel | OpKind::Shutdown | OpKind::Close => self.ended(&completion),
        }
    }

    /// Drives a connection until it waits, running the application over what it dispatches.
    pub(super) fn drive(&mut self, key: ConnectionKey) {
        let Some(slot) = self.slots.get(key) else {
            return;
        };
        if !std::mem::replace(&mut slot.queued, true) {
            self.touched.push(key);
        }
        if !slot.is_driven() || slot.connection.is_idle() {
            return;
        }
        // Handlers reach none of these: what they want of the shard waits for a later phase.
        let mut turn = self.world.turn();
        loop {
            match slot.connection.drive(&mut turn, &mut self.resources) {
                // The connection has taken over what speaks HTTP/2.
                Drive::Wait | Drive::Http2 => return,
                Drive::Postponed => {
                    if !std::mem::replace(&mut slot.postponed, true) {
                        self.postponed.push(key);
                    }
                    return;
                }
                Drive::Dispatch(exchange) => {
                    if let Some(tls) = slot.connection.tls() {
                        slot.facts.set_tls(tls);
                        let (connection, resources) = (&mut slot.connection, &self.resources);
                        if connection.refuses_misdirected(&exchange, &mut turn, resources) {
                            continue;
                        }
                    }
                    let facts = slot.facts.clone();
                    dispatch(&mut self.tasks, &*self.handler, &exchange, facts, &mut turn);
                }
            }
        }
    }

    /// Puts a connection on the list of those to settle at the end of the turn.
    pub(super) fn touch(&mut self, key: ConnectionKey) {
        if let Some(slot) = self.slots.get(key)
            && !std::mem::replace(&mut slot.queued, true)
        {
            self.touched.push(key);
        }
    }

    fn read_mail(&mut self) {
        if !self.inbox.is_rung() {
            return;
        }
        let mut mail = std::mem::take(&mut self.mail);
        self.inbox.drain(&mut mail);
        for message in mail.drain(..) {
            match message {
                Control::Serve(server) => {
                    self.server = Some(Rc::new(*server));
                    self.arm_accepts();
                }
                Control::Drain => self.begin_drain(),
                Control::Stop => {
                    self.begin_drain();
                    self.stopping = true;
                    for key in self.slots.keys() {
                        self.tear_down(key);
                    }
                }
                Control::Tls(set) => {
                    if let Err(error) = self.use_tls(&set) {
                        journal::say_now(format_args!(
                            "the certificates stay as they were: {error}"
                        ));
                    }
                }
                #[cfg(test)]
                Control::Fail => {
                    panic!("told to fail");
                }
                // Who asked may have gone away meanwhile.
                Control::Report(reply) => drop(reply.send(self.stats())),
            }
        }
        self.mail = mail;
    }

    fn begin_drain(&mut self) {
        if std::mem::replace(&mut self.world.draining, true) {
            return;
        }
        for (index, listener) in self.listeners.iter().enumerate() {
            if self.accepting.get(index).copied().unwrap_or(false) {
                let token = Token::new(OpKind::Cancel, 0, u32::MAX);
                self.ring.cancel(token, listener.as_fd().as_raw_fd());
            }
        }
        self.stop_listening();
        self.accept_again = u64::MAX;
        for key in self.slots.keys() {
            if let Some(slot) = self.slots.get(key) {
                slot.connection.drain();
            }
            self.drive(key);
        }
        self.drain.begin();
    }

    fn fire_timers(&mut self) {
        let mut expired = std::mem::take(&mut self.expired);
        self.local
            .wheel
            .borrow_mut()
            .advance(self.world.now, &mut expired);
        for key in expired.drain(..) {
            if key & SLEEPER == 0 {
                self.expire(ConnectionKey {
                    slot: key as u32,
                    generation: (key >> 32) as u32,
                });
            } else {
                self.local.sleepers.borrow_mut().fire(key);
            }
        }
        self.expired = expired;
        if self.accept_again <= self.world.now {
            self.accept_again = u64::MAX;
            self.arm_accepts();
        }
    }

    fn poll_ready(&mut self) {
        if !task::has_ready() {
            return;
        }
        let mut ready = std::mem::take(&mut self.ready);
        task::take_ready(&mut ready);
        for task in ready.drain(..) {
            self.tasks.poll(task);
        }
        self.ready = ready;
    }

    fn drive_marked(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        let mut marked = std::mem::take(&mut self.marked);
        self.outbox.take(&mut marked);
        // All streams of a connection are marked before it is driven: one drive serves them all, and
        // a second one would look at all of them again.
        for mark in &marked {
            if let Some(slot) = self.slots.get(mark.connection) {
                slot.connection.mark(mark.stream);
                slot.marked = true;
            }
        }
        for mark in marked.drain(..) {
            if let Some(slot) = self.slots.get(mark.connection)
                && std::mem::take(&mut slot.marked)
            {
                self.drive(mark.connection);
            }
        }
        self.marked = marked;
    }

    fn settle_touched(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        for key in touched.drain(..) {
            if let Some(slot) = self.slots.get(key) {
                slot.queued = false;
            }
            self.settle(key);
        }
        // `settle` touches nothing, so the list that it left behind is empty: keep the old room.
        std::mem::swap(&mut self.touched, &mut touched);
    }

    fn begin_files(&mut self) {
        let mut files = self.local.files.borrow_mut();
        if FileRequests::has_submitted(&files) {
            files.begin(&mut self.ring);
        }
    }

    fn is_over(&self) -> bool {
        let quiet = self.slots.len() == 0 && !self.accepting.contains(&true);
        // What a file read has opened is the shard's to close, whoever asked for it.
        let files = self.local.files.borrow().is_idle();
        self.world.draining && quiet && files && (self.stopping || self.tasks.len() == 0)
    }

    /// Timers that are set: of connections and of handlers.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn timers(&self) -> usize {
        self.local.wheel.borrow().len()
    }

    /// How things stand.
    pub(crate) fn stats(&self) -> Stats {
        let counters = &self.world.counters;
        Stats {
            shard: self.options.index,
            connections: counters.connections,
            connections_open: self.slots.len(),
            connections_refused: counters.connections_refused,
            handshakes: counters.handshakes,
            handshakes_resumed: counters.handshakes_resumed,
            requests: counters.requests,
            requests_refused: counters.requests_refused,
            handlers: self.tasks.len(),
            buffers_in_use: self.ring.pool().in_use(),
            operations: self.ring.in_flight(),
            completion_overflows: self.ring.overflows(),
            rejected: counters
                .rejected
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }
}

impl<R, C, H, F> Driver for Shard<R, C, H, F>
where
    R: Ring + 'static,
    C: Clock,
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    fn turn(&mut self, bound: Option<Duration>) -> ShellTurn {
        let wait = self.wait(bound);
        if let Err(error) = self.ring.submit_and_wait(wait) {
            return ShellTurn::Failed(error.to_string());
        }
        probe::probe!(lanner, turn__start);
        self.read_clock();
        self.resume_handshakes();
        self.take_completions();
        self.read_mail();
        self.fire_timers();
        self.poll_ready();
        self.drive_marked();
        self.begin_files();
        self.settle_touched();
        self.ring.recycle();
        self.feed_starved();
        self.settle_memory();
        probe::probe!(lanner, turn__stop);
        if self.is_over() {
            ShellTurn::Finished
        } else {
            ShellTurn::Continue
        }
    }
}

impl<R: Ring, C, H, F: Future<Output = ()>> Drop for Shard<R, C, H, F> {
    fn drop(&mut self) {
        self.abandon();
        Local::uninstall();
    }
}

/// Gives a request to the application. Nearly all handlers are done when this returns; one that is
/// not has its head moved out of the receive buffer, which goes back to the kernel.
///
/// A shard that has as many handlers as it may answers in place of the application: the last stage
/// of overload, for what stops earlier has not stopped these requests.
#[inline]
fn dispatch<H, F>(
    tasks: &mut TaskSlab<F>,
    handler: &H,
    exchange: &Rc<Exchange>,
    facts: features::Connection,
    turn: &mut Turn<'_>,
) where
    H: Fn(HttpContext) -> F,
    F: Future<Output = ()>,
{
    probe::probe!(lanner, request__start, Rc::as_ptr(exchange));
    exchange.suppress_mark();
    let max = turn.limits.handlers_max;
    if max.is_some_and(|max| tasks.len() >= max) {
        refuse(exchange, turn);
        return;
    }
    let context = HttpContext::new(Rc::clone(exchange), facts);
    match tasks.run(|| handler(context)) {
        Some(Polled::Pending) => exchange.request.compact(),
        Some(_) => {}
        // The slab is full, whatever the limit: the handler was dropped before it could begin.
        None => refuse(exchange, turn),
    }
}

fn refuse(exchange: &Exchange, turn: &mut Turn<'_>) {
    let refused = &mut turn.counters.requests_refused;
    *refused = refused.saturating_add(1);
    exchange.refuse(Status::SERVICE_UNAVAILABLE);
}

/// Tells an address source that its descriptor is about to be closed.
pub(super) type OpenFlag = Rc<Cell<bool>>;
