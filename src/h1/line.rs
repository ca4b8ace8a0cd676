//! Request lines and field lines taken apart slowly, to say what is wrong with them.
//!
//! Owns the exact verdict on a head that the fast parser has refused, and the lines of a trailer
//! section, which are too rare for a parser of their own. Must accept nothing that the fast parser
//! refuses.

use super::Reject;
use crate::http::field::{is_token, is_token_byte, trim_ows};

/// The first violation in a complete head whose lines all end with CRLF.
#[cold]
pub(super) fn diagnose(head: &[u8]) -> Reject {
    let mut lines = head
        .split_inclusive(|byte| *byte == b'\n')
        .map(without_crlf);
    if let Err(reject) = check_request_line(lines.next().unwrap_or_default()) {
        return reject;
    }
    for (index, line) in lines.take_while(|line| !line.is_empty()).enumerate() {
        match split_field_line(line) {
            Err(Reject::ObsFold) if index == 0 => return Reject::SpaceBeforeFirstField,
            Err(reject) => return reject,
            Ok(_) => {}
        }
    }
    Reject::MalformedHead
}

fn without_crlf(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n").unwrap_or(line)
}

/// Checks `method SP target SP version` (RFC 9112, 3), the target only for the bytes that no
/// target can have.
fn check_request_line(line: &[u8]) -> Result<(), Reject> {
    if line.contains(&b'\r') {
        return Err(Reject::BareCarriageReturn);
    }
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if !method.is_some_and(is_token) {
        return Err(Reject::InvalidMethod);
    }
    let (Some(target), Some(version)) = (target, version) else {
        return Err(Reject::InvalidRequestLine);
    };
    if target.is_empty() || version.is_empty() || version.contains(&b' ') {
        return Err(Reject::InvalidRequestLine);
    }
    if !target.iter().all(u8::is_ascii_graphic) {
        return Err(Reject::InvalidTargetByte);
    }
    match version {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            match major {
                b'1' => Ok(()),
                _ => Err(Reject::UnsupportedVersion),
            }
        }
        _ => Err(Reject::InvalidVersion),
    }
}

/// Where in a head the minor version stands, if the request line says one of HTTP/1 that is later
/// than ours.
pub(super) fn later_minor(head: &[u8]) -> Option<usize> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let (minor, before) = line.split_last()?;
    let is_later = before.ends_with(b" HTTP/1.") && matches!(minor, b'2'..=b'9');
    is_later.then_some(before.len())
}

/// Name and value of a field line without its CRLF (RFC 9112, 5).
pub(super) fn split_field_line(line: &[u8]) -> Result<(&[u8], &[u8]), Reject> {
    if let [b' ' | b'\t', ..] = line {
        return Err(Reject::ObsFold);
    }
    let name_end = line.iter().position(|byte| !is_token_byte(*byte));
    let Some((name, rest)) = name_end.and_then(|end| line.split_at_checked(end)) else {
        return Err(Reject::MissingColon);
    };
    let value = match rest {
        [b':', ..] if name.is_empty() => return Err(Reject::EmptyFieldName),
        [b':', value @ ..] => value,
        [b' ' | b'\t', ..] if trim_ows(rest).first() == Some(&b':') => {
            return Err(Reject::SpaceBeforeColon);
        }
        [b'\r', ..] => return Err(Reject::BareCarriageReturn),
        _ => return Err(Reject::InvalidFieldName),
    };
    match value
        .iter()
        .find(|byte| byte.is_ascii_control() && **byte != b'\t')
    {
        None => Ok((name, trim_ows(value))),
        Some(b'\r') => Err(Reject::BareCarriageReturn),
        Some(0) => Err(Reject::NulInFieldValue),
        Some(_) => Err(Reject::ControlInFieldValue),
    }
}
