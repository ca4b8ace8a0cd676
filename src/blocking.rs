//! Work that would hold a shard, on threads of its own.
//!
//! Owns one pool for the process: threads that are made when they are needed and end when they are
//! not, the bounded queue in front of them, and the future through which a shard gets the result.
//! Knows neither shards nor requests: the future may be awaited anywhere.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::limits::{BLOCKING_IDLE_TIME, BLOCKING_JOBS_MAX, BLOCKING_THREADS_MAX};
use crate::task::contained;

/// Runs `work` on a thread that may block, and gives its result to whoever awaits it.
///
/// For what would hold the shard: hashing a password, a synchronous database driver, a name to
/// resolve. There are at most 64 such threads in a process; work waits for one in the order in which it came. Work whose
/// future is dropped is not begun; once begun it runs to its end, and its result is dropped there.
///
/// The threads run on every CPU that the process may use, not on the shard's alone.
///
/// # Errors
///
/// By the future: [`BlockingError::Full`] when 1,024 others wait already, [`BlockingError::NoThread`] when the
/// system gives no thread, [`BlockingError::Panicked`] when the work panicked.
///
/// # Examples
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let sum: u64 = lanner::spawn_blocking(|| (0..10_000_000).sum()).await?;
/// # Ok(())
/// # }
/// ```
pub fn spawn_blocking<T, W>(work: W) -> Blocking<T>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    static POOL: Pool = Pool::new(Bounds {
        threads: BLOCKING_THREADS_MAX,
        jobs: BLOCKING_JOBS_MAX,
        idle: BLOCKING_IDLE_TIME,
    });
    POOL.run(work)
}

/// Why there is no result of [`spawn_blocking`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockingError {
    /// Too much work waits already: 503 is the honest answer.
    Full,
    /// The system gives no thread, and none is there.
    NoThread,
    /// The work panicked.
    Panicked,
}

impl fmt::Display for BlockingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too much blocking work waits already",
            Self::NoThread => "the system gives no thread for blocking work",
            Self::Panicked => "the blocking work panicked",
        })
    }
}

impl std::error::Error for BlockingError {}

/// The result of [`spawn_blocking`], once it is there.
#[must_use = "work whose future is dropped before it has begun is not done"]
pub struct Blocking<T>(Arc<Mutex<Progress<T>>>);

/// How far a piece of work has come.
enum Progress<T> {
    /// It waits or runs, and somebody may wait for it.
    Open(Option<Waker>),
    /// Its result, until it is taken.
    Done(Result<T, BlockingError>),
    /// Nobody wants its result any more, or somebody has it.
    Over,
}

impl<T> Future for Blocking<T> {
    type Output = Result<T, BlockingError>;

    /// # Panics
    ///
    /// When polled again after it has given its result.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Code of others, which may panic: nothing is locked yet.
        let waker = cx.waker().clone();
        let mut progress = lock(&self.0);
        match std::mem::replace(&mut *progress, Progress::Over) {
            Progress::Open(earlier) => {
                *progress = Progress::Open(Some(waker));
                drop(progress);
                drop(earlier);
                Poll::Pending
            }
            Progress::Done(result) => Poll::Ready(result),
            Progress::Over => panic!("the result was taken before"),
        }
    }
}

impl<T> Drop for Blocking<T> {
    fn drop(&mut self) {
        let progress = std::mem::replace(&mut *lock(&self.0), Progress::Over);
        // What it holds is code of others: it is dropped while nothing is locked.
        drop(progress);
    }
}

impl<T> fmt::Debug for Blocking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

/// A panic under a lock leaves what it guards whole: each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Job = Box<dyn FnOnce() + Send>;

/// What a pool may use.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    threads: usize,
    jobs: usize,
    idle: Duration,
}

struct Pool {
    bounds: Bounds,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Pool {
    const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            queue: Mutex::new(Queue {
                jobs: VecDeque::new(),
                threads: 0,
                idle: 0,
            }),
            arrived: Condvar::new(),
        }
    }

    fn run<T, W>(&'static self, work: W) -> Blocking<T>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let progress = Arc::new(Mutex::new(Progress::Open(None)));
        let shared = Arc::clone(&progress);
        let job = Box::new(move || {
            if matches!(*lock(&shared), Progress::Over) {
                return;
            }
            let result = contained(work).ok_or(BlockingError::Panicked);
            let mut progress = lock(&shared);
            let before = match &*progress {
                Progress::Open(_) => std::mem::replace(&mut *progress, Progress::Done(result)),
                // Dropped here, and contained as the whole job is.
                Progress::Done(_) | Progress::Over => Progress::Done(result),
            };
            drop(progress);
            if let Progress::Open(Some(waker)) = before {
                waker.wake();
            }
        });
        if let Err(error) = self.queue(job) {
            *lock(&progress) = Progress::Done(Err(error));
        }
        Blocking(progress)
    }

    /// Leaves a job for the next thread that is free, and makes one when there may be another.
    fn queue(&'static self, job: Job) -> Result<(), BlockingError> {
        let mut queue = lock(&self.queue);
        if queue.jobs.len() >= self.bounds.jobs {
            // What the work holds is dropped while nothing is locked.
            drop(queue);
            return Err(BlockingError::Full);
        }
        queue.jobs.push_back(job);
        if queue.idle >= queue.jobs.len() {
            self.arrived.notify_one();
            return Ok(());
        }
        if queue.threads < self.bounds.threads {
            let made = thread::Builder::new()
                .name("lanner-blocking".to_owned())
                .spawn(|| self.work());
            if made.is_ok() {
                queue.threads += 1;
            } else if queue.threads == 0 {
                let refused = queue.jobs.pop_back();
                drop(queue);
                drop(refused);
                return Err(BlockingError::NoThread);
            }
        }
        Ok(())
    }

    /// What a thread does until there has been nothing to do for a while.
    fn work(&self) {
        leave_the_shards_cpu();
        let mut queue = lock(&self.queue);
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                let _: Option<()> = contained(job);
                queue = lock(&self.queue);
                continue;
            }
            queue.idle += 1;
            let waited = self.arrived.wait_timeout(queue, self.bounds.idle);
            let timed_out;
            (queue, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
            if timed_out.timed_out() && queue.jobs.is_empty() {
                queue.threads -= 1;
                return;
            }
        }
    }
}

/// A thread begins on the CPUs of the one that has made it, and a shard's is pinned to its own. The
/// main thread's are those of the process.
fn leave_the_shards_cpu() {
    let main = i32::try_from(process::id()).map(Pid::from_raw);
    if let Ok(main) = main
        && let Ok(cpus) = sched_getaffinity(main)
    {
        // Refused: the work is done all the same, beside the shard's.
        let _refused = sched_setaffinity(Pid::from_raw(0), &cpus);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::task::Wake;

    use super::*;

    fn pool(threads: usize, jobs: usize, idle: Duration) -> &'static Pool {
        Box::leak(Box::new(Pool::new(Bounds {
            threads,
            jobs,
            idle,
        })))
    }

    /// Wakes a test that waits on its thread.
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn wait<F: Future>(future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            thread::park();
        }
    }

    /// Work that says when it has begun and ends when it is told to.
    fn held(pool: &'static Pool) -> (Blocking<()>, Receiver<()>, Sender<()>) {
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let work = pool.run(move || {
            begun.send(()).unwrap();
            // An error is the test's end, which releases as well.
            let _released = released.recv();
        });
        (work, has_begun, release)
    }

    #[test]
    fn results_come_in_whatever_order_they_are_awaited() {
        let pool = pool(2, 100, Duration::from_secs(60));
        let works: Vec<_> = (0..50_u64).map(|n| pool.run(move || n * n)).collect();
        for (n, work) in (0..50_u64).zip(works).collect::<Vec<_>>().into_iter().rev() {
            assert_eq!(wait(work), Ok(n * n));
        }
        assert!(lock(&pool.queue).threads <= 2);
    }

    #[test]
    fn work_beyond_the_bound_is_refused_and_room_comes_back() {
        let pool = pool(1, 1, Duration::from_secs(60));
        let (first, begun, release) = held(pool);
        begun.recv().unwrap();
        let waiting = pool.run(|| 1);
        assert_eq!(wait(pool.run(|| 2)), Err(BlockingError::Full));
        drop(release);
        assert_eq!((wait(first), wait(waiting)), (Ok(()), Ok(1)));
        assert_eq!(wait(pool.run(|| 3)), Ok(3));
    }

    #[test]
    fn a_panic_is_the_works_own() {
        struct Explosive;
        impl Drop for Explosive {
            fn drop(&mut self) {
                panic!("a test's panic");
            }
        }
        let pool = pool(1, 10, Duration::from_secs(60));
        let work = pool.run(|| -> u8 { panic!("a test's panic") });
        assert_eq!(wait(work), Err(BlockingError::Panicked));
        // A result that nobody takes is dropped on the thread, which goes on.
        let (first, begun, release) = held(pool);
        begun.recv().unwrap();
        let (dropped, is_dropped) = mpsc::channel::<()>();
        let unwanted = pool.run(move || {
            drop(dropped);
            Explosive
        });
        drop(release);
        is_dropped.recv().unwrap_err();
        // It panics here where the result has come already, and on the thread where it has not.
        let _: Option<()> = contained(|| drop(unwanted));
        assert_eq!((wait(first), wait(pool.run(|| 5))), (Ok(()), Ok(5)));
    }

    #[test]
    fn work_that_nobody_waits_for_is_not_begun() {
        let pool = pool(1, 10, Duration::from_secs(60));
        let (first, begun, release) = held(pool);
        begun.recv().unwrap();
        let (ran, has_run) = mpsc::channel();
        drop(pool.run(move || ran.send(()).unwrap()));
        drop(release);
        assert_eq!((wait(first), wait(pool.run(|| 5))), (Ok(()), Ok(5)));
        // The sender was dropped unused.
        has_run.recv().unwrap_err();
    }

    #[test]
    fn threads_end_when_there_is_nothing_to_do() {
        let pool = pool(3, 10, Duration::from_millis(1));
        assert_eq!(wait(pool.run(|| 5)), Ok(5));
        while lock(&pool.queue).threads > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(wait(pool.run(|| 6)), Ok(6));
    }
}
