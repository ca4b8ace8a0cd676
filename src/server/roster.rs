//! The shards of a running server: which live, which have ended and why, and what takes their place.
//!
//! Owns each shard's inbox, its thread and a share of its listening sockets, what a successor is to be
//! told, and the bound on successors. A shard that has ended by itself has its successor made by its
//! own thread, as the last thing that this thread does: nobody has to watch, and nothing waits for
//! somebody to look. Knows nothing of signals, files or certificates but that there is a set of these.

use std::collections::VecDeque;
use std::fmt;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::StartError;
use crate::features::{ServerFeatures, ShardFacts};
use crate::journal::Journal;
use crate::net::Listener;
use crate::shard::shell::ShellError;
use crate::shard::{Control, TlsSet};
use crate::task::{InboxSender, contained};

/// How many shards are replaced within [`RESTART_WINDOW`]. What ends a shard more often than this is
/// not chance, and is not mended by going on.
pub(super) const RESTARTS_MAX: usize = 5;

/// The time in which that many are.
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// A shard's thread, and how it ended.
pub(super) type ShardThread = JoinHandle<Result<(), ShellError<StartError>>>;

/// Makes the shard of a number on a thread of its own, which takes its seat before it takes a turn.
type Launch =
    Box<dyn FnMut(&Roster, usize) -> Result<(ShardFacts, ShardThread), StartError> + Send>;

/// What the thread that waits for the end of a server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<S> {
    /// A signal.
    Signal(S),
    /// A shard has ended by itself and is not replaced: the others drain.
    ShardEnded,
}

/// The roster, for any thread of the server's.
#[derive(Clone)]
pub(super) struct Roster(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Never taken while `state` is held. `None` once nobody is to be replaced any more.
    launch: Mutex<Option<Launch>>,
    journal: Journal,
}

#[derive(Default)]
struct State {
    places: Vec<Place>,
    phase: Phase,
    /// What shards serve with, once they do.
    serving: Option<ServerFeatures>,
    tls: Option<TlsSet>,
    /// When shards were replaced, the last time last.
    restarts: VecDeque<Instant>,
    /// Who has ended by itself and was not replaced, and why.
    failure: Option<(usize, String)>,
    told: Option<Box<dyn FnOnce() + Send>>,
}

/// How far the server has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Serving,
    Draining,
    Stopped,
}

/// The place of one shard.
#[derive(Default)]
struct Place {
    /// `None` while no shard lives here.
    inbox: Option<InboxSender<Control>>,
    thread: Option<ShardThread>,
    /// The server's share: the sockets outlive a shard, and with them the connections that wait in
    /// their queues.
    listeners: Vec<Arc<Listener>>,
}

impl Roster {
    /// A roster without shards, with the listening sockets of each.
    pub(super) fn new(
        listeners: Vec<Vec<Listener>>,
        journal: Journal,
        launch: impl FnMut(&Self, usize) -> Result<(ShardFacts, ShardThread), StartError>
        + Send
        + 'static,
    ) -> Self {
        let places = listeners.into_iter().map(|listeners| Place {
            listeners: listeners.into_iter().map(Arc::new).collect(),
            ..Place::default()
        });
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                places: places.collect(),
                ..State::default()
            }),
            launch: Mutex::new(Some(Box::new(launch))),
            journal,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every holder leaves the state whole, whatever it panicked of.
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// The listening sockets of a shard that is to be made.
    pub(super) fn listeners(&self, index: usize) -> Vec<Arc<Listener>> {
        let state = self.state();
        let place = state.places.get(index);
        place.map_or_else(Vec::new, |place| place.listeners.clone())
    }

    /// Makes the shard of this number.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) fn launch(&self, index: usize) -> Result<ShardFacts, StartError> {
        let launch = self.0.launch.lock();
        let mut launch = launch.unwrap_or_else(PoisonError::into_inner);
        let Some(launch) = launch.as_mut() else {
            return Err(StartError::Shard(std::io::Error::other("the server ends")));
        };
        // The application is cloned for it, which is code of others.
        let launched = contained(|| launch(self, index)).unwrap_or_else(|| {
            let error = std::io::Error::other("the application could not be cloned");
            Err(StartError::Shard(error))
        });
        let (facts, thread) = launched?;
        if let Some(place) = self.state().places.get_mut(index) {
            place.thread = Some(thread);
        }
        Ok(facts)
    }

    /// A shard was made and has this inbox: it is told what it has missed. On its own thread, before
    /// its first turn.
    pub(super) fn seat(&self, index: usize, inbox: InboxSender<Control>) {
        let mut state = self.state();
        let tls = state.tls.clone().map(Control::Tls);
        let serving = state.serving.as_ref();
        let serve = serving.map(|features| Control::Serve(Box::new(features.on_shard(index))));
        let end = match state.phase {
            Phase::Serving => None,
            Phase::Draining => Some(Control::Drain),
            Phase::Stopped => Some(Control::Stop),
        };
        for message in [tls, serve, end].into_iter().flatten() {
            drop(inbox.send(message));
        }
        if let Some(place) = state.places.get_mut(index) {
            place.inbox = Some(inbox);
        }
    }

    /// The thread of a shard is at its end, and this is the last thing that it does.
    pub(super) fn ended(&self, index: usize, result: &Result<(), ShellError<StartError>>) {
        let Some(reason) = self.unseat(index, result) else {
            return;
        };
        self.0.journal.say_now(format_args!(
            "shard {index} has ended by itself: {reason}; another takes its place"
        ));
        if let Err(error) = self.launch(index) {
            self.fail(
                index,
                format!("{reason}; no other can take its place: {error}"),
            );
        }
    }

    /// Takes a shard off the roster; the reason of its end if it is to be replaced.
    fn unseat(&self, index: usize, result: &Result<(), ShellError<StartError>>) -> Option<String> {
        let mut state = self.state();
        // One that was never seated is its maker's to tell of.
        state.places.get_mut(index)?.inbox.take()?;
        let reason = match result {
            Err(error) => error.to_string(),
            Ok(()) if state.phase == Phase::Serving => "nothing was left to do".to_owned(),
            Ok(()) => return None,
        };
        let now = Instant::now();
        let recent = |at: &Instant| now.saturating_duration_since(*at) < RESTART_WINDOW;
        state.restarts.retain(recent);
        if state.phase == Phase::Serving && state.restarts.len() < RESTARTS_MAX {
            state.restarts.push_back(now);
            return Some(reason);
        }
        drop(state);
        self.fail(index, reason);
        None
    }

    /// A shard has ended and is not replaced: the others let their requests finish.
    fn fail(&self, index: usize, reason: String) {
        self.0.journal.say_now(format_args!(
            "shard {index} has ended by itself: {reason}; the others let their requests finish"
        ));
        self.drain();
        let mut state = self.state();
        state.failure.get_or_insert((index, reason));
        if let Some(tell) = state.told.take() {
            tell();
        }
    }

    /// Has an event sent when a shard ends and is not replaced.
    pub(super) fn tell<S: Send + 'static>(&self, events: Sender<Event<S>>) {
        // Nobody listens any more when the server ends for another reason.
        let tell = move || drop(events.send(Event::ShardEnded));
        let mut state = self.state();
        if state.failure.is_some() {
            tell();
        } else {
            state.told = Some(Box::new(tell));
        }
    }

    /// Why the server cannot go on, if a shard has ended by itself and was not replaced.
    pub(super) fn failure(&self) -> Option<StartError> {
        let failure = self.state().failure.clone();
        failure.map(|(index, reason)| StartError::ShardEnded { index, reason })
    }

    /// Whether every shard lives and none is to end.
    pub(super) fn is_healthy(&self) -> bool {
        let state = self.state();
        state.phase == Phase::Serving && state.places.iter().all(|place| place.inbox.is_some())
    }

    /// Lets every shard accept, and every successor.
    pub(super) fn serve(&self, features: ServerFeatures, tls: Option<TlsSet>) {
        if let Some(set) = tls {
            self.use_tls(set);
        }
        let mut state = self.state();
        state.tell_each(|index| Control::Serve(Box::new(features.on_shard(index))));
        state.serving = Some(features);
    }

    /// Hands every shard a new set of certificates, and every successor.
    pub(super) fn use_tls(&self, set: TlsSet) {
        let mut state = self.state();
        state.tell_each(|_| Control::Tls(set.clone()));
        state.tls = Some(set);
    }

    /// Sends each shard that lives a message.
    pub(super) fn tell_each(&self, message: impl FnMut(usize) -> Control) {
        self.state().tell_each(message);
    }

    /// Lets requests finish. Nobody listens from now on but shards, for as long as it takes them to
    /// read this.
    pub(super) fn drain(&self) {
        self.end(Phase::Draining, || Control::Drain);
    }

    /// Ends every shard, and replaces none from now on.
    pub(super) fn stop(&self) {
        self.end(Phase::Stopped, || Control::Stop);
        let launch = self.0.launch.lock();
        launch.unwrap_or_else(PoisonError::into_inner).take();
    }

    fn end(&self, phase: Phase, message: impl Fn() -> Control) {
        let mut state = self.state();
        if state.phase != Phase::Stopped {
            state.phase = phase;
        }
        let places = state.places.iter_mut();
        let listeners: Vec<_> = places
            .map(|place| std::mem::take(&mut place.listeners))
            .collect();
        // Before the shards are told, so that theirs is the last share.
        drop(listeners);
        state.tell_each(|_| message());
    }

    /// Whether the threads of all shards have ended.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.state();
        let threads = state.places.iter().flat_map(|place| &place.thread);
        threads.into_iter().all(JoinHandle::is_finished)
    }

    /// Joins the threads that have ended; others are left behind.
    pub(super) fn join(&self) {
        let places = std::mem::take(&mut self.state().places);
        for thread in places.into_iter().filter_map(|place| place.thread) {
            if thread.is_finished() {
                // How it has ended was said when it did.
                let _ = thread.join();
            }
        }
    }

    /// Whether there is anything to end.
    pub(super) fn is_empty(&self) -> bool {
        self.state().places.is_empty()
    }
}

impl State {
    fn tell_each(&self, mut message: impl FnMut(usize) -> Control) {
        for (index, place) in self.places.iter().enumerate() {
            if let Some(inbox) = &place.inbox {
                // A shard that has just ended needs none.
                drop(inbox.send(message(index)));
            }
        }
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster")
            .field("healthy", &self.is_healthy())
            .finish_non_exhaustive()
    }
}
