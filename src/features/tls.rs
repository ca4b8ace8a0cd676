//! What a handler may know of the TLS under its connection.

use std::fmt;

/// A version of TLS that is spoken. Older ones are not (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), with forward secrecy and authenticated encryption only.
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}

/// What the two sides of a TLS connection have agreed on; there for as long as the connection.
pub struct TlsFeature {
    pub(crate) version: TlsVersion,
    pub(crate) cipher_suite: &'static str,
    pub(crate) cipher_suite_number: u16,
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) negotiated: bool,
    pub(crate) http2: bool,
    pub(crate) resumed: bool,
    pub(crate) peer_certificates: Box<[Box<[u8]>]>,
}

impl TlsFeature {
    /// The version.
    #[must_use]
    pub fn version(&self) -> TlsVersion {
        self.version
    }

    /// The cipher suite by the name that IANA has given it, such as `TLS13_AES_128_GCM_SHA256`.
    #[must_use]
    pub fn cipher_suite(&self) -> &'static str {
        self.cipher_suite
    }

    /// The cipher suite by its number.
    #[must_use]
    pub fn cipher_suite_number(&self) -> u16 {
        self.cipher_suite_number
    }

    /// The server name that the client has asked for (RFC 6066, 3), in lower case. `None` when it
    /// has named none.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The protocol that was negotiated (RFC 7301), `h2` or `http/1.1`. `None` when the client has
    /// offered none, and speaks HTTP/1.1.
    #[must_use]
    pub fn application_protocol(&self) -> Option<&'static str> {
        self.negotiated
            .then_some(if self.http2 { "h2" } else { "http/1.1" })
    }

    /// Whether a session of an earlier connection was resumed.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The client's certificate chain in DER, its own certificate first; it was verified. Empty when
    /// the client has shown none.
    pub fn peer_certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.peer_certificates
            .iter()
            .map(|certificate| &**certificate)
    }
}

impl fmt::Debug for TlsFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsFeature")
            .field("version", &self.version)
            .field("cipher_suite", &self.cipher_suite)
            .field("server_name", &self.server_name)
            .field("application_protocol", &self.application_protocol())
            .field("resumed", &self.resumed)
            .field("peer_certificates", &self.peer_certificates.len())
            .finish_non_exhaustive()
    }
}
