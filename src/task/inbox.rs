//! Messages from other threads to a shard.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bell::Bell;
use super::local::{self, EnterError, ShardScope};

/// The shard's end of its mail: messages of type `M`, and the wakes of other threads.
///
/// Made anywhere and moved to the shard's thread. The shard's ring watches [`fd`](Inbox::fd);
/// whenever it is readable, the shard calls [`drain`](Inbox::drain).
#[derive(Debug)]
pub(crate) struct Inbox<M> {
    bell: Arc<Bell>,
    mail: Arc<Mail<M>>,
}

/// The other threads' end.
#[derive(Debug)]
pub(crate) struct InboxSender<M> {
    bell: Arc<Bell>,
    mail: Arc<Mail<M>>,
}

/// Messages in the order of their sending; nothing once the shard has gone.
#[derive(Debug)]
struct Mail<M>(Mutex<Option<Vec<M>>>);

impl<M> Mail<M> {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<M>>> {
        // Every holder leaves the state whole, whatever it panicked of.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Send> Inbox<M> {
    /// An empty inbox. Fails when the process or the system is out of descriptors.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            bell: Arc::new(Bell::new()?),
            mail: Arc::new(Mail(Mutex::new(Some(Vec::new())))),
        })
    }

    /// A sender to this inbox.
    pub(crate) fn sender(&self) -> InboxSender<M> {
        InboxSender {
            bell: Arc::clone(&self.bell),
            mail: Arc::clone(&self.mail),
        }
    }

    /// Makes the calling thread the shard that this inbox belongs to.
    pub(crate) fn enter(&self) -> Result<ShardScope, EnterError> {
        ShardScope::enter(Arc::clone(&self.bell))
    }

    /// The eventfd to watch for reading.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.bell.fd()
    }

    /// Whether there is mail, without a system call: for a shard that is awake anyway. May lag
    /// behind other threads; the descriptor does not.
    pub(crate) fn is_rung(&self) -> bool {
        self.bell.is_rung()
    }

    /// Moves all messages to the end of `into`, and puts the tasks that other threads have woken
    /// on the ready list. To be called on the shard's thread.
    pub(crate) fn drain(&mut self, into: &mut Vec<M>) {
        self.bell.answer();
        if let Some(messages) = self.mail.lock().as_mut() {
            into.append(messages);
        }
        local::admit_foreign_wakes();
    }
}

impl<M> Drop for Inbox<M> {
    fn drop(&mut self) {
        let unread = self.mail.lock().take();
        // A message's own drop may send again: not under the lock.
        drop(unread);
    }
}

impl<M: Send> InboxSender<M> {
    /// Sends a message, or returns it when the shard is gone.
    pub(crate) fn send(&self, message: M) -> Result<(), M> {
        match self.mail.lock().as_mut() {
            Some(messages) => messages.push(message),
            None => return Err(message),
        }
        self.bell.ring();
        Ok(())
    }
}

impl<M> Clone for InboxSender<M> {
    fn clone(&self) -> Self {
        Self {
            bell: Arc::clone(&self.bell),
            mail: Arc::clone(&self.mail),
        }
    }
}

#[cfg(test)]
mod tests;
