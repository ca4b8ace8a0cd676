//! The thread's own view: which shard it is, which of its tasks are ready, who waits elsewhere.

#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Waker;

use super::bell::Bell;
use super::contain::contained;
use super::id::{ShardId, TaskId};
use super::registry::{self, Remote};

thread_local! {
    /// The shard that this thread is.
    static CURRENT: Cell<Option<&'static Remote>> = const { Cell::new(None) };
    /// This thread's share of its shard's count of foreign waits.
    static WAITS: Cell<isize> = const { Cell::new(0) };
    /// How often such a wait has begun on this thread.
    static REGISTRATIONS: Cell<u64> = const { Cell::new(0) };
    static READY: RefCell<ReadyList> = const { RefCell::new(ReadyList::new()) };
}

/// What is to be done with a waker that is not ours, which is code that is not ours.
#[derive(Debug)]
pub(super) enum Errand {
    Wake(Waker),
    Drop(Waker),
}

impl Errand {
    fn run(self) {
        let _: Option<()> = contained(|| match self {
            Self::Wake(waker) => waker.wake(),
            Self::Drop(waker) => drop(waker),
        });
    }
}

/// Tasks to poll, each at most once, in the order of their wakes; and the wakers of others.
struct ReadyList {
    order: Vec<TaskId>,
    errands: VecDeque<Errand>,
    /// By slot: the generation that is queued, plus one; zero for none.
    queued: Vec<u32>,
}

impl ReadyList {
    const fn new() -> Self {
        Self {
            order: Vec::new(),
            errands: VecDeque::new(),
            queued: Vec::new(),
        }
    }

    fn push(&mut self, task: TaskId) {
        if self.queued.len() <= task.slot() {
            self.queued.resize(task.slot() + 1, 0);
        }
        let mark = task.generation() + 1;
        if let Some(queued) = self.queued.get_mut(task.slot())
            && *queued != mark
        {
            // A stale generation may be queued beside the living one; never instead of it.
            *queued = mark;
            self.order.push(task);
        }
    }

    fn take(&mut self, into: &mut Vec<TaskId>) {
        for task in &self.order {
            if let Some(queued) = self.queued.get_mut(task.slot()) {
                *queued = 0;
            }
        }
        into.append(&mut self.order);
    }
}

/// Why a thread cannot become a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnterError {
    /// The thread is a shard already.
    AlreadyShard,
    /// All 65,536 shard numbers are in use.
    TooManyShards,
}

impl fmt::Display for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyShard => "this thread is a shard already",
            Self::TooManyShards => "all 65536 shard numbers of this process are in use",
        })
    }
}

impl std::error::Error for EnterError {}

/// The time during which this thread is a shard; ends when dropped.
///
/// Bound to its thread. From its end on, wakes for the shard's tasks do nothing; drop the task
/// slab before it, so that handlers being dropped still find their shard.
#[derive(Debug)]
pub(crate) struct ShardScope {
    id: ShardId,
    not_send: PhantomData<*const ()>,
}

impl ShardScope {
    /// Makes this thread a shard that other threads reach by `bell`.
    pub(super) fn enter(bell: Arc<Bell>) -> Result<Self, EnterError> {
        if CURRENT.get().is_some() {
            return Err(EnterError::AlreadyShard);
        }
        let remote = registry::open(bell).ok_or(EnterError::TooManyShards)?;
        CURRENT.set(Some(remote));
        Ok(Self {
            id: remote.id(),
            not_send: PhantomData,
        })
    }

    /// The shard's number.
    pub(crate) fn id(&self) -> ShardId {
        self.id
    }
}

impl Drop for ShardScope {
    fn drop(&mut self) {
        if let Some(remote) = CURRENT.take() {
            remote.add_waits(WAITS.take());
            remote.close();
        }
        // Absent only while the thread's storage is being torn down, list and all.
        let left = READY.try_with(|ready| ready.replace(ReadyList::new()));
        left.into_iter()
            .flat_map(|list| list.errands)
            .for_each(Errand::run);
    }
}

/// Whether this thread is `shard`.
pub(super) fn is_current(shard: ShardId) -> bool {
    CURRENT.get().is_some_and(|remote| remote.id() == shard)
}

/// Makes a task ready, from whichever thread this is.
pub(super) fn wake(task: TaskId) {
    if is_current(task.shard()) {
        let _ = READY.try_with(|ready| ready.borrow_mut().push(task));
    } else {
        registry::wake(task);
    }
}

/// Has an errand run where handlers are polled; at once, and contained, on a thread that is no shard.
pub(super) fn run_later(errand: Errand) {
    let mut errand = Some(errand);
    if current().is_some() {
        let _ = READY.try_with(|ready| ready.borrow_mut().errands.extend(errand.take()));
    }
    if let Some(errand) = errand {
        errand.run();
    }
}

/// Runs the errands that are there now.
#[cold]
fn run_errands(count: usize) {
    for _ in 0..count {
        let next = READY.try_with(|ready| ready.borrow_mut().errands.pop_front());
        if let Ok(Some(errand)) = next {
            errand.run();
        }
    }
}

/// Counts one who waits for something else than the shard.
pub(super) fn begin_foreign_wait(shard: ShardId) {
    if is_current(shard) {
        WAITS.set(WAITS.get() + 1);
        REGISTRATIONS.set(REGISTRATIONS.get().wrapping_add(1));
    } else {
        registry::add_waits(shard, 1);
    }
}

/// The opposite of [`begin_foreign_wait`], possibly on another thread.
pub(super) fn end_foreign_wait(shard: ShardId) {
    if is_current(shard) {
        WAITS.set(WAITS.get() - 1);
    } else {
        registry::add_waits(shard, -1);
    }
}

/// Puts the wakes that other threads have sent on the ready list.
pub(super) fn admit_foreign_wakes() {
    if let Some(remote) = CURRENT.get() {
        let _ = READY.try_with(|ready| {
            let mut ready = ready.borrow_mut();
            remote.drain_wakes(|task| ready.push(task));
        });
    }
}

/// The shard that this thread is.
pub(super) fn current() -> Option<ShardId> {
    CURRENT.get().map(Remote::id)
}

/// Moves the tasks that are to be polled to the end of `into`, in the order of their wakes.
///
/// A task is named once however often it was woken. Names of tasks that have ended may be among
/// them. Wakes during the polls that follow are for the next call.
///
/// Wakers that are not the shard's and wait to be woken or dropped are so first.
pub(crate) fn take_ready(into: &mut Vec<TaskId>) {
    let errands = READY.try_with(|ready| ready.borrow().errands.len());
    if let Ok(count @ 1..) = errands {
        run_errands(count);
    }
    let _ = READY.try_with(|ready| ready.borrow_mut().take(into));
}

/// Whether [`take_ready`] has anything to do: a shard must not sleep then.
pub(crate) fn has_ready() -> bool {
    READY
        .try_with(|ready| {
            let ready = ready.borrow();
            !ready.order.is_empty() || !ready.errands.is_empty()
        })
        .unwrap_or(false)
}

/// How many are waiting, for tasks of this thread's shard, on something that is not the shard's:
/// clones of its wakers, and [`ForeignWait`](super::ForeignWait)s. Zero on any other thread.
///
/// While it is not zero, whoever drives the shard must let the executor make progress.
pub(crate) fn foreign_waits() -> usize {
    let waits = CURRENT
        .get()
        .map_or(0, |remote| WAITS.get() + remote.waits());
    // The two shares are read one after the other: a clone that moves between threads meanwhile may
    // take the sum below zero for a moment.
    usize::try_from(waits).unwrap_or(0)
}

/// How many such waits have begun on this thread so far, wrapping: it changes whenever there is
/// something new that the executor has not seen.
pub(crate) fn foreign_registrations() -> u64 {
    REGISTRATIONS.get()
}
