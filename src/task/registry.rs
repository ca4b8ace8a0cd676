//! The shards of this process by number, as seen from threads that are not theirs.
//!
//! Off the request path: only wakes and waker clones on other threads, and the start and end of a
//! shard, come here.

#![forbid(unsafe_code)]

use std::mem;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::bell::Bell;
use super::id::{ShardId, TaskId};

/// What other threads may touch of a shard.
///
/// Lives as long as the process, so that a waker can never miss it, and serves one shard after the
/// other: there are as many as shards have ever run at the same time.
pub(super) struct Remote {
    id: ShardId,
    /// This side's share of the count of foreign waits; the rest is on the shard's thread while it
    /// runs. Either share alone may be negative, as a clone is often dropped on another thread than
    /// it was made on.
    waits: AtomicIsize,
    post: Mutex<Post>,
}

/// The shard's mail while it runs; no bell otherwise.
#[derive(Default)]
struct Post {
    bell: Option<Arc<Bell>>,
    wakes: Vec<TaskId>,
}

static REMOTES: RwLock<Vec<&'static Remote>> = RwLock::new(Vec::new());

impl Remote {
    /// The shard's number.
    pub(super) fn id(&self) -> ShardId {
        self.id
    }

    /// This side's share of the count of foreign waits.
    pub(super) fn waits(&self) -> isize {
        self.waits.load(Ordering::Relaxed)
    }

    /// Changes this side's share of the count of foreign waits.
    pub(super) fn add_waits(&self, change: isize) {
        // Nothing is published through the counter: it says only how many there are.
        self.waits.fetch_add(change, Ordering::Relaxed);
    }

    /// Queues a wake and rings; does nothing once the shard has ended.
    fn wake(&self, task: TaskId) {
        let bell = {
            let mut post = self.post();
            let Some(bell) = post.bell.clone() else {
                return;
            };
            // Whoever wakes in a loop wakes one and the same task.
            if post.wakes.last() != Some(&task) {
                post.wakes.push(task);
            }
            bell
        };
        bell.ring();
    }

    /// Takes the wakes of other threads. `each` must not wake anything itself.
    pub(super) fn drain_wakes(&self, each: impl FnMut(TaskId)) {
        self.post().wakes.drain(..).for_each(each);
    }

    /// Ends the shard: its number is free again once no waker names it.
    pub(super) fn close(&self) {
        let ended = mem::take(&mut *self.post());
        // The last reference to a bell closes its descriptor: not under the lock.
        drop(ended);
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        // Every holder leaves the state whole, whatever it panicked of.
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a shard that is reached by `bell`, or returns nothing when all numbers are in use.
pub(super) fn open(bell: Arc<Bell>) -> Option<&'static Remote> {
    let mut remotes = REMOTES.write().unwrap_or_else(PoisonError::into_inner);
    // A count of zero is final for an ended shard: only a clone can make another one. So no waker
    // of its last tenant can disturb the next one's count.
    let free = |remote: &Remote| remote.post().bell.is_none() && remote.waits() == 0;
    let remote = match remotes.iter().copied().find(|remote| free(remote)) {
        Some(remote) => remote,
        None => {
            let id = ShardId::new(u16::try_from(remotes.len()).ok()?);
            let remote: &'static Remote = Box::leak(Box::new(Remote {
                id,
                waits: AtomicIsize::new(0),
                post: Mutex::default(),
            }));
            remotes.push(remote);
            remote
        }
    };
    remote.post().bell = Some(bell);
    Some(remote)
}

/// Wakes a task of a shard that is not this thread's.
pub(super) fn wake(task: TaskId) {
    if let Some(remote) = find(task.shard()) {
        remote.wake(task);
    }
}

/// Changes the count of foreign waits of a shard that is not this thread's.
pub(super) fn add_waits(shard: ShardId, change: isize) {
    if let Some(remote) = find(shard) {
        remote.add_waits(change);
    }
}

fn find(shard: ShardId) -> Option<&'static Remote> {
    let remotes = REMOTES.read().unwrap_or_else(PoisonError::into_inner);
    remotes.get(usize::from(shard.number())).copied()
}
