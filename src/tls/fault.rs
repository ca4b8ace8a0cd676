//! What can go wrong on a TLS connection: whose fault it is, its name and the alert that answers it.
//!
//! Owns the list of violations, one variant each, so that counters and logs say exactly what was
//! wrong (RFC 8446, 6). Decides nothing.

use super::hello::HelloFault;

macro_rules! faults {
    ($($name:ident = $alert:expr, $snake:literal, $text:literal;)*) => {
        /// Why a TLS connection ends before its time.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Fault {
            $(#[doc = concat!("Counted as `", $snake, "`: ", $text, ".")] $name,)*
        }

        impl Fault {
            /// Every fault, in the order of their declaration.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// A name for counters, in snake case.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => $snake,)* }
            }

            /// The description of the fatal alert that tells the peer; `None` where there is nobody
            /// to be told, or where rustls has its own say.
            pub(super) const fn alert(self) -> Option<u8> {
                match self { $(Self::$name => $alert,)* }
            }
        }
    };
}

/// The alerts that are sent or looked for (RFC 8446, 6).
pub(super) mod alert {
    pub(crate) const CLOSE_NOTIFY: u8 = 0;
    pub(crate) const UNEXPECTED_MESSAGE: u8 = 10;
    pub(crate) const BAD_RECORD_MAC: u8 = 20;
    pub(crate) const RECORD_OVERFLOW: u8 = 22;
    pub(crate) const HANDSHAKE_FAILURE: u8 = 40;
    pub(crate) const BAD_CERTIFICATE: u8 = 42;
    pub(crate) const ILLEGAL_PARAMETER: u8 = 47;
    pub(crate) const DECODE_ERROR: u8 = 50;
    pub(crate) const PROTOCOL_VERSION: u8 = 70;
    pub(crate) const INTERNAL_ERROR: u8 = 80;
    /// RFC 7507.
    pub(crate) const INAPPROPRIATE_FALLBACK: u8 = 86;
    pub(crate) const USER_CANCELED: u8 = 90;
    pub(crate) const NO_RENEGOTIATION: u8 = 100;
    pub(crate) const MISSING_EXTENSION: u8 = 109;
    pub(crate) const UNSUPPORTED_EXTENSION: u8 = 110;
    pub(crate) const UNRECOGNIZED_NAME: u8 = 112;
    pub(crate) const NO_APPLICATION_PROTOCOL: u8 = 120;
}

use alert as a;

faults! {
    NotTls = None, "tls_not_tls", "the first bytes are no TLS handshake";
    CleartextHttp = None, "http_over_tls", "a cleartext request came to an https endpoint";
    UnknownContentType = Some(a::UNEXPECTED_MESSAGE), "tls_unknown_content_type", "a record has a type that does not exist";
    RecordVersion = Some(a::PROTOCOL_VERSION), "tls_record_version", "a record's version is not 3.x";
    RecordOverflow = Some(a::RECORD_OVERFLOW), "tls_record_overflow", "a record is too long";
    RecordOfPadding = Some(a::UNEXPECTED_MESSAGE), "tls_record_of_padding", "a record holds nothing but padding";
    UnprotectedRecord = Some(a::UNEXPECTED_MESSAGE), "tls_unprotected_record", "a record came in the clear after the handshake";
    BadRecordMac = Some(a::BAD_RECORD_MAC), "tls_bad_record_mac", "a record does not authenticate";
    KeyExhausted = Some(a::INTERNAL_ERROR), "tls_key_exhausted", "a key has protected as many records as it may";
    EmptyRecords = Some(a::UNEXPECTED_MESSAGE), "tls_empty_records", "too many records in a row carry nothing";
    KeyUpdates = Some(a::UNEXPECTED_MESSAGE), "tls_key_updates", "too many key updates came without data between them";
    MalformedKeyUpdate = Some(a::DECODE_ERROR), "tls_malformed_key_update", "a key update is not five bytes long";
    KeyUpdateValue = Some(a::ILLEGAL_PARAMETER), "tls_key_update_value", "a key update asks for neither of two things";
    UnexpectedMessage = Some(a::UNEXPECTED_MESSAGE), "tls_unexpected_message", "a handshake message came after the handshake";
    Renegotiation = Some(a::UNEXPECTED_MESSAGE), "tls_renegotiation", "the peer insists on renegotiation";
    MalformedAlert = Some(a::DECODE_ERROR), "tls_malformed_alert", "an alert is not two bytes";
    EmptyAlert = Some(a::UNEXPECTED_MESSAGE), "tls_empty_alert", "an alert has no content";
    Alert = None, "tls_alert", "the peer sent a fatal alert";
    TooManyWarnings = Some(a::UNEXPECTED_MESSAGE), "tls_too_many_warnings", "too many warning alerts came";
    Truncated = None, "tls_truncated", "the peer closed within an exchange without close_notify";
    MalformedHello = Some(a::DECODE_ERROR), "tls_malformed_hello", "the ClientHello does not parse";
    Version = Some(a::PROTOCOL_VERSION), "tls_version", "no version is spoken by both sides";
    InappropriateFallback = Some(a::INAPPROPRIATE_FALLBACK), "tls_inappropriate_fallback", "the client has given up a version that is spoken here";
    MissingExtension = Some(a::MISSING_EXTENSION), "tls_missing_extension", "an extension is missing that TLS 1.3 demands";
    UnrecognizedName = Some(a::UNRECOGNIZED_NAME), "tls_unrecognized_name", "no site answers to the server name";
    NoApplicationProtocol = Some(a::NO_APPLICATION_PROTOCOL), "tls_no_application_protocol", "no protocol is spoken by both sides";
    HandshakeIncomplete = None, "tls_handshake_incomplete", "the peer closed within the handshake";
    HandshakeTimeout = None, "tls_handshake_timeout", "the handshake took too long";
    HandshakeTooLong = Some(a::UNEXPECTED_MESSAGE), "tls_handshake_too_long", "the handshake has too many bytes";
    HandshakeMalformed = None, "tls_handshake_malformed", "a handshake message does not parse";
    HandshakeIncompatible = None, "tls_handshake_incompatible", "no suite or group is spoken by both sides";
    HandshakeMisbehaved = None, "tls_handshake_misbehaved", "a handshake message breaks the protocol";
    ClientCertificateMissing = None, "tls_client_certificate_missing", "the site requires a client certificate and none came";
    ClientCertificateRefused = None, "tls_client_certificate_refused", "the client's certificate does not hold";
    ClientCertificateLapsed = Some(a::BAD_CERTIFICATE), "tls_client_certificate_lapsed", "the client's certificate of a resumed session holds no more";
    HandshakeFailed = None, "tls_handshake_failed", "the handshake failed";
    Internal = Some(a::INTERNAL_ERROR), "tls_internal", "the server could not go on";
}

impl From<HelloFault> for Fault {
    fn from(fault: HelloFault) -> Self {
        match fault {
            HelloFault::NotHandshake => Self::NotTls,
            HelloFault::RecordVersion => Self::RecordVersion,
            HelloFault::RecordTooLong => Self::RecordOverflow,
            HelloFault::EmptyRecord
            | HelloFault::RecordInterleaved
            | HelloFault::NotClientHello
            | HelloFault::TooLong
            | HelloFault::Length
            | HelloFault::NameRepeated => Self::MalformedHello,
        }
    }
}

impl From<&rustls::Error> for Fault {
    /// By who is at fault and how; rustls has told the peer already.
    fn from(error: &rustls::Error) -> Self {
        use rustls::Error as E;
        match error {
            E::InappropriateMessage { .. } | E::InappropriateHandshakeMessage { .. } => {
                Self::HandshakeMisbehaved
            }
            E::InvalidMessage(_) => Self::HandshakeMalformed,
            E::PeerIncompatible(_) => Self::HandshakeIncompatible,
            E::PeerMisbehaved(_) => Self::HandshakeMisbehaved,
            E::AlertReceived(_) => Self::Alert,
            E::NoCertificatesPresented => Self::ClientCertificateMissing,
            E::InvalidCertificate(_) | E::InvalidCertRevocationList(_) => {
                Self::ClientCertificateRefused
            }
            E::DecryptError => Self::BadRecordMac,
            E::PeerSentOversizedRecord => Self::RecordOverflow,
            E::NoApplicationProtocol => Self::NoApplicationProtocol,
            _ => Self::HandshakeFailed,
        }
    }
}
