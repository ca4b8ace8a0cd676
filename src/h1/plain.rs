//! Plain heads in one pass: request line, field lines and their meaning, each byte looked at once.
//!
//! Owns the fast way through heads as nearly all clients send them, and nothing else: it refuses no
//! head and knows no reason. What it does not take, because it is incomplete, unusual or wrong, is
//! read again from its first byte by the parser of record in `head`, whose verdict counts. What it
//! does take, that parser would have taken too, with the same meaning; the tests of this module and
//! the fuzz target for heads hold it to that.

#[cfg(test)]
mod tests;

use super::framing::{FRAMING_FIELDS, Framing, FramingFields};
use super::head::check_host;
use super::scan::Origin;
use crate::http::field::trim_ows;
use crate::http::scan::{from_token_end, from_value_end};
use crate::http::{FieldSpan, KnownField, Method, RequestHead, Span, Version, target};
use crate::limits::Limits;

/// Reads the head at `start` of `input`, where a request line begins, but for what it means for the
/// connection. Answers its end, the empty line included. The spans of the head count from the first
/// byte of `input`. `None` leaves the head without meaning.
// A function of its own keeps its values in registers, and answers in one.
#[inline(never)]
pub(super) fn read(
    input: &[u8],
    start: usize,
    limits: &Limits,
    origin: &mut Origin,
    head: &mut RequestHead,
) -> Option<usize> {
    let at = |rest: &[u8]| input.len() - rest.len();
    let (method, rest) = read_method(input.get(start..)?)?;
    let target_start = at(rest);
    let (behind, seen) = target::scan_off(input, rest);
    let is_path = seen == 0 && rest.first() == Some(&b'/');
    let target = Span::new(target_start, at(behind));
    let (version, rest) = read_version(behind)?;
    let fields_start = at(rest);
    if fields_start - start > limits.request_line_bytes_max {
        return None;
    }
    head.begin_spans(method, Span::new(start, target_start - 1), version);
    if is_path {
        head.set_plain_path(target);
    } else {
        head.set_target(input, target, seen, method).ok()?;
    }
    let (end, host_span) = read_fields(input, rest, limits, head)?;
    if end - fields_start > limits.head_bytes_max + 2 {
        return None;
    }
    match host_span {
        // As nearly always on a connection that has had a request.
        Some(span) if is_path && origin.is_host(span.of(input)) => {
            head.set_authority(span);
        }
        _ => check_host(input, host_span, head, origin, limits).ok()?,
    }
    Some(end)
}

/// What the head that [`read`] has read means for the connection; `None` when it is refused.
#[inline(always)]
pub(super) fn framing(input: &[u8], head: &RequestHead) -> Option<Framing> {
    if head.version() == Version::Http11 && head.known().has_none_of(FRAMING_FIELDS) {
        return Some(Framing::PLAIN);
    }
    observe_framing(input, head)
}

#[inline(never)]
fn observe_framing(input: &[u8], head: &RequestHead) -> Option<Framing> {
    let mut fields = FramingFields::default();
    for line in head.lines() {
        if let Some(known) = line.known {
            fields.observe(known, line.value.of(input)).ok()?;
        }
    }
    fields.conclude(head.method(), head.version()).ok()
}

/// The method and what follows the space behind it. CONNECT, whose targets are of another form,
/// and methods without a name here are not plain.
#[inline(always)]
fn read_method(bytes: &[u8]) -> Option<(Method, &[u8])> {
    const GET: u32 = u32::from_le_bytes(*b"GET ");
    const POST: u32 = u32::from_le_bytes(*b"POST");
    const HEAD: u32 = u32::from_le_bytes(*b"HEAD");
    const PUT: u32 = u32::from_le_bytes(*b"PUT ");
    let (first, rest) = bytes.split_first_chunk()?;
    let method = match u32::from_le_bytes(*first) {
        GET => return Some((Method::Get, rest)),
        PUT => return Some((Method::Put, rest)),
        POST => Method::Post,
        HEAD => Method::Head,
        _ => return read_long_method(bytes),
    };
    match rest {
        [b' ', rest @ ..] => Some((method, rest)),
        _ => None,
    }
}

#[inline(never)]
fn read_long_method(bytes: &[u8]) -> Option<(Method, &[u8])> {
    for (name, method) in [
        (b"DELETE ".as_slice(), Method::Delete),
        (b"OPTIONS ", Method::Options),
        (b"PATCH ", Method::Patch),
    ] {
        if let Some(rest) = bytes.strip_prefix(name) {
            return Some((method, rest));
        }
    }
    None
}

/// The version in front of a line end, the space before it included, and what follows that line.
#[inline(always)]
fn read_version(bytes: &[u8]) -> Option<(Version, &[u8])> {
    const HTTP10: u64 = u64::from_le_bytes(*b"HTTP/1.0");
    const HTTP11: u64 = u64::from_le_bytes(*b"HTTP/1.1");
    let (line, rest) = bytes.split_first_chunk::<11>()?;
    let [b' ', name @ .., b'\r', b'\n'] = line else {
        return None;
    };
    let name: &[u8; 8] = name;
    match u64::from_le_bytes(*name) {
        HTTP11 => Some((Version::Http11, rest)),
        HTTP10 => Some((Version::Http10, rest)),
        _ => None,
    }
}

/// Reads field lines up to the empty line. Answers the end of the head and where the value of Host
/// lies.
#[inline(always)]
fn read_fields<'a>(
    input: &'a [u8],
    mut rest: &'a [u8],
    limits: &Limits,
    head: &mut RequestHead,
) -> Option<(usize, Option<Span>)> {
    let at = |rest: &[u8]| input.len() - rest.len();
    let mut host = None;
    loop {
        if let [b'\r', b'\n', behind @ ..] = rest {
            return Some((at(behind), host));
        }
        let line = rest;
        let behind_name = from_token_end(input, line);
        let name_length = line.len() - behind_name.len();
        if name_length == 0 {
            return None;
        }
        let from_value = match behind_name {
            // One space, then the value: what else may stand there is rare.
            [b':', b' ', from_value @ ..]
                if from_value.first().is_some_and(|byte| *byte > b' ') =>
            {
                from_value
            }
            [b':', behind @ ..] => trim_ows_start(behind),
            _ => return None,
        };
        let behind_value = from_value_end(input, from_value);
        let [b'\r', b'\n', next @ ..] = behind_value else {
            return None;
        };
        let mut value_length = from_value.len() - behind_value.len();
        if let Some(value @ [.., b' ' | b'\t']) = from_value.get(..value_length) {
            value_length = trim_ows(value).len();
        }
        let value = Span::sized(at(from_value) as u32, value_length as u32);
        let known = KnownField::from_name(line.get(..name_length)?);
        if known == Some(KnownField::Host) && host.replace(value).is_some() {
            return None;
        }
        head.push_span(FieldSpan {
            name: Span::sized(at(line) as u32, name_length as u32),
            value,
            known,
        });
        if head.lines().len() > limits.field_count_max {
            return None;
        }
        rest = next;
    }
}

fn trim_ows_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}
