//! The search for the end of a head that has not arrived whole.
//!
//! Owns how far the search has come, so that no byte is looked at twice however the head is
//! split, and the violations that a prefix already proves. Each of these is decided where a line
//! ends, in the order of the stream: the verdict does not depend on how the bytes arrived.

use super::Reject;
use crate::http::Transport;
use crate::http::field::is_token_byte;
use crate::limits::{LEADING_EMPTY_LINES_MAX, Limits, METHOD_BYTES_MAX};

/// The first line of the HTTP/2 connection preface (RFC 9113, 3.4).
const HTTP2_PREFACE_LINE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// A search for the end of a head; the default is one that has not begun.
///
/// It belongs to a connection and describes the bytes from the first one that no request has
/// consumed. These must stay in place, at the front of the input, until the head is complete.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeadScan {
    /// Where the request line begins, behind empty lines.
    start: usize,
    /// Everything before this has been searched.
    position: usize,
    line_start: usize,
    /// Where the field lines begin; `None` while the request line has no end.
    fields_start: Option<usize>,
    field_count: usize,
    /// What requests are held against.
    pub(super) origin: Origin,
}

/// What the requests of a connection are for: the schemes that they may name, and the last Host that was
/// found valid, if it is short enough to be remembered. The next request of a connection nearly always
/// has the same, and then it is compared, not parsed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    bytes: [u8; Self::BYTES_MAX],
    /// 0 while there is none.
    len: u8,
    transport: Transport,
}

impl Origin {
    /// Longer than most names with a port, and small beside a connection.
    const BYTES_MAX: usize = 48;

    /// What the connection is.
    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether `value` is the Host that is remembered.
    #[inline(always)]
    pub(super) fn is_host(&self, value: &[u8]) -> bool {
        if value.len() != usize::from(self.len) {
            return false;
        }
        // Most are of these lengths: then both ends together are all of it.
        if (8..=16).contains(&value.len())
            && let Some(remembered) = self.bytes.get(..value.len())
        {
            return remembered.first_chunk::<8>() == value.first_chunk()
                && remembered.last_chunk::<8>() == value.last_chunk();
        }
        !value.is_empty() && self.bytes.get(..value.len()) == Some(value)
    }

    /// Remembers a valid Host.
    pub(super) fn remember_host(&mut self, value: &[u8]) {
        if let Some(bytes) = self.bytes.get_mut(..value.len()) {
            bytes.copy_from_slice(value);
            // At most 48, so the cast loses nothing.
            self.len = value.len() as u8;
        }
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            bytes: [0; Self::BYTES_MAX],
            len: 0,
            transport: Transport::default(),
        }
    }
}

/// How far the search got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// The head goes on beyond the input.
    Open,
    /// The head ends before this offset.
    End(usize),
    /// The first line is the HTTP/2 preface.
    Http2Preface,
}

impl HeadScan {
    /// Heads are from now on those of this transport.
    pub(super) fn set_transport(&mut self, transport: Transport) {
        self.origin.transport = transport;
    }

    /// Makes the search new again for the next head.
    pub(super) fn restart(&mut self) {
        self.start = 0;
        self.position = 0;
        self.line_start = 0;
        self.fields_start = None;
        self.field_count = 0;
    }

    /// Where the request line begins. Meaningful once [`HeadScan::find_start`] has said so.
    #[inline]
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Whether no line has been searched yet.
    #[inline]
    pub(super) fn is_fresh(&self) -> bool {
        self.position <= self.start
    }

    /// Whether anything is searched or skipped: there is nothing to restart otherwise.
    #[inline]
    pub(super) fn has_moved(&self) -> bool {
        self.position > 0 || self.start > 0
    }

    /// Skips empty lines (RFC 9112, 2.2) and judges the first byte of the request line. Says
    /// whether that byte is there.
    #[inline]
    pub(super) fn find_start(&mut self, input: &[u8]) -> Result<bool, Reject> {
        // Nearly all methods begin with such a letter, and nearly no head with an empty line.
        if input.get(self.start).is_some_and(u8::is_ascii_uppercase) {
            return Ok(true);
        }
        self.skip_empty_lines(input)
    }

    #[inline(never)]
    fn skip_empty_lines(&mut self, input: &[u8]) -> Result<bool, Reject> {
        loop {
            match input.get(self.start..).unwrap_or_default() {
                // 0x16 may yet turn out to be a TLS handshake record.
                [] | [b'\r'] | [0x16] => return Ok(false),
                [b'\r', b'\n', ..] if self.start < 2 * LEADING_EMPTY_LINES_MAX => self.start += 2,
                [b'\r', b'\n', ..] => return Err(Reject::TooManyEmptyLines),
                [b'\r', ..] => return Err(Reject::BareCarriageReturn),
                [b'\n', ..] => return Err(Reject::BareLineFeed),
                [0x16, 0x03, ..] => return Err(Reject::TlsOverHttp),
                [first, ..] if is_token_byte(*first) => return Ok(true),
                _ => return Err(Reject::InvalidMethod),
            }
        }
    }

    /// Searches on. `input` begins where it did before and may be longer.
    pub(super) fn advance(&mut self, input: &[u8], limits: &Limits) -> Result<Scanned, Reject> {
        if self.is_fresh() {
            self.position = self.start;
            self.line_start = self.start;
        }
        loop {
            let rest = input.get(self.position..).unwrap_or_default();
            let Some(at) = memchr::memchr(b'\n', rest) else {
                self.position = input.len();
                // The LF that is still to come counts.
                self.check_length(input, input.len() + 1, limits)?;
                return Ok(Scanned::Open);
            };
            let end = self.position + at + 1;
            self.check_length(input, end, limits)?;
            let line = input.get(self.line_start..end).unwrap_or_default();
            if !line.ends_with(b"\r\n") {
                return Err(Reject::BareLineFeed);
            }
            if self.fields_start.is_none() {
                if self.start == 0 && line == HTTP2_PREFACE_LINE {
                    return Ok(Scanned::Http2Preface);
                }
                self.fields_start = Some(end);
            } else if line == b"\r\n" {
                return Ok(Scanned::End(end));
            } else {
                self.field_count += 1;
                if self.field_count > limits.field_count_max {
                    return Err(Reject::TooManyFields);
                }
            }
            self.line_start = end;
            self.position = end;
        }
    }

    /// Checks that a line which ends before `end`, or later, is not too long already.
    fn check_length(&self, input: &[u8], end: usize, limits: &Limits) -> Result<(), Reject> {
        match self.fields_start {
            None => {
                let length = end - self.start;
                // A method and the space behind it (RFC 9112, 3: 501, where a target gets 414).
                let method_max = limits.request_line_bytes_max.min(METHOD_BYTES_MAX + 1);
                if length > method_max {
                    let front = input.get(self.start..self.start + method_max);
                    if memchr::memchr(b' ', front.unwrap_or_default()).is_none() {
                        return Err(Reject::MethodTooLong);
                    }
                }
                if length > limits.request_line_bytes_max {
                    return Err(Reject::RequestLineTooLong);
                }
                Ok(())
            }
            // The empty line is not counted.
            Some(start) if end - start > limits.head_bytes_max + 2 => Err(Reject::HeadTooLarge),
            Some(_) => Ok(()),
        }
    }
}
