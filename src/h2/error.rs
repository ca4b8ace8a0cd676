//! What peers do wrong, and the codes that tell them so (RFC 9113, 5.4 and 7).
//!
//! Owns the error codes and the list of violations: one variant each, so that counters and logs
//! say exactly what was wrong. Whether a violation ends a stream or the connection is a matter of
//! where it was met, and of type: [`StreamError`] or [`ConnectionError`]. Decides nothing.

use std::fmt;

macro_rules! error_codes {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        /// The codes of RST_STREAM and GOAWAY (RFC 9113, 7).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(not(test), allow(dead_code, reason = "the registry is whole"))]
        pub(crate) enum ErrorCode {
            $(
                #[doc = concat!($text, ".")]
                $name,
            )*
        }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            pub(crate) const fn code(self) -> u32 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            #[cfg(any(test, feature = "testing"))]
            /// The code of a number; nothing for those that RFC 9113 does not define, which are no
            /// error in themselves.
            pub(crate) const fn from_code(code: u32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

error_codes! {
    NoError = 0x0, "Nothing is wrong; a graceful end";
    ProtocolError = 0x1, "The peer broke a rule that has no code of its own";
    InternalError = 0x2, "Something failed here";
    FlowControlError = 0x3, "The peer broke the rules of flow control";
    SettingsTimeout = 0x4, "The peer did not acknowledge SETTINGS";
    StreamClosed = 0x5, "A frame came for a stream that is half-closed";
    FrameSizeError = 0x6, "A frame has a length that it must not have";
    RefusedStream = 0x7, "The stream was not processed at all; it may be tried again";
    Cancel = 0x8, "The stream is no longer needed";
    CompressionError = 0x9, "The state of field compression is lost";
    ConnectError = 0xa, "The connection behind a CONNECT was reset or closed abnormally";
    EnhanceYourCalm = 0xb, "The peer causes excessive load";
    InadequateSecurity = 0xc, "The transport is not secure enough";
    Http11Required = 0xd, "HTTP/1.1 is to be used instead";
}

macro_rules! violations {
    ($($name:ident = $code:ident, $snake:literal, $text:literal;)*) => {
        /// What a peer did wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Violation {
            $(
                #[doc = concat!("Answered with `", stringify!($code), "`: ", $text, ".")]
                $name,
            )*
        }

        impl Violation {
            /// Every violation, in the order of their declaration.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code that goes out in RST_STREAM or GOAWAY.
            pub(crate) const fn code(self) -> ErrorCode {
                match self {
                    $(Self::$name => ErrorCode::$code,)*
                }
            }

            /// A name for counters and logs, in snake case.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("h2_", $snake),)*
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

violations! {
    // The beginning of a connection.
    BadPreface = ProtocolError, "bad_preface", "the connection does not begin with the preface (RFC 9113, 3.4)";
    OtherProtocol = ProtocolError, "other_protocol", "the peer speaks HTTP/1 or TLS on a port for cleartext HTTP/2";
    SettingsExpected = ProtocolError, "settings_expected", "the first frame is not SETTINGS (RFC 9113, 3.4)";

    // What the head of a frame, or its payload alone, gives away.
    FrameTooLarge = FrameSizeError, "frame_too_large", "a frame is longer than SETTINGS_MAX_FRAME_SIZE allows (RFC 9113, 4.2)";
    FrameTooShort = FrameSizeError, "frame_too_short", "a frame is too short for the fields that it must have (RFC 9113, 4.2)";
    WrongFrameLength = FrameSizeError, "wrong_frame_length", "a frame of fixed size has another (RFC 9113, 4.2)";
    PaddingTooLong = ProtocolError, "padding_too_long", "the padding is longer than the frame has room for (RFC 9113, 6.1, 6.2)";
    DataOnStreamZero = ProtocolError, "data_on_stream_zero", "DATA names no stream (RFC 9113, 6.1)";
    HeadersOnStreamZero = ProtocolError, "headers_on_stream_zero", "HEADERS names no stream (RFC 9113, 6.2)";
    PriorityOnStreamZero = ProtocolError, "priority_on_stream_zero", "PRIORITY names no stream (RFC 9113, 6.3)";
    ResetOnStreamZero = ProtocolError, "reset_on_stream_zero", "RST_STREAM names no stream (RFC 9113, 6.4)";
    ContinuationOnStreamZero = ProtocolError, "continuation_on_stream_zero", "CONTINUATION names no stream (RFC 9113, 6.10)";
    SettingsOnStream = ProtocolError, "settings_on_stream", "SETTINGS names a stream (RFC 9113, 6.5)";
    PingOnStream = ProtocolError, "ping_on_stream", "PING names a stream (RFC 9113, 6.7)";
    GoAwayOnStream = ProtocolError, "goaway_on_stream", "GOAWAY names a stream (RFC 9113, 6.8)";
    PriorityUpdateOnStream = ProtocolError, "priority_update_on_stream", "PRIORITY_UPDATE is sent on a stream (RFC 9218, 7.1)";
    PriorityUpdateOfStreamZero = ProtocolError, "priority_update_of_stream_zero", "PRIORITY_UPDATE is about no stream (RFC 9218, 7.1)";
    EvenStreamId = ProtocolError, "even_stream_id", "a frame names a stream that only a server could have opened (RFC 9113, 5.1.1)";
    PushPromiseFromClient = ProtocolError, "push_promise_from_client", "a client sent PUSH_PROMISE (RFC 9113, 8.4)";
    SelfDependency = ProtocolError, "self_dependency", "a stream is to depend on itself (RFC 7540, 5.3.1)";
    SettingsAckWithPayload = FrameSizeError, "settings_ack_with_payload", "an acknowledgement of SETTINGS has a payload (RFC 9113, 6.5)";
    InvalidEnablePush = ProtocolError, "invalid_enable_push", "SETTINGS_ENABLE_PUSH is neither 0 nor 1 (RFC 9113, 6.5.2)";
    InvalidInitialWindow = FlowControlError, "invalid_initial_window", "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1 (RFC 9113, 6.5.2)";
    InvalidMaxFrameSize = ProtocolError, "invalid_max_frame_size", "SETTINGS_MAX_FRAME_SIZE is out of range (RFC 9113, 6.5.2)";
    InvalidNoRfc7540Priorities = ProtocolError, "invalid_no_rfc7540_priorities", "SETTINGS_NO_RFC7540_PRIORITIES is neither 0 nor 1 (RFC 9218, 2.1)";
    ChangedNoRfc7540Priorities = ProtocolError, "changed_no_rfc7540_priorities", "SETTINGS_NO_RFC7540_PRIORITIES changed after the first SETTINGS (RFC 9218, 2.1)";
    ZeroWindowIncrement = ProtocolError, "zero_window_increment", "WINDOW_UPDATE adds nothing (RFC 9113, 6.9)";

    // The order of frames.
    InterleavedHeaderBlock = ProtocolError, "interleaved_header_block", "another frame came within a field block (RFC 9113, 4.3)";
    UnexpectedContinuation = ProtocolError, "unexpected_continuation", "CONTINUATION does not continue anything (RFC 9113, 6.10)";
    StreamIdNotIncreasing = ProtocolError, "stream_id_not_increasing", "a new stream has a lower identifier than one before (RFC 9113, 5.1.1)";
    FrameOnIdleStream = ProtocolError, "frame_on_idle_stream", "a frame came for a stream that was never opened (RFC 9113, 5.1)";
    FrameOnClosedStream = StreamClosed, "frame_on_closed_stream", "a frame came for a stream that is closed (RFC 9113, 5.1)";
    DataOnHalfClosed = StreamClosed, "data_on_half_closed", "DATA came after the end of the request (RFC 9113, 5.1)";
    HeadersOnHalfClosed = StreamClosed, "headers_on_half_closed", "HEADERS came after the end of the request (RFC 9113, 5.1)";
    TrailersWithoutEndStream = ProtocolError, "trailers_without_end_stream", "trailers do not end the request (RFC 9113, 8.1)";
    TooManyStreams = RefusedStream, "too_many_streams", "the peer opened more streams at a time than it may (RFC 9113, 5.1.2)";

    // Flow control.
    FlowControlExceeded = FlowControlError, "flow_control_exceeded", "the peer sent more DATA than its window allows (RFC 9113, 6.9.1)";
    WindowOverflow = FlowControlError, "window_overflow", "a window grows above 2^31-1 (RFC 9113, 6.9.1)";

    // Field blocks and what they say.
    Compression = CompressionError, "compression", "a field block cannot be decompressed (RFC 9113, 4.3)";
    HeaderListTooLarge = EnhanceYourCalm, "header_list_too_large", "a field section is far larger than allowed";
    TooManyFields = EnhanceYourCalm, "too_many_fields", "a field section has far more lines than allowed";
    TooManyContinuations = EnhanceYourCalm, "too_many_continuations", "a field block comes in too many frames";
    UppercaseFieldName = ProtocolError, "uppercase_field_name", "a field name has an upper-case letter (RFC 9113, 8.2.1)";
    InvalidFieldName = ProtocolError, "invalid_field_name", "a field name is not a token (RFC 9113, 8.2.1)";
    InvalidFieldValue = ProtocolError, "invalid_field_value", "a field value holds a control character or is framed by white space (RFC 9113, 8.2.1)";
    ConnectionSpecificField = ProtocolError, "connection_specific_field", "a field is about the connection of HTTP/1.1 (RFC 9113, 8.2.2)";
    PseudoAfterRegular = ProtocolError, "pseudo_after_regular", "a pseudo-header field follows a regular one (RFC 9113, 8.3)";
    UnknownPseudoField = ProtocolError, "unknown_pseudo_field", "a pseudo-header field is not defined (RFC 9113, 8.3)";
    DuplicatePseudoField = ProtocolError, "duplicate_pseudo_field", "a pseudo-header field is repeated (RFC 9113, 8.3)";
    ResponsePseudoField = ProtocolError, "response_pseudo_field", "a request has the pseudo-header field of responses (RFC 9113, 8.3)";
    PseudoInTrailers = ProtocolError, "pseudo_in_trailers", "trailers hold a pseudo-header field (RFC 9113, 8.1)";
    MissingPseudoField = ProtocolError, "missing_pseudo_field", "a request lacks a pseudo-header field (RFC 9113, 8.3.1)";
    InvalidMethod = ProtocolError, "invalid_method", "the method is not a token (RFC 9113, 8.3.1)";
    MethodTooLong = ProtocolError, "method_too_long", "the method is longer than any (RFC 9110, 15.6.2)";
    InvalidScheme = ProtocolError, "invalid_scheme", "the scheme is not one (RFC 9113, 8.3.1)";
    InvalidPath = ProtocolError, "invalid_path", "the path is not one (RFC 9113, 8.3.1)";
    InvalidAuthority = ProtocolError, "invalid_authority", "the authority is not a host with an optional port (RFC 9113, 8.3.1)";
    RequestLineTooLong = ProtocolError, "request_line_too_long", "method, path and authority are too long in total";
    AuthorityMismatch = ProtocolError, "authority_mismatch", "Host differs from the authority (RFC 9113, 8.3.1)";
    MultipleHosts = ProtocolError, "multiple_hosts", "there is more than one Host (RFC 9110, 7.2)";
    SchemeMismatch = ProtocolError, "scheme_mismatch", "the scheme is not that of the connection (RFC 9110, 7.4)";
    ConnectWithPathOrScheme = ProtocolError, "connect_with_path_or_scheme", "a CONNECT has a path or a scheme (RFC 9113, 8.5)";
    ProtocolWithoutConnect = ProtocolError, "protocol_without_connect", "a request other than CONNECT names a protocol (RFC 8441, 4)";
    UnknownExpectation = ProtocolError, "unknown_expectation", "Expect asks for what nobody knows (RFC 9110, 10.1.1)";
    InvalidContentLength = ProtocolError, "invalid_content_length", "Content-Length is not one number (RFC 9110, 8.6)";
    ContentLengthMismatch = ProtocolError, "content_length_mismatch", "the body is not as long as Content-Length says (RFC 9113, 8.1.1)";
    ForbiddenTrailer = ProtocolError, "forbidden_trailer", "a trailer field decides about framing, routing or the connection (RFC 9110, 6.5.1)";

    // Load without use (RFC 9113, 10.5).
    ResetFlood = EnhanceYourCalm, "reset_flood", "streams are opened and reset again";
    SettingsFlood = EnhanceYourCalm, "settings_flood", "too many SETTINGS";
    PingFlood = EnhanceYourCalm, "ping_flood", "too many PINGs";
    PriorityFlood = EnhanceYourCalm, "priority_flood", "too many priority signals";
    EmptyDataFlood = EnhanceYourCalm, "empty_data_flood", "too many DATA frames without data";
    TinyDataFlood = EnhanceYourCalm, "tiny_data_flood", "too many DATA frames with hardly any data";
    WindowUpdateFlood = EnhanceYourCalm, "window_update_flood", "too many WINDOW_UPDATEs for the data that they allow";
    UnwantedFlood = EnhanceYourCalm, "unwanted_flood", "too many frames for streams that are closed or were refused";
    WindowStall = EnhanceYourCalm, "window_stall", "the peer does not take the responses that it asked for";

    // Time.
    HeadTimeout = InternalError, "head_timeout", "a field block took too long";
    UnreadStall = InternalError, "unread_stall", "a body that was not read kept the window from others for too long";
    BodyTimeout = InternalError, "body_timeout", "a body came below the minimum data rate";
    KeepAliveTimeout = InternalError, "keep_alive_timeout", "a PING was not answered in time";
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Violation {}

/// A violation that ends the connection: GOAWAY with its code, then close (RFC 9113, 5.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionError(pub(crate) Violation);

/// A violation that ends one stream: RST_STREAM with its code (RFC 9113, 5.4.2). An idle stream
/// cannot be reset; there it is a [`ConnectionError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamError(pub(crate) Violation);

/// Either, from where both are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is at its end.
    Connection(ConnectionError),
    /// One stream is; the others go on.
    Stream(StreamError),
}

impl Fault {
    /// What was wrong.
    pub(crate) const fn violation(self) -> Violation {
        match self {
            Self::Connection(ConnectionError(violation)) | Self::Stream(StreamError(violation)) => {
                violation
            }
        }
    }
}

impl From<ConnectionError> for Fault {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_those_of_the_registry() {
        // RFC 9113, 7, in its order.
        use ErrorCode::*;
        let registry = [
            NoError,
            ProtocolError,
            InternalError,
            FlowControlError,
            SettingsTimeout,
            StreamClosed,
            FrameSizeError,
            RefusedStream,
            Cancel,
            CompressionError,
            ConnectError,
            EnhanceYourCalm,
            InadequateSecurity,
            Http11Required,
        ];
        assert_eq!(ErrorCode::ALL, registry);
        for (number, code) in (0..).zip(registry) {
            assert_eq!(code.code(), number);
            assert_eq!(ErrorCode::from_code(number), Some(code));
        }
        for unknown in [14, 15, 0x100, u32::MAX] {
            assert_eq!(ErrorCode::from_code(unknown), None);
        }
    }

    #[test]
    fn every_violation_has_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for violation in Violation::ALL {
            let name = violation.name();
            assert!(names.insert(name), "{name} is there twice");
            // The counter carries the variant's own name, so that a log leads to the code.
            let variant: String = format!("{violation:?}").to_lowercase();
            let plain: String = name["h2_".len()..].replace('_', "");
            assert!(name.starts_with("h2_"), "{name}");
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{name}"
            );
            assert_eq!(variant, plain);
            assert_ne!(violation.code(), ErrorCode::NoError, "{name}");
            assert!(!violation.to_string().ends_with('.'), "{name}");
        }
        assert!(names.len() > 60);
    }

    #[test]
    fn a_fault_keeps_its_scope() {
        for violation in Violation::ALL {
            let connection = Fault::from(ConnectionError(*violation));
            let stream = Fault::from(StreamError(*violation));
            assert!(matches!(connection, Fault::Connection(error) if error.0 == *violation));
            assert!(matches!(stream, Fault::Stream(error) if error.0 == *violation));
            assert_eq!(connection.violation(), stream.violation());
        }
    }
}
