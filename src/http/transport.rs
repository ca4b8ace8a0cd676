//! Which schemes the requests of a connection may name (RFC 9110, 7.4).
//!
//! Owns the rule. Whether a peer is trusted is decided once, when its connection is accepted, by who
//! knows addresses.

use super::Scheme;

/// What the connection itself is, and whether its peer may say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Transport {
    /// https under TLS.
    pub(crate) scheme: Scheme,
    /// The peer is a gateway that is trusted to know the scheme: it may have ended TLS itself.
    pub(crate) is_gateway: bool,
}

impl Transport {
    /// That of a peer which nobody has said to trust.
    pub(crate) const fn of(scheme: Scheme) -> Self {
        Self {
            scheme,
            is_gateway: false,
        }
    }

    /// Whether a request may name this scheme. One for https that comes in the clear was secured by
    /// nobody, unless a gateway says so.
    pub(crate) fn admits(self, scheme: Scheme) -> bool {
        scheme == self.scheme || self.is_gateway
    }
}
