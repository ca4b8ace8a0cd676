//! Request targets (RFC 9112, 3.2) and the path that a handler routes by.
//!
//! Owns the four forms, which bytes a target may hold, percent-decoding and the removal of dot
//! segments. Copies nothing: a target is described by spans, and only a path that really needs it
//! is decoded, into memory of the caller's. The query stays as it came.

#[cfg(test)]
mod tests;

use std::fmt;

use super::Method;
use super::authority::{Authority, AuthorityError};
use super::scan::{from_target_mark, is_plain_target};
use super::span::Span;

/// The form of a request target (RFC 9112, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TargetForm {
    /// `/path?query`.
    #[default]
    Origin,
    /// `http://host/path?query`, as sent to proxies.
    Absolute,
    /// `host:port`, for CONNECT.
    Authority,
    /// `*`, for OPTIONS.
    Asterisk,
}

/// The scheme of the URI that a request is for (RFC 9110, 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Scheme {
    /// `http`.
    #[default]
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    /// The scheme in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that an authority without one means.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// It has none of the four forms.
    Malformed,
    /// It holds a control character, a space, a byte from 0x80, a backslash or a fragment.
    InvalidByte,
    /// A `%` in the path is not followed by two hexadecimal digits.
    InvalidEscape,
    /// The path holds `%00`.
    EncodedNul,
    /// The decoded path is not UTF-8.
    NotUtf8,
    /// Its authority is not `host [ ":" port ]`.
    InvalidAuthority,
    /// User information stands before the host (RFC 9110, 4.2.4).
    UserInfo,
    /// It is absolute, but neither http nor https.
    UnsupportedScheme,
    /// It has authority-form, which is for CONNECT only: 405.
    ConnectMethodRequired,
    /// It has asterisk-form, which is for OPTIONS only: 405.
    OptionsMethodRequired,
    /// The method is CONNECT, which takes nothing but `host:port`.
    AuthorityFormRequired,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the target has no known form",
            Self::InvalidByte => "the target holds a byte that no target may hold",
            Self::InvalidEscape => "a percent sign is not followed by two hexadecimal digits",
            Self::EncodedNul => "the path holds an encoded NUL",
            Self::NotUtf8 => "the decoded path is not UTF-8",
            Self::InvalidAuthority => "the authority is not a host with an optional port",
            Self::UserInfo => "the authority holds user information",
            Self::UnsupportedScheme => "the scheme is neither http nor https",
            Self::ConnectMethodRequired => "a host and port are a target for CONNECT only",
            Self::OptionsMethodRequired => "an asterisk is a target for OPTIONS only",
            Self::AuthorityFormRequired => "CONNECT needs a host and port as its target",
        })
    }
}

impl std::error::Error for TargetError {}

/// Where the parts of a target lie; offsets count from its first byte.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target {
    pub(crate) form: TargetForm,
    /// Empty for authority-form and asterisk-form, and when an absolute URI has none.
    pub(crate) path: Span,
    /// Whether the path must go through [`decode_path`].
    pub(crate) is_encoded: bool,
    pub(crate) query: Option<Span>,
    pub(crate) authority: Option<Span>,
    /// The scheme that an absolute target names.
    pub(crate) scheme: Option<Scheme>,
}

const BAD: u8 = 1;
const PERCENT: u8 = 2;
const DOT: u8 = 4;
const QUESTION: u8 = 8;

/// What each byte means in a target. Besides the bytes of RFC 3986 the visible ASCII that
/// browsers leave unescaped in a query passes, but for `\`, which some take for `/`, and `#`,
/// which never belongs to a request.
const CLASS: [u8; 256] = {
    let mut table = [BAD; 256];
    let mut byte = 0x21;
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
    {
        while byte < 0x7f {
            table[byte] = 0;
            byte += 1;
        }
        table[b'\\' as usize] = BAD;
        table[b'#' as usize] = BAD;
        table[b'%' as usize] = PERCENT;
        table[b'.' as usize] = DOT;
        table[b'?' as usize] = QUESTION;
    }
    table
};

/// How many bytes at the front of `text` may stand in a target, and which of those were seen that
/// say something: `PERCENT`, `DOT`, `QUESTION`.
#[inline(always)]
pub(crate) fn scan(text: &[u8]) -> (usize, u8) {
    let (behind, seen) = scan_off(text, text);
    (text.len() - behind.len(), seen)
}

/// [`scan`] of `rest`, with which `text` ends. Answers what is behind those bytes.
#[inline(always)]
pub(crate) fn scan_off<'a>(text: &'a [u8], mut rest: &'a [u8]) -> (&'a [u8], u8) {
    let mut seen = 0;
    loop {
        let from_mark = from_target_mark(text, rest);
        let [byte, behind @ ..] = from_mark else {
            return (from_mark, seen);
        };
        match CLASS.get(usize::from(*byte)).copied().unwrap_or(BAD) {
            BAD => return (from_mark, seen),
            class => seen |= class,
        }
        rest = behind;
    }
}

impl Target {
    /// Whether a target is a path and nothing else, without anything to decode, as nearly all are.
    #[inline]
    pub(crate) fn is_plain_path(text: &[u8]) -> bool {
        text.first() == Some(&b'/') && is_plain_target(text)
    }

    /// Reads the target of a request with this method.
    #[cfg(test)]
    pub(crate) fn parse(method: Method, text: &[u8]) -> Result<Self, TargetError> {
        match scan(text) {
            (length, seen) if length == text.len() => Self::of_scanned(method, text, seen),
            _ => Err(TargetError::InvalidByte),
        }
    }

    /// Reads a target of which [`scan`] has seen the whole and these bytes in it.
    pub(crate) fn of_scanned(method: Method, text: &[u8], seen: u8) -> Result<Self, TargetError> {
        if text.first() == Some(&b'/') && method != Method::Connect {
            return Ok(Self::default().with_path(text, 0, seen));
        }
        Self::parse_unusual(method, text, seen)
    }

    fn parse_unusual(method: Method, text: &[u8], seen: u8) -> Result<Self, TargetError> {
        if method == Method::Connect {
            return Self::parse_connect(text);
        }
        if text == b"*" {
            return match method {
                Method::Options => Ok(Self {
                    form: TargetForm::Asterisk,
                    ..Self::default()
                }),
                _ => Err(TargetError::OptionsMethodRequired),
            };
        }
        if let Some(at) = text.windows(3).position(|window| window == b"://") {
            let scheme = match text.get(..at) {
                Some(name) if name.eq_ignore_ascii_case(b"http") => Scheme::Http,
                Some(name) if name.eq_ignore_ascii_case(b"https") => Scheme::Https,
                Some([first, ..]) if first.is_ascii_alphabetic() => {
                    return Err(TargetError::UnsupportedScheme);
                }
                _ => return Err(TargetError::Malformed),
            };
            return Self::parse_absolute(text, at + 3, scheme, seen);
        }
        match Authority::parse(text) {
            Ok(authority) if authority.has_port() => Err(TargetError::ConnectMethodRequired),
            _ => Err(TargetError::Malformed),
        }
    }

    fn parse_connect(text: &[u8]) -> Result<Self, TargetError> {
        match Authority::parse(text) {
            Ok(authority) if authority.has_port() => Ok(Self {
                form: TargetForm::Authority,
                authority: Some(Span::new(0, text.len())),
                ..Self::default()
            }),
            Err(AuthorityError::UserInfo) => Err(TargetError::UserInfo),
            _ => Err(TargetError::AuthorityFormRequired),
        }
    }

    fn parse_absolute(
        text: &[u8],
        start: usize,
        scheme: Scheme,
        seen: u8,
    ) -> Result<Self, TargetError> {
        let rest = text.get(start..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|b| matches!(b, b'/' | b'?'))
            .unwrap_or(rest.len());
        let authority = Span::new(start, start + length);
        match Authority::parse(authority.of(text)) {
            Ok(_) => {}
            Err(AuthorityError::UserInfo) => return Err(TargetError::UserInfo),
            Err(_) => return Err(TargetError::InvalidAuthority),
        }
        let target = Self {
            form: TargetForm::Absolute,
            authority: Some(authority),
            scheme: Some(scheme),
            ..Self::default()
        };
        Ok(target.with_path(text, start + length, seen))
    }

    /// Fills in path and query, which begin at `start`.
    #[inline]
    fn with_path(mut self, text: &[u8], start: usize, seen: u8) -> Self {
        let rest = text.get(start..).unwrap_or_default();
        let question = if seen & QUESTION == 0 {
            None
        } else {
            memchr::memchr(b'?', rest)
        };
        let path_length = question.unwrap_or(rest.len());
        self.path = Span::new(start, start + path_length);
        self.query = question.map(|at| Span::new(start + at + 1, text.len()));
        self.is_encoded =
            path_length == 0 || (seen & (PERCENT | DOT) != 0 && needs_decoding(self.path.of(text)));
        self
    }
}

/// Whether a path holds an escape or a dot segment.
fn needs_decoding(path: &[u8]) -> bool {
    path.contains(&b'%')
        || path
            .split(|byte| *byte == b'/')
            .any(|segment| matches!(segment, b"." | b".."))
}

/// Decodes `path` into `decoded`, which is cleared first: escapes but `%2F` become bytes, then dot
/// segments are removed (RFC 3986, 5.2.4), and what remains begins with a slash.
///
/// A path with `%2F` keeps it as it came, so `%252F` and `%2F` decode to the same text; who must
/// tell them apart reads the raw target.
pub(crate) fn decode_path(path: &[u8], decoded: &mut Vec<u8>) -> Result<(), TargetError> {
    decoded.clear();
    let mut rest = path;
    while let Some(at) = memchr::memchr(b'%', rest) {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        decoded.extend_from_slice(plain);
        let [_, high, low, behind @ ..] = escape else {
            return Err(TargetError::InvalidEscape);
        };
        match (hex_digit(*high), hex_digit(*low)) {
            (Some(0), Some(0)) => return Err(TargetError::EncodedNul),
            (Some(2), Some(15)) => decoded.extend_from_slice(&[b'%', *high, *low]),
            (Some(high), Some(low)) => decoded.push(high << 4 | low),
            _ => return Err(TargetError::InvalidEscape),
        }
        rest = behind;
    }
    decoded.extend_from_slice(rest);
    if std::str::from_utf8(decoded).is_err() {
        return Err(TargetError::NotUtf8);
    }
    remove_dot_segments(decoded);
    Ok(())
}

/// The value of a hexadecimal digit.
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Removes dot segments in place: what is kept never lies behind what is read.
fn remove_dot_segments(path: &mut Vec<u8>) {
    let (mut read, mut kept) = (0, 0);
    while read < path.len() {
        let from_slash = path.get(read..).unwrap_or_default();
        let segment = from_slash.get(1..).unwrap_or_default();
        let length = segment
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(segment.len());
        let end = read + 1 + length;
        let is_last = end >= path.len();
        match segment.get(..length).unwrap_or_default() {
            dots @ (b"." | b"..") => {
                if dots.len() == 2 {
                    let before = path.get(..kept).unwrap_or_default();
                    kept = before.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                }
                if is_last && let Some(byte) = path.get_mut(kept) {
                    *byte = b'/';
                    kept += 1;
                }
            }
            _ => {
                path.copy_within(read..end, kept);
                kept += end - read;
            }
        }
        read = end;
    }
    path.truncate(kept);
    if path.is_empty() {
        path.push(b'/');
    }
}
