//! The nine bytes before every payload (RFC 9113, 4.1).
//!
//! Owns the types of frames, their flags, and every rule that a head can break by itself. Rules
//! that need the state of a stream or of the connection are the connection's.

use super::STREAM_MASK;
use crate::h2::error::{ConnectionError, Fault, StreamError, Violation};

/// Bytes of a head.
pub(crate) const HEAD_BYTES: usize = 9;

/// The type of a frame (RFC 9113, 6; RFC 9218, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Content of a message.
    Data,
    /// The start of a field block.
    Headers,
    /// Priorities of RFC 7540; checked and otherwise ignored.
    Priority,
    /// The end of a stream.
    RstStream,
    /// Settings of the sender, or their acknowledgement.
    Settings,
    /// Never allowed from a client.
    PushPromise,
    /// A sign of life, or its answer.
    Ping,
    /// The end of the connection.
    GoAway,
    /// More room for DATA.
    WindowUpdate,
    /// The rest of a field block.
    Continuation,
    /// A priority of RFC 9218.
    PriorityUpdate,
    /// Anything else: to be ignored (RFC 9113, 4.1 and 5.5).
    Unknown,
}

impl Kind {
    /// The type that a head's fourth byte names.
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x2 => Self::Priority,
            0x3 => Self::RstStream,
            0x4 => Self::Settings,
            0x5 => Self::PushPromise,
            0x6 => Self::Ping,
            0x7 => Self::GoAway,
            0x8 => Self::WindowUpdate,
            0x9 => Self::Continuation,
            0x10 => Self::PriorityUpdate,
            _ => Self::Unknown,
        }
    }

    /// The number on the wire. Unknown types have lost theirs and are never sent; the last number,
    /// which is kept for experiments (RFC 7540, 11.2), stands for them.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Data => 0x0,
            Self::Headers => 0x1,
            Self::Priority => 0x2,
            Self::RstStream => 0x3,
            Self::Settings => 0x4,
            Self::PushPromise => 0x5,
            Self::Ping => 0x6,
            Self::GoAway => 0x7,
            Self::WindowUpdate => 0x8,
            Self::Continuation => 0x9,
            Self::PriorityUpdate => 0x10,
            Self::Unknown => 0xff,
        }
    }
}

/// A parsed head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    /// Bytes of the payload, at most 2^24-1.
    pub(crate) length: u32,
    /// The type.
    pub(crate) kind: Kind,
    /// As they came; bits without a meaning for the type are ignored.
    pub(crate) flags: u8,
    /// The stream, or zero for the connection; 31 bits.
    pub(crate) stream: u32,
}

impl FrameHead {
    /// END_STREAM of DATA and HEADERS: the sender's last frame with content or fields.
    pub(crate) const END_STREAM: u8 = 0x1;
    /// ACK of SETTINGS and PING.
    pub(crate) const ACK: u8 = 0x1;
    /// END_HEADERS of HEADERS and CONTINUATION: the field block is complete.
    pub(crate) const END_HEADERS: u8 = 0x4;
    /// PADDED of DATA and HEADERS.
    pub(crate) const PADDED: u8 = 0x8;
    /// PRIORITY of HEADERS.
    pub(crate) const PRIORITY: u8 = 0x20;

    /// The head at the front of `bytes`; nothing when they are fewer than nine.
    #[inline]
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *bytes.first_chunk::<HEAD_BYTES>()?;
        Some(Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind: Kind::from_code(kind),
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & STREAM_MASK,
        })
    }

    /// The head as it is sent.
    #[inline]
    pub(crate) const fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let [_, l0, l1, l2] = self.length.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        let kind = self.kind.code();
        [l0, l1, l2, kind, self.flags, s0, s1, s2, s3]
    }

    /// Whether all bits of `flag` are set.
    #[inline]
    pub(crate) const fn has(self, flag: u8) -> bool {
        self.flags & flag == flag
    }

    /// Checks everything that a head from a client gives away by itself: its length, the stream
    /// it names, and whether a client may send it at all. `frame_bytes_max` is the
    /// SETTINGS_MAX_FRAME_SIZE that the client has been told.
    ///
    /// # Errors
    /// The violation. Nearly all end the connection, also where RFC 9113 asks only for a stream
    /// error (5.4.1 allows it): frames that are too long or lie about their fields are made by
    /// broken or hostile peers.
    #[inline]
    pub(crate) fn check(self, frame_bytes_max: u32) -> Result<(), Fault> {
        use Violation::{
            ContinuationOnStreamZero, DataOnStreamZero, GoAwayOnStream, HeadersOnStreamZero,
            PingOnStream, PriorityOnStreamZero, PriorityUpdateOnStream, PushPromiseFromClient,
            ResetOnStreamZero, SettingsOnStream,
        };
        if self.length > frame_bytes_max {
            return Err(ConnectionError(Violation::FrameTooLarge).into());
        }
        match self.kind {
            Kind::Data => self.odd_stream(DataOnStreamZero)?,
            Kind::Headers => self.odd_stream(HeadersOnStreamZero)?,
            Kind::Continuation => self.odd_stream(ContinuationOnStreamZero)?,
            Kind::RstStream => self.odd_stream(ResetOnStreamZero)?,
            Kind::WindowUpdate => self.odd_stream_or_zero()?,
            // It may name a stream of any state (RFC 9113, 6.3), and nothing comes of it.
            Kind::Priority => self.some_stream(PriorityOnStreamZero)?,
            Kind::Settings => self.no_stream(SettingsOnStream)?,
            Kind::Ping => self.no_stream(PingOnStream)?,
            Kind::GoAway => self.no_stream(GoAwayOnStream)?,
            Kind::PriorityUpdate => self.no_stream(PriorityUpdateOnStream)?,
            Kind::PushPromise => return Err(ConnectionError(PushPromiseFromClient).into()),
            Kind::Unknown => {}
        }
        self.check_length()
    }

    fn check_length(self) -> Result<(), Fault> {
        let padding = u32::from(self.has(Self::PADDED));
        let (right, violation) = match self.kind {
            Kind::Data => (self.length >= padding, Violation::FrameTooShort),
            Kind::Headers => {
                let priority = if self.has(Self::PRIORITY) { 5 } else { 0 };
                (self.length >= padding + priority, Violation::FrameTooShort)
            }
            Kind::Settings if self.has(Self::ACK) => {
                (self.length == 0, Violation::SettingsAckWithPayload)
            }
            Kind::Settings => (self.length.is_multiple_of(6), Violation::WrongFrameLength),
            Kind::RstStream | Kind::WindowUpdate => (self.length == 4, Violation::WrongFrameLength),
            Kind::Ping => (self.length == 8, Violation::WrongFrameLength),
            Kind::GoAway => (self.length >= 8, Violation::FrameTooShort),
            Kind::PriorityUpdate => (self.length >= 4, Violation::FrameTooShort),
            // The one wrong length that ends only its stream (RFC 9113, 6.3).
            Kind::Priority if self.length != 5 => {
                return Err(StreamError(Violation::WrongFrameLength).into());
            }
            Kind::Priority | Kind::Continuation | Kind::PushPromise | Kind::Unknown => {
                return Ok(());
            }
        };
        if right {
            Ok(())
        } else {
            Err(ConnectionError(violation).into())
        }
    }

    /// For frames of a stream that the client has opened: servers push nothing, so an even
    /// identifier is of a stream that cannot exist.
    fn odd_stream(self, zero: Violation) -> Result<(), ConnectionError> {
        self.some_stream(zero)?;
        self.odd_stream_or_zero()
    }

    fn odd_stream_or_zero(self) -> Result<(), ConnectionError> {
        if self.stream != 0 && self.stream.is_multiple_of(2) {
            return Err(ConnectionError(Violation::EvenStreamId));
        }
        Ok(())
    }

    fn some_stream(self, zero: Violation) -> Result<(), ConnectionError> {
        if self.stream == 0 {
            return Err(ConnectionError(zero));
        }
        Ok(())
    }

    fn no_stream(self, violation: Violation) -> Result<(), ConnectionError> {
        if self.stream != 0 {
            return Err(ConnectionError(violation));
        }
        Ok(())
    }
}
