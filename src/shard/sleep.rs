//! Time for handlers, from the shard's own wheel: no system call, no allocation once warm.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::local::Local;
use crate::task::Parked;

/// Waits for `duration`, to the millisecond, never less.
///
/// Works in handlers and in anything polled on a shard's thread. Elsewhere there is no shard whose
/// clock could end the wait: the future is then ready at once.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep {
        duration,
        state: State::New,
        _shard: PhantomData,
    }
}

/// The future of [`sleep`].
#[derive(Debug)]
pub struct Sleep {
    duration: Duration,
    state: State,
    /// Its slot is the shard's: it must not move to another thread.
    _shard: PhantomData<Rc<()>>,
}

#[derive(Debug)]
enum State {
    New,
    Waiting(u32),
    Done,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(local) = Local::current() else {
            self.state = State::Done;
            return Poll::Ready(());
        };
        match self.state {
            State::Done => Poll::Ready(()),
            State::New => {
                let millis = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
                // The clock of the turn may be almost a millisecond behind: one more, never less.
                let deadline = local.now.get().saturating_add(millis).saturating_add(1);
                // A waker's clone is not our code: nothing may be borrowed.
                let parked = Parked::from_context(cx);
                let mut wheel = local.wheel.borrow_mut();
                let slot = local
                    .sleepers
                    .borrow_mut()
                    .add(parked, |key| wheel.insert(deadline, key));
                self.state = State::Waiting(slot);
                Poll::Pending
            }
            State::Waiting(slot) => {
                let parked = Parked::from_context(cx);
                if local.sleepers.borrow_mut().poll(slot, parked) {
                    local.sleepers.borrow_mut().remove(slot);
                    self.state = State::Done;
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (State::Waiting(slot), Some(local)) = (&self.state, Local::current()) {
            let timer = local.sleepers.borrow_mut().remove(*slot);
            if let Some(timer) = timer {
                local.wheel.borrow_mut().cancel(timer);
            }
        }
    }
}

/// The time was up before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time is up")
    }
}

impl std::error::Error for Elapsed {}

/// Runs `work` for `duration` at most.
///
/// # Errors
///
/// [`Elapsed`] when the time was up first; the work is dropped then.
pub async fn timeout<F: Future>(duration: Duration, work: F) -> Result<F::Output, Elapsed> {
    let mut work = pin!(work);
    let mut limit = pin!(sleep(duration));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        limit.as_mut().poll(cx).map(|()| Err(Elapsed))
    })
    .await
}
