//! What handlers get from the shard that they run on, found through the thread.
//!
//! Owns the wheel's wake-ups for sleeping handlers and the queue of file requests. Handlers reach
//! it from within a poll; the driver empties it between polls. Never borrowed across either.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::files::FileRequests;
use super::wheel::{TimerId, Wheel};
use crate::task::Parked;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
}

/// Wheel keys with this bit belong to sleepers, the others to connections.
pub(super) const SLEEPER: u64 = 1 << 63;

/// The part of a shard that its handlers can reach.
pub(super) struct Local {
    /// Milliseconds on the shard's clock, as of this turn.
    pub(super) now: Cell<u64>,
    pub(super) wheel: RefCell<Wheel>,
    pub(super) sleepers: RefCell<Sleepers>,
    pub(super) files: RefCell<FileRequests>,
}

impl Local {
    /// Makes a shard's local part and ties it to this thread.
    pub(super) fn install(now: u64) -> Rc<Self> {
        let local = Rc::new(Self {
            now: Cell::new(now),
            wheel: RefCell::new(Wheel::new(now)),
            sleepers: RefCell::default(),
            files: RefCell::default(),
        });
        CURRENT.with(|current| *current.borrow_mut() = Some(Rc::clone(&local)));
        local
    }

    /// Unties the thread.
    pub(super) fn uninstall() {
        CURRENT.with(|current| current.borrow_mut().take());
    }

    /// The shard of this thread, if it has one.
    pub(super) fn current() -> Option<Rc<Self>> {
        // Absent only while the thread's storage is being torn down.
        let current = CURRENT.try_with(|current| current.borrow().clone());
        current.ok().flatten()
    }
}

/// Handlers that wait for a time.
#[derive(Default)]
pub(super) struct Sleepers {
    entries: Vec<Sleeper>,
    free: Vec<u32>,
}

enum Sleeper {
    Free,
    Waiting {
        parked: Option<Parked>,
        timer: TimerId,
    },
    Fired,
}

impl Sleepers {
    /// Adds a sleeper whose timer carries the key that `arm` is given.
    pub(super) fn add(&mut self, parked: Parked, arm: impl FnOnce(u64) -> TimerId) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Sleeper::Free);
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        let timer = arm(SLEEPER | u64::from(slot));
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            *entry = Sleeper::Waiting {
                parked: Some(parked),
                timer,
            };
        }
        slot
    }

    /// The time has come.
    pub(super) fn fire(&mut self, key: u64) {
        let slot = usize::try_from(key & !SLEEPER).unwrap_or(usize::MAX);
        if let Some(entry) = self.entries.get_mut(slot)
            && let Sleeper::Waiting { parked, .. } = entry
        {
            let parked = parked.take();
            *entry = Sleeper::Fired;
            if let Some(parked) = parked {
                parked.wake();
            }
        }
    }

    /// Whether the time has come; otherwise `parked` is who waits now.
    pub(super) fn poll(&mut self, slot: u32, parked: Parked) -> bool {
        match self.entries.get_mut(slot as usize) {
            Some(Sleeper::Waiting {
                parked: waiting, ..
            }) => {
                *waiting = Some(parked);
                false
            }
            Some(Sleeper::Fired | Sleeper::Free) | None => true,
        }
    }

    /// Forgets a sleeper and answers the timer that is still to be cancelled.
    pub(super) fn remove(&mut self, slot: u32) -> Option<TimerId> {
        let entry = self.entries.get_mut(slot as usize)?;
        let timer = match std::mem::replace(entry, Sleeper::Free) {
            Sleeper::Waiting { timer, .. } => Some(timer),
            Sleeper::Fired => None,
            Sleeper::Free => return None,
        };
        self.free.push(slot);
        timer
    }
}
