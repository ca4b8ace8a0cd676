//! The futures of a shard's tasks, each in place in a slot that never moves.

use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll};

use super::contain::contained;
use super::id::{SLOTS_MAX, ShardId, TaskId, next_generation};
use super::waker;

/// Slots that are allocated together.
const CHUNK: usize = 64;

/// What polling a task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    /// It goes on; its waker will name it again.
    Pending,
    /// It is done and dropped.
    Ready,
    /// Its poll, or the drop of the finished future, panicked. It is dropped.
    Panicked,
    /// There is no such task (any more).
    Stale,
}

/// Tasks of one shard, all of the same type, so that none needs a box of its own.
///
/// Memory grows by chunks of 64 slots to the most tasks that ever lived at once and is kept: a
/// task that takes a slot over allocates nothing. A future stays where it was spawned until it is
/// dropped there, which is what pinning it asks for.
#[derive(Debug)]
pub(crate) struct TaskSlab<F> {
    shard: ShardId,
    /// State by slot, apart from the futures: it needs no unsafe code and lies densely.
    slots: Vec<Slot>,
    /// Each points to `CHUNK` places; the place of a slot is initialised exactly while it is live.
    chunks: Vec<NonNull<[MaybeUninit<F>]>>,
    /// The vacant slot to use next: the last one left, whose memory is warm.
    vacant: Option<u32>,
    live: usize,
    owns: PhantomData<F>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Live,
    Vacant { next: Option<u32> },
}

impl<F: Future<Output = ()>> TaskSlab<F> {
    /// An empty slab for tasks of `shard`, without memory.
    pub(crate) fn new(shard: ShardId) -> Self {
        Self {
            shard,
            slots: Vec::new(),
            chunks: Vec::new(),
            vacant: None,
            live: 0,
            owns: PhantomData,
        }
    }

    /// Gives `future` a slot and does not poll it. Drops it and returns nothing if 2^28 tasks live.
    #[cfg(test)]
    pub(crate) fn spawn(&mut self, future: F) -> Option<TaskId> {
        self.place_new(|| future).map(|(task, _)| task)
    }

    /// Makes a future in a slot, without a move on the way, and polls it at once. Makes none and
    /// returns nothing if 2^28 tasks live.
    #[inline]
    pub(crate) fn run(&mut self, make: impl FnOnce() -> F) -> Option<Polled> {
        let (task, place) = self.place_new(make)?;
        Some(self.poll_at(task, place))
    }

    /// Polls a task with its own waker. One that is done or has panicked is dropped in place, and
    /// its slot vacant, when this returns. No panic passes.
    pub(crate) fn poll(&mut self, task: TaskId) -> Polled {
        match self.live(task) {
            Some(place) => self.poll_at(task, place),
            None => Polled::Stale,
        }
    }

    /// Makes a future in a vacant slot. A panic of `make` leaves the slot vacant.
    #[inline]
    fn place_new(&mut self, make: impl FnOnce() -> F) -> Option<(TaskId, NonNull<F>)> {
        let index = match self.vacant {
            Some(index) => index,
            None => self.grow()?,
        };
        let place = self.place(index)?;
        let slot = self.slots.get_mut(index as usize)?;
        let State::Vacant { next } = slot.state else {
            return None;
        };
        // SAFETY: `place` points to memory of a chunk for one `F`, exclusively ours by `&mut self`,
        // and uninitialised because the slot was vacant: nothing is overwritten without its drop.
        unsafe { place.write(make()) };
        self.vacant = next;
        slot.state = State::Live;
        self.live += 1;
        Some((TaskId::new(self.shard, slot.generation, index), place))
    }

    /// Polls a task that lives at `place`.
    #[inline]
    fn poll_at(&mut self, task: TaskId, mut place: NonNull<F>) -> Polled {
        // SAFETY: the slot is live, so `place` holds a future; `&mut self` makes this the only
        // reference to it, for a handler has no way to the slab it lives in.
        let future = unsafe { place.as_mut() };
        // SAFETY: the place is part of a chunk that is neither moved nor freed before the slab's own
        // drop, and the future leaves it only by `drop_in_place`.
        let future = unsafe { Pin::new_unchecked(future) };
        let waker = waker::lend(task);
        let mut cx = Context::from_waker(&waker);
        let ended = match contained(|| future.poll(&mut cx)) {
            Some(Poll::Pending) => return Polled::Pending,
            Some(Poll::Ready(())) => Polled::Ready,
            None => Polled::Panicked,
        };
        if self.end(task.slot(), place) {
            ended
        } else {
            Polled::Panicked
        }
    }

    /// Drops a task before its end; false if there is no such task (any more).
    #[cfg(test)]
    pub(crate) fn cancel(&mut self, task: TaskId) -> bool {
        let Some(place) = self.live(task) else {
            return false;
        };
        self.end(task.slot(), place);
        true
    }

    /// Tasks that live.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// The place of a task that lives.
    fn live(&self, task: TaskId) -> Option<NonNull<F>> {
        let slot = self.slots.get(task.slot())?;
        let index = u32::try_from(task.slot()).ok()?;
        let lives = matches!(slot.state, State::Live)
            && slot.generation == task.generation()
            && self.shard == task.shard();
        lives.then(|| self.place(index)).flatten()
    }

    /// Drops the future of a live slot and vacates it; false if the drop panicked.
    fn end(&mut self, index: usize, place: NonNull<F>) -> bool {
        let dropped = drop_caught(place);
        if let Some(slot) = self.slots.get_mut(index) {
            slot.generation = next_generation(slot.generation);
            slot.state = State::Vacant { next: self.vacant };
            self.vacant = u32::try_from(index).ok();
            self.live -= 1;
        }
        dropped
    }

    /// Adds a vacant slot.
    fn grow(&mut self) -> Option<u32> {
        let index = u32::try_from(self.slots.len()).ok()?;
        if index >= SLOTS_MAX {
            return None;
        }
        if self.slots.len() == self.chunks.len() * CHUNK {
            let chunk = Box::into_raw(Box::<[F]>::new_uninit_slice(CHUNK));
            self.chunks.push(NonNull::new(chunk)?);
        }
        self.slots.push(Slot {
            generation: 0,
            state: State::Vacant { next: None },
        });
        Some(index)
    }
}

impl<F> TaskSlab<F> {
    /// Where the future of slot `index` lives, or is to live.
    fn place(&self, index: u32) -> Option<NonNull<F>> {
        let index = index as usize;
        let chunk = self.chunks.get(index / CHUNK)?.cast::<F>();
        // SAFETY: a chunk is one allocation of `CHUNK` places, and the offset is below that.
        Some(unsafe { chunk.add(index % CHUNK) })
    }
}

impl<F> Drop for TaskSlab<F> {
    fn drop(&mut self) {
        for index in 0..self.slots.len() {
            let live = self.slots.get_mut(index).is_some_and(|slot| {
                // Vacated first: whatever the drop does, it happens once.
                let state = mem::replace(&mut slot.state, State::Vacant { next: None });
                matches!(state, State::Live)
            });
            if live && let Some(place) = u32::try_from(index).ok().and_then(|i| self.place(i)) {
                drop_caught(place);
            }
        }
        for chunk in self.chunks.drain(..) {
            // SAFETY: the pointer came from `Box::into_raw` with this very type and is drained, so it
            // is freed once; the places in it are uninitialised by now or of no concern to the box.
            drop(unsafe { Box::from_raw(chunk.as_ptr()) });
        }
    }
}

/// Drops the future of a live slot, which the caller vacates; false if that panicked.
#[inline]
fn drop_caught<F>(place: NonNull<F>) -> bool {
    let dropped = contained(|| {
        // SAFETY: the place holds a future, as its slot is live, and every caller vacates the slot
        // in the same call: it is dropped once. A panic leaves it dropped all the same.
        unsafe { ptr::drop_in_place(place.as_ptr()) }
    });
    dropped.is_some()
}

#[cfg(test)]
mod tests;
