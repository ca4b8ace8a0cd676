//! What both shells owe to handlers, and what glommio's owes to those that use glommio.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::mpsc::{self, Sender};
use std::task::Poll;
use std::time::Instant;
use std::{env, fs, process, thread as threads};

use ::glommio::channels::local_channel;
use ::glommio::io::BufferedFile;
use ::glommio::timer;

use super::*;
use crate::task::{
    Inbox, Polled, ShardScope, TaskId, TaskSlab, foreign_waits, has_ready, take_ready,
};

mod ending;

type Handler = Pin<Box<dyn Future<Output = ()>>>;

/// Where a lost wake would let a shard sleep for ever, it ends after this long.
const TOO_LONG: Duration = Duration::from_secs(20);

/// A shard without a ring: it sleeps until a task is ready, its inbox rings or the bound is over.
struct Stub {
    slab: TaskSlab<Handler>,
    arriving: Vec<Handler>,
    started: Instant,
    report: Report,
    ended: Sender<Report>,
    inbox: Inbox<()>,
    // Last, so that the handlers are dropped before the shard ends.
    _scope: ShardScope,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Report {
    panicked: usize,
    unfinished: usize,
    turns_without_bound: usize,
    turns_with_bound: usize,
}

impl Stub {
    fn new(handlers: Vec<Handler>, ended: Sender<Report>) -> Self {
        let inbox = Inbox::new().unwrap();
        let scope = inbox.enter().unwrap();
        Self {
            slab: TaskSlab::new(scope.id()),
            arriving: handlers,
            started: Instant::now(),
            report: Report::default(),
            ended,
            inbox,
            _scope: scope,
        }
    }

    fn sleep(&mut self, bound: Option<Duration>) {
        let fell_asleep = Instant::now();
        let bound = bound.unwrap_or(TOO_LONG);
        let awake = |stub: &Self| has_ready() || stub.inbox.is_rung() || stub.is_done();
        while !awake(self) && fell_asleep.elapsed() < bound {
            threads::sleep(Duration::from_micros(20));
        }
        self.inbox.drain(&mut Vec::new());
    }

    /// Whether all handlers and all that they have spawned have ended.
    fn is_done(&self) -> bool {
        self.arriving.is_empty() && self.slab.len() == 0 && foreign_waits() == 0
    }

    fn poll(&mut self, task: TaskId) {
        if self.slab.poll(task) == Polled::Panicked {
            self.report.panicked += 1;
        }
    }
}

impl Driver for Stub {
    fn turn(&mut self, bound: Option<Duration>) -> Turn {
        match bound {
            Some(_) => self.report.turns_with_bound += 1,
            None => self.report.turns_without_bound += 1,
        }
        if self.arriving.is_empty() {
            self.sleep(bound);
        }
        for handler in self.arriving.drain(..).collect::<Vec<_>>() {
            let task = self.slab.spawn(handler).unwrap();
            self.poll(task);
        }
        let mut ready = Vec::new();
        take_ready(&mut ready);
        for task in ready {
            self.poll(task);
        }
        if self.is_done() || self.started.elapsed() > TOO_LONG {
            self.report.unfinished = self.slab.len();
            self.ended.send(self.report).unwrap();
            return Turn::Finished;
        }
        Turn::Continue
    }
}

/// Runs handlers on a shard until they and all that they spawned have ended. Returns what they
/// have noted, and how the shard did.
fn run(
    kind: ShellKind,
    handlers: impl FnOnce(Sender<&'static str>) -> Vec<Handler> + Send + 'static,
) -> (Vec<&'static str>, Report) {
    let (note, notes) = mpsc::channel();
    let (ended, report) = mpsc::channel();
    let shard = spawn(
        kind,
        None,
        "shard".into(),
        move || Ok::<_, &str>(Stub::new(handlers(note), ended)),
        |_| (),
    );
    shard.unwrap().join().unwrap().unwrap();
    (notes.iter().collect(), report.recv().unwrap())
}

/// Runs one handler on the glommio shell and demands that it came to its end.
fn finishes<F: Future<Output = ()> + 'static>(make: impl FnOnce() -> F + Send + 'static) {
    let (notes, report) = run(ShellKind::Glommio, |note| {
        let handler = make();
        vec![Box::pin(async move {
            handler.await;
            note.send("finished").unwrap();
        })]
    });
    assert_eq!(notes, ["finished"]);
    assert_eq!((report.panicked, report.unfinished), (0, 0));
}

#[test]
fn both_shells_drive_handlers_that_know_nothing_of_them() {
    for kind in [ShellKind::Glommio, ShellKind::Thread] {
        let (notes, report) = run(kind, |note| {
            let mut left = 1_000;
            let yielding = poll_fn(move |cx| {
                left -= 1;
                cx.waker().wake_by_ref();
                if left == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            });
            vec![
                Box::pin(async { panic!("in a handler") }),
                Box::pin(async move {
                    yielding.await;
                    note.send(threads::current().name().map_or("", |_| "named"))
                        .unwrap();
                }),
            ]
        });
        assert_eq!(notes, ["named"], "{kind:?}");
        // No clone of a waker, so no bound: the executor was never given a turn.
        assert_eq!(report.turns_with_bound, 0, "{kind:?}");
        assert_eq!((report.panicked, report.unfinished), (1, 0), "{kind:?}");
    }
}

#[test]
fn both_shells_are_woken_by_other_threads() {
    for kind in [ShellKind::Glommio, ShellKind::Thread] {
        let (notes, report) = run(kind, |note| {
            let mut asked = false;
            let answered = poll_fn(move |cx| {
                if asked {
                    return Poll::Ready(());
                }
                asked = true;
                let waker = cx.waker().clone();
                threads::spawn(move || {
                    threads::sleep(Duration::from_millis(2));
                    waker.wake();
                });
                Poll::Pending
            });
            vec![Box::pin(async move {
                answered.await;
                note.send("answered").unwrap();
            })]
        });
        assert_eq!(notes, ["answered"], "{kind:?}");
        assert_eq!(report.unfinished, 0, "{kind:?}");
    }
}

#[test]
fn a_glommio_timer_wakes_its_handler_and_not_early() {
    finishes(|| async {
        let slept = Duration::from_millis(5);
        let started = Instant::now();
        timer::sleep(slept).await;
        assert!(started.elapsed() >= slept);
    });
}

#[test]
fn a_glommio_channel_wakes_its_handler() {
    finishes(|| async {
        let (sender, receiver) = local_channel::new_bounded(1);
        let sending = spawn_local(async move {
            for n in 0..10 {
                timer::sleep(Duration::from_micros(300)).await;
                sender.send(n).await.unwrap();
            }
        });
        for n in 0..10 {
            assert_eq!(receiver.recv().await, Some(n));
        }
        assert_eq!(sending.unwrap().await, Ok(()));
    });
}

#[test]
fn a_glommio_file_wakes_its_handler() {
    let path = env::temp_dir().join(format!("lanner-shell-{}", process::id()));
    fs::write(&path, b"from a file").unwrap();
    let opened = path.clone();
    finishes(|| async {
        let file = BufferedFile::open(opened).await.unwrap();
        assert_eq!(&*file.read_at(5, 6).await.unwrap(), b"a file");
        file.close().await.unwrap();
    });
    fs::remove_file(path).unwrap();
}

#[test]
fn blocking_work_wakes_its_handler() {
    finishes(|| async {
        let blocking = ::glommio::executor().spawn_blocking(|| {
            threads::sleep(Duration::from_millis(3));
            7
        });
        assert_eq!(blocking.await, 7);
    });
}

#[test]
fn a_spawned_task_goes_on_though_nobody_waits_for_it() {
    let (notes, report) = run(ShellKind::Glommio, |note| {
        vec![Box::pin(async move {
            let spawned = spawn_local(async move {
                for _ in 0..3 {
                    timer::sleep(Duration::from_millis(1)).await;
                    note.send("step").unwrap();
                }
            });
            drop(spawned.unwrap());
        })]
    });
    assert_eq!(notes, ["step"; 3]);
    assert_eq!((report.panicked, report.unfinished), (0, 0));
}

#[test]
fn a_spawned_task_that_panics_tells_only_who_awaits_it() {
    finishes(|| async {
        let panics = spawn_local(async { panic!("in a spawned task") });
        assert_eq!(panics.unwrap().await, Err(Panicked));
    });
}

#[test]
fn nothing_is_spawned_without_an_executor() {
    assert_eq!(spawn_local(async {}).err(), Some(NoExecutor));
    let (notes, _) = run(ShellKind::Thread, |note| {
        vec![Box::pin(async move {
            let refused = spawn_local(async {}).is_err();
            note.send(if refused { "refused" } else { "spawned" })
                .unwrap();
        })]
    });
    assert_eq!(notes, ["refused"]);
}

#[test]
fn what_keeps_a_shard_from_starting_is_its_threads_result() {
    for kind in [ShellKind::Glommio, ShellKind::Thread] {
        let failing = spawn(
            kind,
            None,
            "shard".into(),
            || Err::<Stub, _>("no ring"),
            |_| (),
        );
        let error = failing.unwrap().join().unwrap().unwrap_err();
        assert_eq!(error, ShellError::Driver("no ring"), "{kind:?}");

        let absent = spawn(
            kind,
            Some(100_000),
            "shard".into(),
            || Err::<Stub, _>("made"),
            |_| (),
        );
        let error = absent.unwrap().join().unwrap().unwrap_err();
        assert_eq!(error, ShellError::Pin(100_000), "{kind:?}");
    }
}

#[test]
fn a_shard_runs_on_its_cpu() {
    let cpu = core_affinity::get_core_ids().unwrap()[0].id;
    for kind in [ShellKind::Glommio, ShellKind::Thread] {
        let pinned = spawn(
            kind,
            Some(cpu),
            "shard".into(),
            || {
                let allowed = core_affinity::get_core_ids().unwrap();
                Err::<Stub, _>(allowed.iter().map(|core| core.id).collect::<Vec<_>>())
            },
            |_| (),
        );
        let error = pinned.unwrap().join().unwrap().unwrap_err();
        assert_eq!(error, ShellError::Driver(vec![cpu]), "{kind:?}");
    }
}

#[test]
fn the_memlock_error_names_cause_and_cure() {
    let error = ShellError::<&str>::Executor(ExecutorError::MemlockTooLow(65_536));
    let text = error.to_string();
    assert!(
        text.contains("64 KiB") && text.contains("ulimit -l"),
        "{text}"
    );
}
