//! Every bound and default of the server, each with its reason.
//!
//! Owns the public [`Limits`] and the constants of the HTTP/1.1 codec that nobody needs to set.
//! Relations between them are asserted at compile time, or by [`Limits::validate`] for values that
//! a user has chosen. Enforces nothing itself: who reads a limit holds it.

#![forbid(unsafe_code)]

mod closing;
mod error;
mod http2;

use std::time::Duration;

pub(crate) use closing::{
    LINGER_BYTES_PER_SECOND, LINGER_FIRST_MS, LINGER_PAUSE_MS, LINGER_TIME_MAX_MS, LINGER_TIME_MS,
};
pub use error::LimitsError;
pub(crate) use http2::{
    ABANDONED_PER_STREAM, CONTINUATION_BYTES, CONTINUATIONS_MAX, EARLY_PRIORITIES_MAX,
    EMPTY_DATA_EARNED_MAX, FLOOD_WINDOW_MS, GOAWAY_GRACE_MS, PINGS_EARNED_MAX,
    PRIORITIES_EARNED_MAX, RESET_COUNTED_MS, RESETS_EARNED_MAX, RESPONSE_SHARE_BYTES_MIN,
    STARVED_BYTES, TINY_DATA_BYTES, TINY_DATA_EARNED_MAX, UNWANTED_EARNED_MAX, WINDOW_FLOOR,
    WINDOW_UPDATES_EARNED_MAX,
};
pub use http2::{FloodLimits, Http2Limits};

/// Empty lines skipped before a request line (RFC 9112, 2.2 asks for at least one).
///
/// Old clients send one after a body. More than a few is a peer that wants us to spin.
pub(crate) const LEADING_EMPTY_LINES_MAX: usize = 4;

/// Field lines that the parser has room for on its stack: the ceiling of `field_count_max`.
pub(crate) const FIELD_COUNT_CEILING: usize = 256;

/// The ceiling of every byte limit of a head, so that its spans fit 32 bits with room to spare.
pub(crate) const HEAD_BYTES_CEILING: usize = 16 * 1024 * 1024;

/// Bytes of a method. The longest registered one has 17; longer than this is a peer that speaks
/// something else.
pub(crate) const METHOD_BYTES_MAX: usize = 128;

/// Hexadecimal digits of one chunk size, leading zeros included: all that 64 bits hold, and no
/// overflow to think about.
pub(crate) const CHUNK_SIZE_DIGITS_MAX: u32 = 16;

/// Bytes of the extensions of one chunk. The longest in real use are signatures of under 100.
pub(crate) const CHUNK_EXTENSION_BYTES_MAX: u32 = 256;

/// Framing bytes of a chunked body that are free, whatever the data.
pub(crate) const CHUNK_OVERHEAD_FREE_BYTES: u64 = 16 * 1024;

/// Framing bytes allowed for every byte of data beyond the free ones.
///
/// The smallest honest chunk, one byte, costs five; what needs more is padding.
pub(crate) const CHUNK_OVERHEAD_PER_DATA_BYTE: u64 = 8;

/// Bytes that a [`FieldSection`](crate::http::FieldSection) keeps when it is cleared.
pub(crate) const FIELD_SECTION_BYTES_KEPT: usize = 16 * 1024;

/// Bytes of a field value that has its room reserved with its line's other parts: longer than nearly
/// all media types with their parameters.
pub(crate) const SHORT_VALUE_BYTES: usize = 48;

/// Bytes that a request head keeps room for when it is cleared. Nearly all are shorter, and a shard
/// keeps hundreds of them.
pub(crate) const HEAD_BYTES_KEPT: usize = 16 * 1024;

/// Lines that a cleared field section, and a request head, keep room for.
pub(crate) const FIELD_LINES_KEPT: usize = 128;

/// Refused client certificates that a shard says in a second, each a line of the journal; more are
/// counted in the next line. Anybody may show a certificate.
pub(crate) const REFUSALS_SAID_MAX: u32 = 10;

/// Bytes of the longest last response behind which a descriptor is closed at once, where the peer has
/// said that it will send no more.
///
/// A peer that breaks its word (a CRLF behind a body, as old clients have it) is answered with a reset,
/// which takes with it what has not left for the peer by then. So much leaves at once on any
/// connection: ten segments (RFC 6928).
pub(crate) const AGREED_BYTES_MAX: usize = 14 * 1024;

/// Lines that wait to be written to standard error. A burst of failures fits; a pipe that nobody
/// empties holds no more than a few hundred KiB of ours.
pub(crate) const JOURNAL_LINES_MAX: usize = 256;

/// Bytes of one such line, about: longer than any that says something new.
pub(crate) const JOURNAL_LINE_BYTES_MAX: usize = 1024;

/// Threads for work that blocks, in the whole process: such work waits for disks, databases and
/// names more than it computes.
pub(crate) const BLOCKING_THREADS_MAX: usize = 64;

/// Pieces of such work that wait for a thread. Beyond that an error now is worth more than a result
/// too late.
pub(crate) const BLOCKING_JOBS_MAX: usize = 1_024;

/// Time after which a thread for blocking work that has none ends.
pub(crate) const BLOCKING_IDLE_TIME: Duration = Duration::from_secs(10);

/// Bytes of a body that is read as JSON, whatever the request's own limit: as much as bodies may have by
/// default.
pub(crate) const JSON_BYTES_MAX: usize = 30_000_000;

/// Milliseconds after which pools let go of what nobody has used in that time: longer than a pause
/// between two bursts of the same work.
pub(crate) const TRIM_INTERVAL_MS: u64 = 5_000;

/// Things that pools have let go of at once, connections and handlers that have gone, for which the allocator is asked to let go, too.
pub(crate) const TRIM_MIN: usize = 32;

/// The lowest speed a peer may have before it is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataRate {
    /// Average bytes a second, measured over the whole body. At least 1.
    pub bytes_per_second: u32,
    /// Time before the rate counts, so that a slow start is forgiven. More than 1 second.
    pub grace: Duration,
}

impl DataRate {
    /// 240 bytes a second after 5 seconds: slower than any modem, faster than any attack by
    /// trickling.
    pub const DEFAULT: Self = Self {
        bytes_per_second: 240,
        grace: Duration::from_secs(5),
    };

    /// The rate that asks less of the peer, in speed and in time; `None` asks nothing.
    pub(crate) fn more_lenient(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (one, other) = (one?, other?);
        Some(Self {
            bytes_per_second: one.bytes_per_second.min(other.bytes_per_second),
            grace: one.grace.max(other.grace),
        })
    }

    /// Milliseconds that `bytes` may take. Counts in whole bytes, so it never overstates them.
    pub(crate) fn allowed_ms(self, bytes: u64) -> u64 {
        let rate = u64::from(self.bytes_per_second.max(1));
        let grace = u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX);
        (bytes.saturating_mul(1000) / rate).max(grace)
    }
}

/// What a connection and its requests may use.
///
/// Start from the default and change fields, or chain nothing at all:
///
/// ```
/// # use lanner::Limits;
/// let limits = Limits { body_bytes_max: Some(1 << 20), ..Limits::default() };
/// assert!(limits.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request line with its CRLF. Passed: 414. Default 8,192, which is longer than
    /// any URL that browsers and caches agree on.
    pub request_line_bytes_max: usize,
    /// Bytes of all field lines with their CRLFs, without the empty line. Passed: 431. Default
    /// 32,768, room for the cookies of a real site.
    pub head_bytes_max: usize,
    /// Field lines of a request. Passed: 431. Default 100; at most 256.
    pub field_count_max: usize,
    /// Whether an HTTP/1 request whose Host differs from the authority of its absolute target is
    /// refused: 400. Default false: Host is made to say what the target does, as RFC 9112, 3.2.2
    /// asks of an origin server. Of use behind something that routes by Host.
    pub refuse_host_mismatch: bool,
    /// Bytes of all trailer lines with their CRLFs. Passed: 431. Default 8,192: trailers carry
    /// digests and status, not cookies.
    pub trailer_bytes_max: usize,
    /// Trailer lines of a request. Passed: 431. Default 32.
    pub trailer_count_max: usize,
    /// Bytes of a request body as the handler sees it; a request may override it. `None`: no
    /// limit. Passed: 413. Default 30,000,000.
    pub body_bytes_max: Option<u64>,
    /// Received bytes of a connection that wait for their handler before the peer is no longer
    /// read from. Default 1,048,576.
    pub request_buffer_bytes_max: usize,
    /// Response bytes of a connection that wait for the peer before the handler waits. 0 makes
    /// each write wait for the peer. The streams of an HTTP/2 connection share it as soon as several
    /// of their responses wait; each may have 4 KiB, whatever their number. Default 65,536.
    pub response_buffer_bytes_max: usize,
    /// Time from the first byte of a head to its last. Passed: 408. Default 30 s.
    pub head_timeout: Duration,
    /// Time that a connection may be idle between requests. Passed: closed without an answer.
    /// Default 130 s, longer than the two minutes for which common clients and load balancers
    /// keep connections, so that it is they who close.
    pub keep_alive_timeout: Duration,
    /// Time for the rest of an unread body after the response, on a connection that is to go on.
    /// Passed: the connection ends, and is read until the peer has seen that. Default 5 s.
    pub drain_timeout: Duration,
    /// The lowest rate of a request body; a request may override it. Passed: 408. `None`: any.
    /// Default 240 B/s after 5 s.
    pub request_body_rate_min: Option<DataRate>,
    /// The lowest rate at which a peer must take a response; a request may override it. Passed:
    /// aborted. `None`: any. Default 240 B/s after 5 s.
    pub response_rate_min: Option<DataRate>,
    /// How long a TLS handshake may take, from the connection on. Passed: closed. Default 10 s.
    pub handshake_timeout: Duration,
    /// TLS handshakes that a shard begins in one turn. More wait for the next turns, so that those who
    /// are connected are served in between: each costs some 100 us, with RSA several times that.
    /// Default 4.
    pub handshakes_per_turn: u32,
    /// Open connections of the whole server, upgraded ones apart. Passed: closed at once.
    /// `None`: no limit, the default.
    pub connections_max: Option<usize>,
    /// Upgraded connections of the whole server. Passed: the handler's upgrade fails. `None`: no
    /// limit, the default.
    pub upgraded_connections_max: Option<usize>,
    /// Handlers that are at work at the same time on the whole server, those of upgraded
    /// connections included. Passed: 503 at once, and the connection stays. `None`: no limit.
    /// Default 1,000,000: each keeps a few KiB, so a server that owes more answers than that is
    /// not catching up, and memory would decide when it ends.
    pub handlers_max: Option<usize>,
    /// What belongs to HTTP/2 alone.
    pub http2: Http2Limits,
}

impl Limits {
    /// The defaults, as a constant.
    pub const DEFAULT: Self = Self {
        request_line_bytes_max: 8 * 1024,
        head_bytes_max: 32 * 1024,
        field_count_max: 100,
        refuse_host_mismatch: false,
        trailer_bytes_max: 8 * 1024,
        trailer_count_max: 32,
        body_bytes_max: Some(30_000_000),
        request_buffer_bytes_max: 1024 * 1024,
        response_buffer_bytes_max: 64 * 1024,
        head_timeout: Duration::from_secs(30),
        keep_alive_timeout: Duration::from_secs(130),
        drain_timeout: Duration::from_secs(5),
        request_body_rate_min: Some(DataRate::DEFAULT),
        response_rate_min: Some(DataRate::DEFAULT),
        handshake_timeout: Duration::from_secs(10),
        handshakes_per_turn: 4,
        connections_max: None,
        upgraded_connections_max: None,
        handlers_max: Some(1_000_000),
        http2: Http2Limits::DEFAULT,
    };

    /// The largest head that is ever held: request line, field lines and the empty line.
    pub(crate) const fn head_total_bytes_max(&self) -> usize {
        self.request_line_bytes_max
            .saturating_add(self.head_bytes_max)
            .saturating_add(2)
    }

    /// Checks each value and how they fit together. A server does not start with limits that
    /// fail here.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub const fn validate(&self) -> Result<(), LimitsError> {
        if self.request_line_bytes_max == 0 || self.request_line_bytes_max > HEAD_BYTES_CEILING {
            return Err(LimitsError::RequestLineBytes);
        }
        if self.head_bytes_max == 0 || self.head_bytes_max > HEAD_BYTES_CEILING {
            return Err(LimitsError::HeadBytes);
        }
        if self.field_count_max == 0 || self.field_count_max > FIELD_COUNT_CEILING {
            return Err(LimitsError::FieldCount);
        }
        if self.trailer_bytes_max > HEAD_BYTES_CEILING {
            return Err(LimitsError::TrailerBytes);
        }
        if self.request_buffer_bytes_max < self.head_total_bytes_max() {
            return Err(LimitsError::RequestBufferBelowHead);
        }
        if self.head_timeout.is_zero()
            || self.keep_alive_timeout.is_zero()
            || self.drain_timeout.is_zero()
            || self.handshake_timeout.is_zero()
        {
            return Err(LimitsError::ZeroTimeout);
        }
        if !valid_rate(self.request_body_rate_min) || !valid_rate(self.response_rate_min) {
            return Err(LimitsError::DataRate);
        }
        if let Some(0) = self.connections_max {
            return Err(LimitsError::NoConnections);
        }
        if self.handshakes_per_turn == 0 {
            return Err(LimitsError::NoHandshakes);
        }
        if let Some(0) = self.handlers_max {
            return Err(LimitsError::NoHandlers);
        }
        self.http2.validate()
    }
}

const fn valid_rate(rate: Option<DataRate>) -> bool {
    match rate {
        None => true,
        Some(rate) => {
            rate.bytes_per_second > 0 && rate.grace.as_millis() > Duration::from_secs(1).as_millis()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const _: () = {
    assert!(Limits::DEFAULT.validate().is_ok());
    assert!(Limits::DEFAULT.field_count_max < FIELD_LINES_KEPT);
    // The sum of any two head limits fits a span.
    assert!(HEAD_BYTES_CEILING * 2 + 2 < u32::MAX as usize);
    // One-byte chunks are framing enough: a body of nothing else must never run out of budget.
    assert!(CHUNK_OVERHEAD_PER_DATA_BYTE > 5);
    // What is left of the smallest window once a reader has had its part is not too little.
    assert!(STARVED_BYTES <= (WINDOW_FLOOR / 2) as usize);
    assert!(CHUNK_SIZE_DIGITS_MAX * 4 <= u64::BITS);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broken_rule_is_named() {
        let with = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            limits.validate().map_err(|error| error.to_string())
        };
        type Change = fn(&mut Limits);
        let cases: [(Change, LimitsError); 12] = [
            (
                |l| l.request_line_bytes_max = 0,
                LimitsError::RequestLineBytes,
            ),
            (
                |l| l.request_line_bytes_max = 1 << 25,
                LimitsError::RequestLineBytes,
            ),
            (|l| l.head_bytes_max = 0, LimitsError::HeadBytes),
            (|l| l.field_count_max = 257, LimitsError::FieldCount),
            (|l| l.trailer_bytes_max = 1 << 25, LimitsError::TrailerBytes),
            (
                |l| l.request_buffer_bytes_max = 8192 + 32768 + 1,
                LimitsError::RequestBufferBelowHead,
            ),
            (
                |l| l.head_timeout = Duration::ZERO,
                LimitsError::ZeroTimeout,
            ),
            (
                |l| l.drain_timeout = Duration::ZERO,
                LimitsError::ZeroTimeout,
            ),
            (
                |l| {
                    l.response_rate_min = Some(DataRate {
                        bytes_per_second: 0,
                        ..DataRate::DEFAULT
                    })
                },
                LimitsError::DataRate,
            ),
            (
                |l| {
                    l.request_body_rate_min = Some(DataRate {
                        bytes_per_second: 1,
                        grace: Duration::from_secs(1),
                    });
                },
                LimitsError::DataRate,
            ),
            (|l| l.connections_max = Some(0), LimitsError::NoConnections),
            (|l| l.handlers_max = Some(0), LimitsError::NoHandlers),
        ];
        for (change, error) in cases {
            assert_eq!(with(change), Err(error.to_string()));
        }
        assert_eq!(
            with(|l| l.request_buffer_bytes_max = 8192 + 32768 + 2),
            Ok(())
        );
        assert_eq!(with(|l| l.response_rate_min = None), Ok(()));
    }
}
