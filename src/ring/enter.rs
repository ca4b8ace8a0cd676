//! Entering the kernel: one system call that submits and waits.
//!
//! Owns the descriptor's registration with the ring and the arguments of io_uring_enter(2). Knows
//! nothing of what is submitted.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use io_uring::{EnterFlags, IoUring, types};

use super::Errno;

const IORING_REGISTER_RING_FDS: libc::c_uint = 20;
const IORING_UNREGISTER_RING_FDS: libc::c_uint = 21;

/// `struct io_uring_rsrc_update` of the kernel.
#[repr(C)]
struct RsrcUpdate {
    offset: u32,
    resv: u32,
    data: u64,
}

/// How a ring is entered.
///
/// Made for one ring, and of no use once that is closed. The registration belongs to the thread
/// that made it, so this must stay on that thread; a ring does, as its pool is not `Send`.
#[derive(Debug)]
pub(super) struct Enter {
    ring: RawFd,
    registered: Option<u32>,
}

impl Enter {
    /// Registers the ring's descriptor, which saves its look-up in each call. Does without on
    /// kernels that refuse.
    pub(super) fn new(ring: &IoUring) -> Self {
        let ring = ring.as_raw_fd();
        let mut update = RsrcUpdate {
            offset: u32::MAX,
            resv: 0,
            data: ring as u64,
        };
        let done = register(ring, IORING_REGISTER_RING_FDS, &mut update);
        Self {
            ring,
            registered: done.is_ok().then_some(update.offset),
        }
    }

    /// Whether the kernel looks up no descriptor.
    pub(super) const fn is_registered(&self) -> bool {
        self.registered.is_some()
    }

    /// Submits `submit` entries and nothing else.
    pub(super) fn submit(&self, submit: u32) -> Result<(), Errno> {
        self.call(submit, 0, EnterFlags::empty(), types::SubmitArgs::new())
    }

    /// Submits `submit` entries, runs deferred work and waits for `want` completions, no longer
    /// than `timeout`.
    pub(super) fn wait(
        &self,
        submit: u32,
        want: u32,
        timeout: Option<Duration>,
    ) -> Result<(), Errno> {
        let time = timeout.map(types::Timespec::from);
        let mut arguments = types::SubmitArgs::new();
        if let Some(time) = &time {
            arguments = arguments.timespec(time);
        }
        self.call(submit, want, EnterFlags::GETEVENTS, arguments)
    }

    fn call(
        &self,
        submit: u32,
        want: u32,
        flags: EnterFlags,
        arguments: types::SubmitArgs<'_, '_>,
    ) -> Result<(), Errno> {
        let mut flags = flags | EnterFlags::EXT_ARG;
        let ring = match self.registered {
            Some(index) => {
                flags.insert(EnterFlags::REGISTERED_RING);
                libc::c_long::from(index)
            }
            None => libc::c_long::from(self.ring),
        };
        // SAFETY: the ring is open, as this is made for it and used by its owner only. The
        // arguments and the time they point to live until the call returns, and their size is
        // given. The memory that entries point to was vouched for where they were pushed.
        let result = unsafe {
            libc::syscall(
                libc::SYS_io_uring_enter,
                ring,
                libc::c_ulong::from(submit),
                libc::c_ulong::from(want),
                libc::c_ulong::from(flags.bits()),
                &raw const arguments,
                size_of::<types::SubmitArgs<'_, '_>>(),
            )
        };
        if result < 0 {
            Err(Errno::last())
        } else {
            Ok(())
        }
    }
}

impl Drop for Enter {
    fn drop(&mut self) {
        if let Some(index) = self.registered {
            // A registration holds the ring open until its thread ends. If the kernel refuses,
            // then that is how long the ring lives.
            let mut update = RsrcUpdate {
                offset: index,
                resv: 0,
                data: 0,
            };
            let _ = register(self.ring, IORING_UNREGISTER_RING_FDS, &mut update);
        }
    }
}

fn register(ring: RawFd, operation: libc::c_uint, update: &mut RsrcUpdate) -> Result<(), Errno> {
    // SAFETY: the kernel reads and writes one `io_uring_rsrc_update`, which `update` is, for as
    // long as the call takes; a bad descriptor is an error.
    let result = unsafe {
        libc::syscall(
            libc::SYS_io_uring_register,
            libc::c_long::from(ring),
            libc::c_ulong::from(operation),
            &raw mut *update,
            1_usize,
        )
    };
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(())
    }
}
