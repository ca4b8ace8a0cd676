//! Certificates of a server that runs: files that change, and keys of session tickets that age.
//!
//! Owns a thread beside the shards, which watches what `Tls` reads, and hands shards a new set when
//! it is whole and valid. What a valid set is, `tls` knows; what a shard does with one, the shard.
//!
//! Nothing of it is on the request path, and a shard that has its set needs this thread no more.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use std::{io, mem};

use super::error::StartError;
use crate::shard::TlsSet;
use crate::tls::{NoRandomness, TICKET_ROTATION, TicketKeys, Tls, TlsError, TlsWarning};

mod content;
mod news;
mod places;
#[cfg(test)]
pub(super) mod tests;
mod watch;

use content::Content;
use news::Line;
pub(super) use news::News;
use places::Places;
use watch::{Notice, Watch};

/// How often what is watched is found out anew when it changes in the same moment.
const WATCH_ATTEMPTS: usize = 3;

/// How long the thread may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// How often its end is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long the thread waits for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How long nothing may happen to the files before they are read: writers take several steps.
    settle: Duration,
    /// For how long a file that is open for writing is left to its writer at most.
    writing: Duration,
    /// How long a fault may last before it is one: certificate and key are two files, of which
    /// one is always the first to be replaced.
    patience: Duration,
    /// How often the files are read without any notice: network file systems and some of
    /// containers give none.
    poll: Duration,
    /// How often the keys of session tickets change.
    rotation: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(200),
            writing: Duration::from_secs(10),
            patience: Duration::from_secs(1),
            poll: Duration::from_secs(60),
            rotation: TICKET_ROTATION,
        }
    }
}

/// The files of a server, read for the first time.
#[derive(Debug)]
pub(super) struct Loaded {
    tls: Tls,
    files: Vec<PathBuf>,
    /// What was in the files before they were read: what has changed since is new.
    content: Content,
    set: TlsSet,
}

impl Loaded {
    /// Reads the files and makes the first keys of session tickets.
    ///
    /// # Errors
    ///
    /// [`StartError::Tls`] and [`StartError::NoRandomness`].
    pub(super) fn read(tls: Tls) -> Result<Self, StartError> {
        let files = tls.watched_files();
        let content = Content::of(&files);
        let material = Arc::new(tls.load()?);
        let tickets = TicketKeys::generate().map_err(|NoRandomness| StartError::NoRandomness)?;
        Ok(Self {
            tls,
            files,
            content,
            set: TlsSet { material, tickets },
        })
    }

    /// What the operator should know of these files.
    pub(super) fn warnings(&self) -> &[TlsWarning] {
        self.set.material.warnings()
    }

    /// What shards begin with.
    pub(super) fn set(&self) -> &TlsSet {
        &self.set
    }
}

/// The thread that keeps the certificates of a server fresh. It ends when this is dropped, which
/// waits for it, though not for long.
#[derive(Debug)]
pub(super) struct Certificates {
    stop: Sender<Notice>,
    thread: Option<JoinHandle<()>>,
}

impl Certificates {
    /// Begins to watch. `tell` is called on the thread.
    ///
    /// # Errors
    ///
    /// Those of making a thread.
    pub(super) fn keep(
        loaded: Loaded,
        pace: Pace,
        tell: impl FnMut(News) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, notices) = mpsc::channel();
        let to_self = stop.clone();
        let thread = thread::Builder::new()
            .name("lanner-tls".to_owned())
            .spawn(move || Keeper::new(loaded, pace, to_self, tell).run(&notices))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Asks the thread to end, and does not wait for it.
    pub(super) fn stop(&self) {
        // It fails when the thread has ended already.
        let _ = self.stop.send(Notice::Stop);
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        self.stop();
        let Some(thread) = self.thread.take() else {
            return;
        };
        let deadline = Instant::now() + END_TIMEOUT;
        while !thread.is_finished() {
            if Instant::now() >= deadline {
                // It reads from a file system that does not answer, and is left behind.
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
        // It has told of what it could; a panic of it must not become one of the server.
        let _ = thread.join();
    }
}

/// The state of the thread.
struct Keeper<T> {
    loaded: Loaded,
    pace: Pace,
    tell: T,
    to_self: Sender<Notice>,
    watch: Watch,
    /// When the files are to be read; set by notices.
    look_at: Option<Instant>,
    /// Files that somebody writes to, and since when there are any.
    writing: Vec<PathBuf>,
    writing_since: Option<Instant>,
    /// What the files are at fault with, and since when.
    fault: Option<(TlsError, Instant)>,
    /// The fault that the operator knows of.
    told: Option<TlsError>,
    is_unwatched: bool,
    poll_at: Instant,
    rotate_at: Instant,
}

impl<T: FnMut(News)> Keeper<T> {
    fn new(loaded: Loaded, pace: Pace, to_self: Sender<Notice>, tell: T) -> Self {
        let now = Instant::now();
        Self {
            loaded,
            pace,
            tell,
            to_self,
            watch: Watch::default(),
            look_at: Some(now),
            writing: Vec::new(),
            writing_since: None,
            fault: None,
            told: None,
            is_unwatched: false,
            poll_at: now + pace.poll,
            rotate_at: now + pace.rotation,
        }
    }

    fn run(mut self, notices: &Receiver<Notice>) {
        loop {
            let next = self.poll_at.min(self.rotate_at);
            let next = self.look_at.map_or(next, |at| at.min(next));
            match notices.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Notice::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(notice) => self.note(notice),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if self.look_at.is_some_and(|at| at <= now) && !self.leave_to_writer(now) {
                self.look_at = None;
                self.look(now);
            }
            if self.poll_at <= now {
                self.poll_at = now + self.pace.poll;
                self.look(now);
            }
            if self.rotate_at <= now {
                self.rotate_at = now + self.pace.rotation;
                self.rotate();
            }
        }
    }

    fn note(&mut self, notice: Notice) {
        let now = Instant::now();
        match notice {
            Notice::Writing(path) => {
                self.writing_since.get_or_insert(now);
                if !self.writing.contains(&path) {
                    self.writing.push(path);
                }
            }
            Notice::Changed(path) => {
                self.writing.retain(|other| *other != path);
            }
            Notice::Lost => {
                self.writing.clear();
                // Nothing is watched, so that the next look begins anew.
                self.watch = Watch::default();
            }
            Notice::Stop => {}
        }
        if self.writing.is_empty() {
            self.writing_since = None;
        }
        self.look_at = Some(now + self.pace.settle);
    }

    /// Puts the look off while a file is open for writing, but not for ever.
    fn leave_to_writer(&mut self, now: Instant) -> bool {
        let Some(since) = self.writing_since else {
            return false;
        };
        if now < since + self.pace.writing {
            self.look_at = Some(now + self.pace.settle);
            return true;
        }
        self.writing.clear();
        self.writing_since = None;
        false
    }

    /// Watches what decides now, if that is something else than before.
    fn watch_anew(&mut self) {
        let mut fault = None;
        for _ in 0..WATCH_ATTEMPTS {
            let places = Places::of(&self.loaded.files);
            if *self.watch.places() == places {
                break;
            }
            let (watch, result) = Watch::begin(places, &self.to_self);
            self.watch = watch;
            fault = Some(result.err());
        }
        // Otherwise all is as it was.
        let Some(fault) = fault else {
            return;
        };
        let was_unwatched = mem::replace(&mut self.is_unwatched, fault.is_some());
        if let Some(error) = fault
            && !was_unwatched
        {
            self.say(Line::Unwatched {
                reason: error.to_string(),
                poll: self.pace.poll,
            });
        }
    }

    /// Reads the files, and hands them on if they are new, whole and valid.
    fn look(&mut self, now: Instant) {
        self.watch_anew();
        let content = Content::of(&self.loaded.files);
        let is_new = content != self.loaded.content;
        if !is_new {
            self.fault = None;
            if self.told.take().is_some() {
                self.say(Line::Restored);
            }
            if !self.is_stale() {
                return;
            }
        }
        let result = self.loaded.tls.load();
        if Content::of(&self.loaded.files) != content {
            // They change while they are read: what was read may be half of each.
            self.look_at = Some(now + self.pace.settle);
            return;
        }
        match result {
            Ok(material) => {
                self.fault = None;
                self.told = None;
                self.loaded.content = content;
                self.loaded.set.material = Arc::new(material);
                (self.tell)(News::Set(self.loaded.set.clone()));
                if is_new {
                    self.say(Line::Renewed);
                }
                for warning in self.loaded.warnings().to_vec() {
                    self.say(Line::Warning(warning));
                }
            }
            Err(error) => self.refuse(error, now),
        }
    }

    /// Whether shards hand out something that has expired since it was read.
    fn is_stale(&self) -> bool {
        let stale_from = self.loaded.set.material.stale_from();
        stale_from.is_some_and(|from| from <= SystemTime::now())
    }

    /// Tells of a fault once it has lasted, and of each once.
    fn refuse(&mut self, error: TlsError, now: Instant) {
        let since = match &self.fault {
            Some((fault, since)) if *fault == error => *since,
            _ => now,
        };
        self.fault = Some((error.clone(), since));
        if now < since + self.pace.patience {
            let again = since + self.pace.patience;
            self.look_at = Some(self.look_at.map_or(again, |at| at.min(again)));
        } else if self.told.as_ref() != Some(&error) {
            self.told = Some(error.clone());
            self.say(Line::Refused(error));
        }
    }

    fn rotate(&mut self) {
        match self.loaded.set.tickets.rotate() {
            Ok(()) => (self.tell)(News::Set(self.loaded.set.clone())),
            Err(error) => {
                self.rotate_at = Instant::now() + self.pace.poll;
                self.say(Line::NotRotated(error));
            }
        }
    }

    fn say(&mut self, line: Line) {
        (self.tell)(News::Line(line));
    }
}
