//! Requests that HTTP/1.1 refuses before a handler sees them, and the answer that each gets.
//!
//! Owns the list of violations: one variant each, so that counters and logs say exactly what was
//! wrong. Every rejection closes the connection (RFC 9112, 9.6), because what follows on it can no
//! longer be told apart. Decides nothing: the parsers do.

use std::fmt;

use super::encode::{self, ConnectionOption};
use crate::http::{Status, TargetError};

macro_rules! rejects {
    ($($name:ident = $status:ident, $snake:literal, $text:literal;)*) => {
        /// Why a request is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Reject {
            $(
                #[doc = concat!("Answered with `Status::", stringify!($status), "`: ", $text, ".")]
                $name,
            )*
        }

        impl Reject {
            /// Every reason, in the order of their declaration.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The status that answers it.
            pub(crate) const fn status(self) -> Status {
                match self {
                    $(Self::$name => Status::$status,)*
                }
            }

            /// A name for counters and logs, in snake case.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $snake,)*
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rejects! {
    TlsOverHttp = BAD_REQUEST, "tls_over_http", "a TLS handshake came to a cleartext endpoint";
    TooManyEmptyLines = BAD_REQUEST, "too_many_empty_lines", "too many empty lines precede the request";
    BareLineFeed = BAD_REQUEST, "bare_line_feed", "a line ends with LF alone (RFC 9112, 2.2)";
    BareCarriageReturn = BAD_REQUEST, "bare_carriage_return", "a CR is not followed by LF (RFC 9112, 2.2)";
    InvalidMethod = BAD_REQUEST, "invalid_method", "the method is not a token (RFC 9110, 9.1)";
    InvalidRequestLine = BAD_REQUEST, "invalid_request_line", "the request line is not method, target and version with one space between (RFC 9112, 3)";
    MethodTooLong = NOT_IMPLEMENTED, "method_too_long", "the method is longer than any (RFC 9112, 3)";
    InvalidVersion = BAD_REQUEST, "invalid_version", "the version is not HTTP/ and two digits with a dot between (RFC 9112, 2.3)";
    UnsupportedVersion = HTTP_VERSION_NOT_SUPPORTED, "unsupported_version", "the major version is not 1";
    RequestLineTooLong = URI_TOO_LONG, "request_line_too_long", "the request line is too long";
    HeadTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", "the field lines are too long in total";
    TooManyFields = REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_fields", "there are too many field lines";
    SpaceBeforeFirstField = BAD_REQUEST, "space_before_first_field", "white space precedes the first field line (RFC 9112, 2.2)";
    ObsFold = BAD_REQUEST, "obs_fold", "a field line is folded (RFC 9112, 5.2)";
    SpaceBeforeColon = BAD_REQUEST, "space_before_colon", "white space stands between field name and colon (RFC 9112, 5.1)";
    MissingColon = BAD_REQUEST, "missing_colon", "a field line has no colon (RFC 9112, 5)";
    EmptyFieldName = BAD_REQUEST, "empty_field_name", "a field line has no name (RFC 9112, 5)";
    InvalidFieldName = BAD_REQUEST, "invalid_field_name", "a field name is not a token (RFC 9110, 5.1)";
    NulInFieldValue = BAD_REQUEST, "nul_in_field_value", "a field value holds NUL (RFC 9110, 5.5)";
    ControlInFieldValue = BAD_REQUEST, "control_in_field_value", "a field value holds a control character (RFC 9110, 5.5)";
    MalformedHead = BAD_REQUEST, "malformed_head", "the head does not parse";
    IncompleteHead = BAD_REQUEST, "incomplete_head", "the peer closed within a head";
    HeadTimeout = REQUEST_TIMEOUT, "head_timeout", "the head took too long";
    MalformedTarget = BAD_REQUEST, "malformed_target", "the target has none of the four forms (RFC 9112, 3.2)";
    InvalidTargetByte = BAD_REQUEST, "invalid_target_byte", "the target holds a byte that no target may hold";
    InvalidEscape = BAD_REQUEST, "invalid_escape", "a percent sign in the path is not followed by two hexadecimal digits (RFC 3986, 2.1)";
    EncodedNul = BAD_REQUEST, "encoded_nul", "the path holds %00";
    PathNotUtf8 = BAD_REQUEST, "path_not_utf8", "the decoded path is not UTF-8";
    InvalidAuthority = BAD_REQUEST, "invalid_authority", "the authority of the target is not a host with an optional port (RFC 3986, 3.2)";
    UserInfoInTarget = BAD_REQUEST, "user_info_in_target", "the target holds user information (RFC 9110, 4.2.4)";
    UnsupportedScheme = MISDIRECTED_REQUEST, "unsupported_scheme", "the target is neither http nor https (RFC 9110, 7.4)";
    SchemeMismatch = MISDIRECTED_REQUEST, "scheme_mismatch", "the target's scheme is not that of the connection (RFC 9110, 7.4)";
    AuthorityFormRequired = BAD_REQUEST, "authority_form_required", "the target of CONNECT is not a host and port (RFC 9112, 3.2.3)";
    ConnectMethodRequired = METHOD_NOT_ALLOWED, "connect_method_required", "the target is a host and port, but the method is not CONNECT (RFC 9112, 3.2.3)";
    OptionsMethodRequired = METHOD_NOT_ALLOWED, "options_method_required", "the target is an asterisk, but the method is not OPTIONS (RFC 9112, 3.2.4)";
    MissingHost = BAD_REQUEST, "missing_host", "an HTTP/1.1 request has no Host (RFC 9112, 3.2)";
    MultipleHosts = BAD_REQUEST, "multiple_hosts", "there is more than one Host (RFC 9112, 3.2)";
    InvalidHost = BAD_REQUEST, "invalid_host", "Host is not a host with an optional port (RFC 9110, 7.2)";
    HostMismatch = BAD_REQUEST, "host_mismatch", "Host differs from the authority of the target (RFC 9112, 3.2)";
    EmptyContentLength = BAD_REQUEST, "empty_content_length", "Content-Length is empty (RFC 9110, 8.6)";
    SignedContentLength = BAD_REQUEST, "signed_content_length", "Content-Length has a sign (RFC 9110, 8.6)";
    ContentLengthOverflow = BAD_REQUEST, "content_length_overflow", "Content-Length does not fit 64 bits";
    InvalidContentLength = BAD_REQUEST, "invalid_content_length", "Content-Length is not a number (RFC 9110, 8.6)";
    MultipleContentLengths = BAD_REQUEST, "multiple_content_lengths", "there is more than one Content-Length (RFC 9112, 6.3)";
    ContentLengthWithTransferEncoding = BAD_REQUEST, "content_length_with_transfer_encoding", "there are both Content-Length and Transfer-Encoding (RFC 9112, 6.3)";
    TransferEncodingInHttp10 = BAD_REQUEST, "transfer_encoding_in_http10", "an HTTP/1.0 request has Transfer-Encoding (RFC 9112, 6.1)";
    FinalTransferCodingNotChunked = BAD_REQUEST, "final_transfer_coding_not_chunked", "the last transfer coding is not chunked (RFC 9112, 6.3)";
    RepeatedChunkedCoding = BAD_REQUEST, "repeated_chunked_coding", "chunked is applied more than once (RFC 9112, 6.1)";
    UnsupportedTransferCoding = NOT_IMPLEMENTED, "unsupported_transfer_coding", "a transfer coding other than chunked is applied (RFC 9112, 6.1)";
    LengthRequiredHttp10 = BAD_REQUEST, "length_required_http10", "an HTTP/1.0 POST or PUT has no Content-Length";
    UnknownExpectation = EXPECTATION_FAILED, "unknown_expectation", "Expect asks for something other than 100-continue (RFC 9110, 10.1.1)";
    InvalidChunkSize = BAD_REQUEST, "invalid_chunk_size", "a chunk size is not hexadecimal digits and CRLF (RFC 9112, 7.1)";
    ChunkSizeTooLong = BAD_REQUEST, "chunk_size_too_long", "a chunk size has more than sixteen digits";
    InvalidChunkExtension = BAD_REQUEST, "invalid_chunk_extension", "a chunk extension is malformed (RFC 9112, 7.1.1)";
    ChunkExtensionTooLong = BAD_REQUEST, "chunk_extension_too_long", "the extensions of a chunk are too long";
    InvalidChunkSuffix = BAD_REQUEST, "invalid_chunk_suffix", "the data of a chunk is not followed by CRLF (RFC 9112, 7.1)";
    ChunkOverhead = BAD_REQUEST, "chunk_overhead", "the framing of a chunked body outweighs its data";
    TrailersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "trailers_too_large", "the trailer section is too long";
    TooManyTrailers = REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_trailers", "there are too many trailer lines";
    ForbiddenTrailer = BAD_REQUEST, "forbidden_trailer", "a trailer field decides about framing, routing or the connection (RFC 9110, 6.5.1)";
    IncompleteChunkedBody = BAD_REQUEST, "incomplete_chunked_body", "the peer closed within a chunked body";
    IncompleteBody = BAD_REQUEST, "incomplete_body", "the peer closed within a body";
    BodyTooLarge = CONTENT_TOO_LARGE, "body_too_large", "the body is larger than allowed";
    BodyTimeout = REQUEST_TIMEOUT, "body_timeout", "the body came below the minimum data rate";
}

impl Reject {
    /// The method that Allow must name in a 405 (RFC 9110, 15.5.6).
    const fn allowed_method(self) -> Option<&'static [u8]> {
        match self {
            Self::ConnectMethodRequired => Some(b"Allow: CONNECT\r\n"),
            Self::OptionsMethodRequired => Some(b"Allow: OPTIONS\r\n"),
            _ => None,
        }
    }

    /// Appends the whole answer: status line, no content, `Connection: close`.
    pub(crate) fn answer(self, date: &[u8; 29], server: bool, out: &mut Vec<u8>) {
        encode::status_line(out, self.status());
        out.extend_from_slice(b"Content-Length: 0\r\n");
        out.extend_from_slice(ConnectionOption::Close.line());
        out.extend_from_slice(self.allowed_method().unwrap_or_default());
        encode::date_line(out, date);
        if server {
            out.extend_from_slice(encode::SERVER_LINE);
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl From<TargetError> for Reject {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Malformed => Self::MalformedTarget,
            TargetError::InvalidByte => Self::InvalidTargetByte,
            TargetError::InvalidEscape => Self::InvalidEscape,
            TargetError::EncodedNul => Self::EncodedNul,
            TargetError::NotUtf8 => Self::PathNotUtf8,
            TargetError::InvalidAuthority => Self::InvalidAuthority,
            TargetError::UserInfo => Self::UserInfoInTarget,
            TargetError::UnsupportedScheme => Self::UnsupportedScheme,
            TargetError::ConnectMethodRequired => Self::ConnectMethodRequired,
            TargetError::OptionsMethodRequired => Self::OptionsMethodRequired,
            TargetError::AuthorityFormRequired => Self::AuthorityFormRequired,
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Reject {}
