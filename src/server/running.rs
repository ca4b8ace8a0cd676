//! A server that runs: where it listens, how it is asked, how it ends.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::certificates::{Certificates, Loaded, News, Pace};
use super::error::StartError;
use super::roster::{Event, Roster};
use super::signals::{Signals, Stop};
use crate::features::{ServerAddresses, ServerFeatures};
use crate::journal::Journal;
use crate::net::UnixSocketFile;
use crate::shard::{Control, Stats};

/// How long requests may take to finish when the server stops, as Kestrel's host has it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the end waits for whoever reads the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a shard may take to let go of cut connections before it is left behind.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a shard may take to answer a question; it answers between two turns.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the end of the shards is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A server that accepts connections. Dropping it ends it at once.
#[derive(Debug)]
pub struct RunningServer {
    features: ServerFeatures,
    roster: Roster,
    files: Vec<UnixSocketFile>,
    certificates: Option<Certificates>,
    journal: Journal,
}

impl RunningServer {
    /// A server of these shards, which do not serve yet.
    pub(super) fn new(roster: Roster, files: Vec<UnixSocketFile>, journal: Journal) -> Self {
        Self {
            features: ServerFeatures::default(),
            roster,
            files,
            certificates: None,
            journal,
        }
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
        let set = tls.as_ref().map(|loaded| loaded.set().clone());
        if let Some(loaded) = tls {
            for warning in loaded.warnings() {
                self.journal.say(warning);
            }
            self.certificates = Some(self.keep_certificates(loaded)?);
        }
        self.roster.serve(features.clone(), set);
        self.features = features;
        Ok(())
    }

    fn keep_certificates(&self, loaded: Loaded) -> io::Result<Certificates> {
        let roster = self.roster.clone();
        let journal = self.journal.clone();
        Certificates::keep(loaded, Pace::default(), move |news| match news {
            News::Set(set) => roster.use_tls(set),
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
        let mut answers = Vec::new();
        self.roster.tell_each(|_| {
            let (reply, answer) = mpsc::channel();
            answers.push(answer);
            Control::Report(reply)
        });
        answers
            .into_iter()
            .filter_map(|answer| {
                let left = deadline.saturating_duration_since(Instant::now());
                answer.recv_timeout(left).ok()
            })
            .collect()
    }

    /// Whether every shard serves. A shard that has ended by itself is replaced within a moment; one
    /// that is not, because shards have ended too often or no other can be made, has the server drain:
    /// it is never healthy again, and is to be ended and started anew.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.roster.is_healthy()
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
    /// ends by itself and is not replaced.
    ///
    /// # Errors
    ///
    /// [`StartError::ShardEnded`], and [`StartError::CutOff`] if not all requests were done.
    pub(super) fn wait_for_signal(self, mut signals: Signals) -> Result<(), StartError> {
        let closer = signals.closer();
        let (event, events) = mpsc::channel();
        self.roster.tell(event.clone());
        let listener = thread::spawn(move || {
            while let Some(signal) = signals.wait() {
                // Nobody listens any more when the server has ended by itself.
                let _ = event.send(Event::Signal(signal));
            }
        });
        let outcome = self.wait_for_end(&events);
        closer.close();
        // It waits for nothing but signals, and has been told to stop.
        drop(listener.join());
        outcome
    }

    /// Waits for the first event, drains, and ends.
    fn wait_for_end(mut self, events: &Receiver<Event<Stop>>) -> Result<(), StartError> {
        if let Ok(Event::Signal(_)) = events.recv() {
            self.journal.notice("Application is shutting down...");
        }
        self.begin_drain();
        let finished = self.wait_until(Instant::now() + DRAIN_TIMEOUT, || {
            events.try_recv() == Ok(Event::Signal(Stop::AtOnce))
        });
        let cut_off = (!finished).then(|| self.cut_off());
        self.end();
        // A shard that has ended has cut off what it had, signal or not.
        self.roster.failure().or(cut_off).map_or(Ok(()), Err)
    }

    /// A socket file goes first, so that a successor can have its path while this one drains.
    fn begin_drain(&mut self) {
        self.files.clear();
        // There are no new connections that could want a new certificate. It is not waited for: a
        // second signal must be heard.
        if let Some(certificates) = &self.certificates {
            certificates.stop();
        }
        self.roster.drain();
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
            if self.roster.has_ended() {
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
        self.roster.stop();
        self.wait_until(Instant::now() + STOP_TIMEOUT, || false);
        self.roster.join();
        self.files.clear();
        self.journal.flush(FLUSH_TIMEOUT);
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if !self.roster.is_empty() {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests;
