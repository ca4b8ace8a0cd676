//! Host names as TLS carries them: what a server name may look like, and the patterns of sites.
//!
//! Owns the syntax of both. Which site answers for a name is the business of [`super::sites`].

#[cfg(test)]
mod tests;

use std::fmt;

/// Bytes of the longest host name in text form (RFC 1035, 2.3.4, without its length octets).
pub(crate) const NAME_BYTES_MAX: usize = 253;

/// Bytes of the longest label (RFC 1035, 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// A host name in lower case, without a trailing dot, of valid labels (RFC 6066, section 3). It
/// lies inline, so that reading one allocates nothing.
#[derive(Clone, Copy)]
pub(crate) struct ServerName {
    bytes: [u8; NAME_BYTES_MAX],
    length: u8,
}

impl ServerName {
    /// Checks and lowers a name.
    pub(crate) fn parse(given: &[u8]) -> Result<Self, NameFault> {
        check(given)?;
        let mut bytes = [0; NAME_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(given) {
            *to = from.to_ascii_lowercase();
        }
        // `check` has seen to it that the length fits.
        let length = u8::try_from(given.len()).map_err(|_| NameFault::TooLong)?;
        Ok(Self { bytes, length })
    }

    /// The name, in lower case.
    pub(crate) fn as_str(&self) -> &str {
        let name = self.bytes.get(..usize::from(self.length));
        // Always ASCII, by `check`.
        name.and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

impl PartialEq for ServerName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ServerName {}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// Why a name is none that a server can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameFault {
    /// It has no byte.
    Empty,
    /// It has more than 253 bytes.
    TooLong,
    /// It ends with a dot, which RFC 6066 forbids.
    TrailingDot,
    /// It is an IP address, or its last label is a number and would be read as one.
    Address,
    /// Two dots follow each other, or it begins with one.
    EmptyLabel,
    /// A label has more than 63 bytes.
    LabelTooLong,
    /// A label begins or ends with a hyphen.
    Hyphen,
    /// A byte other than letters, digits, hyphen and underscore.
    InvalidByte,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::TooLong => "the name has more than 253 bytes",
            Self::TrailingDot => "the name ends with a dot; leave the dot out",
            Self::Address => "clients send no IP addresses as names; use a host name, or * for all",
            Self::EmptyLabel => "the name has an empty label; remove a dot",
            Self::LabelTooLong => "a label of the name has more than 63 bytes",
            Self::Hyphen => "a label of the name begins or ends with a hyphen",
            Self::InvalidByte => {
                "the name has a character other than letters, digits, hyphens and underscores; \
                 write international names in their xn-- form"
            }
        })
    }
}

/// Whether a client may ask for `name`.
fn check(name: &[u8]) -> Result<(), NameFault> {
    match name {
        [] => return Err(NameFault::Empty),
        // The dot of the root alone is no name with a dot too many.
        [.., b'.'] => return Err(NameFault::TrailingDot),
        _ if name.len() > NAME_BYTES_MAX => return Err(NameFault::TooLong),
        // Only IPv6 addresses have them; the number of labels does not matter any more.
        _ if name.contains(&b':') => return Err(NameFault::Address),
        _ => {}
    }
    let mut last: &[u8] = &[];
    for label in name.split(|&byte| byte == b'.') {
        check_label(label)?;
        last = label;
    }
    if is_number(last) {
        return Err(NameFault::Address);
    }
    Ok(())
}

fn check_label(label: &[u8]) -> Result<(), NameFault> {
    match label {
        [] => Err(NameFault::EmptyLabel),
        _ if label.len() > LABEL_BYTES_MAX => Err(NameFault::LabelTooLong),
        [b'-', ..] | [.., b'-'] => Err(NameFault::Hyphen),
        _ if label.iter().copied().all(is_name_byte) => Ok(()),
        _ => Err(NameFault::InvalidByte),
    }
}

/// Underscores are no part of host names, but of names that hosts really have.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Whether a name whose last label is this would be taken for an IPv4 address (URL Standard, "ends
/// in a number").
fn is_number(label: &[u8]) -> bool {
    match label {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// Which names a site answers for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pattern {
    /// One name, in lower case.
    Exact(Box<str>),
    /// `*.` and this: every name that has one label or more before it.
    Below(Box<str>),
    /// Every name, and no name.
    Any,
}

impl Pattern {
    /// Parses `example.com`, `*.example.com` or `*`.
    pub(crate) fn parse(given: &str) -> Result<Self, NameFault> {
        if given == "*" {
            return Ok(Self::Any);
        }
        let (name, is_below) = match given.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (given, false),
        };
        let name: Box<str> = ServerName::parse(name.as_bytes())?.as_str().into();
        Ok(if is_below {
            Self::Below(name)
        } else {
            Self::Exact(name)
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Any => f.write_str("*"),
        }
    }
}
