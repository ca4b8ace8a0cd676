//! Where a request's body ends and whether the connection outlives it (RFC 9112, 6.3 and 9.3).
//!
//! Owns every rule that a smuggled request would have to bend: what is ambiguous is refused, never
//! resolved. Knows nothing of how a head was found or of what a handler does with it.

use super::Reject;
use crate::http::field::{LengthError, parse_content_length, trim_ows};
use crate::http::known::KnownSet;
use crate::http::{KnownField, Method, Version};

/// How the body of a request is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFraming {
    /// There is none, or it was announced to have no bytes.
    None,
    /// That many bytes, at least one.
    Length(u64),
    /// Chunked (RFC 9112, 7.1).
    Chunked,
}

/// What the head of a request means for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    /// The request body.
    pub(crate) body: BodyFraming,
    /// Whether the peer allows another request behind this one.
    pub(crate) keep_alive: bool,
    /// Whether the peer waits for `100 Continue` before it sends the body.
    pub(crate) expect_continue: bool,
    /// Whether the peer offers another protocol (RFC 9110, 7.8). Never together with a body.
    pub(crate) upgrade: bool,
}

/// The options of a Connection field that mean something here (RFC 9110, 7.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct ConnectionOptions {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
}

impl ConnectionOptions {
    /// Adds the options that one field line lists.
    pub(crate) fn add(&mut self, value: &[u8]) {
        // Nearly always it is this one alone.
        if value.eq_ignore_ascii_case(b"keep-alive") {
            self.keep_alive = true;
            return;
        }
        for option in value.split(|byte| *byte == b',').map(trim_ows) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// The transfer codings that a head lists (RFC 9112, 6.1), as one list over however many lines
/// (RFC 9110, 5.3). It is judged whole, so that the answer does not depend on the lines.
#[derive(Clone, Copy, Debug, Default)]
struct Codings {
    /// There is a Transfer-Encoding.
    named: bool,
    chunked: bool,
    repeated: bool,
    other: bool,
    ends_chunked: bool,
}

impl Codings {
    /// Adds the codings that one field line lists. Empty elements are none (RFC 9110, 5.6.1.2).
    fn add(&mut self, value: &[u8]) {
        self.named = true;
        let codings = value.split(|byte| *byte == b',').map(trim_ows);
        for coding in codings.filter(|coding| !coding.is_empty()) {
            let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            self.repeated |= is_chunked && self.chunked;
            self.chunked |= is_chunked;
            self.other |= !is_chunked;
            self.ends_chunked = is_chunked;
        }
    }

    /// Accepts `chunked` and nothing else.
    fn check(self) -> Result<(), Reject> {
        if !self.ends_chunked {
            Err(Reject::FinalTransferCodingNotChunked)
        } else if self.repeated {
            Err(Reject::RepeatedChunkedCoding)
        } else if self.other {
            Err(Reject::UnsupportedTransferCoding)
        } else {
            Ok(())
        }
    }
}

/// The framing fields of a head while its lines go by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FramingFields {
    content_length: Option<u64>,
    codings: Codings,
    connection: ConnectionOptions,
    expect_continue: bool,
    upgrade: bool,
}

/// The fields that [`FramingFields::observe`] takes note of.
pub(super) const FRAMING_FIELDS: KnownSet = KnownSet::of(&[
    KnownField::Connection,
    KnownField::ContentLength,
    KnownField::Expect,
    KnownField::TransferEncoding,
    KnownField::Upgrade,
]);

impl Framing {
    /// That of an HTTP/1.1 request which has none of the [`FRAMING_FIELDS`].
    pub(super) const PLAIN: Self = Self {
        body: BodyFraming::None,
        keep_alive: true,
        expect_continue: false,
        upgrade: false,
    };
}

impl FramingFields {
    /// Takes note of a field line; those that say nothing about framing pass.
    #[inline]
    pub(super) fn observe(&mut self, field: KnownField, value: &[u8]) -> Result<(), Reject> {
        match field {
            KnownField::ContentLength => {
                let length = content_length(value)?;
                if self.content_length.replace(length).is_some() {
                    return Err(Reject::MultipleContentLengths);
                }
            }
            KnownField::TransferEncoding => self.codings.add(value),
            KnownField::Connection => self.connection.add(value),
            KnownField::Expect => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Reject::UnknownExpectation);
                }
                self.expect_continue = true;
            }
            KnownField::Upgrade => self.upgrade = true,
            _ => {}
        }
        Ok(())
    }

    /// Draws the conclusions once every line has gone by.
    #[inline(always)]
    pub(super) fn conclude(self, method: Method, version: Version) -> Result<Framing, Reject> {
        let is_http10 = version == Version::Http10;
        let body = match (self.codings.named, self.content_length) {
            (true, Some(_)) => return Err(Reject::ContentLengthWithTransferEncoding),
            (true, None) if is_http10 => return Err(Reject::TransferEncodingInHttp10),
            (true, None) => {
                self.codings.check()?;
                BodyFraming::Chunked
            }
            (false, Some(0)) => BodyFraming::None,
            (false, Some(length)) => BodyFraming::Length(length),
            (false, None) if is_http10 && matches!(method, Method::Post | Method::Put) => {
                return Err(Reject::LengthRequiredHttp10);
            }
            (false, None) => BodyFraming::None,
        };
        let has_body = body != BodyFraming::None;
        Ok(Framing {
            body,
            keep_alive: !self.connection.close && (!is_http10 || self.connection.keep_alive),
            // HTTP/1.0 does not know it (RFC 9110, 10.1.1).
            expect_continue: self.expect_continue && has_body && !is_http10,
            upgrade: self.upgrade && self.connection.upgrade && !has_body && !is_http10,
        })
    }
}

fn content_length(value: &[u8]) -> Result<u64, Reject> {
    parse_content_length(value).map_err(|error| match error {
        LengthError::Empty => Reject::EmptyContentLength,
        LengthError::Signed => Reject::SignedContentLength,
        LengthError::List => Reject::MultipleContentLengths,
        LengthError::Overflow => Reject::ContentLengthOverflow,
        LengthError::NotDigits => Reject::InvalidContentLength,
    })
}
