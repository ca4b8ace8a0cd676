//! A server that runs: where it listens, how it is asked, how it ends.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::certificates::{Certificates, Loaded, News, Pace};
use super::error::StartError;
use super::signals::{Signals, Stop};
use crate::features::{ServerAddresses, ServerFeatures};
use crate::journal::Journal;
use crate::net::UnixSocketFile;
use crate::ring::SetupError;
use crate::shard::shell::ShellError;
use crate::shard::{Control, Stats};
use crate::task::InboxSender;

/// How long requests may take to finish when the server stops, as Kestrel's host has it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the end waits for whoever reads the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the server looks whether all of its shards are alive.
const SHARD_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// How long a shard may take to let go of cut connections before it is left behind.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a shard may take to answer a question; it answers between two turns.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the end of the shards is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A shard's thread, and how it ended.
type ShardThread = JoinHandle<Result<(), ShellError<StartError>>>;

/// A shard as the server's thread sees it.
#[derive(Debug)]
pub(super) struct ShardHandle {
    inbox: InboxSender<Control>,
    thread: ShardThread,
}

impl ShardHandle {
    pub(super) fn new(inbox: InboxSender<Control>, thread: ShardThread) -> Self {
        Self { inbox, thread }
    }

    /// Sends a message; a shard that has ended needs none.
    pub(super) fn tell(&self, message: Control) {
        drop(self.inbox.send(message));
    }

    /// Why a thread ended before there was a shard.
    pub(super) fn end_of(thread: ShardThread) -> StartError {
        match thread.join() {
            Ok(Err(ShellError::Driver(error))) => error,
            Ok(Err(ShellError::Executor(error))) if error.is_of_locked_memory() => {
                StartError::Ring(SetupError::OutOfMemory)
            }
            Ok(Err(error)) => StartError::Shard(io::Error::other(error.to_string())),
            Ok(Ok(())) | Err(_) => StartError::Shard(io::Error::other("its thread ended early")),
        }
    }
}

/// A server that accepts connections. Dropping it ends it at once.
#[derive(Debug)]
pub struct RunningServer {
    features: ServerFeatures,
    shards: Vec<ShardHandle>,
    files: Vec<UnixSocketFile>,
    certificates: Option<Certificates>,
    journal: Journal,
}

impl RunningServer {
    /// A server without shards.
    pub(super) fn new(files: Vec<UnixSocketFile>, journal: Journal) -> Self {
        Self {
            features: ServerFeatures::default(),
            shards: Vec::new(),
            files,
            certificates: None,
            journal,
        }
    }

    /// Adds a shard that waits to serve.
    pub(super) fn add(&mut self, shard: ShardHandle) {
        self.shards.push(shard);
    }

    /// Completes the server's table and lets every shard accept, once it has its certificates,
    /// which are watched from now on.
    ///
    /// # Errors
    ///
    /// [`StartError::Shard`] when the thread that watches cannot be made.
    pub(super) fn serve(
        &mut self,
        features: ServerFeatures,
        tls: Option<Loaded>,
    ) -> Result<(), StartError> {
        if let Some(loaded) = tls {
            for warning in loaded.warnings() {
                self.journal.say(warning);
            }
            for shard in &self.shards {
                shard.tell(Control::Tls(loaded.set().clone()));
            }
            self.certificates = Some(self.keep_certificates(loaded)?);
        }
        for (index, shard) in self.shards.iter().enumerate() {
            shard.tell(Control::Serve(Box::new(features.on_shard(index))));
        }
        self.features = features;
        Ok(())
    }

    fn keep_certificates(&self, loaded: Loaded) -> io::Result<Certificates> {
        let inboxes: Vec<_> = self
            .shards
            .iter()
            .map(|shard| shard.inbox.clone())
            .collect();
        let journal = self.journal.clone();
        Certificates::keep(loaded, Pace::default(), move |news| match news {
            News::Set(set) => {
                for inbox in &inboxes {
                    // A shard that has ended needs none.
                    drop(inbox.send(Control::Tls(set.clone())));
                }
            }
            News::Line(line) => journal.say(line),
        })
    }

    /// The addresses as bound.
    #[must_use]
    pub fn addresses(&self) -> &ServerAddresses {
        self.features.addresses()
    }

    /// The server's table, as requests see it.
    #[must_use]
    pub fn features(&self) -> &ServerFeatures {
        &self.features
    }

    /// How things stand on each shard, as of now. A shard that has ended or does not answer within
    /// five seconds is left out.
    #[must_use]
    pub fn stats(&self) -> Vec<Stats> {
        self.ask_shards(REPORT_TIMEOUT)
    }

    fn ask_shards(&self, limit: Duration) -> Vec<Stats> {
        let deadline = Instant::now() + limit;
        let answers: Vec<_> = self
            .shards
            .iter()
            .map(|shard| {
                let (reply, answer) = mpsc::channel();
                shard.tell(Control::Report(reply));
                answer
            })
            .collect();
        answers
            .into_iter()
            .filter_map(|answer| {
                let left = deadline.saturating_duration_since(Instant::now());
                answer.recv_timeout(left).ok()
            })
            .collect()
    }

    /// Stops accepting, lets requests finish for up to `limit`, then cuts off the rest. Returns
    /// whether all of them finished.
    pub fn shut_down(mut self, limit: Duration) -> bool {
        self.begin_drain();
        let finished = self.wait_until(Instant::now() + limit, || false);
        self.end();
        finished
    }

    /// Serves until a signal, drains, and ends at once with the second one. The same when a shard
    /// ends by itself: the others let their requests finish.
    ///
    /// # Errors
    ///
    /// [`StartError::ShardEnded`], and [`StartError::CutOff`] if not all requests were done.
    pub(super) fn wait_for_signal(mut self, mut signals: Signals) -> Result<(), StartError> {
        let closer = signals.closer();
        let (stop, stops) = mpsc::channel();
        let listener = thread::spawn(move || {
            while let Some(signal) = signals.wait() {
                // Nobody listens any more when the server has ended by itself.
                let _ = stop.send(signal);
            }
        });
        let outcome = self.wait_for_stop(&stops);
        match &outcome {
            Ok(()) => self.journal.notice("Application is shutting down..."),
            // Why is the last line, the caller's; this one says what happens until then.
            Err(_) => self
                .journal
                .say("a shard has ended by itself; the others let their requests finish"),
        }
        self.begin_drain();
        let finished = self.wait_until(Instant::now() + DRAIN_TIMEOUT, || {
            stops.try_recv() == Ok(Stop::AtOnce)
        });
        let outcome = match outcome {
            Ok(()) if !finished => Err(self.cut_off()),
            other => other,
        };
        self.end();
        closer.close();
        // It waits for nothing but signals, and has been told to stop.
        drop(listener.join());
        outcome
    }

    /// Waits for a signal, or for a shard to end though nobody has asked it to.
    fn wait_for_stop(&self, stops: &Receiver<Stop>) -> Result<(), StartError> {
        loop {
            match stops.recv_timeout(SHARD_CHECK_INTERVAL) {
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let mut shards = self.shards.iter();
            if let Some(index) = shards.position(|shard| shard.thread.is_finished()) {
                return Err(StartError::ShardEnded { index });
            }
        }
    }

    /// A socket file goes first, so that a successor can have its path while this one drains.
    fn begin_drain(&mut self) {
        self.files.clear();
        // There are no new connections that could want a new certificate. It is not waited for: a
        // second signal must be heard.
        if let Some(certificates) = &self.certificates {
            certificates.stop();
        }
        for shard in &self.shards {
            shard.tell(Control::Drain);
        }
    }

    /// What the end is about to cut off; nobody waits long for a shard that does not answer.
    fn cut_off(&self) -> StartError {
        let stats = self.ask_shards(STOP_TIMEOUT);
        StartError::CutOff {
            requests: stats.iter().map(|stats| stats.handlers).sum(),
            connections: stats.iter().map(|stats| stats.connections_open).sum(),
        }
    }

    /// Waits for all shards to end; false when `deadline` or `cut` came first.
    fn wait_until(&self, deadline: Instant, mut cut: impl FnMut() -> bool) -> bool {
        loop {
            if self.shards.iter().all(|shard| shard.thread.is_finished()) {
                return true;
            }
            if Instant::now() >= deadline || cut() {
                return false;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Ends every shard. One whose handler does not yield is left behind with its thread.
    fn end(&mut self) {
        self.certificates = None;
        for shard in &self.shards {
            shard.tell(Control::Stop);
        }
        self.wait_until(Instant::now() + STOP_TIMEOUT, || false);
        for shard in self.shards.drain(..) {
            if !shard.thread.is_finished() {
                continue;
            }
            match shard.thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self
                    .journal
                    .say(format_args!("a shard ended with an error: {error}")),
                Err(_) => self.journal.say("a shard ended by a panic"),
            }
        }
        self.files.clear();
        self.journal.flush(FLUSH_TIMEOUT);
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if !self.shards.is_empty() {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::task::Inbox;

    #[test]
    fn a_shard_that_ends_by_itself_is_noticed_and_a_signal_is_no_fault() {
        let (stop, stops) = mpsc::channel();
        let mut server = RunningServer::new(Vec::new(), Journal::start().unwrap());
        let (mut inboxes, mut living) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let inbox = Inbox::new().unwrap();
            let (release, released) = mpsc::channel::<()>();
            let thread = thread::spawn(move || {
                // Lives until its sender is gone.
                let _ = released.recv();
                Ok(())
            });
            server.add(ShardHandle::new(inbox.sender(), thread));
            inboxes.push(inbox);
            living.push(release);
        }
        stop.send(Stop::Drain).unwrap();
        assert!(server.wait_for_stop(&stops).is_ok());
        drop(living.pop());
        let error = server.wait_for_stop(&stops).unwrap_err();
        assert!(
            matches!(error, StartError::ShardEnded { index: 1 }),
            "{error}"
        );
        living.clear();
    }
}
