//! The seam between a shard's driver and the thread that it lives on.
//!
//! Owns the thread: its name, its CPU, what else runs on it. Knows nothing of connections, rings
//! or requests. A [`Driver`] takes its turns and sleeps in its own ring; a shell gives it a thread
//! to do so, and, if the shell has an executor, gives that executor turns of its own.
//!
//! There are two, and a driver cannot tell them apart: a [glommio](ShellKind::Glommio) executor,
//! whose timers, channels and files handlers may use, and a [plain thread](ShellKind::Thread),
//! which shows what the executor costs.

#![forbid(unsafe_code)]

mod glommio;
mod pace;
mod spawned;
mod thread;

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

pub(crate) use self::glommio::ExecutorError;
pub use self::spawned::{NoExecutor, Panicked, Spawned, spawn_local};
use crate::task::contained;

/// What a shell drives: one shard.
pub(crate) trait Driver {
    /// Takes one turn of the shard's loop.
    ///
    /// Sleeps until there is something to do, but no longer than `bound`; with no bound, for as
    /// long as it likes. Does not sleep at all while [`crate::task::has_ready`].
    fn turn(&mut self, bound: Option<Duration>) -> Turn;
}

/// What a turn came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There will be another one.
    Continue,
    /// The shard has ended as it was told to.
    Finished,
    /// It has ended by itself, for this reason.
    Failed(String),
}

/// One turn. A panic in it is the end of the shard, not of its thread: who waits for the shard is to
/// hear of it, and what it has left is to be closed.
fn turn<D: Driver>(driver: &mut D, bound: Option<Duration>) -> Turn {
    match catch_unwind(AssertUnwindSafe(|| driver.turn(bound))) {
        Ok(turn) => turn,
        Err(panic) => Turn::Failed(panicked(panic)),
    }
}

/// What a panic says.
fn panicked(panic: Box<dyn Any + Send>) -> String {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .map_or_else(
            || "a panic".to_owned(),
            |text| format!("a panic, \"{text}\""),
        );
    // What it carries may be the application's, where that has spawned a task by glommio's own hand.
    let _: Option<()> = contained(|| drop(panic));
    said
}

/// On what kind of thread a shard lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ShellKind {
    /// A glommio executor: handlers may use everything that glommio offers.
    #[default]
    Glommio,
    /// A plain thread: handlers have what the shard gives them.
    Thread,
}

impl ShellKind {
    /// What the kernel locks for a shard beside its own ring, and the limit below which none
    /// starts.
    pub(crate) const fn locked_bytes(self) -> (u64, u64) {
        match self {
            Self::Glommio => (glommio::LOCKED, glommio::LOCKED_MIN),
            Self::Thread => (0, 0),
        }
    }

    /// The name in the feature table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Glommio => "glommio",
            Self::Thread => "thread",
        }
    }
}

/// Why a shard did not come to life, or has ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShellError<E> {
    /// The thread could not be bound to this CPU.
    Pin(usize),
    /// There is no executor.
    Executor(ExecutorError),
    /// The driver could not be made.
    Driver(E),
    /// It was alive and has ended by itself, for this reason.
    Ended(String),
}

impl<E: fmt::Display> fmt::Display for ShellError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin(cpu) => write!(
                f,
                "the shard cannot run on CPU {cpu}: it is absent or outside of the process's affinity mask"
            ),
            Self::Executor(error) => error.fmt(f),
            Self::Driver(error) => error.fmt(f),
            Self::Ended(reason) => f.write_str(reason),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ShellError<E> {}

/// Starts a thread called `name` on `cpu` (on any, if there is none) that makes a driver and gives
/// it turns until it has finished.
///
/// `make` runs on the new thread, where it may set up what belongs to one thread. The error of
/// this call is that no thread could be started; what went wrong on it is the thread's result, which
/// `ended` is told of as the last thing that the thread does, also when something in it has panicked.
pub(crate) fn spawn<D, E>(
    kind: ShellKind,
    cpu: Option<usize>,
    name: String,
    make: impl FnOnce() -> Result<D, E> + Send + 'static,
    ended: impl FnOnce(&Result<(), ShellError<E>>) + Send + 'static,
) -> io::Result<JoinHandle<Result<(), ShellError<E>>>>
where
    D: Driver + 'static,
    E: Send + 'static,
{
    Builder::new().name(name).spawn(move || {
        let run = || match (kind, cpu) {
            (_, Some(cpu)) if !is_allowed(cpu) => Err(ShellError::Pin(cpu)),
            (ShellKind::Glommio, _) => glommio::run(cpu, make),
            (ShellKind::Thread, _) => thread::run(cpu, make),
        };
        let result = catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|panic| Err(ShellError::Ended(panicked(panic))));
        ended(&result);
        result
    })
}

/// Whether this thread may run on `cpu`. Both ways of pinning panic or mislead if it may not.
fn is_allowed(cpu: usize) -> bool {
    core_affinity::get_core_ids().is_some_and(|cores| cores.iter().any(|core| core.id == cpu))
}

#[cfg(test)]
mod tests;
