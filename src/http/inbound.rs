//! The request body between the protocol, which fills it, and the handler, which empties it.
//!
//! Owns the queue of chunks, its bound, and the end of the body. Knows neither framing nor I/O:
//! the protocol pushes decoded bytes, the handler takes them.

use std::collections::VecDeque;

use super::{BodyError, Chunk};
use crate::task::Parked;

/// How far the body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyState {
    /// More may come.
    Open,
    /// All of it is in the queue or was taken.
    Complete,
    /// It will never be complete.
    Failed(BodyError),
}

/// The queue of one exchange's request body.
#[derive(Debug)]
pub(crate) struct Inbound {
    queue: VecDeque<Chunk>,
    queued_bytes: usize,
    taken_bytes: u64,
    declared: Option<u64>,
    state: BodyState,
    reader: Option<Parked>,
    reading: bool,
    full: bool,
    /// Bytes taken that the protocol has not heard of.
    unreported: usize,
    /// At how many of these it wants to.
    report_at: usize,
    /// Whether anything but the default is in here: most requests have no body to reset.
    used: bool,
    /// Whether these are the raw bytes of a stream.
    raw: bool,
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            queued_bytes: 0,
            taken_bytes: 0,
            declared: None,
            state: BodyState::Complete,
            reader: None,
            reading: false,
            full: false,
            unreported: 0,
            report_at: usize::MAX,
            used: false,
            raw: false,
        }
    }
}

impl Inbound {
    /// Back to the body of a request that has none.
    #[inline]
    pub(crate) fn reset(&mut self) {
        if self.used {
            self.reset_used();
        }
    }

    #[inline(never)]
    fn reset_used(&mut self) {
        self.used = false;
        self.queue.clear();
        self.queued_bytes = 0;
        self.taken_bytes = 0;
        self.declared = None;
        self.state = BodyState::Complete;
        self.reader = None;
        self.reading = false;
        self.full = false;
        self.unreported = 0;
        self.report_at = usize::MAX;
        self.raw = false;
    }

    /// Expects a body: of `declared` bytes, or of unknown length.
    pub(crate) fn open(&mut self, declared: Option<u64>) {
        self.used = true;
        self.declared = declared;
        self.state = BodyState::Open;
    }

    /// Expects the raw bytes of a stream. A protocol that takes them before the handler has agreed
    /// calls this first; the handler's own call then leaves alone what has come, also the end.
    pub(crate) fn open_stream(&mut self) {
        if !std::mem::replace(&mut self.raw, true) {
            self.open(None);
        }
    }

    /// Asks for the connection to be driven whenever the handler has taken another `bytes`.
    pub(crate) fn report_at(&mut self, bytes: usize) {
        self.report_at = bytes.max(1);
    }

    /// How many bytes the handler has taken since the last call.
    pub(crate) fn take_unreported(&mut self) -> usize {
        std::mem::take(&mut self.unreported)
    }

    /// The same, and leaves it so.
    #[cfg(all(debug_assertions, any(test, feature = "testing")))]
    pub(crate) fn unreported(&self) -> usize {
        self.unreported
    }

    /// How many bytes the handler has taken in total.
    pub(crate) fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    /// Adds decoded bytes and wakes the reader.
    pub(crate) fn push(&mut self, chunk: Chunk) {
        if self.state == BodyState::Open && !chunk.is_empty() {
            self.queued_bytes = self.queued_bytes.saturating_add(chunk.len());
            // A body in tiny pieces must not cost many times its size while it waits.
            let joined = self
                .queue
                .back_mut()
                .is_some_and(|last| last.absorb(&chunk));
            if !joined {
                self.queue.push_back(chunk);
            }
            self.wake_reader();
        }
    }

    /// The body is complete.
    pub(crate) fn complete(&mut self) {
        if self.state == BodyState::Open {
            self.state = BodyState::Complete;
            self.wake_reader();
        }
    }

    /// The body will never be complete. What is queued is dropped: a handler must not act on half.
    pub(crate) fn fail(&mut self, error: BodyError) {
        if self.state == BodyState::Open {
            self.state = BodyState::Failed(error);
            self.queue.clear();
            self.queued_bytes = 0;
            self.wake_reader();
        }
    }

    /// What waits for the handler is taken from it, also of a body that is complete.
    pub(crate) fn take_away(&mut self, error: BodyError) {
        if self.state == BodyState::Complete && self.queued_bytes > 0 {
            self.state = BodyState::Open;
        }
        self.fail(error);
    }

    /// How far the body has come.
    pub(crate) fn state(&self) -> BodyState {
        self.state
    }

    /// Whether the handler has asked for the body at least once.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading
    }

    /// Whether the handler waits for bytes right now.
    pub(crate) fn is_awaited(&self) -> bool {
        self.reader.is_some()
    }

    /// Whether `limit` bytes or more wait for the handler. Remembers the answer, so that the
    /// handler's next read tells the connection to go on.
    pub(crate) fn is_full(&mut self, limit: usize) -> bool {
        self.full = self.queued_bytes >= limit;
        self.full
    }

    /// Takes the next chunk. The second value tells that the connection should be driven: the
    /// handler reads for the first time, a full queue has room again, or the body has failed.
    pub(crate) fn take(&mut self, limit: Option<u64>) -> (Option<Result<Chunk, BodyError>>, bool) {
        self.used = true;
        let first = !std::mem::replace(&mut self.reading, true);
        if let (Some(declared), Some(limit)) = (self.declared, limit)
            && declared > limit
        {
            self.fail(BodyError::TooLarge);
        }
        let mut drive = first && self.state == BodyState::Open;
        let taken = match self.queue.pop_front() {
            Some(chunk) => {
                self.queued_bytes = self.queued_bytes.saturating_sub(chunk.len());
                self.taken_bytes = self.taken_bytes.saturating_add(chunk.len() as u64);
                drive |= std::mem::replace(&mut self.full, false);
                self.unreported = self.unreported.saturating_add(chunk.len());
                drive |= self.unreported >= self.report_at;
                if limit.is_some_and(|limit| self.taken_bytes > limit) {
                    self.state = BodyState::Failed(BodyError::TooLarge);
                    self.queue.clear();
                    self.queued_bytes = 0;
                    drive = true;
                    Some(Err(BodyError::TooLarge))
                } else {
                    Some(Ok(chunk))
                }
            }
            None => match self.state {
                BodyState::Failed(error) => Some(Err(error)),
                BodyState::Open | BodyState::Complete => None,
            },
        };
        (taken, drive)
    }

    /// Waits for the next change of the queue.
    pub(crate) fn park(&mut self, reader: Parked) {
        self.reader = Some(reader);
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
