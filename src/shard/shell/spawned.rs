//! Tasks of the executor that handlers start beside themselves.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::glommio::task::JoinHandle;

use super::glommio;
use crate::task::{Contained, ForeignWait, guarded};

/// Why nothing could be spawned: this thread is not a shard with an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoExecutor;

impl fmt::Display for NoExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this thread is not a shard with an executor")
    }
}

impl std::error::Error for NoExecutor {}

/// The task panicked, and is gone. The panic has been reported where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the spawned task panicked")
    }
}

impl std::error::Error for Panicked {}

/// A task that runs on beside the handler; await it for its value.
///
/// Dropping this leaves the task running to its end; glommio's own handle would cancel it, and
/// never free it.
#[derive(Debug)]
#[must_use = "await it for the value, or drop it expressly to let the task run on alone"]
pub struct Spawned<T>(JoinHandle<Result<Contained<T>, Panicked>>);

impl<T> Future for Spawned<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Without a value the task was torn down with its executor: it never came to an end.
        let polled = match guarded(cx.waker()) {
            Some(waker) => Pin::new(&mut self.0).poll(&mut Context::from_waker(&waker)),
            None => Pin::new(&mut self.0).poll(cx),
        };
        let ended = ready!(polled).unwrap_or(Err(Panicked));
        Poll::Ready(ended.map(Contained::into_inner))
    }
}

/// Runs `future` as a task of this shard's glommio executor, beside the handler that calls this
/// and possibly longer.
///
/// Use it instead of [`glommio::spawn_local`](::glommio::spawn_local): the shard lets the executor
/// run only while somebody waits for it, and a task that nobody waits for would stand still. This
/// one counts until it has ended, and no panic of it ends the shard, nor one of dropping it, its value or
/// what its panic carried.
pub fn spawn_local<T: 'static>(
    future: impl Future<Output = T> + 'static,
) -> Result<Spawned<T>, NoExecutor> {
    // Before anything else: a future that is never polled is dropped all the same.
    let future = Contained::new(future);
    if !glommio::is_running() {
        return Err(NoExecutor);
    }
    let wait = ForeignWait::begin();
    let task = ::glommio::spawn_local(async move {
        let _counted = wait;
        future.await.map(Contained::new).ok_or(Panicked)
    });
    Ok(Spawned(task.detach()))
}
