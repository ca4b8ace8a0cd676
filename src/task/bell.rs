//! The bell of a shard: how another thread ends the shard's sleep in its ring.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// An eventfd that is written once, however many ring before the shard answers.
#[derive(Debug)]
pub(super) struct Bell {
    event: File,
    rung: AtomicBool,
}

impl Bell {
    /// A silent bell.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: the call takes two integers and touches no memory of ours.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened `fd` for this call, so nobody else owns it.
        let event = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self {
            event: File::from(event),
            rung: AtomicBool::new(false),
        })
    }

    /// The descriptor that becomes readable when the bell rings.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Tells the shard that there is mail. Put the mail in its place first.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // The one failure of a non-blocking write is a counter at its maximum, which is readable.
            let _ = (&self.event).write(&1_u64.to_ne_bytes());
        }
    }

    /// Whether it has rung since the last [`answer`](Bell::answer).
    pub(super) fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }

    /// Silences the bell. Look for mail afterwards.
    ///
    /// The eventfd is emptied before the flag is lowered: the other way round, a ring in between
    /// would lose its write and leave the flag up, and nobody would write again. As it is, one who
    /// finds the flag up has put its mail where the swap below makes it visible; one who finds it
    /// down writes, at the cost of one needless wake at worst.
    pub(super) fn answer(&self) {
        // Empty already when the write of that ring is still to come.
        let _ = (&self.event).read(&mut [0; 8]);
        self.rung.swap(false, Ordering::AcqRel);
    }
}
