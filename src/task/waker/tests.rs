//! Wakers on their own thread and on others, and the count of foreign waits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::thread;

use super::*;
use crate::task::{
    ForeignWait, Inbox, Polled, TaskSlab, foreign_registrations, foreign_waits, has_ready,
    take_ready,
};

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

/// A shard on this thread with a task that hands out what it makes of its context.
fn with_context<T: 'static>(
    inbox: &Inbox<()>,
    make: impl Fn(&Context<'_>) -> T + 'static,
    then: impl FnOnce(TaskId, T),
) {
    let scope = inbox.enter().unwrap();
    let mut slab: TaskSlab<Boxed> = TaskSlab::new(scope.id());
    let made = Rc::new(RefCell::new(None));
    let out = Rc::clone(&made);
    let future = poll_fn(move |cx| {
        *out.borrow_mut() = Some(make(cx));
        Poll::Pending
    });
    let task = slab.spawn(Box::pin(future)).unwrap();
    assert_eq!(slab.poll(task), Polled::Pending);
    let value = made.borrow_mut().take().unwrap();
    then(task, value);
}

fn ready() -> Vec<TaskId> {
    let mut ready = Vec::new();
    take_ready(&mut ready);
    ready
}

#[test]
fn clones_are_foreign_waits_and_parked_tasks_are_not() {
    let inbox = Inbox::new().unwrap();
    with_context(&inbox, Parked::from_context, |task, parked| {
        assert_eq!(foreign_waits(), 0);
        assert!(matches!(parked.waiter, Waiter::Task(named) if named == task));
        parked.wake();
        assert_eq!(ready(), [task]);
    });
    let before = foreign_registrations();
    with_context(
        &inbox,
        |cx| cx.waker().clone(),
        |task, waker| {
            assert_eq!(foreign_waits(), 1);
            let second = waker.clone();
            assert_eq!(foreign_waits(), 2);
            assert_eq!(foreign_registrations(), before + 2);
            waker.wake_by_ref();
            waker.wake();
            assert_eq!(foreign_waits(), 1);
            drop(second);
            assert_eq!(foreign_waits(), 0);
            assert_eq!(ready(), [task]);
            assert!(!has_ready());
        },
    );
}

#[test]
fn a_waker_of_another_kind_is_cloned() {
    let cx = Context::from_waker(Waker::noop());
    assert!(matches!(Parked::from_context(&cx).waiter, Waiter::Other(_)));
}

#[test]
fn wakes_from_other_threads_come_through_the_inbox() {
    let mut inbox = Inbox::new().unwrap();
    let watched = inbox.sender();
    with_context(
        &inbox,
        |cx| cx.waker().clone(),
        |task, waker| {
            thread::spawn(move || {
                assert!(watched.send(()).is_ok());
                waker.wake_by_ref();
                let held = waker.clone();
                waker.wake();
                drop(held);
            })
            .join()
            .unwrap();
            assert_eq!(foreign_waits(), 0);
            // Nothing of the other thread may touch this thread's list before the inbox is drained.
            assert!(!has_ready());
            local::admit_foreign_wakes();
            assert_eq!(ready(), [task]);
        },
    );
    assert!(inbox.is_rung());
    let mut messages = Vec::new();
    inbox.drain(&mut messages);
    assert_eq!(messages, [()]);
    assert!(!inbox.is_rung());
}

#[test]
fn another_shards_waker_is_recognised_as_foreign() {
    let inbox = Inbox::new().unwrap();
    with_context(
        &inbox,
        |cx| cx.waker().clone(),
        |task, waker| {
            thread::spawn(move || {
                let other = Inbox::<()>::new().unwrap();
                let _scope = other.enter().unwrap();
                assert_eq!(recognise(&waker), None);
                waker.wake_by_ref();
                assert!(!has_ready());
                assert_eq!(foreign_waits(), 0);
            })
            .join()
            .unwrap();
            local::admit_foreign_wakes();
            assert_eq!(ready(), [task]);
        },
    );
}

#[test]
fn a_waker_that_outlives_its_shard_wakes_nobody_and_pins_its_number() {
    let inbox = Inbox::new().unwrap();
    let kept = Rc::new(RefCell::new(None));
    let out = Rc::clone(&kept);
    let keep = move |cx: &Context<'_>| *out.borrow_mut() = Some(cx.waker().clone());
    with_context(&inbox, keep, |_, ()| assert_eq!(foreign_waits(), 1));
    let waker = kept.borrow_mut().take().unwrap();
    let gone = task(waker.data()).shard();

    let scope = inbox.enter().unwrap();
    assert_ne!(scope.id(), gone);
    waker.wake_by_ref();
    assert!(!has_ready());
    drop(waker);
    assert_eq!(foreign_waits(), 0);
    drop(scope);
    assert_eq!(foreign_waits(), 0);
}

#[test]
fn a_task_is_listed_once_and_in_order() {
    let inbox = Inbox::<()>::new().unwrap();
    let scope = inbox.enter().unwrap();
    let mut slab: TaskSlab<Boxed> = TaskSlab::new(scope.id());
    let first = slab.spawn(Box::pin(pending())).unwrap();
    let second = slab.spawn(Box::pin(pending())).unwrap();
    for task in [second, first, second, second, first] {
        local::wake(task);
    }
    assert_eq!(ready(), [second, first]);
    // A stale name must not keep the living task of the same slot off the list.
    slab.cancel(first);
    let third = slab.spawn(Box::pin(pending())).unwrap();
    assert_eq!(third.slot(), first.slot());
    local::wake(first);
    local::wake(third);
    assert_eq!(ready(), [first, third]);
}

#[test]
fn waits_are_held_by_hand_too() {
    drop(ForeignWait::begin());
    let inbox = Inbox::<()>::new().unwrap();
    let scope = inbox.enter().unwrap();
    let wait = ForeignWait::begin();
    assert_eq!(foreign_waits(), 1);
    drop(scope);
    drop(wait);
    let _scope = inbox.enter().unwrap();
    assert_eq!(foreign_waits(), 0);
}
