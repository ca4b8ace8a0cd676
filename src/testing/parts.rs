//! The parts of a shard by themselves, for benchmarks.
//!
//! Owns plain doors to the timer wheel, the pool of receive buffers, the wakers of handlers and the
//! reader of request targets: numbers and bytes in, a number out. Knows no connection and no loop.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::buf::Pool;
use crate::http::Method;
use crate::http::target::{Target, decode_path, scan};
use crate::shard::Wheel;
use crate::task::{Inbox, Parked, Polled, ShardScope, TaskId, TaskSlab, take_ready};

/// Reads one request target after another into the same memory.
#[derive(Debug, Default)]
pub struct TargetReader {
    decoded: Vec<u8>,
}

impl TargetReader {
    /// Reads the target of a GET as a head that is being parsed does, and says how many bytes its
    /// path has once decoded. `None` when it is refused.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<usize> {
        let (length, seen) = scan(text);
        if length != text.len() {
            return None;
        }
        let target = Target::of_scanned(Method::Get, text, seen).ok()?;
        let path = target.path.of(text);
        if !target.is_encoded {
            return Some(path.len());
        }
        decode_path(path, &mut self.decoded).ok()?;
        Some(self.decoded.len())
    }
}

/// A wheel that timers are set on.
#[derive(Debug)]
pub struct Timers {
    wheel: Wheel,
    now: u64,
    expired: Vec<u64>,
}

impl Timers {
    /// A wheel with as many timers far ahead as a shard with so many idle connections has.
    #[must_use]
    pub fn new(idle: u64) -> Self {
        let mut wheel = Wheel::new(0);
        for key in 0..idle {
            wheel.insert(130_000 + key, key);
        }
        Self {
            wheel,
            now: 0,
            expired: Vec::new(),
        }
    }

    /// Sets `count` timers of `milliseconds` and takes each back. Says how many were there to take.
    #[inline]
    pub fn set_and_cancel(&mut self, count: u64, milliseconds: u64) -> u64 {
        let mut cancelled = 0;
        for key in 0..count {
            let timer = self.wheel.insert(self.now + milliseconds, key);
            cancelled += u64::from(self.wheel.cancel(timer));
        }
        cancelled
    }

    /// Sets a timer of `milliseconds` in each of `turns` turns, a millisecond apart, and says how
    /// many have fired.
    #[inline]
    pub fn set_and_fire(&mut self, turns: u64, milliseconds: u64) -> usize {
        let mut fired = 0;
        for key in 0..turns {
            self.wheel.insert(self.now + milliseconds, key);
            self.now += 1;
            self.wheel.advance(self.now, &mut self.expired);
            fired += self.expired.drain(..).count();
        }
        fired
    }
}

/// The receive buffers of a shard.
pub struct Buffers {
    pool: Pool,
}

impl Buffers {
    /// As many as `count`, of `bytes` each.
    ///
    /// # Panics
    /// When the process is out of memory.
    #[must_use]
    pub fn new(count: u32, bytes: u32) -> Self {
        let pool = Pool::new(count, bytes).expect("a pool of this size can be made");
        Self { pool }
    }

    /// Receives `bytes` and cuts them in two, `count` times; both halves are dropped before the next
    /// time. Says how many bytes came in all.
    #[inline]
    pub fn receive(&self, count: usize, bytes: &[u8]) -> usize {
        let mut received = 0;
        for _ in 0..count {
            let Some(mut slice) = self.pool.fill(bytes) else {
                return received;
            };
            let front = slice.split_to(bytes.len() / 2);
            received += front.len() + slice.len();
        }
        received
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

/// How a handler that waits is remembered by what will wake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// By the name of its task, as everything of the shard's does.
    ByName,
    /// By a clone of its waker, as everybody else does.
    ByClone,
}

/// Handlers of a shard, all of which wait.
pub struct WaitingHandlers {
    waits: Vec<Rc<Wait>>,
    ready: Vec<TaskId>,
    /// Before the scope: handlers that are dropped must still find their shard.
    tasks: TaskSlab<Waiting>,
    _scope: ShardScope,
    _inbox: Inbox<()>,
}

/// What one handler waits for.
struct Wait {
    remembered: Remembered,
    parked: Cell<Option<Parked>>,
    waker: Cell<Option<Waker>>,
}

/// A handler that goes on waiting whenever it is woken.
struct Waiting(Rc<Wait>);

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.remembered {
            Remembered::ByName => self.0.parked.set(Some(Parked::from_context(cx))),
            Remembered::ByClone => self.0.waker.set(Some(cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl WaitingHandlers {
    /// So many handlers of a shard that the calling thread becomes.
    ///
    /// # Panics
    /// When the thread is a shard already, or the process is out of descriptors.
    #[must_use]
    pub fn new(count: usize, remembered: Remembered) -> Self {
        let inbox = Inbox::new().expect("an eventfd can be had");
        let scope = inbox.enter().expect("no other shard is on this thread");
        let mut tasks = TaskSlab::new(scope.id());
        let waits = (0..count).map(|_| {
            Rc::new(Wait {
                remembered,
                parked: Cell::new(None),
                waker: Cell::new(None),
            })
        });
        let waits: Vec<_> = waits.collect();
        for wait in &waits {
            let polled = tasks.run(|| Waiting(Rc::clone(wait)));
            assert_eq!(polled, Some(Polled::Pending), "it waits");
        }
        Self {
            waits,
            ready: Vec::new(),
            tasks,
            _scope: scope,
            _inbox: inbox,
        }
    }

    /// Wakes every handler, polls those that are ready, and says how many were.
    #[inline]
    pub fn wake_and_poll(&mut self) -> usize {
        for wait in &self.waits {
            if let Some(parked) = wait.parked.take() {
                parked.wake();
            }
            if let Some(waker) = wait.waker.take() {
                waker.wake();
            }
        }
        take_ready(&mut self.ready);
        let woken = self.ready.drain(..);
        woken
            .filter(|task| self.tasks.poll(*task) == Polled::Pending)
            .count()
    }
}

impl fmt::Debug for WaitingHandlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingHandlers").finish_non_exhaustive()
    }
}
