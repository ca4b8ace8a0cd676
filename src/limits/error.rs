//! What is wrong with limits that contradict each other or nobody can work with.

use std::fmt;

/// A rule that chosen [`Limits`](super::Limits) break.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitsError {
    /// `request_line_bytes_max` is out of range.
    RequestLineBytes,
    /// `head_bytes_max` is out of range.
    HeadBytes,
    /// `field_count_max` is out of range.
    FieldCount,
    /// `trailer_bytes_max` is out of range.
    TrailerBytes,
    /// A head that the other limits allow would not fit the request buffer.
    RequestBufferBelowHead,
    /// A time-out is zero.
    ZeroTimeout,
    /// A data rate has no bytes or too short a grace.
    DataRate,
    /// `connections_max` would refuse everybody.
    NoConnections,
    /// `handlers_max` would refuse every request.
    NoHandlers,
    /// `handshakes_per_turn` would let no handshake begin.
    NoHandshakes,
    /// `http2.streams_max` is out of range.
    Http2Streams,
    /// `http2.header_table_bytes` is out of range.
    Http2HeaderTable,
    /// `http2.frame_bytes_max` is out of range.
    Http2FrameBytes,
    /// A window of `http2` is out of range.
    Http2Windows,
}

// What a `main` prints that returns it.
impl fmt::Debug for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestLineBytes => "request_line_bytes_max must be from 1 to 16777216",
            Self::HeadBytes => "head_bytes_max must be from 1 to 16777216",
            Self::FieldCount => "field_count_max must be from 1 to 256",
            Self::TrailerBytes => "trailer_bytes_max must be at most 16777216",
            Self::RequestBufferBelowHead => {
                "request_buffer_bytes_max must hold a whole head: \
                 request_line_bytes_max + head_bytes_max + 2"
            }
            Self::ZeroTimeout => {
                "head_timeout, keep_alive_timeout, drain_timeout, handshake_timeout, \
                 http2.window_stall_timeout and http2.unread_stall_timeout \
                 must be longer than zero, http2.ping_interval and http2.ping_timeout at least 1 s"
            }
            Self::DataRate => {
                "a minimum data rate needs at least 1 byte a second and a grace of more than 1 second"
            }
            Self::NoConnections => "connections_max must be at least 1, or none for no limit",
            Self::NoHandlers => "handlers_max must be at least 1, or none for no limit",
            Self::NoHandshakes => "handshakes_per_turn must be at least 1",
            Self::Http2Streams => "http2.streams_max must be from 1 to 10000",
            Self::Http2HeaderTable => "http2.header_table_bytes must be at most 65536",
            Self::Http2FrameBytes => "http2.frame_bytes_max must be from 16384 to 16777215",
            Self::Http2Windows => {
                "http2.connection_window and http2.stream_window must be from 65535 to 2147483647, \
                 http2.window_max at most 2147483647"
            }
        })
    }
}

impl std::error::Error for LimitsError {}
