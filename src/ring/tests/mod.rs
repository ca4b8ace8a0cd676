//! The real ring against the real kernel.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::*;
use crate::buf::BufSlice;

mod files;
mod network;
mod queues;
mod watch;

/// Waits that a test makes before it gives up, a tenth of a second each.
const PATIENCE: usize = 100;

struct Driven {
    ring: Uring,
    done: Vec<Completion>,
}

impl Driven {
    fn new() -> Self {
        Self::with(RingConfig {
            sq_entries: 16,
            cq_entries: 64,
            buffers: 4,
            buffer_bytes: 64,
        })
    }

    fn with(config: RingConfig) -> Self {
        Self {
            ring: Uring::new(&config).unwrap(),
            done: Vec::new(),
        }
    }

    /// The next completion, in the order of the ring.
    fn next(&mut self) -> Completion {
        for _ in 0..PATIENCE {
            if self.done.is_empty() {
                self.ring
                    .submit_and_wait(Wait::For(Duration::from_millis(100)))
                    .unwrap();
                self.ring.completions(&mut self.done);
            } else {
                return self.done.remove(0);
            }
        }
        panic!("no completion");
    }

    fn next_of(&mut self, kind: OpKind) -> Completion {
        let completion = self.next();
        assert_eq!(completion.token.kind(), kind, "{completion:?}");
        completion
    }

    /// The next `n` completions, by kind: those of several operations come in any order.
    fn next_sorted(&mut self, n: usize) -> Vec<Completion> {
        let mut all: Vec<_> = (0..n).map(|_| self.next()).collect();
        all.sort_by_key(|completion| completion.token.kind() as u8);
        all
    }

    fn assert_idle(&mut self) {
        assert!(self.done.is_empty(), "{:?}", self.done);
        assert_eq!(self.ring.in_flight(), 0);
        assert_eq!(self.ring.pool().in_use(), 0);
    }
}

fn token(kind: OpKind) -> Token {
    Token::new(kind, 3, 5)
}

fn received(completion: Completion) -> BufSlice {
    match completion.payload {
        Payload::Received(slice) => slice,
        other => panic!("received nothing: {other:?}, {:?}", completion.result),
    }
}

fn sent(completion: Completion) -> Vec<u8> {
    match completion.payload {
        Payload::Sent(bytes) => bytes,
        other => panic!("no buffer came back: {other:?}, {:?}", completion.result),
    }
}

fn owned(fd: u32) -> OwnedFd {
    // SAFETY: the ring has just opened it for this test.
    unsafe { OwnedFd::from_raw_fd(fd as RawFd) }
}

fn eventfd() -> OwnedFd {
    // SAFETY: no memory is involved.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    assert!(fd >= 0);
    owned(fd as u32)
}

fn fcntl(fd: RawFd, command: i32) -> i32 {
    // SAFETY: F_GETFD and F_GETFL involve no memory.
    unsafe { libc::fcntl(fd, command) }
}
