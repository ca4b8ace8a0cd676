//! A server that runs: where it listens, how it is asked, how it ends.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::certificates::{Certificates, Loaded, News, Pace};
use super::error::StartError;
use super::signals::{Signals, Stop};
use crate::features::{ServerAddresses, ServerFeatures};
use crate::net::UnixSocketFile;
use crate::shard::shell::ShellError;
use crate::shard::{Control, Stats};
use crate::task::InboxSender;

/// How long requests may take to finish when the server stops, as Kestrel's host has it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

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
}

impl RunningServer {
    /// A server without shards.
    pub(super) fn new(files: Vec<UnixSocketFile>) -> Self {
        Self {
            features: ServerFeatures::default(),
            shards: Vec::new(),
            files,
            certificates: None,
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
                eprintln!("lanner: {warning}");
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
        Certificates::keep(loaded, Pace::default(), move |news| match news {
            News::Set(set) => {
                for inbox in &inboxes {
                    // A shard that has ended needs none.
                    drop(inbox.send(Control::Tls(set.clone())));
                }
            }
            News::Line(line) => eprintln!("lanner: {line}"),
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
            .filter_map(|answer| answer.recv_timeout(REPORT_TIMEOUT).ok())
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

    /// Serves until a signal, drains, and ends at once with the second one.
    pub(super) fn wait_for_signal(mut self, mut signals: Signals) {
        if signals.wait().is_none() {
            return;
        }
        println!("Application is shutting down...");
        self.begin_drain();
        let closer = signals.closer();
        let (second, cut) = mpsc::channel();
        let listener = thread::spawn(move || {
            while let Some(stop) = signals.wait() {
                if stop == Stop::AtOnce {
                    // Nobody listens any more when the server has ended by itself.
                    let _ = second.send(());
                }
            }
        });
        self.wait_until(Instant::now() + DRAIN_TIMEOUT, || cut.try_recv().is_ok());
        self.end();
        closer.close();
        // It waits for nothing but signals, and has been told to stop.
        drop(listener.join());
    }

    /// A socket file goes first, so that a successor can have its path while this one drains.
    fn begin_drain(&mut self) {
        self.files.clear();
        // There are no new connections that could want a new certificate.
        self.certificates = None;
        for shard in &self.shards {
            shard.tell(Control::Drain);
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
            if shard.thread.is_finished()
                && let Ok(Err(error)) = shard.thread.join()
            {
                eprintln!("lanner: a shard ended with an error: {error}");
            }
        }
        self.files.clear();
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        if !self.shards.is_empty() {
            self.end();
        }
    }
}
