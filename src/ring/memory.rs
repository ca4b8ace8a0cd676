//! Memory that rings lock: how much, and waiting for what an ended server has locked.
//!
//! The kernel counts it for each user, over all of the user's processes that lack CAP_IPC_LOCK, and
//! lets go of it late, as it takes rings apart in the background. Which parts it counts differs
//! between kernels; Linux 6.18 counts all that is computed here.

#![forbid(unsafe_code)]

use std::thread;
use std::time::{Duration, Instant};

use super::RingConfig;

/// How long memory that somebody else has locked is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Between one try and the next.
const PAUSE: Duration = Duration::from_millis(20);

const PAGE: u64 = 4096;

/// Bytes of an entry of the submission queue, of the completion queue, and of a buffer ring.
const SUBMISSION_BYTES: u64 = 64;
const COMPLETION_BYTES: u64 = 16;
const BUFFER_ENTRY_BYTES: u64 = 16;

/// What the kernel locks for the queues of a ring.
pub(crate) const fn locked_by_queues(sq_entries: u64, cq_entries: u64) -> u64 {
    let submissions = (sq_entries * SUBMISSION_BYTES).next_multiple_of(PAGE);
    // With the heads and tails of both queues, and the numbers of entries where they are told.
    let completions = (cq_entries * COMPLETION_BYTES + sq_entries * 4 + 256).next_multiple_of(PAGE);
    submissions + completions
}

impl RingConfig {
    /// What the kernel locks for a ring like this.
    pub(crate) fn locked_bytes(&self) -> u64 {
        let buffers = u64::from(self.buffers) * BUFFER_ENTRY_BYTES;
        locked_by_queues(self.sq_entries.into(), self.cq_entries.into())
            + buffers.next_multiple_of(PAGE)
    }
}

/// Makes something that locks memory, and again while there is too little of it: a server that has
/// just ended may be about to give its part back.
///
/// # Errors
/// The last one, at once if it is another, else after three seconds.
pub(crate) fn when_unlocked<T, E>(
    make: impl FnMut() -> Result<T, E>,
    is_short: impl Fn(&E) -> bool,
) -> Result<T, E> {
    within(PATIENCE, make, is_short)
}

fn within<T, E>(
    patience: Duration,
    mut make: impl FnMut() -> Result<T, E>,
    is_short: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let until = Instant::now() + patience;
    loop {
        match make() {
            Err(error) if is_short(&error) && Instant::now() < until => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_tried_again_and_nothing_else() {
        let mut tries = 0;
        let mut third = |error| {
            tries += 1;
            if tries % 3 == 0 {
                Ok(tries)
            } else {
                Err(error)
            }
        };
        let is_short = |error: &&str| *error == "short";
        assert_eq!(when_unlocked(|| third("short"), is_short), Ok(3));
        assert_eq!(when_unlocked(|| third("other"), is_short), Err("other"));
        let never = || Err::<(), _>("short");
        assert_eq!(within(PAUSE, never, is_short), Err("short"));
    }

    #[test]
    fn a_ring_of_the_default_sizes_locks_this_much() {
        assert_eq!(RingConfig::default().locked_bytes(), 108 * 1024);
    }
}
