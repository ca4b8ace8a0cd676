//! The slab of futures: addresses that stay, names that do not come back, panics.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::marker::PhantomPinned;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::task::{Inbox, has_ready, take_ready};

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

fn boxed(future: impl Future<Output = ()> + 'static) -> Boxed {
    Box::pin(future)
}

/// Runs `test` as shard and ends it again.
fn as_shard(test: impl FnOnce(ShardId)) {
    let inbox = Inbox::<()>::new().unwrap();
    let scope = inbox.enter().unwrap();
    test(scope.id());
}

/// Adds one to a counter when dropped.
struct Counted(Rc<Cell<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[test]
fn a_task_runs_to_its_end_and_is_gone() {
    as_shard(|shard| {
        let dropped = Rc::new(Cell::new(0));
        let mut slab = TaskSlab::new(shard);
        let mut left = 2;
        let counted = Counted(Rc::clone(&dropped));
        let task = slab
            .spawn(boxed(poll_fn(move |_| {
                let _held = &counted;
                left -= 1;
                if left == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })))
            .unwrap();
        assert_eq!(slab.len(), 1);
        assert_eq!(slab.poll(task), Polled::Pending);
        assert_eq!(dropped.get(), 0);
        assert_eq!(slab.poll(task), Polled::Ready);
        assert_eq!(dropped.get(), 1);
        assert_eq!(slab.len(), 0);
        assert_eq!(slab.poll(task), Polled::Stale);
        assert!(!slab.cancel(task));
    });
}

#[test]
fn a_reused_slot_has_a_new_name_and_the_old_memory() {
    as_shard(|shard| {
        let mut slab = TaskSlab::new(shard);
        let first = slab.spawn(boxed(pending())).unwrap();
        assert!(slab.cancel(first));
        let second = slab.spawn(boxed(pending())).unwrap();
        assert_eq!(first.slot(), second.slot());
        assert_ne!(first, second);
        assert_eq!(slab.poll(first), Polled::Stale);
        assert_eq!(slab.poll(second), Polled::Pending);
        for _ in 0..3 * CHUNK {
            let task = slab.spawn(boxed(pending())).unwrap();
            assert!(slab.cancel(task));
        }
        assert_eq!(slab.chunks.len(), 1);
    });
}

#[test]
fn futures_keep_their_address_while_the_slab_grows() {
    struct SelfReferring {
        own: *const Self,
        polls: usize,
        _pinned: PhantomPinned,
    }
    impl Future for SelfReferring {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            // SAFETY: the future is not moved out of the reference.
            let this = unsafe { self.get_unchecked_mut() };
            if this.polls == 0 {
                this.own = this;
            } else {
                assert!(ptr::eq(this.own, this));
            }
            this.polls += 1;
            Poll::Pending
        }
    }
    as_shard(|shard| {
        let mut slab = TaskSlab::new(shard);
        let tasks: Vec<_> = (0..3 * CHUNK)
            .map(|_| {
                let own = ptr::null();
                let task = slab.spawn(SelfReferring {
                    own,
                    polls: 0,
                    _pinned: PhantomPinned,
                });
                assert_eq!(slab.poll(task.unwrap()), Polled::Pending);
                task.unwrap()
            })
            .collect();
        for task in tasks {
            assert_eq!(slab.poll(task), Polled::Pending);
        }
    });
}

#[test]
fn a_borrow_across_an_await_survives() {
    async fn borrows(turns: usize) {
        let text = String::from("held over an await");
        let view = text.as_str();
        let mut left = turns;
        poll_fn(|cx| {
            left -= 1;
            cx.waker().wake_by_ref();
            if left == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        assert_eq!(view, "held over an await");
    }
    as_shard(|shard| {
        let mut slab = TaskSlab::new(shard);
        for turns in 1..=CHUNK + 1 {
            let task = slab.spawn(borrows(turns)).unwrap();
            slab.poll(task);
        }
        let mut ready = Vec::new();
        while has_ready() {
            take_ready(&mut ready);
            for task in ready.drain(..) {
                assert_ne!(slab.poll(task), Polled::Panicked);
            }
        }
        assert_eq!(slab.len(), 0);
    });
}

#[test]
fn panics_stay_inside() {
    as_shard(|shard| {
        let mut slab = TaskSlab::new(shard);
        let polled = slab.spawn(boxed(async { panic!("in poll") })).unwrap();
        assert_eq!(slab.poll(polled), Polled::Panicked);
        let dropped = PanicsInDrop;
        let finished = slab
            .spawn(boxed(poll_fn(move |_| {
                let _held = &dropped;
                Poll::Ready(())
            })))
            .unwrap();
        assert_eq!(slab.poll(finished), Polled::Panicked);
        let held = PanicsInDrop;
        let cancelled = slab
            .spawn(boxed(async move {
                let _held = held;
                pending().await
            }))
            .unwrap();
        assert!(slab.cancel(cancelled));
        assert_eq!(slab.len(), 0);
        assert_eq!(slab.poll(cancelled), Polled::Stale);
    });
}

#[test]
fn dropping_the_slab_drops_what_lives() {
    as_shard(|shard| {
        let dropped = Rc::new(Cell::new(0));
        let mut slab = TaskSlab::new(shard);
        for n in 0..CHUNK + 10 {
            let counted = Counted(Rc::clone(&dropped));
            let future = boxed(async move {
                let _counted = counted;
                let _panics = (n == 5).then_some(PanicsInDrop);
                pending().await
            });
            let task = slab.spawn(future).unwrap();
            slab.poll(task);
        }
        drop(slab);
        assert_eq!(dropped.get(), CHUNK + 10);
    });
}

#[test]
fn futures_without_size_are_tasks_too() {
    struct Unit;
    impl Future for Unit {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    as_shard(|shard| {
        let mut slab = TaskSlab::new(shard);
        let tasks: Vec<_> = (0..=CHUNK).map(|_| slab.spawn(Unit).unwrap()).collect();
        for task in tasks {
            assert_eq!(slab.poll(task), Polled::Ready);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Against a map: every living task runs, every ended one is stale, each is dropped once.
    #[test]
    fn behaves_like_a_map(steps in prop::collection::vec((0..4_u8, any::<prop::sample::Index>()), 1..200)) {
        as_shard(|shard| {
            let dropped = Rc::new(RefCell::new(Vec::new()));
            struct Drops(usize, Rc<RefCell<Vec<usize>>>);
            impl Drop for Drops {
                fn drop(&mut self) {
                    self.1.borrow_mut().push(self.0);
                }
            }
            let mut slab = TaskSlab::new(shard);
            let mut live = BTreeMap::new();
            let mut ended = Vec::new();
            for (n, (step, which)) in steps.into_iter().enumerate() {
                let chosen = (!live.is_empty()).then(|| *which.get(&live.keys().copied().collect::<Vec<_>>()));
                match (step, chosen) {
                    (0 | 1, _) | (_, None) => {
                        let drops = Drops(n, Rc::clone(&dropped));
                        let task = slab.spawn(boxed(async move {
                            let _drops = drops;
                            let mut polls = n % 3;
                            poll_fn(move |_| {
                                polls = polls.wrapping_sub(1);
                                if polls == usize::MAX { Poll::Ready(()) } else { Poll::Pending }
                            }).await
                        })).unwrap();
                        live.insert(n, (task, n % 3));
                    }
                    (2, Some(n)) => {
                        let (task, polls) = live.remove(&n).unwrap();
                        if polls == 0 {
                            assert_eq!(slab.poll(task), Polled::Ready);
                            ended.push((n, task));
                        } else {
                            assert_eq!(slab.poll(task), Polled::Pending);
                            live.insert(n, (task, polls - 1));
                        }
                    }
                    (_, Some(n)) => {
                        let (task, _) = live.remove(&n).unwrap();
                        assert!(slab.cancel(task));
                        ended.push((n, task));
                    }
                }
                assert_eq!(slab.len(), live.len());
                let order: Vec<_> = ended.iter().map(|(n, _)| *n).collect();
                assert_eq!(*dropped.borrow(), order);
            }
            for (_, task) in ended {
                assert_eq!(slab.poll(task), Polled::Stale);
            }
        });
    }
}
