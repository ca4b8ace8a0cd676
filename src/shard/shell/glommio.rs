//! The glommio executor: the driver is its first task, and its sleep.
//!
//! glommio would sleep in its own rings, and pays dearly for each sleep. So it never does: the
//! driver sleeps in the shard's ring, inside of a task that does not return to the executor. While
//! nobody waits for anything of glommio's, that is all, and the executor costs nothing.
//!
//! While somebody does ([`foreign_waits`]), the driver's sleeps are bounded, and between them it
//! awaits a timer of glommio's that is due by the time the executor has run out of runnable tasks.
//! A mere yield would not do: the executor looks at its timers, rings and channels only when
//! nothing is runnable, and the timer sees to it that it does not go to sleep there.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ::glommio::timer::Timer;
use ::glommio::{
    BuilderErrorKind, GlommioError, LocalExecutor, LocalExecutorBuilder, Placement,
    ReactorErrorKind,
};

use super::pace::Pace;
use super::{Driver, ShellError, Turn, panicked, turn};
use crate::ring::{locked_by_queues, when_unlocked};
use crate::task::{foreign_registrations, foreign_waits};

/// How long tasks that are always runnable may keep the driver waiting. Well above the driver's
/// longest bounded sleep: the timer is armed by each turn of the executor, and one that expired
/// during the sleep would cost another wake.
const PREEMPT: Duration = Duration::from_millis(10);

/// Registered memory of the executor's rings: the least that glommio takes.
const IO_MEMORY: usize = 64 << 10;

/// Entries of the submission queue of each of the executor's rings, and how many rings it has: one
/// page each way, for what handlers ask of glommio. What finds no room waits in the executor.
const RING_DEPTH: usize = 32;
const RINGS: u64 = 3;

/// The limit of locked memory below which glommio makes no executor, whatever is locked.
pub(super) const LOCKED_MIN: u64 = 512 << 10;

/// What an executor locks: its memory is registered with each of its rings.
pub(super) const LOCKED: u64 =
    RINGS * (IO_MEMORY as u64 + locked_by_queues(RING_DEPTH as u64, 2 * RING_DEPTH as u64));

/// Due by the time that the executor looks at its timers, but not yet when it is first polled.
const AT_ONCE: Duration = Duration::from_micros(1);

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is a shard with an executor.
pub(super) fn is_running() -> bool {
    RUNNING.get()
}

/// Why there is no glommio executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExecutorError {
    /// The process may lock this many bytes only.
    MemlockTooLow(u64),
    /// The kernel refused the executor's rings or threads with this error number.
    Refused(i32),
    /// Anything else that glommio reports without saying more.
    Unknown,
}

impl ExecutorError {
    /// Whether more locked memory would help.
    pub(crate) fn is_of_locked_memory(self) -> bool {
        matches!(self, Self::MemlockTooLow(_) | Self::Refused(libc::ENOMEM))
    }
}

impl fmt::Display for ExecutorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MemlockTooLow(limit) => write!(
                f,
                "a shard's executor must be able to lock 512 KiB of memory, the limit is {} KiB: raise it \
                 with `ulimit -l 512`, `LimitMEMLOCK=` of systemd or `--ulimit memlock=` of docker",
                limit >> 10
            ),
            Self::Refused(errno) => {
                let cure = match errno {
                    libc::EPERM | libc::EACCES => {
                        ": allow io_uring (sysctl kernel.io_uring_disabled=0, and a seccomp profile that lets it through)"
                    }
                    libc::ENOSYS | libc::EINVAL => ": the kernel is too old for io_uring",
                    libc::EMFILE => ": raise the limit of open files (ulimit -n)",
                    libc::ENOMEM => ": raise the limit of locked memory (ulimit -l)",
                    libc::EAGAIN => {
                        ": raise the limit of threads (ulimit -u, pids.max of the cgroup)"
                    }
                    _ => "",
                };
                let error = std::io::Error::from_raw_os_error(errno);
                write!(f, "the kernel refused a shard's executor, {error}{cure}")
            }
            Self::Unknown => f.write_str("a shard's executor could not be made"),
        }
    }
}

/// Drives as the first task of an executor on this thread, pinned to `cpu`.
pub(super) fn run<D: Driver + 'static, E: 'static>(
    cpu: Option<usize>,
    make: impl FnOnce() -> Result<D, E>,
) -> Result<(), ShellError<E>> {
    let is_short = |error: &ShellError<E>| {
        matches!(
            error,
            ShellError::Executor(ExecutorError::Refused(libc::ENOMEM))
        )
    };
    let executor = when_unlocked(|| executor(cpu), is_short)?;
    RUNNING.set(true);
    // A panic of the executor, as of a task that a handler has given it by glommio's own hand, leaves
    // the executor's tasks where they are: the driver must not be one of them.
    let place = Rc::new(RefCell::new(None));
    let driven = Rc::clone(&place);
    let run = || {
        executor.run(async move {
            *driven.borrow_mut() = Some(make().map_err(ShellError::Driver)?);
            drive(&driven).await
        })
    };
    let ended = catch_unwind(AssertUnwindSafe(run));
    RUNNING.set(false);
    let driver: Option<D> = place
        .try_borrow_mut()
        .ok()
        .and_then(|mut place| place.take());
    drop(driver);
    ended.unwrap_or_else(|panic| Err(ShellError::Ended(panicked(panic))))
}

fn executor<E>(cpu: Option<usize>) -> Result<LocalExecutor, ShellError<E>> {
    let placement = cpu.map_or(Placement::Unbound, Placement::Fixed);
    LocalExecutorBuilder::new(placement)
        .io_memory(IO_MEMORY)
        .ring_depth(RING_DEPTH)
        .preempt_timer(PREEMPT)
        .make()
        .map_err(|error| match (error, cpu) {
            (GlommioError::BuilderError(BuilderErrorKind::NonExistentCpus { cpu }), _) => {
                ShellError::Pin(cpu)
            }
            (GlommioError::ReactorError(ReactorErrorKind::MemLockLimit(limit, _)), _) => {
                ShellError::Executor(ExecutorError::MemlockTooLow(limit))
            }
            (GlommioError::IoError(error), _) => ShellError::Executor(refusal(&error)),
            _ => ShellError::Executor(ExecutorError::Unknown),
        })
}

/// What an I/O error of glommio's stands for.
fn refusal(error: &std::io::Error) -> ExecutorError {
    if let Some(errno) = error.raw_os_error() {
        return ExecutorError::Refused(errno);
    }
    // On its way the error of the limit becomes a text, `MemLockLimit(65536/524288)`.
    let text = error.to_string();
    let limit = text
        .strip_prefix("MemLockLimit(")
        .and_then(|rest| rest.split_once('/')?.0.parse().ok());
    limit.map_or(ExecutorError::Unknown, ExecutorError::MemlockTooLow)
}

/// Turns of the driver until it has finished, with turns of the executor between while anybody
/// waits for it.
async fn drive<D: Driver, E>(place: &RefCell<Option<D>>) -> Result<(), ShellError<E>> {
    let mut pace = Pace::new();
    let mut at_once = Timer::new(AT_ONCE);
    loop {
        let bound = (foreign_waits() > 0).then(|| {
            pace.observe(foreign_registrations());
            pace.sleep(Instant::now())
        });
        let turn = match &mut *place.borrow_mut() {
            Some(driver) => turn(driver, bound),
            None => Turn::Finished,
        };
        match turn {
            Turn::Continue => {}
            Turn::Finished => return Ok(()),
            Turn::Failed(reason) => return Err(ShellError::Ended(reason)),
        }
        if foreign_waits() > 0 {
            pace.observe(foreign_registrations());
            if pace.is_due(Instant::now()) {
                at_once.reset(AT_ONCE);
                (&mut at_once).await;
                pace.turned(Instant::now());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_in_words_is_still_told() {
        let words = std::io::Error::other("MemLockLimit(65536/524288)");
        assert_eq!(refusal(&words), ExecutorError::MemlockTooLow(65_536));
        let number = std::io::Error::from_raw_os_error(libc::EPERM);
        assert_eq!(refusal(&number), ExecutorError::Refused(libc::EPERM));
        let other = std::io::Error::other("else");
        assert_eq!(refusal(&other), ExecutorError::Unknown);
    }
}
