//! The real ring.
//!
//! Owns the queues, the buffer ring, what is in flight, and the way out when a ring is dropped. Must not know what completions lead to.
//!
//! The queues are used from one thread only: the pool in here is not `Send`, so neither is this.

use std::collections::VecDeque;
use std::ffi::CString;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use io_uring::{IoUring, opcode, squeue, types};

use super::buffers::{BUFFER_GROUP, BufferRing};
use super::enter::Enter;
use super::flight::{DROPPED, Flight};
use super::held::Memory;
use super::setup::{self, RingConfig, SetupError};
use super::{
    Completion, EnterError, Errno, LastSend, OpKind, Payload, Ring, RingFeatures, Token, Wait,
};
use crate::buf::Pool;

/// How often a dropped ring looks whether its operations have ended, and for how long each time:
/// half a second in all, where a few microseconds are usual.
const DROP_WAITS: u32 = 50;
const DROP_WAIT: Duration = Duration::from_millis(10);

/// Most bytes of one send or read: the kernel transfers no more at once.
const TRANSFER_MAX: usize = 0x7fff_f000;

/// A ring of the kernel's.
///
/// Dropping it cancels what is in flight and waits for that, half a second at most. What the
/// kernel still holds then is leaked, the whole pool included, because freeing it would let the
/// kernel write to memory of others.
pub(crate) struct Uring {
    // Dropped before `ring`, whose descriptor it unregisters.
    enter: Enter,
    ring: IoUring,
    buffers: BufferRing,
    flight: Flight,
    /// Entries that found no room in the submission queue even after a submit.
    spilled: VecDeque<squeue::Entry>,
    /// Completions of what was done without the kernel's queues.
    ready: Vec<Completion>,
    overflows: u64,
    /// Once the ring was ended: whether the kernel has let go of all memory.
    settled: Option<bool>,
    features: RingFeatures,
}

impl Uring {
    /// Sets up a ring on the thread that will use it, with all buffers in the kernel's hands.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub(crate) fn new(config: &RingConfig) -> Result<Self, SetupError> {
        let pool = Pool::new(config.buffers, config.buffer_bytes)?;
        let (ring, mut flags) = setup::build(config)?;
        let enter = Enter::new(&ring);
        if enter.is_registered() {
            flags.push("REGISTERED_RING");
        }
        let mut buffers = BufferRing::new(&ring, &pool)?;
        buffers.give(&pool);
        let features = RingFeatures {
            flags,
            sq_entries: ring.params().sq_entries(),
            cq_entries: ring.params().cq_entries(),
            buffers: config.buffers,
            buffer_bytes: config.buffer_bytes,
        };
        Ok(Self {
            enter,
            ring,
            buffers,
            flight: Flight::new(pool, config.sq_entries as usize),
            spilled: VecDeque::new(),
            ready: Vec::new(),
            overflows: 0,
            settled: None,
            features,
        })
    }

    /// Starts an operation: queues its entry, behind what was spilled.
    ///
    /// # Safety
    /// Memory that the entry points to must stay valid, and unused by others as far as the
    /// operation goes, until the completion that ends the operation.
    unsafe fn push(&mut self, entry: &squeue::Entry) {
        self.flight.count += 1;
        // SAFETY: passed on to the caller.
        if !self.spilled.is_empty() || !unsafe { self.try_push(entry) } {
            self.spilled.push_back(entry.clone());
            self.unspill();
        }
    }

    /// Queues an entry if there is room.
    ///
    /// # Safety
    /// As for [`Uring::push`].
    unsafe fn try_push(&mut self, entry: &squeue::Entry) -> bool {
        // SAFETY: passed on to the caller.
        unsafe { self.ring.submission().push(entry) }.is_ok()
    }

    /// Queues what was spilled, submitting to make room, as far as the kernel takes it.
    fn unspill(&mut self) {
        while let Some(entry) = self.spilled.pop_front() {
            // SAFETY: who pushed the entry vouched for its memory until its completion, which
            // cannot have come yet.
            let mut queued = unsafe { self.try_push(&entry) };
            if !queued {
                let waiting = self.ring.submission().len() as u32;
                // An error shows again in the next wait.
                let _ = self.enter.submit(waiting);
                // SAFETY: as above; the first attempt has queued nothing.
                queued = unsafe { self.try_push(&entry) };
            }
            if !queued {
                self.spilled.push_front(entry);
                break;
            }
        }
    }

    /// Cancels everything and waits until the kernel has let go of all memory. Returns whether
    /// it has.
    fn settle(&mut self) -> bool {
        if self.flight.count > 0 {
            let cancel = opcode::AsyncCancel2::new(types::CancelBuilder::any());
            // SAFETY: a cancellation points to no memory.
            unsafe { self.push(&cancel.build().user_data(DROPPED)) };
        }
        let mut ended = Vec::new();
        for _ in 0..DROP_WAITS {
            self.completions(&mut ended);
            ended.iter().for_each(close_opened);
            ended.clear();
            if self.flight.count == 0 {
                break;
            }
            if self.submit_and_wait(Wait::For(DROP_WAIT)).is_err() {
                break;
            }
        }
        self.flight.count == 0
    }
}

/// Closes the descriptor that a completion brings, as nobody is left to receive it.
fn close_opened(completion: &Completion) {
    if let (OpKind::Accept | OpKind::Open, Ok(fd)) = (completion.token.kind(), completion.result) {
        // SAFETY: the kernel has just opened this descriptor, and its number was told to nobody.
        drop(unsafe { OwnedFd::from_raw_fd(fd as RawFd) });
    }
}

/// Whether bytes of the peer wait to be received on a socket; so too when that cannot be told.
fn has_unread(fd: RawFd) -> bool {
    let mut unread: libc::c_int = 0;
    // SAFETY: the kernel writes one integer, which `unread` is, and a bad descriptor is an error.
    let asked = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut unread) };
    asked < 0 || unread > 0
}

impl Ring for Uring {
    fn pool(&self) -> &Pool {
        &self.flight.pool
    }

    fn accept(&mut self, token: Token, listener: RawFd) {
        // Not SOCK_NONBLOCK: on such a socket some kernels answer EAGAIN instead of waiting.
        let accept = opcode::AcceptMulti::new(types::Fd(listener)).flags(libc::SOCK_CLOEXEC);
        // SAFETY: no address is asked for, so the entry points to no memory.
        unsafe { self.push(&accept.build().user_data(token.to_bits())) };
    }

    fn recv(&mut self, token: Token, fd: RawFd) {
        let recv = opcode::RecvMulti::new(types::Fd(fd), BUFFER_GROUP);
        // SAFETY: the entry points to no memory; what it receives into comes from the buffer ring,
        // whose buffers live until the kernel has let go (see `Drop`).
        unsafe { self.push(&recv.build().user_data(token.to_bits())) };
    }

    fn recv_once(&mut self, token: Token, fd: RawFd) {
        let size = self.flight.pool.size() as u32;
        let recv = opcode::Recv::new(types::Fd(fd), std::ptr::null_mut(), size)
            .buf_group(BUFFER_GROUP)
            .build()
            .flags(squeue::Flags::BUFFER_SELECT);
        // SAFETY: as for `recv`: with a buffer of the group there is no other memory.
        unsafe { self.push(&recv.user_data(token.to_bits())) };
    }

    fn watch(&mut self, token: Token, fd: RawFd) {
        // The kernel adds ERR, HUP and RDHUP to every mask. A poll that completes once would end at
        // once where the peer has finished sending already, and never see what comes after.
        let poll = opcode::PollAdd::new(types::Fd(fd), 0).multi(true);
        // SAFETY: a poll points to no memory.
        unsafe { self.push(&poll.build().user_data(token.to_bits())) };
    }

    fn send(&mut self, token: Token, fd: RawFd, bytes: Vec<u8>, from: usize) {
        let unsent = bytes.get(from..).unwrap_or_default();
        let len = unsent.len().min(TRANSFER_MAX) as u32;
        let send = opcode::Send::new(types::Fd(fd), unsent.as_ptr(), len).flags(libc::MSG_NOSIGNAL);
        let data = self.flight.keep(token, Memory::Send(bytes));
        // SAFETY: `flight` keeps the vector, unchanged, until the completion; moving it there has
        // not moved its bytes.
        unsafe { self.push(&send.build().user_data(data)) };
    }

    fn cancel(&mut self, token: Token, fd: RawFd) {
        let target = types::CancelBuilder::fd(types::Fd(fd)).all();
        let cancel = opcode::AsyncCancel2::new(target);
        // SAFETY: a cancellation points to no memory.
        unsafe { self.push(&cancel.build().user_data(token.to_bits())) };
    }

    fn cancel_recv(&mut self, token: Token, recv: Token) {
        let cancel = opcode::AsyncCancel2::new(types::CancelBuilder::user_data(recv.to_bits()));
        // SAFETY: a cancellation points to no memory.
        unsafe { self.push(&cancel.build().user_data(token.to_bits())) };
    }

    fn shutdown(&mut self, token: Token, fd: RawFd) {
        // The ring's own operation goes through a worker thread each time; shutdown(2) does not
        // block and costs a fraction of that.
        // SAFETY: no memory is involved, and a bad descriptor is an error.
        let done = unsafe { libc::shutdown(fd, libc::SHUT_WR) };
        let result = if done < 0 { Err(Errno::last()) } else { Ok(0) };
        self.flight.count += 1;
        self.ready.push(Completion {
            token,
            result,
            more: false,
            payload: Payload::None,
        });
    }

    fn send_and_close(&mut self, fd: RawFd, bytes: &[u8]) -> Result<LastSend, Errno> {
        // MSG_MORE: the last packet waits for what follows, which is FIN.
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT | libc::MSG_MORE;
        // SAFETY: the kernel reads `bytes` during the call only, and a bad descriptor is an error.
        let sent = unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) };
        let sent = match usize::try_from(sent).map_err(|_| Errno::last()) {
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            other => other?,
        };
        if sent < bytes.len() || has_unread(fd) {
            return Ok(LastSend::Open(sent));
        }
        // SAFETY: the caller gives the descriptor away, and nothing in flight names it.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
        Ok(LastSend::Closed)
    }

    fn close(&mut self, token: Token, fd: RawFd) {
        let close = opcode::Close::new(types::Fd(fd));
        // SAFETY: a close points to no memory.
        unsafe { self.push(&close.build().user_data(token.to_bits())) };
    }

    fn watch_inbox(&mut self, token: Token, eventfd: RawFd) {
        let poll = opcode::PollAdd::new(types::Fd(eventfd), libc::POLLIN as u32).multi(true);
        // SAFETY: a poll points to no memory.
        unsafe { self.push(&poll.build().user_data(token.to_bits())) };
    }

    fn open(&mut self, token: Token, path: CString, flags: i32) {
        let open = opcode::OpenAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr())
            .flags(flags | libc::O_CLOEXEC);
        let data = self.flight.keep(token, Memory::Open(path));
        // SAFETY: `flight` keeps the path, unchanged, until the completion; moving it there has not
        // moved its bytes.
        unsafe { self.push(&open.build().user_data(data)) };
    }

    fn read(&mut self, token: Token, fd: RawFd, mut into: Vec<u8>, offset: u64) {
        let spare = into.spare_capacity_mut();
        let len = spare.len().min(TRANSFER_MAX) as u32;
        let to = spare.as_mut_ptr().cast();
        let read = opcode::Read::new(types::Fd(fd), to, len).offset(offset);
        let data = self.flight.keep(token, Memory::Read(into));
        // SAFETY: `flight` keeps the vector until the completion and touches nothing of it; moving
        // it there has not moved its spare capacity.
        unsafe { self.push(&read.build().user_data(data)) };
    }

    fn submit_and_wait(&mut self, wait: Wait) -> Result<(), EnterError> {
        self.unspill();
        let submission = self.ring.submission();
        let queued = submission.len() as u32;
        let overflown = submission.cq_overflow();
        let deferred = submission.taskrun();
        drop(submission);
        let visible = !self.ready.is_empty() || !self.ring.completion().is_empty();
        self.overflows += u64::from(overflown);
        let wait = if visible { Wait::No } else { wait };
        // An overflown queue is filled up by an enter; deferred work is done in one.
        if queued == 0 && !overflown && (visible || (wait == Wait::No && !deferred)) {
            return Ok(());
        }
        if wait == Wait::Forever && self.flight.count == 0 {
            return Err(EnterError::Stalled);
        }
        let done = match wait {
            Wait::No => self.enter.wait(queued, 0, None),
            Wait::Forever => self.enter.wait(queued, 1, None),
            Wait::For(time) => self.enter.wait(queued, 1, Some(time)),
        };
        match done {
            // EBUSY: completions must be taken first. EAGAIN: no kernel memory for now; what was
            // not submitted is still queued.
            Ok(()) | Err(Errno::EINTR | Errno::ETIME | Errno::EAGAIN | Errno::EBUSY) => Ok(()),
            Err(errno) => Err(EnterError::Failed(errno)),
        }
    }

    fn completions(&mut self, into: &mut Vec<Completion>) {
        self.flight.count = self.flight.count.saturating_sub(self.ready.len());
        into.append(&mut self.ready);
        // As many as are there now: what arrives meanwhile is for the next turn.
        for entry in self.ring.completion() {
            into.extend(self.flight.land(&entry));
        }
    }

    fn recycle(&mut self) -> usize {
        self.buffers.give(&self.flight.pool)
    }

    fn end(&mut self) {
        if self.settled.is_none() {
            self.settled = Some(self.settle());
        }
    }

    fn abandon(&mut self, fd: RawFd) {
        if self.settled.is_some() && fd >= 0 {
            // SAFETY: the caller gives the descriptor away. The ring was ended: what is in flight has
            // the socket itself, and nothing that names the number will be submitted any more.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
        }
    }

    fn with_descriptor<T>(fd: RawFd, ask: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        if fd < 0 {
            return None;
        }
        // SAFETY: not -1. The loan ends with this call, in which nobody closes the descriptor: the
        // shard that owns it is the one that calls.
        Some(ask(unsafe { BorrowedFd::borrow_raw(fd) }))
    }

    fn features(&self) -> &RingFeatures {
        &self.features
    }

    fn in_flight(&self) -> usize {
        self.flight.count
    }

    fn overflows(&self) -> u64 {
        self.overflows
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        self.end();
        // Only when every operation is known to have ended may its memory be freed.
        if self.settled == Some(true) {
            self.buffers.unregister(&self.ring);
        } else {
            self.flight.leak();
            self.buffers.leak();
        }
    }
}
