//! The waker of a task, and the cheaper way to remember who waits for the shard.

use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ptr;
use std::sync::Arc;
use std::task::{Context, RawWaker, RawWakerVTable, Wake, Waker};

use super::contain::{Contained, contained};
use super::id::TaskId;
use super::local::{self, Errand};

/// A static, not a constant: its address is how our own wakers are recognised.
static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_clone);

fn data(task: TaskId) -> *const () {
    ptr::without_provenance(task.bits() as usize)
}

fn task(data: *const ()) -> TaskId {
    TaskId::from_bits(data.addr() as u64)
}

fn clone(data: *const ()) -> RawWaker {
    local::begin_foreign_wait(task(data).shard());
    RawWaker::new(data, &VTABLE)
}

fn wake_by_ref(data: *const ()) {
    local::wake(task(data));
}

/// Consumes the waker, so it gives up the clone as well.
fn wake(data: *const ()) {
    wake_by_ref(data);
    drop_clone(data);
}

fn drop_clone(data: *const ()) {
    local::end_foreign_wait(task(data).shard());
}

/// The waker to poll `task` with. Not counted as a foreign wait; its clones are.
pub(super) fn lend(task: TaskId) -> ManuallyDrop<Waker> {
    // SAFETY: the functions of the table take the data for a number and dereference nothing, so
    // they hold for any data, on any thread and in any order, as `RawWaker`'s contract demands.
    let waker = unsafe { Waker::new(data(task), &VTABLE) };
    ManuallyDrop::new(waker)
}

/// The task behind `waker`, if it is one of this thread's shard.
fn recognise(waker: &Waker) -> Option<TaskId> {
    let task = ptr::eq(waker.vtable(), &VTABLE).then(|| task(waker.data()))?;
    local::is_current(task.shard()).then_some(task)
}

/// Whoever waits for the shard itself: its bodies, its timers, its files.
///
/// Takes the place of a cloned [`Waker`] in everything that the shard's own thread will wake: a
/// task of the shard is remembered by its name, which costs and counts nothing. A waker of any
/// other kind (a combinator's, another executor's) is cloned as usual.
#[derive(Debug)]
pub(crate) struct Parked {
    waiter: Waiter,
    not_send: PhantomData<*const ()>,
}

#[derive(Debug)]
enum Waiter {
    Task(TaskId),
    Other(Waker),
    /// It has been woken.
    Nobody,
}

impl Parked {
    /// Remembers the task that is being polled with `cx`.
    pub(crate) fn from_context(cx: &Context<'_>) -> Self {
        let waiter = match recognise(cx.waker()) {
            Some(task) => Waiter::Task(task),
            None => Waiter::Other(cx.waker().clone()),
        };
        Self {
            waiter,
            not_send: PhantomData,
        }
    }

    /// Wakes it.
    pub(crate) fn wake(mut self) {
        match mem::replace(&mut self.waiter, Waiter::Nobody) {
            Waiter::Task(task) => local::wake(task),
            Waiter::Other(waker) => local::run_later(Errand::Wake(waker)),
            Waiter::Nobody => {}
        }
    }
}

impl Drop for Parked {
    #[inline]
    fn drop(&mut self) {
        if let Waiter::Other(_) = self.waiter {
            self.forget_other();
        }
    }
}

impl Parked {
    #[cold]
    fn forget_other(&mut self) {
        if let Waiter::Other(waker) = mem::replace(&mut self.waiter, Waiter::Nobody) {
            local::run_later(Errand::Drop(waker));
        }
    }
}

/// A waker in place of one that is not ours, for an executor that no panic of a waker may reach. Our own
/// never panic and need none.
pub(crate) fn guarded(waker: &Waker) -> Option<Waker> {
    let ours = ptr::eq(waker.vtable(), &VTABLE);
    (!ours).then(|| Arc::new(Guarded(Contained::new(waker.clone()))).into())
}

struct Guarded(Contained<Waker>);

impl Wake for Guarded {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let _: Option<()> = contained(|| self.0.wake_by_ref());
    }
}

#[cfg(test)]
mod tests;
