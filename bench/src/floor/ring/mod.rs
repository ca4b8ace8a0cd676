//! The floor on a ring of its own: one io_uring, multishot accept and receive, a provided-buffer
//! ring, one coalesced send per connection and turn.
//!
//! The `unsafe` of this crate is here and in `buffers`.

mod buffers;
mod connection;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Instant;

use super::answer::Answerer;
use buffers::BufferRing;
use connection::{Connection, Next};
use io_uring::{CompletionQueue, IoUring, SubmissionQueue, Submitter};
use io_uring::{cqueue, opcode, squeue, types::Fd};

/// Submission entries; a turn that needs more submits in between.
const SUBMISSIONS: u32 = 1024;
/// Completion entries: a receive and a send for each of 4,096 connections, twice.
const COMPLETIONS: u32 = 16 * 1024;

/// Kinds of operation, in the upper half of `user_data`; the lower half is the descriptor. There
/// is no generation in it: a descriptor is closed only when nothing on it is in flight.
const ACCEPT: u64 = 0;
const RECEIVE: u64 = 1;
const SEND: u64 = 2;

/// Serves `listener` on the calling thread until the ring fails; `once` ends each connection after
/// its first answer, for clients that make one for each request.
pub(super) fn serve(listener: &TcpListener, once: bool) -> io::Result<Infallible> {
    let mut ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_submit_all()
        .setup_cqsize(COMPLETIONS)
        .build(SUBMISSIONS)?;
    let (mut submitter, submissions, completions) = ring.split();
    submitter.register_ring_fd()?;
    let buffers = BufferRing::register(&submitter)?;
    let mut floor = Floor {
        submitter,
        submissions,
        completions,
        buffers,
        connections: Vec::new(),
        dirty: Vec::new(),
        starved: Vec::new(),
        answerer: Answerer::new(Instant::now(), once),
        listener: listener.as_raw_fd(),
    };
    floor.arm_accept()?;
    loop {
        if let Err(error) = floor.turn() {
            // Sends may be in flight, so the buffers that the kernel reads must not be freed.
            std::mem::forget(floor);
            return Err(error);
        }
    }
}

struct Floor<'ring> {
    submitter: Submitter<'ring>,
    submissions: SubmissionQueue<'ring>,
    completions: CompletionQueue<'ring>,
    buffers: BufferRing,
    /// By descriptor.
    connections: Vec<Option<Connection>>,
    /// Connections that a completion of this turn concerned.
    dirty: Vec<RawFd>,
    /// Connections whose receive found no buffer, to be armed again once there are some.
    starved: Vec<RawFd>,
    answerer: Answerer,
    listener: RawFd,
}

impl Floor<'_> {
    /// Submits and waits, drains the completions, sends what they led to.
    fn turn(&mut self) -> io::Result<()> {
        self.submissions.sync();
        match self.submitter.submit_and_wait(1) {
            Ok(_) => {}
            Err(error) if is_transient(&error) => {}
            Err(error) => return Err(error),
        }
        self.answerer.refresh(Instant::now());
        self.submissions.sync();
        self.completions.sync();
        while let Some(completion) = self.completions.next() {
            self.complete(&completion)?;
        }
        self.completions.sync();
        self.buffers.lend();
        while let Some(fd) = self.starved.pop() {
            self.arm_receive(fd)?;
        }
        while let Some(fd) = self.dirty.pop() {
            self.settle(fd)?;
        }
        Ok(())
    }

    fn complete(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        let fd = completion.user_data() as u32 as RawFd;
        match completion.user_data() >> 32 {
            ACCEPT => self.accepted(completion),
            RECEIVE => self.received(fd, completion),
            _ => {
                if let Some(connection) = connection(&mut self.connections, fd) {
                    connection.sent(completion.result());
                    mark_dirty(&mut self.dirty, connection, fd);
                }
                Ok(())
            }
        }
    }

    fn accepted(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        if !cqueue::more(completion.flags()) {
            self.arm_accept()?;
        }
        let fd = completion.result();
        let Ok(slot) = usize::try_from(fd) else {
            // Nothing was accepted: the peer is gone, or this process is out of descriptors.
            return Ok(());
        };
        // SAFETY: the completion of a multishot accept passes a new descriptor to us, once.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        if slot >= self.connections.len() {
            self.connections.resize_with(slot + 1, || None);
        }
        if let Some(entry) = self.connections.get_mut(slot) {
            *entry = Some(Connection::new(socket));
        }
        self.arm_receive(fd)
    }

    fn received(&mut self, fd: RawFd, completion: &cqueue::Entry) -> io::Result<()> {
        let Some(connection) = connection(&mut self.connections, fd) else {
            return Ok(());
        };
        let answerer = &self.answerer;
        // SAFETY: only receives from the buffer ring carry the RECEIVE kind, and each completion
        // comes through here once.
        unsafe {
            self.buffers
                .consume(completion, |bytes| connection.receive(bytes, answerer))
        };
        mark_dirty(&mut self.dirty, connection, fd);
        if cqueue::more(completion.flags()) {
            return Ok(());
        }
        match completion.result() {
            1.. => self.arm_receive(fd),
            result if result == -libc::ENOBUFS => {
                self.starved.push(fd);
                Ok(())
            }
            _ => {
                connection.receive_ended();
                Ok(())
            }
        }
    }

    fn settle(&mut self, fd: RawFd) -> io::Result<()> {
        let Some(connection) = connection(&mut self.connections, fd) else {
            return Ok(());
        };
        connection.dirty = false;
        match connection.settle() {
            Next::Wait => Ok(()),
            Next::Close => {
                if let Some(entry) = usize::try_from(fd)
                    .ok()
                    .and_then(|slot| self.connections.get_mut(slot))
                {
                    *entry = None;
                }
                Ok(())
            }
            Next::Send(bytes, length) => {
                let send = opcode::Send::new(Fd(fd), bytes, length)
                    .flags(libc::MSG_NOSIGNAL)
                    .build();
                // SAFETY: the connection neither changes nor drops the buffer before `sent`, and
                // is itself dropped only when no send is in flight; `serve` leaks all of them
                // when it fails.
                unsafe { self.push(SEND, fd, send) }
            }
        }
    }

    fn arm_accept(&mut self) -> io::Result<()> {
        let accept = opcode::AcceptMulti::new(Fd(self.listener))
            .flags(libc::SOCK_CLOEXEC)
            .build();
        // SAFETY: the operation refers to no memory.
        unsafe { self.push(ACCEPT, self.listener, accept) }
    }

    fn arm_receive(&mut self, fd: RawFd) -> io::Result<()> {
        let receive = opcode::RecvMulti::new(Fd(fd), buffers::GROUP).build();
        // SAFETY: the operation refers only to the registered buffers, which are never freed.
        unsafe { self.push(RECEIVE, fd, receive) }
    }

    /// Queues an operation, submitting first if the queue is full.
    ///
    /// # Safety
    ///
    /// The memory that `entry` refers to stays valid and unaliased until its last completion.
    unsafe fn push(&mut self, kind: u64, fd: RawFd, entry: squeue::Entry) -> io::Result<()> {
        let entry = entry.user_data(kind << 32 | u64::from(fd as u32));
        // SAFETY: the caller's promise is the one that this asks for.
        while unsafe { self.submissions.push(&entry) }.is_err() {
            self.submissions.sync();
            self.submitter.submit()?;
            self.submissions.sync();
        }
        Ok(())
    }
}

fn connection(connections: &mut [Option<Connection>], fd: RawFd) -> Option<&mut Connection> {
    connections.get_mut(usize::try_from(fd).ok()?)?.as_mut()
}

fn mark_dirty(dirty: &mut Vec<RawFd>, connection: &mut Connection, fd: RawFd) {
    if !std::mem::replace(&mut connection.dirty, true) {
        dirty.push(fd);
    }
}

/// Whether an enter that failed so just has to be made again.
fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINTR | libc::EAGAIN | libc::EBUSY)
    )
}
