//! Request methods (RFC 9110, 9).
//!
//! Owns the registered names that servers meet. The text of any other method stays in the head
//! that it came with, so that a method is one byte.

use std::fmt;

use super::field::is_token;

/// A request method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// GET (RFC 9110, 9.3.1).
    #[default]
    Get,
    /// HEAD (RFC 9110, 9.3.2).
    Head,
    /// POST (RFC 9110, 9.3.3).
    Post,
    /// PUT (RFC 9110, 9.3.4).
    Put,
    /// DELETE (RFC 9110, 9.3.5).
    Delete,
    /// CONNECT (RFC 9110, 9.3.6).
    Connect,
    /// OPTIONS (RFC 9110, 9.3.7).
    Options,
    /// TRACE (RFC 9110, 9.3.8).
    Trace,
    /// PATCH (RFC 5789).
    Patch,
    /// Any other token; [`RequestHead::method_text`](super::RequestHead::method_text) has it.
    Extension,
}

impl Method {
    /// The method of this name; methods are case-sensitive. `None` when it is not a token.
    #[must_use]
    pub fn from_bytes(text: &[u8]) -> Option<Self> {
        Some(match text {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"CONNECT" => Self::Connect,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"PATCH" => Self::Patch,
            other if is_token(other) => Self::Extension,
            _ => return None,
        })
    }

    /// The name on the wire; `None` for [`Method::Extension`].
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Extension => return None,
        })
    }

    /// Whether the method asks for no change of state (RFC 9110, 9.2.1).
    #[must_use]
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }

    /// Whether the same request may be sent twice with the effect of one (RFC 9110, 9.2.2).
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str().unwrap_or("extension method"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_case_matters() {
        for name in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
        ] {
            let method = Method::from_bytes(name.as_bytes());
            assert_eq!(method.and_then(Method::as_str), Some(name));
        }
        assert_eq!(Method::from_bytes(b"get"), Some(Method::Extension));
        assert_eq!(Method::from_bytes(b"M-SEARCH"), Some(Method::Extension));
        assert_eq!(Method::from_bytes(b"GE T"), None);
        assert_eq!(Method::from_bytes(b""), None);
    }
}
