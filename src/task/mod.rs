//! Handler tasks of one shard: where their futures live and how they are woken.
//!
//! Owns the identity of shards and tasks, the waker, the slab of futures, the ready list of the
//! shard's thread and the inbox by which other threads reach it. Knows no HTTP, no ring, no timer
//! and no executor: whoever drives a shard polls the tasks that [`take_ready`] names.
//!
//! A waker is a number: shard, generation and slot of its task, packed into the data pointer.
//! Nothing is allocated or counted to wake a task, and a waker that outlives its task names a
//! generation that is gone.
//!
//! Two rules hold everything up:
//!
//! - A wake may happen on any thread. On the shard's own thread it goes on the thread's ready list;
//!   on every other it goes through the shard's [`Inbox`]. The thread decides which, by asking
//!   itself which shard it is; the waker carries no pointer that could be followed from a wrong one.
//! - What waits for the shard itself keeps a [`Parked`], never a clone of the waker. So every
//!   living clone stands for somebody else who will wake the task, and [`foreign_waits`] counts
//!   them: while it is zero, the shard may sleep in its ring and nowhere else.

mod bell;
mod contain;
mod foreign;
mod id;
mod inbox;
mod local;
mod registry;
mod slab;
mod waker;

pub(crate) use contain::{Contained, contained};
pub(crate) use foreign::ForeignWait;
pub(crate) use id::TaskId;
pub(crate) use inbox::{Inbox, InboxSender};
pub(crate) use local::{ShardScope, foreign_registrations, foreign_waits, has_ready, take_ready};
pub(crate) use slab::{Polled, TaskSlab};
pub(crate) use waker::{Parked, guarded};
