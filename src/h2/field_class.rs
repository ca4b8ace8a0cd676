//! What a field line of a request is, and whether it may stand there (RFC 9113, 8.2 and 8.3).
//!
//! Owns the rules that a line can break by itself. They are applied once to each entry of the
//! compression tables, not once to each request. What lines mean together is for `request`.

use super::error::Violation;
use crate::hpack::{STATIC_LINES_COUNT, Verdict};
use crate::http::authority::Authority;
use crate::http::field::{is_field_value, is_token_byte};
use crate::http::target::Target;
use crate::http::{KnownField, Method, Scheme};
use crate::limits::METHOD_BYTES_MAX;

/// What a field line of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldClass {
    /// `:method`.
    Method(Method),
    /// `:method`, longer than any.
    LongMethod,
    /// `:path`, and whether it is a path and nothing else, without anything to decode.
    Path {
        /// See there.
        plain: bool,
    },
    /// `:scheme`; `None` for one that is no transport of ours.
    Scheme(Option<Scheme>),
    /// `:authority`, which is a host with an optional port.
    Authority,
    /// `:protocol` (RFC 8441, 4).
    Protocol,
    /// `cookie`, which may come in pieces (RFC 9113, 8.2.3).
    Cookie,
    /// `priority` (RFC 9218, 5).
    Priority,
    /// A field that the server itself acts on.
    Known(KnownField),
    /// Any other.
    Other,
    /// A line that no request may have.
    Bad(Violation),
}

impl Verdict for FieldClass {
    const STATIC: [Self; STATIC_LINES_COUNT] = {
        let mut classes = [Self::Other; STATIC_LINES_COUNT];
        // Indices of RFC 7541, appendix A, less one.
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            classes[0] = Self::Bad(Violation::InvalidAuthority);
            classes[1] = Self::Method(Method::Get);
            classes[2] = Self::Method(Method::Post);
            classes[3] = Self::Path { plain: true };
            // The dot wants to be looked at.
            classes[4] = Self::Path { plain: false };
            classes[5] = Self::Scheme(Some(Scheme::Http));
            classes[6] = Self::Scheme(Some(Scheme::Https));
            let mut status = 7;
            while status < 14 {
                classes[status] = Self::Bad(Violation::ResponsePseudoField);
                status += 1;
            }
            classes[27] = Self::Known(KnownField::ContentLength);
            classes[31] = Self::Cookie;
            classes[32] = Self::Known(KnownField::Date);
            classes[34] = Self::Known(KnownField::Expect);
            classes[37] = Self::Known(KnownField::Host);
            classes[53] = Self::Known(KnownField::Server);
            classes[56] = Self::Bad(Violation::ConnectionSpecificField);
        }
        classes
    };

    fn of(name: &[u8], value: &[u8]) -> Self {
        // Of all lines a path is most often one that no table has. Its bytes may stand in any value.
        if name == b":path" && Target::is_plain_path(value) {
            return Self::Path { plain: true };
        }
        if let Some(violation) = check_value(value) {
            return Self::Bad(violation);
        }
        match name {
            [b':', ..] => of_pseudo(name, value),
            b"cookie" => Self::Cookie,
            b"priority" => Self::Priority,
            _ => check_name(name).map_or_else(|| of_regular(name, value), Self::Bad),
        }
    }

    /// What these say is in the class.
    #[inline]
    fn wants_text(self) -> bool {
        match self {
            Self::Method(method) => method == Method::Extension,
            Self::Scheme(_) => false,
            _ => true,
        }
    }
}

fn of_pseudo(name: &[u8], value: &[u8]) -> FieldClass {
    match name {
        b":method" => match Method::from_bytes(value) {
            Some(_) if value.len() > METHOD_BYTES_MAX => FieldClass::LongMethod,
            Some(method) => FieldClass::Method(method),
            None => FieldClass::Bad(Violation::InvalidMethod),
        },
        b":path" => FieldClass::Path { plain: false },
        // Schemes have no case (RFC 3986, 3.1).
        b":scheme" if value.eq_ignore_ascii_case(b"http") => FieldClass::Scheme(Some(Scheme::Http)),
        b":scheme" if value.eq_ignore_ascii_case(b"https") => {
            FieldClass::Scheme(Some(Scheme::Https))
        }
        b":scheme" if is_scheme(value) => FieldClass::Scheme(None),
        b":scheme" => FieldClass::Bad(Violation::InvalidScheme),
        b":authority" if Authority::parse(value).is_ok() => FieldClass::Authority,
        b":authority" => FieldClass::Bad(Violation::InvalidAuthority),
        b":protocol" if !value.is_empty() && value.iter().copied().all(is_protocol_byte) => {
            FieldClass::Protocol
        }
        b":status" => FieldClass::Bad(Violation::ResponsePseudoField),
        b":protocol" => FieldClass::Bad(Violation::InvalidFieldValue),
        _ => FieldClass::Bad(Violation::UnknownPseudoField),
    }
}

/// RFC 3986, 3.1.
fn is_scheme(value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_alphabetic)
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The tokens of an Upgrade field, with the slash before a version (RFC 9110, 7.8).
fn is_protocol_byte(byte: u8) -> bool {
    is_token_byte(byte) || byte == b'/'
}

fn of_regular(name: &[u8], value: &[u8]) -> FieldClass {
    match KnownField::from_name(name) {
        None => FieldClass::Other,
        // RFC 9113, 8.2.2.
        Some(
            KnownField::Connection
            | KnownField::KeepAlive
            | KnownField::ProxyConnection
            | KnownField::TransferEncoding
            | KnownField::Upgrade,
        ) => FieldClass::Bad(Violation::ConnectionSpecificField),
        Some(KnownField::Te) if !value.eq_ignore_ascii_case(b"trailers") => {
            FieldClass::Bad(Violation::ConnectionSpecificField)
        }
        Some(known) => FieldClass::Known(known),
    }
}

/// What is wrong with the name of a regular field (RFC 9113, 8.2.1).
fn check_name(name: &[u8]) -> Option<Violation> {
    if name.iter().any(u8::is_ascii_uppercase) {
        Some(Violation::UppercaseFieldName)
    } else if name.is_empty() || !name.iter().copied().all(is_token_byte) {
        Some(Violation::InvalidFieldName)
    } else {
        None
    }
}

/// What is wrong with a value (RFC 9113, 8.2.1; RFC 9110, 5.5).
fn check_value(value: &[u8]) -> Option<Violation> {
    let framed = matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t']);
    (framed || !is_field_value(value)).then_some(Violation::InvalidFieldValue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpack::STATIC_LINES;

    #[test]
    fn the_static_table_is_judged_as_any_line() {
        for (index, (name, value)) in STATIC_LINES.iter().enumerate() {
            assert_eq!(
                FieldClass::STATIC.get(index),
                Some(&FieldClass::of(name.as_bytes(), value.as_bytes())),
                "entry {}: {name}",
                index + 1,
            );
        }
    }

    #[test]
    fn lines_are_what_the_rfc_says() {
        use FieldClass::*;
        let cases: &[(&[u8], &[u8], FieldClass)] = &[
            (b":method", b"GET", Method(crate::http::Method::Get)),
            (b":method", b"G ET", Bad(Violation::InvalidMethod)),
            (b":method", b"", Bad(Violation::InvalidMethod)),
            (b":method", &[b'M'; METHOD_BYTES_MAX + 1], LongMethod),
            (b":path", b"/a", Path { plain: true }),
            (b":path", b"/a?b", Path { plain: false }),
            (b":path", b"/a b", Path { plain: false }),
            (b":scheme", b"HTTP", Scheme(Some(crate::http::Scheme::Http))),
            (b":scheme", b"ftp", Scheme(None)),
            (b":scheme", b"", Bad(Violation::InvalidScheme)),
            (b":authority", b"a:1", Authority),
            (b":authority", b"u@a", Bad(Violation::InvalidAuthority)),
            (b":protocol", b"websocket", Protocol),
            (
                b":protocol",
                b"web socket",
                Bad(Violation::InvalidFieldValue),
            ),
            (b":status", b"200", Bad(Violation::ResponsePseudoField)),
            (b":new", b"x", Bad(Violation::UnknownPseudoField)),
            (b":", b"x", Bad(Violation::UnknownPseudoField)),
            (b"cookie", b"a=b", Cookie),
            (b"Cookie", b"a=b", Bad(Violation::UppercaseFieldName)),
            (b"x\0y", b"a", Bad(Violation::InvalidFieldName)),
            (b"", b"a", Bad(Violation::InvalidFieldName)),
            (b"x", b"a\nb", Bad(Violation::InvalidFieldValue)),
            (b"x", b"a\0b", Bad(Violation::InvalidFieldValue)),
            (b"x", b" a", Bad(Violation::InvalidFieldValue)),
            (b"x", b"a\t", Bad(Violation::InvalidFieldValue)),
            (b"x", b"", Other),
            (b"x", b"\xff", Other),
            (
                b"connection",
                b"close",
                Bad(Violation::ConnectionSpecificField),
            ),
            (b"upgrade", b"h2c", Bad(Violation::ConnectionSpecificField)),
            (b"te", b"trailers", Known(KnownField::Te)),
            (b"te", b"gzip", Bad(Violation::ConnectionSpecificField)),
            (b"priority", b"u=1", Priority),
            (b"host", b"x", Known(KnownField::Host)),
        ];
        for (name, value, class) in cases {
            let line = (
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value),
            );
            assert_eq!(FieldClass::of(name, value), *class, "{line:?}");
        }
    }
}
