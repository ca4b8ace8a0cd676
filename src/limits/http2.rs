//! The bounds and defaults of HTTP/2 (RFC 9113).
//!
//! Owns what a peer may make one HTTP/2 connection hold or do, each with its reason. Enforces
//! nothing itself: who reads a limit holds it.

use std::time::Duration;

use super::LimitsError;

/// The smallest and the largest value of SETTINGS_MAX_FRAME_SIZE (RFC 9113, 6.5.2).
pub(crate) const FRAME_BYTES_RANGE: std::ops::RangeInclusive<u32> = 16_384..=16_777_215;

/// The largest flow-control window (RFC 9113, 6.9.1).
pub(crate) const WINDOW_CEILING: u32 = i32::MAX as u32;

/// The window that every stream and connection begins with (RFC 9113, 6.9.2).
pub(crate) const WINDOW_FLOOR: u32 = 65_535;

/// Milliseconds that a shutting-down connection waits for the peer to have seen the first GOAWAY:
/// long enough for any round trip, short beside the drain of the server.
pub(crate) const GOAWAY_GRACE_MS: u64 = 1_000;

/// Milliseconds in which the frames of [`FloodLimits`] are counted.
pub(crate) const FLOOD_WINDOW_MS: u64 = 5_000;

// What useful work earns and a peer may save of each kind, beyond the allowances of `FloodLimits`:
// as much as an honest peer may send at once, and so little that it is over soon.

/// Resets that answers have earned: all of some views full of small pictures.
pub(crate) const RESETS_EARNED_MAX: u32 = 1_000;

/// PINGs that DATA has earned. Honest peers have one or two on the way.
pub(crate) const PINGS_EARNED_MAX: u32 = 1_000;

/// Priority signals that answers have earned: some for each request of a large page.
pub(crate) const PRIORITIES_EARNED_MAX: u32 = 1_000;

/// DATA frames without content that content has earned.
pub(crate) const EMPTY_DATA_EARNED_MAX: u32 = 1_000;

/// WINDOW_UPDATEs that DATA under way may still cause: that of a window of 64 MiB, one for each
/// KiB.
pub(crate) const WINDOW_UPDATES_EARNED_MAX: u32 = 65_536;

/// Tiny DATA frames that content has earned. Those that come before a handler has read are what the
/// allowance is for.
pub(crate) const TINY_DATA_EARNED_MAX: u32 = 20_000;

/// Late frames that answers have earned: as many streams as may be open, some times over.
pub(crate) const UNWANTED_EARNED_MAX: u32 = 1_000;

/// Milliseconds after which a reset stream does not count as a wasted one: it has held one of the
/// places that are limited for so long, so there are never many.
pub(crate) const RESET_COUNTED_MS: u64 = 500;

/// CONTINUATION frames of one field block, beside those that its bytes have earned. The largest
/// block that is taken fits six full frames.
pub(crate) const CONTINUATIONS_MAX: u32 = 16;

/// Bytes of a field block for which there may be another CONTINUATION.
pub(crate) const CONTINUATION_BYTES: usize = 256;

/// PRIORITY_UPDATE frames that are kept for streams which are not open yet.
pub(crate) const EARLY_PRIORITIES_MAX: usize = 16;

/// DATA frames with less content than this, which do not end their stream, are tiny: the nine
/// bytes of their head and the work they cause outweigh them.
pub(crate) const TINY_DATA_BYTES: u32 = 64;

/// With less than this left of the connection's window, a frame of the usual size, a peer is not held
/// to a rate, and those whose handlers do not read are to blame.
pub(crate) const STARVED_BYTES: usize = 16 * 1024;

/// Bytes of a response that may wait for the peer on each stream, however many streams share what
/// the connection has: less would make a handler run for every few bytes.
pub(crate) const RESPONSE_SHARE_BYTES_MIN: usize = 4 * 1024;

/// Streams that a peer has reset but whose handlers still run, for each stream that may be open:
/// beyond that new ones are refused, so that resets cannot pile up work.
pub(crate) const ABANDONED_PER_STREAM: usize = 2;

/// How often a peer may send what costs it little and us more, each within five seconds, beyond
/// what useful work has earned: what goes out earns PINGs and WINDOW_UPDATEs, content that handlers
/// read earns small frames, answered requests earn resets and priorities. So an honest peer may be
/// as fast as it likes. Passed: the connection ends with `ENHANCE_YOUR_CALM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloodLimits {
    /// Streams that the peer resets before they are answered, and streams that its mistakes make
    /// us reset. Each answer earns one, and so do 4 KiB of content sent; a stream that the peer
    /// has waited for half a second does not count. Default 500: all streams of a peer, some times
    /// over.
    pub resets_max: u32,
    /// SETTINGS frames. Default 50: each must be acknowledged, and an honest peer sends one or two.
    pub settings_max: u32,
    /// PING frames. Each DATA frame sent earns one, and so do 256 bytes of it: some peers probe the
    /// bandwidth with one for each round trip. Default 500.
    pub pings_max: u32,
    /// PRIORITY, PRIORITY_UPDATE and unknown frames. Each answer earns four. Default 1,000.
    pub priorities_max: u32,
    /// DATA frames without content that do not end their stream. 64 bytes of content that a handler
    /// has read earn one. Default 100.
    pub empty_data_max: u32,
    /// WINDOW_UPDATE frames beyond those that an honest peer may send: two for each DATA frame that
    /// it got, one for each 256 bytes, and one for each answer. Default 1,000.
    pub window_updates_max: u32,
    /// DATA frames of less than 64 bytes that do not end their stream. Four bytes of content that a
    /// handler has read earn one, so that streams of small messages may go on for ever. Default
    /// 100,000: a window full of messages of 8 bytes for a handler that is slow to read.
    pub tiny_data_max: u32,
    /// Frames that nothing comes of: for streams that are closed or were refused, and what is said
    /// a second time. Each answer earns one. Default 1,000: a client that does not know the limit of
    /// streams yet may open some hundreds too many, and those that we reset end a round trip later.
    pub unwanted_max: u32,
}

impl FloodLimits {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        resets_max: 500,
        settings_max: 50,
        pings_max: 500,
        priorities_max: 1_000,
        empty_data_max: 100,
        window_updates_max: 1_000,
        tiny_data_max: 100_000,
        unwanted_max: 1_000,
    };
}

impl Default for FloodLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What one HTTP/2 connection may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2Limits {
    /// Streams that may be open at a time. Passed: the stream is refused. Default 100; at least 1.
    pub streams_max: u32,
    /// Bytes of the dynamic table that requests are decoded with (RFC 7541, 4.2). Default 4,096;
    /// at most 65,536.
    pub header_table_bytes: u32,
    /// Bytes of a frame's payload. Passed: `FRAME_SIZE_ERROR`. Default 16,384; at most 16,777,215.
    pub frame_bytes_max: u32,
    /// Bytes of one field line, name and value. Passed: 431. Default 32,768.
    pub field_bytes_max: usize,
    /// What all streams together may have sent that handlers have not read, at first. Default
    /// 1,048,576; from 65,535 to 2^31-1.
    pub connection_window: u32,
    /// The same of one stream, at first. Default 786,432; from 65,535 to 2^31-1.
    pub stream_window: u32,
    /// The most that both windows grow to, when the measured bandwidth-delay product asks for it.
    /// This bounds what one connection can make the server hold. Default 8,388,608.
    pub window_max: u32,
    /// After so much silence the peer is probed with a PING. `None`: never, the default. At least
    /// 1 s.
    pub ping_interval: Option<Duration>,
    /// Time for the answer to such a PING. Passed: the connection ends. Default 20 s; at least 1 s.
    pub ping_timeout: Duration,
    /// Age at which a connection is asked to end in order, so that load balancing evens out.
    /// `None`: any, the default.
    pub connection_age_max: Option<Duration>,
    /// Requests after which a connection is asked to end in order. `None`: any number, the default.
    pub requests_max: Option<u64>,
    /// Time for which handlers that do not read may keep the connection's window from others that
    /// wait for content; they may even wait for each other. Passed: the body that holds most of it
    /// fails with [`BodyError::Unread`](crate::http::BodyError::Unread). Default 60 s.
    pub unread_stall_timeout: Duration,
    /// Time for which a peer may leave a response without window. Passed: the stream is reset.
    /// Default 60 s.
    pub window_stall_timeout: Duration,
    /// How often a peer may send what costs it little.
    pub floods: FloodLimits,
}

impl Http2Limits {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        streams_max: 100,
        header_table_bytes: 4_096,
        frame_bytes_max: *FRAME_BYTES_RANGE.start(),
        field_bytes_max: 32 * 1024,
        connection_window: 1024 * 1024,
        stream_window: 768 * 1024,
        window_max: 8 * 1024 * 1024,
        ping_interval: None,
        ping_timeout: Duration::from_secs(20),
        connection_age_max: None,
        requests_max: None,
        unread_stall_timeout: Duration::from_secs(60),
        window_stall_timeout: Duration::from_secs(60),
        floods: FloodLimits::DEFAULT,
    };

    /// Checks each value.
    pub(super) const fn validate(&self) -> Result<(), LimitsError> {
        /// Far beyond what a client keeps open, and few enough to be walked.
        const STREAMS_CEILING: u32 = 10_000;
        const TABLE_CEILING: u32 = 65_536;
        let windows = self.connection_window >= WINDOW_FLOOR
            && self.connection_window <= WINDOW_CEILING
            && self.stream_window >= WINDOW_FLOOR
            && self.stream_window <= WINDOW_CEILING
            && self.window_max <= WINDOW_CEILING;
        if self.streams_max == 0 || self.streams_max > STREAMS_CEILING {
            return Err(LimitsError::Http2Streams);
        }
        if self.header_table_bytes > TABLE_CEILING {
            return Err(LimitsError::Http2HeaderTable);
        }
        if self.frame_bytes_max < *FRAME_BYTES_RANGE.start()
            || self.frame_bytes_max > *FRAME_BYTES_RANGE.end()
        {
            return Err(LimitsError::Http2FrameBytes);
        }
        if !windows {
            return Err(LimitsError::Http2Windows);
        }
        if self.ping_timeout.as_secs() == 0
            || self.window_stall_timeout.is_zero()
            || self.unread_stall_timeout.is_zero()
        {
            return Err(LimitsError::ZeroTimeout);
        }
        if let Some(interval) = self.ping_interval
            && interval.as_secs() == 0
        {
            return Err(LimitsError::ZeroTimeout);
        }
        Ok(())
    }
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
