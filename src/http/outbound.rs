//! The response between the handler, which fills it, and the protocol, which empties it.
//!
//! Owns status, fields, the bounded body buffer and the order of what a handler may still do.
//! Knows no wire format: the protocol decides framing from what it finds here.

use super::field::parse_content_length;
use super::pending::PendingBody;
use super::{FieldSection, HandlerError, KnownField, ResponseError, Status};
use crate::task::Parked;

/// How the handler ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The response is as the handler left it.
    Complete,
    /// The handler failed before the head was sent: the response was replaced.
    Replaced,
    /// The handler failed after the head was sent: the body must be seen to be truncated.
    Truncated,
}

/// One informational response that waits to be sent.
#[derive(Debug)]
pub(crate) struct Informational {
    /// A 1xx status other than 101.
    pub(crate) status: Status,
    /// Its fields.
    pub(crate) fields: FieldSection,
}

/// What is known of a response's length when its head is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// What the handler's Content-Length says.
    pub(crate) announced: Option<u64>,
    /// The bytes of the whole body, when the handler is done.
    pub(crate) whole: Option<u64>,
    /// It could not be sent and was replaced. What the handler may still write is not sent.
    pub(crate) contradicts: bool,
}

/// The response of one exchange.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) status: Status,
    pub(crate) fields: FieldSection,
    /// Body bytes that the protocol has not taken yet.
    pub(crate) body: PendingBody,
    /// A whole body that need not be copied before it is sent.
    pub(crate) fixed: &'static [u8],
    /// Interim responses in the order they were asked for. Empty without capacity in nearly
    /// every exchange.
    pub(crate) informational: Vec<Informational>,
    /// The handler wants the head on its way before it is done.
    pub(crate) started: bool,
    /// The protocol has encoded the head.
    pub(crate) head_sent: bool,
    /// The handler took the connection over: what follows the head is raw.
    pub(crate) upgraded: bool,
    /// Bytes that the handler's Content-Length still allows, once the head is fixed.
    pub(crate) remaining: Option<u64>,
    pub(crate) outcome: Option<Outcome>,
    writer: Option<Parked>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            status: Status::OK,
            fields: FieldSection::default(),
            body: PendingBody::default(),
            fixed: &[],
            informational: Vec::new(),
            started: false,
            head_sent: false,
            upgraded: false,
            remaining: None,
            outcome: None,
            writer: None,
        }
    }
}

impl Outbound {
    /// Back to an empty 200 that nobody has begun. Keeps `body_capacity_max` bytes at most.
    #[inline]
    pub(crate) fn reset(&mut self, body_capacity_max: usize) {
        self.status = Status::OK;
        self.fields.clear();
        self.body.reset(body_capacity_max);
        self.fixed = &[];
        self.started = false;
        self.head_sent = false;
        self.upgraded = false;
        self.remaining = None;
        self.outcome = None;
        if !self.informational.is_empty() || self.writer.is_some() {
            self.reset_rare();
        }
    }

    #[cold]
    fn reset_rare(&mut self) {
        self.informational.clear();
        self.writer = None;
    }

    /// Whether status and fields may still change.
    pub(crate) fn check_open(&self) -> Result<(), ResponseError> {
        if self.outcome.is_some() || self.upgraded {
            Err(ResponseError::AlreadyComplete)
        } else if self.started {
            Err(ResponseError::AlreadyStarted)
        } else {
            Ok(())
        }
    }

    /// Replaces the whole body by bytes that live as long as the program.
    pub(crate) fn set_fixed(&mut self, bytes: &'static [u8]) -> Result<(), ResponseError> {
        self.check_open()?;
        self.body.clear();
        self.fixed = bytes;
        Ok(())
    }

    /// Sets Content-Type of a response that is open.
    #[inline]
    pub(crate) fn set_content_type(&mut self, value: &str) -> Result<(), ResponseError> {
        let set = self.fields.set_content_type(value);
        set.map_err(|_| ResponseError::InvalidField)
    }

    /// The body buffer, emptied, for a helper that writes a whole body at once.
    pub(crate) fn replace_body(&mut self) -> Result<&mut Vec<u8>, ResponseError> {
        self.check_open()?;
        self.fixed = &[];
        Ok(self.body.replace())
    }

    /// Appends as much of `bytes` as a buffer of `capacity` bytes takes, and says how much.
    pub(crate) fn append(&mut self, bytes: &[u8], capacity: usize) -> Result<usize, ResponseError> {
        if self.outcome.is_some() {
            return Err(ResponseError::AlreadyComplete);
        }
        if !self.fixed.is_empty() {
            self.body.extend_from_slice(std::mem::take(&mut self.fixed));
        }
        let room = capacity.saturating_sub(self.body.len());
        // An empty buffer always takes something, or a capacity of zero would stall for ever.
        let room = if self.body.is_empty() {
            room.max(1)
        } else {
            room
        };
        let (now, _) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining
                .checked_sub(now.len() as u64)
                .ok_or(ResponseError::LengthExceeded)?;
        }
        self.body.extend_from_slice(now);
        Ok(now.len())
    }

    /// Fixes status and fields; the protocol sends the head with its next turn. What the
    /// handler's Content-Length allows is counted from here on.
    pub(crate) fn start(&mut self) -> Result<(), ResponseError> {
        if self.outcome.is_some() {
            return Err(ResponseError::AlreadyComplete);
        }
        if self.started {
            return Ok(());
        }
        self.started = true;
        if let Some(announced) = self.announced_length() {
            let buffered = self.fixed.len().saturating_add(self.body.len()) as u64;
            let remaining = announced
                .checked_sub(buffered)
                .ok_or(ResponseError::LengthExceeded)?;
            self.remaining = Some(remaining);
        }
        Ok(())
    }

    /// The Content-Length that the handler has set, when it is a number.
    pub(crate) fn announced_length(&self) -> Option<u64> {
        if !self.fields.known().contains(KnownField::ContentLength) {
            return None;
        }
        parse_content_length(self.fields.get("content-length")?).ok()
    }

    /// Removes the first `count` bytes of the body, which the protocol has sent, and wakes a
    /// handler that waits for room.
    pub(crate) fn take_front(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        if !self.fixed.is_empty() {
            self.fixed = self.fixed.get(count..).unwrap_or_default();
        } else {
            self.body.take_front(count);
        }
        self.wake_writer();
    }

    /// Forgets what waits of the body, which is not sent, and wakes a handler that waits for room.
    pub(crate) fn discard_body(&mut self) {
        self.body.clear();
        self.fixed = &[];
        self.wake_writer();
    }

    /// Compares what the handler has announced with what it has written, once the head is about to
    /// be sent. An answer whose length is not the announced one cannot be sent, nor can one whose
    /// status is that of an interim response: it becomes an empty 500. So does a 2xx to CONNECT that
    /// is no upgrade an empty 501: the peer would take it for a tunnel (RFC 9110, 9.3.6), and what
    /// it sends there must not be read as requests. `is_head` is for the answer to HEAD, which
    /// announces a body that it does not have.
    pub(crate) fn measure(&mut self, is_head: bool, is_connect: bool) -> Measured {
        let whole = match self.outcome {
            Some(Outcome::Complete | Outcome::Replaced) => {
                Some(self.fixed.len().saturating_add(self.body.len()) as u64)
            }
            Some(Outcome::Truncated) | None => None,
        };
        let announced = self.announced_length();
        // After an interim response the peer would wait for another (RFC 9110, 15.2).
        let is_interim = self.status.is_informational() && !self.upgraded;
        let differs = match (announced, whole) {
            (Some(length), Some(whole)) => {
                length != whole && !is_head && !self.status.is_bodiless()
            }
            _ => false,
        };
        let lacks_tunnel = is_connect && self.status.is_success() && !self.upgraded;
        if is_interim || differs || lacks_tunnel {
            self.fields.clear();
            self.discard_body();
            self.status = if lacks_tunnel {
                Status::NOT_IMPLEMENTED
            } else {
                Status::INTERNAL_SERVER_ERROR
            };
            return Measured {
                announced: Some(0),
                whole: Some(0),
                contradicts: true,
            };
        }
        Measured {
            announced,
            whole,
            contradicts: false,
        }
    }

    /// Ends the response as the handler ended. `fallback` answers a failure that came before
    /// the head was sent.
    #[inline]
    pub(crate) fn finish(&mut self, result: Result<(), &HandlerError>, fallback: Status) {
        if self.outcome.is_some() {
            return;
        }
        self.writer = None;
        self.outcome = Some(match result {
            Ok(()) => Outcome::Complete,
            Err(_) if self.started => Outcome::Truncated,
            Err(_) => self.replace(fallback),
        });
    }

    /// Ends a response that nobody has begun, with nothing but a status.
    pub(crate) fn refuse(&mut self, status: Status) {
        self.outcome = Some(self.replace(status));
    }

    fn replace(&mut self, status: Status) -> Outcome {
        self.fields.clear();
        self.body.clear();
        self.fixed = &[];
        self.informational.clear();
        self.status = status;
        Outcome::Replaced
    }

    /// Waits for the protocol to take bytes.
    pub(crate) fn park(&mut self, writer: Parked) {
        self.writer = Some(writer);
    }

    /// Wakes whoever waits for room or for the end of the connection.
    pub(crate) fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}
