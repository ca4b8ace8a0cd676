//! Protocol versions (RFC 9110, 2.5).

use std::fmt;

/// The HTTP version that a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// HTTP/1.0 (RFC 1945).
    Http10,
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http11,
    /// HTTP/2 (RFC 9113).
    Http2,
}

impl Version {
    /// The name as logs and applications write it: `HTTP/1.1`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which protocols a server speaks on a port without TLS, where the peer's first bytes tell them
/// apart: an HTTP/2 peer begins with the connection preface (RFC 9113, 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Protocols {
    /// HTTP/1.1 and HTTP/1.0 only. An HTTP/2 peer is told `HTTP_1_1_REQUIRED`.
    Http1,
    /// HTTP/2 only. An HTTP/1 peer is told so in a 400.
    Http2,
    /// Both; the default.
    #[default]
    Http1AndHttp2,
}

impl Protocols {
    /// Whether HTTP/1 is spoken.
    #[must_use]
    pub const fn allow_http1(self) -> bool {
        matches!(self, Self::Http1 | Self::Http1AndHttp2)
    }

    /// Whether HTTP/2 is spoken.
    #[must_use]
    pub const fn allow_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http1AndHttp2)
    }
}
