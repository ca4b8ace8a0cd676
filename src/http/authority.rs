//! Hosts and ports (RFC 3986, 3.2): the syntax of Host, `:authority` and of a target's authority.
//!
//! Owns validation and comparison. Which of several authorities counts is for the protocols.

use std::net::Ipv6Addr;

/// Why an authority is not `host [ ":" port ]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorityError {
    /// There is no host (RFC 9110, 4.2.1 forbids that for http).
    EmptyHost,
    /// User information stands before the host (RFC 9110, 4.2.4).
    UserInfo,
    /// The host is neither a reg-name, nor an IPv4 address, nor an IPv6 address in brackets.
    InvalidHost,
    /// The port is not a number up to 65,535.
    InvalidPort,
}

/// A valid host with the port that was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

const REG_NAME: u8 = 1;
const PERCENT: u8 = 2;
const OTHER: u8 = 4;

/// What each byte may be in an authority without brackets (RFC 3986, 3.2.2).
const CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut rest: &[u8] = b"-._~!$&'()*+,;=0123456789\
        abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
    {
        while let [first, others @ ..] = rest {
            table[*first as usize] = REG_NAME;
            rest = others;
        }
        table[b'%' as usize] = PERCENT;
    }
    table
};

impl<'a> Authority<'a> {
    /// Reads an authority.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, AuthorityError> {
        if text.first() == Some(&b'[') {
            return Self::parse_bracketed(text);
        }
        // A host has no colon, so the last one, if any, begins the port.
        let colon = text.iter().rposition(|byte| *byte == b':');
        let (host, port) = match colon.and_then(|at| text.split_at_checked(at)) {
            None => (text, None),
            Some((host, rest)) => (
                host,
                parse_port(rest).map_err(|error| user_info_or(error, text))?,
            ),
        };
        if host.is_empty() {
            return Err(AuthorityError::EmptyHost);
        }
        let seen = host.iter().fold(0, |seen, byte| {
            seen | CLASS.get(usize::from(*byte)).copied().unwrap_or(OTHER)
        });
        if seen & OTHER != 0 || (seen & PERCENT != 0 && !escapes_are_whole(host)) {
            return Err(user_info_or(AuthorityError::InvalidHost, text));
        }
        Ok(Self { host, port })
    }

    fn parse_bracketed(text: &'a [u8]) -> Result<Self, AuthorityError> {
        let end = text
            .iter()
            .position(|byte| *byte == b']')
            .ok_or(AuthorityError::InvalidHost)?;
        let address = text
            .get(1..end)
            .and_then(|inner| std::str::from_utf8(inner).ok());
        if address
            .and_then(|inner| inner.parse::<Ipv6Addr>().ok())
            .is_none()
        {
            return Err(AuthorityError::InvalidHost);
        }
        let (host, rest) = text.split_at_checked(end + 1).unwrap_or((text, &[]));
        let port = if rest.is_empty() {
            None
        } else {
            parse_port(rest)?
        };
        Ok(Self { host, port })
    }

    /// Whether a port was given.
    pub(crate) fn has_port(self) -> bool {
        self.port.is_some()
    }

    /// Whether both name the same host and port, where `default_port` stands for none.
    pub(crate) fn is_same(self, other: Authority<'_>, default_port: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

/// The error that says most about a refused authority.
#[cold]
fn user_info_or(error: AuthorityError, text: &[u8]) -> AuthorityError {
    if text.contains(&b'@') {
        AuthorityError::UserInfo
    } else {
        error
    }
}

/// The port behind a colon. An empty one is no port (RFC 3986, 3.2.3).
fn parse_port(rest: &[u8]) -> Result<Option<u16>, AuthorityError> {
    let digits = match rest {
        [b':'] => return Ok(None),
        [b':', digits @ ..] if digits.len() <= 5 => digits,
        _ => return Err(AuthorityError::InvalidPort),
    };
    digits
        .iter()
        .try_fold(0_u16, |port, digit| {
            let value = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
            port.checked_mul(10)?.checked_add(value)
        })
        .map(Some)
        .ok_or(AuthorityError::InvalidPort)
}

/// Whether each `%` is followed by two hexadecimal digits.
fn escapes_are_whole(mut text: &[u8]) -> bool {
    while let Some(at) = text.iter().position(|byte| *byte == b'%') {
        match text.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {}
            _ => return false,
        }
        text = text.get(at + 3..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn syntax() {
        use AuthorityError::*;
        let cases = [
            ("example.com", Ok(None)),
            ("example.com:8080", Ok(Some(8080))),
            ("example.com:", Ok(None)),
            ("example.com:65535", Ok(Some(65535))),
            ("127.0.0.1:1", Ok(Some(1))),
            ("[::1]", Ok(None)),
            ("[::ffff:1.2.3.4]:443", Ok(Some(443))),
            ("a_b-c~%41", Ok(None)),
            ("", Err(EmptyHost)),
            (":80", Err(EmptyHost)),
            ("user@example.com", Err(UserInfo)),
            ("user:pw@example.com", Err(UserInfo)),
            ("a b", Err(InvalidHost)),
            ("a/b", Err(InvalidHost)),
            ("a?b", Err(InvalidHost)),
            ("a\\b", Err(InvalidHost)),
            ("\u{e9}.example", Err(InvalidHost)),
            ("a%4", Err(InvalidHost)),
            ("a%zz", Err(InvalidHost)),
            ("[::1", Err(InvalidHost)),
            ("[]", Err(InvalidHost)),
            ("[v1.x]", Err(InvalidHost)),
            ("[fe80::1%25eth0]", Err(InvalidHost)),
            ("::1", Err(InvalidHost)),
            ("a:65536", Err(InvalidPort)),
            ("a:+80", Err(InvalidPort)),
            ("a:80:80", Err(InvalidHost)),
            ("a:000080", Err(InvalidPort)),
            ("[::1]80", Err(InvalidPort)),
        ];
        for (text, expected) in cases {
            let port = Authority::parse(text.as_bytes()).map(|authority| authority.port);
            assert_eq!(port, expected, "{text:?}");
        }
    }

    #[test]
    fn comparison_knows_case_and_default_ports() {
        let same = |a: &'static str, b: &'static str| {
            let parse = |text: &'static str| Authority::parse(text.as_bytes()).unwrap();
            parse(a).is_same(parse(b), 80)
        };
        assert!(same("Example.com", "example.COM:80"));
        assert!(same("example.com:", "example.com"));
        assert!(!same("example.com", "example.com:443"));
        assert!(!same("example.com", "example.org"));
    }
}
