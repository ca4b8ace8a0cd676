//! The simulated kernel: descriptors, files, and the operations in flight on them.
//!
//! Owns everything that a test and the ring share. How operations progress is in `progress`. Knows
//! nothing of who drives the ring.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::CString;
use std::os::fd::RawFd;
use std::time::Duration;

use super::fault::{Dice, Faults};
use super::socket::Socket;
use crate::buf::Pool;
use crate::ring::{Completion, Errno, LastSend, OpKind, Payload, Token};

/// The first simulated descriptor, far from any that the process has. None is used twice, so that
/// a use after close cannot hit a stranger.
const FIRST_DESCRIPTOR: RawFd = 1_000_000;

/// What an operation does.
#[derive(Debug)]
pub(super) enum Work {
    Accept,
    Recv {
        begun: bool,
        once: bool,
    },
    /// Poll events, those that were told.
    Watch {
        told: u32,
    },
    Send {
        bytes: Vec<u8>,
        from: usize,
    },
    Cancel,
    CancelRecv(Token),
    Close,
    Inbox,
    Open(CString),
    Read {
        into: Vec<u8>,
        offset: u64,
    },
}

/// An operation that has not ended.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) token: Token,
    pub(super) fd: RawFd,
    pub(super) work: Work,
    /// The socket that the descriptor named at submission. It outlives the descriptor.
    pub(super) socket: Option<usize>,
}

/// Connections that wait to be accepted, and errors that come before them.
#[derive(Debug, Default)]
pub(super) struct Listener {
    pub(super) waiting: VecDeque<usize>,
    pub(super) failures: VecDeque<Errno>,
}

/// What a descriptor that the ring has opened stands for.
#[derive(Debug)]
pub(super) enum Object {
    /// A connection, by its index.
    Socket(usize),
    /// A file and what was in it when it was opened.
    File(Vec<u8>),
}

/// All state of a simulation.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Duration,
    pub(super) pool: Pool,
    pub(super) queued: Vec<Operation>,
    pub(super) ready: VecDeque<Completion>,
    /// Last completions that are told of a turn late.
    late: VecDeque<Completion>,
    /// Operations started whose last completion is not taken.
    pub(super) started: usize,
    pub(super) faults: Faults,
    /// The ring cannot be entered any more.
    pub(super) broken: bool,
    pub(super) dice: Dice,
    /// Buffers that the ring has given to this kernel and that are not filled.
    pub(super) buffers: usize,
    pub(super) listeners: BTreeMap<RawFd, Listener>,
    pub(super) objects: BTreeMap<RawFd, Object>,
    closed: BTreeSet<RawFd>,
    pub(super) sockets: Vec<Socket>,
    pub(super) files: BTreeMap<CString, Vec<u8>>,
    pub(super) operations: Vec<Operation>,
    next_descriptor: RawFd,
}

impl World {
    pub(super) fn new(pool: Pool, seed: u64, faults: Faults) -> Self {
        Self {
            now: Duration::ZERO,
            buffers: pool.count(),
            pool,
            queued: Vec::new(),
            ready: VecDeque::new(),
            late: VecDeque::new(),
            started: 0,
            faults,
            broken: false,
            dice: Dice::new(seed),
            listeners: BTreeMap::new(),
            objects: BTreeMap::new(),
            closed: BTreeSet::new(),
            sockets: Vec::new(),
            files: BTreeMap::new(),
            operations: Vec::new(),
            next_descriptor: FIRST_DESCRIPTOR,
        }
    }

    pub(super) fn socket(&mut self, index: usize) -> &mut Socket {
        self.sockets
            .get_mut(index)
            .expect("sockets are never removed")
    }

    /// A descriptor that was never used before.
    pub(super) fn descriptor(&mut self) -> RawFd {
        self.next_descriptor += 1;
        self.next_descriptor
    }

    pub(super) fn listen(&mut self) -> RawFd {
        let fd = self.descriptor();
        self.listen_on(fd);
        fd
    }

    pub(super) fn listen_on(&mut self, fd: RawFd) {
        self.listeners.entry(fd).or_default();
    }

    pub(super) fn connect(&mut self, listener: RawFd) -> usize {
        let index = self.sockets.len();
        self.sockets.push(Socket::default());
        match self.listeners.get_mut(&listener) {
            Some(listener) => listener.waiting.push_back(index),
            None => self.socket(index).refuse(),
        }
        index
    }

    pub(super) fn fail_accept(&mut self, listener: RawFd, errno: Errno) {
        if let Some(listener) = self.listeners.get_mut(&listener) {
            listener.failures.push_back(errno);
        }
    }

    pub(super) fn put_file(&mut self, path: CString, bytes: Vec<u8>) {
        self.files.insert(path, bytes);
    }

    /// Completes every poll of an inbox.
    pub(super) fn wake_inbox(&mut self) {
        let inboxes = self
            .operations
            .iter()
            .filter(|op| matches!(op.work, Work::Inbox));
        let tokens: Vec<Token> = inboxes.map(|op| op.token).collect();
        for token in tokens {
            self.tell(token, Ok(libc::POLLIN as u32), true, Payload::None);
        }
    }

    pub(super) fn interrupts(&mut self) -> bool {
        self.dice.happens(self.faults.interrupt)
    }

    /// Every buffer that no slice holds is the kernel's from now on. Returns how many are new.
    pub(super) fn recycle(&mut self) -> usize {
        let given = (self.pool.count() - self.pool.in_use()).saturating_sub(self.buffers);
        self.buffers += given;
        given
    }

    /// Acts at once, as the real ring does.
    pub(super) fn shutdown(&mut self, token: Token, fd: RawFd) {
        let result = match self.objects.get(&fd) {
            Some(&Object::Socket(index)) => self.socket(index).shutdown(),
            Some(Object::File(_)) => Err(Errno::ENOTSOCK),
            None => Err(Errno::EBADF),
        };
        self.tell(token, result.map(|()| 0), false, Payload::None);
    }

    /// Acts at once.
    pub(super) fn send_and_close(&mut self, fd: RawFd, bytes: &[u8]) -> Result<LastSend, Errno> {
        let Some(&Object::Socket(index)) = self.objects.get(&fd) else {
            return Err(Errno::EBADF);
        };
        let mut operations = self.operations.iter().chain(&self.queued);
        assert!(
            operations.all(|operation| operation.fd != fd),
            "operations on {fd} are in flight"
        );
        let sent = if self.dice.happens(self.faults.delay) {
            0
        } else {
            self.send(index, bytes).unwrap_or(Ok(0))? as usize
        };
        if sent < bytes.len() || self.socket(index).backlog() > 0 {
            return Ok(LastSend::Open(sent));
        }
        self.objects.remove(&fd);
        self.closed.insert(fd);
        self.socket(index).close_descriptor();
        self.release_closed();
        Ok(LastSend::Closed)
    }

    /// Completes an operation, maybe not for the last time.
    pub(super) fn tell(
        &mut self,
        token: Token,
        result: Result<u32, Errno>,
        more: bool,
        payload: Payload,
    ) {
        self.ready.push_back(Completion {
            token,
            result,
            more,
            payload,
        });
    }

    /// Ends an operation; its memory goes back.
    pub(super) fn end(&mut self, operation: Operation, result: Result<u32, Errno>) {
        self.tell(operation.token, result, false, memory(operation.work));
    }

    /// Takes in what was queued, in its order.
    pub(super) fn submit(&mut self) {
        self.ready.append(&mut self.late);
        for mut operation in std::mem::take(&mut self.queued) {
            match operation.work {
                Work::Cancel => self.cancel(operation.token, operation.fd),
                Work::CancelRecv(recv) => self.cancel_recv(operation.token, recv),
                Work::Close => self.close(operation.token, operation.fd),
                _ => match self.resolve(&operation) {
                    Ok(socket) => {
                        operation.socket = socket;
                        self.operations.push(operation);
                    }
                    Err(errno) => self.end(operation, Err(errno)),
                },
            }
        }
        self.release_closed();
    }

    /// The socket that an operation works on, if any, or why it cannot work.
    fn resolve(&self, operation: &Operation) -> Result<Option<usize>, Errno> {
        match (&operation.work, self.objects.get(&operation.fd)) {
            (Work::Inbox | Work::Open(_), _) => Ok(None),
            (Work::Accept, None) if self.listeners.contains_key(&operation.fd) => Ok(None),
            (
                Work::Recv { .. } | Work::Send { .. } | Work::Watch { .. },
                Some(&Object::Socket(index)),
            ) => Ok(Some(index)),
            (Work::Recv { .. } | Work::Send { .. }, Some(Object::File(_))) => Err(Errno::ENOTSOCK),
            (Work::Read { .. }, Some(Object::File(_))) => Ok(None),
            (_, None) => Err(Errno::EBADF),
            (_, Some(_)) => Err(Errno::EINVAL),
        }
    }

    fn cancel(&mut self, token: Token, fd: RawFd) {
        if self.closed.contains(&fd) {
            return self.tell(token, Err(Errno::EBADF), false, Payload::None);
        }
        let count = self.cancel_where(|operation| operation.fd == fd);
        self.tell(token, Ok(count), false, Payload::None);
    }

    fn cancel_recv(&mut self, token: Token, recv: Token) {
        let count = self.cancel_where(|operation| operation.token == recv);
        let result = if count > 0 { Ok(0) } else { Err(Errno::ENOENT) };
        self.tell(token, result, false, Payload::None);
    }

    /// What is cancelled says so before or after the cancellation does.
    fn cancel_where(&mut self, matches: impl Fn(&Operation) -> bool) -> u32 {
        let (cancelled, kept) = std::mem::take(&mut self.operations)
            .into_iter()
            .partition(matches);
        self.operations = kept;
        let cancelled: Vec<Operation> = cancelled;
        let count = cancelled.len() as u32;
        for operation in cancelled {
            let completion = Completion {
                token: operation.token,
                result: Err(Errno::ECANCELED),
                more: false,
                payload: memory(operation.work),
            };
            if self.dice.happens(self.faults.delay) {
                self.late.push_back(completion);
            } else {
                self.ready.push_back(completion);
            }
        }
        count
    }

    fn close(&mut self, token: Token, fd: RawFd) {
        assert!(
            !self.closed.contains(&fd),
            "descriptor {fd} is closed twice"
        );
        let result = match self.objects.remove(&fd) {
            Some(Object::Socket(index)) => {
                self.socket(index).close_descriptor();
                Ok(0)
            }
            Some(Object::File(_)) => Ok(0),
            None if self.listeners.remove(&fd).is_some() => Ok(0),
            None => Err(Errno::EBADF),
        };
        if result.is_ok() {
            self.closed.insert(fd);
        }
        self.tell(token, result, false, Payload::None);
    }

    /// Ends everything as a ring does that goes away: what was never submitted never is, and what
    /// nobody has been told of is the ring's to close.
    pub(super) fn end_all(&mut self) {
        self.queued.clear();
        self.operations.clear();
        self.started = 0;
        let untold: Vec<Completion> = self.ready.drain(..).chain(self.late.drain(..)).collect();
        for completion in untold {
            let opens = matches!(completion.token.kind(), OpKind::Accept | OpKind::Open);
            if let (true, Ok(fd)) = (opens, completion.result) {
                self.abandon(RawFd::try_from(fd).unwrap_or(-1));
            }
        }
    }

    /// Closes a descriptor of a ring that was ended.
    pub(super) fn abandon(&mut self, fd: RawFd) {
        assert!(self.operations.is_empty(), "the ring was not ended");
        assert!(self.closed.insert(fd), "descriptor {fd} is closed twice");
        if let Some(Object::Socket(index)) = self.objects.remove(&fd) {
            self.socket(index).close_descriptor();
        }
        self.release_closed();
    }

    /// What is left over, one line each; nothing once all is quiet. Listeners and polls of an
    /// inbox may stay: their descriptors are not the ring's to close.
    pub(super) fn leftovers(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .objects
            .iter()
            .map(|(fd, object)| format!("open: {fd} {object:?}"))
            .collect();
        let in_flight = self.operations.iter().chain(&self.queued);
        all.extend(
            in_flight
                .filter(|operation| !matches!(operation.work, Work::Inbox))
                .map(|operation| format!("in flight: {operation:?}")),
        );
        let untold = self.ready.iter().chain(&self.late);
        all.extend(untold.map(|completion| format!("not taken: {completion:?}")));
        if self.pool.in_use() > 0 {
            all.push(format!("held by slices: {} buffers", self.pool.in_use()));
        }
        all
    }
}

fn memory(work: Work) -> Payload {
    match work {
        Work::Send { bytes, .. } => Payload::Sent(bytes),
        Work::Read { into, .. } => Payload::Read(into),
        _ => Payload::None,
    }
}
