//! Lines for the operator, from threads that must not wait for who reads them.
//!
//! Owns the one thread of a server that writes to standard error, the queue in front of it, and the
//! count of lines that found no room. A pipe that nobody empties stops that thread and nobody else.
//! Knows nothing of what the lines are about.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::limits::{JOURNAL_LINE_BYTES_MAX, JOURNAL_LINES_MAX};

thread_local! {
    static CURRENT: RefCell<Option<Journal>> = const { RefCell::new(None) };
}

/// Where lines go, for any thread. The writing thread ends with the last of these.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Entry {
    /// For standard error.
    Line(String),
    /// For standard output.
    Notice(&'static str),
    /// Everything before it is written when this is answered.
    Mark(Sender<()>),
}

impl Journal {
    /// Begins a journal that writes to the standard outputs of the process.
    ///
    /// # Errors
    ///
    /// Those of making a thread.
    pub(crate) fn start() -> io::Result<Self> {
        Self::writing_to(io::stderr(), io::stdout())
    }

    fn writing_to(
        errors: impl Write + Send + 'static,
        notices: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, entries) = mpsc::sync_channel(JOURNAL_LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        thread::Builder::new()
            .name("lanner-lines".to_owned())
            .spawn(move || write_all(&entries, &counted, errors, notices))?;
        Ok(Self { queue, lost })
    }

    /// Says one line on standard error. Never waits: a line that finds no room is counted instead.
    pub(crate) fn say(&self, line: impl fmt::Display) {
        self.put(Entry::Line(one_line(&line)));
    }

    /// The same with the time of day.
    pub(crate) fn say_now(&self, line: impl fmt::Display) {
        self.say(format_args!("{} {line}", now()));
    }

    /// Says one line on standard output, in its turn.
    pub(crate) fn notice(&self, line: &'static str) {
        self.put(Entry::Notice(line));
    }

    fn put(&self, entry: Entry) {
        if self.queue.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was said so far is written, no longer than `limit`.
    pub(crate) fn flush(&self, limit: Duration) {
        let (written, mark) = mpsc::channel();
        // A queue that is full stands still: nothing is to be waited for.
        if self.queue.try_send(Entry::Mark(written)).is_ok() {
            let _ = mark.recv_timeout(limit);
        }
    }

    /// Makes this the journal of the calling thread until the end of the thread.
    pub(crate) fn enter(self) {
        CURRENT.with(|current| current.replace(Some(self)));
    }
}

/// The journal of this thread, if it is a shard's.
fn current() -> Option<Journal> {
    CURRENT
        .try_with(|current| current.try_borrow().ok()?.clone())
        .ok()
        .flatten()
}

/// Says one line, with the time of day, in the journal of this thread; on standard error itself
/// where there is none, as nothing of ours runs there that must not wait.
pub(crate) fn say_now(line: impl fmt::Display) {
    match current() {
        Some(journal) => journal.say_now(line),
        None => say_directly(&mut io::stderr(), format_args!("{} {line}", now())),
    }
}

/// Lets a panic on a shard's thread be told in one line that the shard does not wait for, and any
/// other as before.
///
/// The hook of the standard library writes to standard error on the thread that panics: while
/// nobody empties a pipe behind it, a handler that panics stops its shard, and the drain with it.
/// The `lanner` command calls this first. A library does not take the hook of a program unasked, so
/// a program that serves should call it, once, behind any hook of its own. The line has place and
/// message, but no backtrace.
pub fn report_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match current() {
        Some(journal) => {
            let message = panic.payload_as_str().unwrap_or("no message");
            match panic.location() {
                Some(place) => journal.say_now(format_args!("panicked at {place}: {message}")),
                None => journal.say_now(format_args!("panicked: {message}")),
            }
        }
        None => before(panic),
    }));
}

/// Writes a line though nobody may read it, which is no reason to end.
pub(crate) fn say_directly(to: &mut impl Write, line: impl fmt::Display) {
    let _ = to.write_all(format!("lanner: {}\n", one_line(&line)).as_bytes());
}

fn now() -> httpdate::HttpDate {
    httpdate::HttpDate::from(SystemTime::now())
}

/// The text without control characters, which a peer may have put there, and not too long.
fn one_line(line: &impl fmt::Display) -> String {
    let mut text = String::new();
    for char in line.to_string().chars() {
        if text.len() >= JOURNAL_LINE_BYTES_MAX {
            text.push_str("...");
            break;
        }
        if char.is_control() {
            text.extend(char.escape_default());
        } else {
            text.push(char);
        }
    }
    text
}

fn write_all(
    entries: &Receiver<Entry>,
    lost: &AtomicU64,
    mut errors: impl Write,
    mut notices: impl Write,
) {
    for entry in entries {
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let line = format_args!(
                "{missing} lines were lost here: they came faster than they were read"
            );
            say_directly(&mut errors, line);
        }
        match entry {
            Entry::Line(line) => say_directly(&mut errors, line),
            Entry::Notice(line) => {
                let _ = notices.write_all(format!("{line}\n").as_bytes());
            }
            // Who asked may have gone away meanwhile.
            Entry::Mark(written) => drop(written.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;

    /// Keeps what is written, and takes nothing while the gate is locked.
    #[derive(Clone, Default)]
    struct Pipe {
        gate: Arc<Mutex<()>>,
        text: Arc<Mutex<Vec<u8>>>,
    }

    impl Pipe {
        fn text(&self) -> String {
            String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.text.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const HANG: Duration = Duration::from_secs(30);

    #[test]
    fn a_pipe_that_nobody_empties_stops_nobody_and_losses_are_said() {
        let pipe = Pipe::default();
        let shut = pipe.gate.lock().unwrap();
        let journal = Journal::writing_to(pipe.clone(), io::sink()).unwrap();
        for number in 0..JOURNAL_LINES_MAX * 3 {
            journal.say(format_args!("line {number}"));
        }
        // Nothing of it waits, and neither does this for longer than it is told to.
        journal.flush(Duration::from_millis(1));
        drop(shut);
        // There is room again once the first have been written.
        while journal.lost.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        journal.flush(HANG);
        let text = pipe.text();
        assert!(text.contains("lanner: line 0\n"), "{text}");
        let said = text
            .lines()
            .filter(|line| line.starts_with("lanner: line "))
            .count();
        let lost: usize = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("lanner: ")?
                    .split_once(" lines were lost")?
                    .0
                    .parse::<usize>()
                    .ok()
            })
            .sum();
        assert_eq!(said + lost, JOURNAL_LINES_MAX * 3);
        assert!(lost > 0);
    }

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let pipe = Pipe::default();
        let journal = Journal::writing_to(pipe.clone(), io::sink()).unwrap();
        journal.say("a\r\nlanner: forged\u{1b}[31m");
        journal.say("x".repeat(JOURNAL_LINE_BYTES_MAX * 2));
        journal.flush(HANG);
        let text = pipe.text();
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some("lanner: a\\r\\nlanner: forged\\u{1b}[31m")
        );
        assert!(lines.next().unwrap().len() < JOURNAL_LINE_BYTES_MAX + 20);
        assert_eq!(lines.next(), None);
    }

    /// As `/dev/full` and a closed pipe do.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn outputs_that_take_nothing_end_nothing() {
        let journal = Journal::writing_to(Broken, Broken).unwrap();
        journal.say("a line");
        journal.notice("a notice");
        journal.flush(HANG);
        let (written, mark) = mpsc::channel();
        journal.queue.send(Entry::Mark(written)).unwrap();
        assert!(mark.recv_timeout(HANG).is_ok(), "the thread has ended");
    }
}
