//! Making a shard: its thread, its ring, its listeners and what it has of the application.
//!
//! Owns what every shard is made with, so that one can take the place of another, and what is told of a
//! thread that ended before there was a shard. Who asks for shards, and when, is the roster's.

use std::io;
use std::rc::Rc;
use std::sync::{Arc, mpsc};

use super::clock::SystemClock;
use super::error::StartError;
use super::roster::{Roster, ShardThread};
use crate::features::ShardFacts;
use crate::http::{Application, HttpContext, Protocols, process_shared};
use crate::journal::Journal;
use crate::limits::Limits;
use crate::net::{Listener, Networks};
use crate::ring::{self, Ring, RingConfig, SetupError, Uring};
use crate::shard::shell::{ShellError, ShellKind};
use crate::shard::{Control, Shard, ShardOptions, shell};
use crate::task::{Inbox, InboxSender};

/// What every shard is made with, the first ones and those that take the place of one.
pub(super) struct Launcher<A> {
    pub(super) limits: Limits,
    pub(super) server_field: bool,
    pub(super) protocols: Protocols,
    pub(super) gateways: Networks,
    /// By shard.
    pub(super) cpus: Vec<usize>,
    pub(super) shell: ShellKind,
    pub(super) journal: Journal,
    pub(super) application: A,
}

impl<A: Application + Clone + Send + 'static> Launcher<A> {
    /// Makes a shard on a thread of its own and waits for its ring.
    pub(super) fn launch(
        &mut self,
        roster: &Roster,
        index: usize,
    ) -> Result<(ShardFacts, ShardThread), StartError> {
        let options = ShardOptions {
            index,
            limits: self.limits.clone(),
            server_field: self.server_field,
            protocols: self.protocols,
            gateways: self.gateways.clone(),
        };
        let listeners = roster.listeners(index);
        let addresses = listeners
            .iter()
            .map(|listener| listener.address().to_string())
            .collect();
        let (cpu, shell) = (self.cpus.get(index).copied(), self.shell);
        let (journal, application) = (self.journal.clone(), self.application.clone());
        let (seats, ends) = (roster.clone(), roster.clone());
        let (ready, made) = mpsc::channel::<ShardFacts>();
        let make = move || {
            journal.enter();
            let (shard, inbox, mut facts) = assemble(options, listeners, application)?;
            facts.cpu = cpu;
            facts.shell = shell.name();
            facts.addresses = addresses;
            seats.seat(index, inbox);
            // The thread that launches waits for this; if it is gone, so is the server.
            drop(ready.send(facts));
            Ok(shard)
        };
        let ended = move |result: &Result<(), _>| ends.ended(index, result);
        let thread = shell::spawn(shell, cpu, format!("lanner-{index}"), make, ended)?;
        match made.recv() {
            Ok(facts) => Ok((facts, thread)),
            // The thread ended before it made a shard: its own error says why.
            Err(_) => Err(end_of(thread)),
        }
    }
}

/// Why a thread ended before there was a shard.
fn end_of(thread: ShardThread) -> StartError {
    match thread.join() {
        Ok(Err(ShellError::Driver(error))) => error,
        Ok(Err(ShellError::Executor(error))) if error.is_of_locked_memory() => {
            StartError::Ring(SetupError::OutOfMemory)
        }
        Ok(Err(error)) => StartError::Shard(io::Error::other(error.to_string())),
        Ok(Ok(())) | Err(_) => StartError::Shard(io::Error::other("its thread ended early")),
    }
}

/// Makes the shard's parts on its own thread.
fn assemble<A>(
    options: ShardOptions,
    listeners: Vec<Arc<Listener>>,
    application: A,
) -> Result<(impl shell::Driver, InboxSender<Control>, ShardFacts), StartError>
where
    A: Application + 'static,
{
    let ring = || Uring::new(&RingConfig::default());
    let ring = ring::when_unlocked(ring, |error| *error == SetupError::OutOfMemory)?;
    let inbox = Inbox::new()?;
    let scope = inbox.enter().map_err(io::Error::other)?;
    let sender = inbox.sender();
    let features = ring.features().clone();
    let facts = ShardFacts {
        index: options.index,
        ring_flags: features.flags.iter().map(ToString::to_string).collect(),
        sq_entries: features.sq_entries,
        cq_entries: features.cq_entries,
        buffers: features.buffers,
        buffer_bytes: features.buffer_bytes,
        ..ShardFacts::default()
    };
    let application = Rc::new(application);
    let handler = move |request: HttpContext| process_shared(Rc::clone(&application), request);
    let shard = Shard::new(
        options,
        ring,
        SystemClock::start(),
        listeners,
        inbox,
        scope,
        handler,
    );
    Ok((shard, sender, facts))
}
