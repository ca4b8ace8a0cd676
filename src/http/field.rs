//! Field lines and the sections that responses and trailers are made of (RFC 9110, 5 and 6.5).
//!
//! Owns the syntax of names and values, so that no handler can split a response, and the arena
//! that a section lives in. Knows no message framing: protocols decide which fields they pass on.

#[cfg(test)]
mod tests;

use std::fmt;

use super::known::{KnownField, KnownSet};
use super::scan::{from_value_end, is_plain_value};
use super::span::Span;
use crate::buf::text;
use crate::limits;

/// One field line: a name and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLine<'a> {
    /// The name in the case that it came in.
    pub name: &'a str,
    /// The value without white space around it. Not always text (RFC 9110, 5.5).
    pub value: &'a [u8],
}

impl<'a> FieldLine<'a> {
    /// The value as text, when it is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        text(self.value)
    }
}

/// Where a field line lies in the bytes of its section or head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldSpan {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) known: Option<KnownField>,
}

impl FieldSpan {
    /// The line itself.
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> FieldLine<'_> {
        FieldLine {
            name: text(self.name.of(bytes)).unwrap_or_default(),
            value: self.value.of(bytes),
        }
    }

    /// Whether the line has this name, whatever its case.
    #[inline]
    pub(crate) fn is_named(self, name: &str, bytes: &[u8]) -> bool {
        self.name.of(bytes).eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Why a field line cannot stand in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// The name is not a token (RFC 9110, 5.6.2).
    Name,
    /// The value holds CR, LF, NUL or another control character (RFC 9110, 5.5).
    Value,
    /// The section would grow beyond 16 MiB.
    TooLong,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the field name is not a token",
            Self::Value => "the field value holds a control character",
            Self::TooLong => "the field section is too long",
        })
    }
}

impl std::error::Error for FieldError {}

/// The field lines of a response, of an informational response or of a trailer section.
///
/// Names compare without regard to case, order is kept, and a cleared section keeps its memory.
#[derive(Clone, Debug, Default)]
pub struct FieldSection {
    /// `name: value CRLF` for each line, nothing else: HTTP/1.1 copies it whole.
    wire: Vec<u8>,
    lines: Vec<FieldSpan>,
    known: KnownSet,
}

impl FieldSection {
    /// An empty section; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            wire: Vec::new(),
            lines: Vec::new(),
            known: KnownSet::of(&[]),
        }
    }

    /// Adds a line behind those that are there. White space around the value is dropped.
    ///
    /// # Errors
    /// The name is no token, the value holds a control character, or the section is too long.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldError> {
        self.append_bytes(name.as_bytes(), value.as_ref())
    }

    /// [`FieldSection::append`] for a name that is still bytes.
    pub(crate) fn append_bytes(&mut self, name: &[u8], value: &[u8]) -> Result<(), FieldError> {
        if !is_token(name) {
            return Err(FieldError::Name);
        }
        self.push_line(name, KnownField::from_name(name), value)
    }

    /// Sets Content-Type (RFC 9110, 8.3), which nearly every response has: its name needs no check
    /// and, in a section without lines, replaces nothing.
    #[inline]
    pub(crate) fn set_content_type(&mut self, value: &str) -> Result<(), FieldError> {
        const NAME: &str = "Content-Type";
        const PREFIX: &[u8; 14] = b"Content-Type: ";
        let bytes = value.as_bytes();
        let trimmed = !matches!(bytes, [b' ' | b'\t', ..] | [.., b' ' | b'\t']);
        if !self.is_empty() || bytes.len() > limits::SHORT_VALUE_BYTES || !trimmed {
            return self.set(NAME, value);
        }
        if !is_field_value(bytes) {
            return Err(FieldError::Value);
        }
        // Room for any short value: the constant makes one check of three.
        self.wire
            .reserve(PREFIX.len() + limits::SHORT_VALUE_BYTES + 2);
        self.wire.extend_from_slice(PREFIX);
        self.wire.extend_from_slice(bytes);
        self.wire.extend_from_slice(b"\r\n");
        self.lines.push(FieldSpan {
            name: Span::new(0, NAME.len()),
            value: Span::new(PREFIX.len(), PREFIX.len() + bytes.len()),
            known: None,
        });
        Ok(())
    }

    /// Adds a line whose name is a token.
    #[inline]
    fn push_line(
        &mut self,
        name: &[u8],
        known: Option<KnownField>,
        value: &[u8],
    ) -> Result<(), FieldError> {
        if !is_field_value(value) {
            return Err(FieldError::Value);
        }
        let value = trim_ows(value);
        let start = self.wire.len();
        let value_start = start + name.len() + 2;
        let end = value_start + value.len() + 2;
        if end > limits::HEAD_BYTES_CEILING {
            return Err(FieldError::TooLong);
        }
        self.wire.reserve(end - start);
        self.wire.extend_from_slice(name);
        self.wire.extend_from_slice(b": ");
        self.wire.extend_from_slice(value);
        self.wire.extend_from_slice(b"\r\n");
        self.lines.push(FieldSpan {
            name: Span::new(start, start + name.len()),
            value: Span::new(value_start, end - 2),
            known,
        });
        self.known.insert(known);
        Ok(())
    }

    /// Replaces every line of this name by one, which stands last.
    ///
    /// # Errors
    /// As [`FieldSection::append`]; the section is then unchanged.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), FieldError> {
        let replaced = self.contains(name);
        let old = self.lines.len();
        self.append(name, value)?;
        if replaced {
            self.remove_among(name, old);
        }
        Ok(())
    }

    /// Removes every line of this name and says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.remove_among(name, self.lines.len())
    }

    /// Removes the lines of this name among the first `count`.
    fn remove_among(&mut self, name: &str, count: usize) -> bool {
        let before = self.lines.len();
        let (wire, mut removed, mut index) = (&mut self.wire, 0, 0);
        let mut known = KnownSet::default();
        self.lines.retain_mut(|line| {
            line.name = line.name.pulled_back(removed);
            line.value = line.value.pulled_back(removed);
            let remove = index < count && line.is_named(name, wire);
            index += 1;
            if remove {
                let whole = line.name.start()..line.value.end() + 2;
                removed += whole.len();
                wire.drain(whole);
            } else {
                known.insert(line.known);
            }
            !remove
        });
        self.known = known;
        self.lines.len() != before
    }

    /// Whether there is a line of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line.is_named(name, &self.wire))
    }

    /// The value of the first line of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let line = self
            .lines
            .iter()
            .find(|line| line.is_named(name, &self.wire))?;
        Some(line.value.of(&self.wire))
    }

    /// The lines in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = FieldLine<'_>> {
        self.lines.iter().map(|line| line.of(&self.wire))
    }

    /// The number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Removes every line. Keeps its memory up to a bound, so that one huge response is not paid
    /// for by all that follow.
    #[inline]
    pub fn clear(&mut self) {
        self.wire.clear();
        self.lines.clear();
        self.known = KnownSet::default();
        if self.wire.capacity() > limits::FIELD_SECTION_BYTES_KEPT
            || self.lines.capacity() > limits::FIELD_LINES_KEPT
        {
            self.shrink();
        }
    }

    #[cold]
    fn shrink(&mut self) {
        self.wire.shrink_to(limits::FIELD_SECTION_BYTES_KEPT);
        self.lines.shrink_to(limits::FIELD_LINES_KEPT);
    }

    /// The known fields among the lines.
    #[inline]
    pub(crate) fn known(&self) -> KnownSet {
        self.known
    }

    /// All lines as HTTP/1.1 writes them, each with its CRLF.
    #[inline]
    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// Each line as HTTP/1.1 writes it, with what it is.
    pub(crate) fn wire_lines(&self) -> impl Iterator<Item = (Option<KnownField>, &[u8])> {
        self.lines.iter().map(|line| {
            (
                line.known,
                Span::new(line.name.start(), line.value.end() + 2).of(&self.wire),
            )
        })
    }
}

/// Why a Content-Length is not a length (RFC 9110, 8.6: `1*DIGIT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LengthError {
    /// There is no digit at all.
    Empty,
    /// It begins with a plus or a minus.
    Signed,
    /// A comma makes a list of it.
    List,
    /// It does not fit 64 bits.
    Overflow,
    /// Something else is no digit.
    NotDigits,
}

/// The length that a Content-Length value says.
pub(crate) fn parse_content_length(value: &[u8]) -> Result<u64, LengthError> {
    match value.first() {
        None => return Err(LengthError::Empty),
        Some(b'+' | b'-') => return Err(LengthError::Signed),
        Some(_) => {}
    }
    if value.contains(&b',') {
        return Err(LengthError::List);
    }
    if !value.iter().all(u8::is_ascii_digit) {
        return Err(LengthError::NotDigits);
    }
    value
        .iter()
        .try_fold(0_u64, |length, digit| {
            length.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or(LengthError::Overflow)
}

/// Whether `text` is a token (RFC 9110, 5.6.2).
#[inline]
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

/// Whether `byte` is a `tchar` (RFC 9110, 5.6.2).
#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut rest: &[u8] = b"!#$%&'*+-.^_`|~0123456789\
            abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        while let [first, others @ ..] = rest {
            #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
            {
                table[*first as usize] = true;
            }
            rest = others;
        }
        table
    };
    TOKEN.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Whether `value` may stand behind a field name: no control character but HTAB (RFC 9110, 5.5).
/// Bytes from 0x80 are opaque and pass.
#[inline]
pub(crate) fn is_field_value(value: &[u8]) -> bool {
    is_plain_value(value) || from_value_end(value, value).is_empty()
}

/// `value` without optional white space around it (RFC 9110, 5.6.3).
pub(crate) fn trim_ows(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
