//! Chunked bodies (RFC 9112, 7.1), decoded in place and one piece at a time.
//!
//! Owns the position within chunk framing and its budgets. Data is never touched: the caller gets
//! its range and hands it on. Knows no body limit; that counts data, which the caller sees.

use super::Reject;
use super::line::split_field_line;
use crate::http::field::is_token_byte;
use crate::http::target::hex_digit;
use crate::http::{FieldError, FieldSection, KnownField};
use crate::limits::{
    CHUNK_EXTENSION_BYTES_MAX, CHUNK_OVERHEAD_FREE_BYTES, CHUNK_OVERHEAD_PER_DATA_BYTE,
    CHUNK_SIZE_DIGITS_MAX, Limits,
};

/// What the next bytes turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `input[start..end]` is data, at least one byte. Everything before `end` is consumed; call
    /// again with the rest.
    Data {
        /// The first byte of data.
        start: usize,
        /// The offset behind the last.
        end: usize,
    },
    /// The whole input is consumed and the body goes on.
    NeedMore,
    /// The body and its trailer section are complete.
    Complete {
        /// The bytes of the input that belonged to them.
        consumed: usize,
    },
}

/// Where in the framing the next byte lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Size,
    /// White space behind the size: only an extension may follow.
    SizeSpace,
    ExtensionNameStart,
    ExtensionName,
    ExtensionNameSpace,
    ExtensionValueStart,
    ExtensionValue,
    ExtensionQuoted,
    ExtensionQuotedPair,
    /// Behind a quoted value.
    ExtensionQuotedEnd,
    /// White space behind a value: only another extension may follow.
    ExtensionSpace,
    SizeLineFeed,
    Data,
    DataCarriageReturn,
    DataLineFeed,
    Trailers,
    Complete,
}

/// Decodes one chunked body. Allocates only when a trailer line is split.
#[derive(Debug, Default)]
pub(crate) struct ChunkedDecoder {
    state: State,
    /// Data of the current chunk that is still to come; its size while that is being read.
    remaining: u64,
    size_digits: u32,
    extension_bytes: u32,
    data_bytes: u64,
    overhead_bytes: u64,
    trailer_bytes: usize,
    trailer_count: usize,
    /// The beginning of a trailer line whose end has not come yet.
    line: Vec<u8>,
}

impl ChunkedDecoder {
    /// Whether the body is complete.
    fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Decodes up to the next data, the end of the body or that of the input. Trailer fields are
    /// appended to `trailers`; one that decides about framing, routing or the connection is
    /// refused rather than dropped, because somebody hopes that it counts (RFC 9110, 6.5.1).
    ///
    /// # Errors
    /// The violation; the body cannot be read any further.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        limits: &Limits,
        trailers: &mut FieldSection,
    ) -> Result<Step, Reject> {
        let mut at = 0;
        while let Some(byte) = input.get(at) {
            match self.state {
                State::Data => {
                    let here = (input.len() - at) as u64;
                    let taken = self.remaining.min(here);
                    self.remaining -= taken;
                    self.data_bytes = self.data_bytes.saturating_add(taken);
                    if self.remaining == 0 {
                        self.state = State::DataCarriageReturn;
                    }
                    // At most the length of the input, so the cast loses nothing.
                    return Ok(Step::Data {
                        start: at,
                        end: at + taken as usize,
                    });
                }
                State::Trailers => {
                    let rest = input.get(at..).unwrap_or_default();
                    at += self.take_trailer(rest, limits, trailers)?;
                }
                State::Complete => break,
                _ => {
                    self.state = self.frame(*byte)?;
                    self.count_overhead()?;
                    at += 1;
                }
            }
        }
        Ok(if self.is_complete() {
            Step::Complete { consumed: at }
        } else {
            Step::NeedMore
        })
    }

    /// Bounds what a peer can make us read without sending data.
    fn count_overhead(&mut self) -> Result<(), Reject> {
        self.overhead_bytes += 1;
        let earned = self.data_bytes.saturating_mul(CHUNK_OVERHEAD_PER_DATA_BYTE);
        if self.overhead_bytes > earned.saturating_add(CHUNK_OVERHEAD_FREE_BYTES) {
            return Err(Reject::ChunkOverhead);
        }
        Ok(())
    }

    /// The state behind one byte of framing.
    fn frame(&mut self, byte: u8) -> Result<State, Reject> {
        match self.state {
            State::Size => self.size_byte(byte),
            State::SizeLineFeed if byte != b'\n' => Err(self.bad_size_line()),
            State::SizeLineFeed if self.remaining == 0 => Ok(State::Trailers),
            State::SizeLineFeed => Ok(State::Data),
            State::DataCarriageReturn if byte == b'\r' => Ok(State::DataLineFeed),
            State::DataLineFeed if byte == b'\n' => {
                self.size_digits = 0;
                self.extension_bytes = 0;
                Ok(State::Size)
            }
            State::DataCarriageReturn | State::DataLineFeed => Err(Reject::InvalidChunkSuffix),
            _ => self.extension_byte(byte),
        }
    }

    fn bad_size_line(&self) -> Reject {
        if self.extension_bytes == 0 {
            Reject::InvalidChunkSize
        } else {
            Reject::InvalidChunkExtension
        }
    }

    fn size_byte(&mut self, byte: u8) -> Result<State, Reject> {
        if let Some(digit) = hex_digit(byte) {
            if self.size_digits == CHUNK_SIZE_DIGITS_MAX {
                return Err(Reject::ChunkSizeTooLong);
            }
            self.size_digits += 1;
            self.remaining = self.remaining << 4 | u64::from(digit);
            return Ok(State::Size);
        }
        match byte {
            _ if self.size_digits == 0 => Err(Reject::InvalidChunkSize),
            b'\r' => Ok(State::SizeLineFeed),
            b';' => {
                self.extension_bytes += 1;
                Ok(State::ExtensionNameStart)
            }
            b' ' | b'\t' => {
                self.extension_bytes += 1;
                Ok(State::SizeSpace)
            }
            _ => Err(Reject::InvalidChunkSize),
        }
    }

    /// One byte of `*( BWS ";" BWS name [ BWS "=" BWS value ] )` (RFC 9112, 7.1.1). A CR or LF
    /// that is not the end of the line ends the body instead: parsers that skip to the next LF
    /// have been fooled into seeing another one.
    fn extension_byte(&mut self, byte: u8) -> Result<State, Reject> {
        use State::{
            ExtensionName, ExtensionNameSpace, ExtensionNameStart, ExtensionQuoted,
            ExtensionQuotedEnd, ExtensionQuotedPair, ExtensionSpace, ExtensionValue,
            ExtensionValueStart, SizeLineFeed, SizeSpace,
        };
        self.extension_bytes += 1;
        if self.extension_bytes > CHUNK_EXTENSION_BYTES_MAX {
            return Err(Reject::ChunkExtensionTooLong);
        }
        Ok(match (self.state, byte) {
            (
                state @ (SizeSpace | ExtensionNameStart | ExtensionNameSpace | ExtensionValueStart
                | ExtensionSpace),
                b' ' | b'\t',
            ) => state,
            (ExtensionName, b' ' | b'\t') => ExtensionNameSpace,
            (ExtensionValue | ExtensionQuotedEnd, b' ' | b'\t') => ExtensionSpace,
            (
                SizeSpace | ExtensionName | ExtensionNameSpace | ExtensionValue
                | ExtensionQuotedEnd | ExtensionSpace,
                b';',
            ) => ExtensionNameStart,
            (ExtensionName | ExtensionNameSpace, b'=') => ExtensionValueStart,
            (ExtensionName | ExtensionValue | ExtensionQuotedEnd, b'\r') => SizeLineFeed,
            (ExtensionNameStart | ExtensionName, _) if is_token_byte(byte) => ExtensionName,
            (ExtensionValueStart | ExtensionValue, _) if is_token_byte(byte) => ExtensionValue,
            (ExtensionValueStart, b'"') => ExtensionQuoted,
            (ExtensionQuoted, b'"') => ExtensionQuotedEnd,
            (ExtensionQuoted, b'\\') => ExtensionQuotedPair,
            (ExtensionQuoted | ExtensionQuotedPair, b'\t' | b' '..=b'~' | 0x80..) => {
                ExtensionQuoted
            }
            _ => return Err(Reject::InvalidChunkExtension),
        })
    }

    /// Takes one trailer line, or the part of it that is here, and says how many bytes that was.
    fn take_trailer(
        &mut self,
        rest: &[u8],
        limits: &Limits,
        trailers: &mut FieldSection,
    ) -> Result<usize, Reject> {
        let end = memchr::memchr(b'\n', rest).map(|at| at + 1);
        let here = end.unwrap_or(rest.len());
        // As in a head the empty line is not counted, and an LF that is still to come is.
        let length = self.trailer_bytes + self.line.len() + here + usize::from(end.is_none());
        if length > limits.trailer_bytes_max + 2 {
            return Err(Reject::TrailersTooLarge);
        }
        let part = rest.get(..here).unwrap_or_default();
        if end.is_none() {
            self.line.extend_from_slice(part);
        } else if self.line.is_empty() {
            self.finish_trailer(part, limits, trailers)?;
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(part);
            self.finish_trailer(&line, limits, trailers)?;
            line.clear();
            self.line = line;
        }
        Ok(here)
    }

    fn finish_trailer(
        &mut self,
        line: &[u8],
        limits: &Limits,
        trailers: &mut FieldSection,
    ) -> Result<(), Reject> {
        let text = line.strip_suffix(b"\r\n").ok_or(Reject::BareLineFeed)?;
        if text.is_empty() {
            self.state = State::Complete;
            return Ok(());
        }
        self.trailer_bytes += line.len();
        self.trailer_count += 1;
        if self.trailer_count > limits.trailer_count_max {
            return Err(Reject::TooManyTrailers);
        }
        let (name, value) = split_field_line(text)?;
        if KnownField::from_name(name).is_some_and(KnownField::is_forbidden_in_trailers) {
            return Err(Reject::ForbiddenTrailer);
        }
        trailers
            .append_bytes(name, value)
            .map_err(|error| match error {
                FieldError::Name => Reject::InvalidFieldName,
                FieldError::Value => Reject::ControlInFieldValue,
                FieldError::TooLong => Reject::TrailersTooLarge,
            })
    }
}
