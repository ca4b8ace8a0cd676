//! The inbound direction: frames as they come (RFC 9113, 4 to 6).
//!
//! Owns the order in which bytes become frames. What HEADERS do is in `open`, what DATA does in
//! `content`, all others in `control`.

use std::ops::Range;
use std::rc::Rc;

use super::bounds::block_bytes_max;
use super::budget::Cheap;
use super::closed::Closed;
use super::connection::Connection;
use super::error::{ConnectionError, Violation};
use super::frame::{FrameHead, HEAD_BYTES, Kind, headers};
use super::input::Input;
use crate::http::{Exchange, Turn};
use crate::limits::{CONTINUATION_BYTES, CONTINUATIONS_MAX};

/// What a client sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection keeps of the memory that a field block was collected in. Nearly all blocks are
/// shorter; the rest would be held by every connection that has once sent a long one.
const BLOCK_BYTES_KEPT: usize = 4 * 1024;

/// What became of the waiting bytes.
#[derive(Debug)]
pub(super) enum Consumed {
    /// A request is ready.
    Dispatch(Rc<Exchange>),
    /// Some bytes are gone or the state has changed: look again.
    Some,
    /// Nothing can be done with them now.
    Nothing,
}

/// What is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The client's preface.
    Preface,
    /// The SETTINGS frame behind it.
    FirstHead,
    /// The head of a frame.
    Head,
    /// The payload of a frame, whole.
    Payload(FrameHead),
    /// The length of the padding of a DATA frame.
    DataPadding(FrameHead),
    /// The content of a DATA frame, as it comes.
    Content {
        stream: u32,
        left: u32,
        padding: u32,
        end_stream: bool,
    },
    /// Bytes that mean nothing.
    Skip(u32),
}

/// Whether a peer speaks another protocol.
enum OtherProtocol {
    Yes,
    /// Its first line is not complete.
    Perhaps,
    No,
}

/// Whether a byte may stand in a request line or end it.
fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b' ' | b'\r')
}

/// A field block that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenBlock {
    pub(super) stream: u32,
    pub(super) end_stream: bool,
    pub(super) continuations: u32,
    /// When it began, or was looked at again; `u64::MAX` while it is held back.
    pub(super) since: u64,
}

/// A field block that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CompleteBlock {
    pub(super) stream: u32,
    pub(super) end_stream: bool,
    pub(super) place: BlockPlace,
}

/// Where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BlockPlace {
    /// In the memory that blocks are collected in.
    Collected,
    /// In the input, which begins with the payload of its frame.
    Input(Range<usize>),
}

impl BlockPlace {
    /// The bytes.
    #[inline(always)]
    pub(super) fn of<'a>(&self, input: &'a Input, collected: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Collected => collected,
            Self::Input(range) => input.front().get(range.clone()).unwrap_or_default(),
        }
    }
}

impl Connection {
    /// Works on the waiting bytes: one step.
    #[inline]
    pub(super) fn consume(
        &mut self,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        match self.reading {
            Reading::Head | Reading::FirstHead => self.read_head(turn, out),
            Reading::Payload(head) => self.read_payload(head, turn, out),
            Reading::DataPadding(head) => {
                let Some(&[length, ..]) = self.input.peek(1) else {
                    return Ok(Consumed::Nothing);
                };
                self.input.consume(1);
                self.begin_content(head, Some(length), turn, out)?;
                Ok(Consumed::Some)
            }
            Reading::Content { .. } => self.read_content(turn, out),
            Reading::Skip(left) => {
                let taken = self.input.len().min(left as usize);
                if taken == 0 {
                    return Ok(Consumed::Nothing);
                }
                self.input.consume(taken);
                // At most `left`, which is 32 bits.
                self.skip(left - taken as u32);
                Ok(Consumed::Some)
            }
            Reading::Preface => self.read_preface(turn, out),
        }
    }

    /// Forgets the next bytes, then reads the next frame.
    pub(super) fn skip(&mut self, bytes: u32) {
        self.reading = if bytes == 0 {
            Reading::Head
        } else {
            Reading::Skip(bytes)
        };
    }

    fn read_preface(
        &mut self,
        turn: &Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        // Another protocol is recognised by its first wrong byte.
        let arrived = self.input.len().min(PREFACE.len());
        let Some(bytes) = self.input.peek(arrived) else {
            return Ok(Consumed::Nothing);
        };
        if bytes.get(..arrived) != PREFACE.get(..arrived) {
            return match self.other_protocol(turn.limits.request_line_bytes_max) {
                OtherProtocol::Perhaps => Ok(Consumed::Nothing),
                OtherProtocol::Yes => Err(ConnectionError(Violation::OtherProtocol)),
                OtherProtocol::No => Err(ConnectionError(Violation::BadPreface)),
            };
        }
        if arrived < PREFACE.len() {
            return Ok(Consumed::Nothing);
        }
        self.input.consume(PREFACE.len());
        self.reading = Reading::FirstHead;
        self.greet(turn, out);
        Ok(Consumed::Some)
    }

    /// Whether a peer that did not send the preface speaks HTTP/1 or TLS, and so will understand
    /// when it is told; other peers are noise.
    fn other_protocol(&mut self, line_bytes_max: usize) -> OtherProtocol {
        let arrived = self.input.len().min(line_bytes_max);
        let bytes = self.input.peek(arrived).unwrap_or_default();
        let bytes = bytes.get(..arrived).unwrap_or_default();
        let line = bytes.split_inclusive(|byte| *byte == b'\n').next();
        match line.unwrap_or_default() {
            [0x16, ..] => OtherProtocol::Yes,
            line if line.ends_with(b" HTTP/1.1\r\n") || line.ends_with(b" HTTP/1.0\r\n") => {
                OtherProtocol::Yes
            }
            [.., b'\n'] => OtherProtocol::No,
            line if line.len() < line_bytes_max && line.iter().all(|byte| is_text(*byte)) => {
                OtherProtocol::Perhaps
            }
            _ => OtherProtocol::No,
        }
    }

    fn read_head(
        &mut self,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        let Some(head) = self.input.peek(HEAD_BYTES).and_then(FrameHead::parse) else {
            return Ok(Consumed::Nothing);
        };
        if self.reading == Reading::FirstHead
            && (head.kind != Kind::Settings || head.has(FrameHead::ACK))
        {
            return Err(ConnectionError(Violation::SettingsExpected));
        }
        if let Some(block) = self.open_block
            && (head.kind != Kind::Continuation || head.stream != block.stream)
        {
            return Err(ConnectionError(Violation::InterleavedHeaderBlock));
        }
        self.input.consume(HEAD_BYTES);
        self.frames = self.frames.wrapping_add(1);
        if let Err(fault) = head.check(turn.limits.http2.frame_bytes_max) {
            self.answer_fault(fault, head.stream, turn, out)?;
            self.skip(head.length);
            return Ok(Consumed::Some);
        }
        self.check_block_length(head, turn)?;
        match head.kind {
            Kind::Data if head.has(FrameHead::PADDED) => self.reading = Reading::DataPadding(head),
            Kind::Data => self.begin_content(head, None, turn, out)?,
            Kind::Unknown => {
                self.charge(Cheap::Priority, turn)?;
                self.skip(head.length);
            }
            _ => self.reading = Reading::Payload(head),
        }
        Ok(Consumed::Some)
    }

    fn read_payload(
        &mut self,
        head: FrameHead,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        let length = head.length as usize;
        if self.input.peek(length).is_none() {
            return Ok(Consumed::Nothing);
        }
        self.reading = Reading::Head;
        if matches!(head.kind, Kind::Headers | Kind::Continuation) {
            return self.read_block(head, turn, out);
        }
        let taken = self.take_frame(head, turn, out);
        self.input.consume(length);
        if let Err(fault) = taken {
            self.answer_fault(fault, head.stream, turn, out)?;
        }
        Ok(Consumed::Some)
    }

    /// Whether a field block that goes on with this frame is one that can be taken. It is not
    /// collected before it is refused.
    #[inline]
    fn check_block_length(&self, head: FrameHead, turn: &Turn<'_>) -> Result<(), ConnectionError> {
        let before = match head.kind {
            Kind::Headers => 0,
            Kind::Continuation => self.block.len(),
            _ => return Ok(()),
        };
        if before.saturating_add(head.length as usize) > block_bytes_max(turn.limits) {
            return Err(ConnectionError(Violation::HeaderListTooLarge));
        }
        Ok(())
    }

    /// Takes HEADERS or CONTINUATION, which are there whole. A field block in one frame, as nearly
    /// all are, is read where it lies; others are collected.
    #[inline]
    fn read_block(
        &mut self,
        head: FrameHead,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Consumed, ConnectionError> {
        let length = head.length as usize;
        if head.kind == Kind::Headers && head.has(FrameHead::END_HEADERS) {
            let payload = self.input.peek(length).unwrap_or_default();
            let payload = payload.get(..length).unwrap_or_default();
            // Its block would be missing in the tables, so every mistake is the connection's.
            let headers = headers::parse(head, payload)
                .map_err(|fault| ConnectionError(fault.violation()))?;
            let block = CompleteBlock {
                stream: head.stream,
                end_stream: headers.end_stream,
                place: BlockPlace::Input(headers.fragment),
            };
            let ended = self.end_block(&block, turn, out);
            self.input.consume(length);
            return ended;
        }
        let taken = self.collect_block(head, turn.now);
        self.input.consume(length);
        let Some(block) = taken? else {
            return Ok(Consumed::Some);
        };
        let ended = self.end_block(&block, turn, out);
        if self.block.capacity() > BLOCK_BYTES_KEPT {
            self.block = Vec::new();
        }
        ended
    }

    /// Adds a frame's part to the field block, and answers when the block is complete.
    #[inline(never)]
    fn collect_block(
        &mut self,
        head: FrameHead,
        now: u64,
    ) -> Result<Option<CompleteBlock>, ConnectionError> {
        let length = head.length as usize;
        let payload = self.input.peek(length).unwrap_or_default();
        let payload = payload.get(..length).unwrap_or_default();
        let block = match self.open_block.take() {
            None if head.kind == Kind::Continuation => {
                return Err(ConnectionError(Violation::UnexpectedContinuation));
            }
            None => {
                let headers = headers::parse(head, payload)
                    .map_err(|fault| ConnectionError(fault.violation()))?;
                self.block.clear();
                self.block
                    .extend_from_slice(payload.get(headers.fragment).unwrap_or_default());
                OpenBlock {
                    stream: head.stream,
                    end_stream: headers.end_stream,
                    continuations: 0,
                    since: now,
                }
            }
            Some(mut block) => {
                self.block.extend_from_slice(payload);
                block.continuations += 1;
                block
            }
        };
        if head.has(FrameHead::END_HEADERS) {
            return Ok(Some(CompleteBlock {
                stream: block.stream,
                end_stream: block.end_stream,
                place: BlockPlace::Collected,
            }));
        }
        let earned = self.block.len() / CONTINUATION_BYTES;
        if block.continuations as usize >= CONTINUATIONS_MAX as usize + earned {
            return Err(ConnectionError(Violation::TooManyContinuations));
        }
        self.open_block = Some(block);
        Ok(None)
    }

    pub(super) fn charge(&mut self, cheap: Cheap, turn: &Turn<'_>) -> Result<(), ConnectionError> {
        let floods = &turn.limits.http2.floods;
        // Each request was answered, is under way, or was left.
        let under_way = self.streams.len() + usize::from(self.dispatched.is_some());
        let unanswered = self.unanswered.saturating_add(under_way as u64);
        self.budget
            .answered(self.requests.saturating_sub(unanswered));
        self.budget.charge(cheap, turn.now, floods)
    }

    /// How a stream without a slot ended. One above our last GOAWAY was never begun, and none of
    /// its frames is a mistake (RFC 9113, 6.8).
    pub(super) fn how_closed(&self, id: u32) -> Option<Closed> {
        let how = self.streams.closed.how(id);
        how.or_else(|| self.ending.refuses(id).then_some(Closed::Forgotten))
    }

    /// Whether a stream without a slot was open once; a frame for one that never was ends the
    /// connection (RFC 9113, 5.1).
    pub(super) fn check_was_open(&self, id: u32) -> Result<(), ConnectionError> {
        if id > self.last_stream {
            Err(ConnectionError(Violation::FrameOnIdleStream))
        } else {
            Ok(())
        }
    }
}
