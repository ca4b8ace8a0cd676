//! Request heads, from bytes to [`RequestHead`] (RFC 9112, 2 to 5).
//!
//! Owns the order of the checks. A head that arrives whole and is like most is read by `plain`. Any
//! other goes to the parser of record: one pass of the fast parser and a few comparisons for each
//! line; `scan` takes over when more bytes are needed, and `line` when it must be said what is wrong.
//! Nothing is copied: the head is left with spans, and the caller attaches the bytes.

use std::mem::MaybeUninit;

use super::Reject;
use super::framing::{Framing, FramingFields};
use super::line::{diagnose, later_minor};
use super::plain;
use super::scan::{HeadScan, Origin, Scanned};
use crate::http::authority::Authority;
use crate::http::target::Target;
use crate::http::{FieldSpan, KnownField, Method, RequestHead, Scheme, Span, TargetForm, Version};
use crate::limits::{FIELD_COUNT_CEILING, Limits, METHOD_BYTES_MAX};

/// What came of a parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parse {
    /// More bytes are needed; call again with the same scan and a longer input.
    Incomplete,
    /// A head is complete.
    Complete {
        /// Its bytes, with the empty line. The head's spans count from the first byte of the
        /// input, so exactly these bytes must be attached to it.
        consumed: usize,
        /// What it means for the connection.
        framing: Framing,
    },
    /// The input begins with the first line of the HTTP/2 preface (RFC 9113, 3.4).
    Http2Preface,
}

/// Reads the head at the front of `input`.
///
/// `scan` carries the progress from call to call; it is new again after anything but
/// [`Parse::Incomplete`]. The head is meaningful only after [`Parse::Complete`].
///
/// # Errors
/// The violation, the same one however the input was split.
#[inline]
pub(crate) fn parse(
    input: &[u8],
    scan: &mut HeadScan,
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Parse, Reject> {
    let parsed = parse_resumed(input, scan, limits, head);
    if parsed != Ok(Parse::Incomplete) && scan.has_moved() {
        scan.restart();
    }
    parsed
}

/// [`parse`] for a head that is plain and wholly there, as nearly all are; `None` asks for `parse`.
#[inline(always)]
pub(super) fn parse_plain(
    input: &[u8],
    scan: &mut HeadScan,
    limits: &Limits,
    head: &mut RequestHead,
) -> Option<(usize, Framing)> {
    if scan.has_moved() || !input.first().is_some_and(u8::is_ascii_uppercase) {
        return None;
    }
    let consumed = plain::read(input, 0, limits, &mut scan.origin, head)?;
    Some((consumed, plain::framing(input, head)?))
}

fn parse_resumed(
    input: &[u8],
    scan: &mut HeadScan,
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Parse, Reject> {
    if !scan.find_start(input)? {
        return Ok(Parse::Incomplete);
    }
    // Most heads arrive whole: then there is nothing to search for.
    if !scan.is_fresh() && scan.advance(input, limits)? == Scanned::Open {
        return Ok(Parse::Incomplete);
    }
    if let Some(consumed) = plain::read(input, scan.start(), limits, &mut scan.origin, head)
        && let Some(framing) = plain::framing(input, head)
    {
        return Ok(Parse::Complete { consumed, framing });
    }
    parse_unusual(input, scan, limits, head)
}

/// [`parse`] without the plain way, which must make no difference.
///
/// # Errors
/// Those of [`parse`].
#[cfg(any(test, feature = "testing"))]
pub(crate) fn parse_by_record(
    input: &[u8],
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Parse, Reject> {
    let mut scan = HeadScan::default();
    if !scan.find_start(input)? {
        return Ok(Parse::Incomplete);
    }
    parse_unusual(input, &mut scan, limits, head)
}

/// Reads a head with the parser of record, and says what is wrong with one that it refuses.
#[inline(never)]
fn parse_unusual(
    input: &[u8],
    scan: &mut HeadScan,
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Parse, Reject> {
    if let Read::Complete { consumed, framing } = read(input, scan, limits, head)? {
        return Ok(Parse::Complete { consumed, framing });
    }
    match scan.advance(input, limits)? {
        Scanned::Open => Ok(Parse::Incomplete),
        Scanned::Http2Preface => Ok(Parse::Http2Preface),
        Scanned::End(end) => {
            let lines = input.get(scan.start()..end).unwrap_or_default();
            match later_minor(lines) {
                Some(at) => {
                    // No more than this head: what is behind it may hold many of its kind.
                    let whole = input.get(..end).unwrap_or_default();
                    parse_as_http11(whole, scan.start() + at, scan, limits, head)
                }
                None => Err(diagnose(lines)),
            }
        }
    }
}

/// Reads a head of a later minor version, which stands at `minor`, as one of HTTP/1.1 (RFC 9110,
/// 2.5). The fast parser knows no such version, so it is shown a copy that says 1.1; spans over the
/// copy are spans over the input.
#[cold]
fn parse_as_http11(
    input: &[u8],
    minor: usize,
    scan: &mut HeadScan,
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Parse, Reject> {
    let mut copy = input.to_vec();
    if let Some(digit) = copy.get_mut(minor) {
        *digit = b'1';
    }
    parse_unusual(&copy, scan, limits, head)
}

/// What the fast parser made of a head.
enum Read {
    Complete {
        consumed: usize,
        framing: Framing,
    },
    /// The head is longer than the input.
    Partial,
    /// A line is malformed or a limit passed. Which one is for the scan and the diagnosis to say.
    Refused,
}

// Inlined into its one caller: its result is then never written to memory and read back.
#[inline(always)]
fn read(
    input: &[u8],
    scan: &mut HeadScan,
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Read, Reject> {
    let start = scan.start();
    let mut lines = [const { MaybeUninit::uninit() }; FIELD_COUNT_CEILING];
    let Some(lines) = lines.get_mut(..limits.field_count_max) else {
        return Ok(Read::Refused);
    };
    let mut request = httparse::Request::new(&mut []);
    let bytes = input.get(start..).unwrap_or_default();
    let consumed = match request.parse_with_uninit_headers(bytes, lines) {
        Ok(httparse::Status::Complete(length)) => start + length,
        Ok(httparse::Status::Partial) => return Ok(Read::Partial),
        Err(_) => return Ok(Read::Refused),
    };
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Ok(Read::Refused);
    };
    if !has_strict_lines(input, start, consumed, request.headers, limits) {
        return Ok(Read::Refused);
    }
    if method.len() > METHOD_BYTES_MAX {
        return Err(Reject::MethodTooLong);
    }
    let version = if minor == 0 {
        Version::Http10
    } else {
        Version::Http11
    };
    let method_span = span_in(input, method.as_bytes());
    let method = Method::from_bytes(method.as_bytes()).ok_or(Reject::InvalidMethod)?;
    head.begin_spans(method, method_span, version);
    let mut fields = FramingFields::default();
    let mut host = None;
    for line in request.headers.iter() {
        let value = span_in(input, line.value);
        let known = KnownField::from_name(line.name.as_bytes());
        match known {
            None => {}
            Some(KnownField::Host) if host.is_some() => return Err(Reject::MultipleHosts),
            Some(KnownField::Host) => host = Some(value),
            Some(field) => fields.observe(field, line.value)?,
        }
        head.push_span(FieldSpan {
            name: span_in(input, line.name.as_bytes()),
            value,
            known,
        });
    }
    head.read_target(input, span_in(input, target.as_bytes()))?;
    check_host(input, host, head, &mut scan.origin, limits)?;
    let framing = fields.conclude(method, version)?;
    Ok(Read::Complete { consumed, framing })
}

/// Whether every line ends with CRLF, which the fast parser does not insist on, and request line
/// and field lines are within their limits. It has found the lines, so only their ends are looked
/// at.
fn has_strict_lines(
    input: &[u8],
    start: usize,
    consumed: usize,
    lines: &[httparse::Header<'_>],
    limits: &Limits,
) -> bool {
    let ends_with_crlf = |end: usize| {
        end.checked_sub(2).and_then(|from| input.get(from..end)) == Some(b"\r\n".as_slice())
    };
    let empty_line = consumed.saturating_sub(2);
    let line_start = |line: &httparse::Header<'_>| offset_in(input, line.name.as_bytes());
    let fields_start = lines.first().map_or(empty_line, line_start);
    fields_start.wrapping_sub(start) <= limits.request_line_bytes_max
        && consumed.wrapping_sub(fields_start) <= limits.head_bytes_max + 2
        && ends_with_crlf(consumed)
        && ends_with_crlf(empty_line)
        && lines.iter().all(|line| ends_with_crlf(line_start(line)))
}

/// Where `part`, a subslice of `input`, begins in it. Anything else gives an offset that no check
/// and no span accepts.
#[inline]
fn offset_in(input: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(input.as_ptr().addr())
}

/// Where `part`, a subslice of `input`, lies in it.
#[inline]
fn span_in(input: &[u8], part: &[u8]) -> Span {
    let start = offset_in(input, part);
    Span::new(start, start.wrapping_add(part.len()))
}

/// Applies the rules for Host (RFC 9112, 3.2) and for schemes (RFC 9110, 7.4), and leaves the authority in the head.
#[inline]
pub(super) fn check_host(
    input: &[u8],
    host: Option<Span>,
    head: &mut RequestHead,
    origin: &mut Origin,
    limits: &Limits,
) -> Result<(), Reject> {
    if let Some(scheme) = head.target_parts().scheme
        && !origin.transport().admits(scheme)
    {
        return Err(Reject::SchemeMismatch);
    }
    let Some(span) = host else {
        return if head.version() == Version::Http10 {
            Ok(())
        } else {
            Err(Reject::MissingHost)
        };
    };
    let value = span.of(input);
    if head.target_parts().authority.is_none() && origin.is_host(value) {
        head.set_authority(span);
        return Ok(());
    }
    let host = match value {
        // A target URI without an authority sends it empty.
        b"" => None,
        _ => Some(Authority::parse(value).map_err(|_| Reject::InvalidHost)?),
    };
    let target = head.target_parts();
    let Some(authority) = target.authority else {
        if host.is_some() {
            origin.remember_host(value);
            head.set_authority(span);
        }
        return Ok(());
    };
    let agrees = host.is_some_and(|host| is_host_of(host, target, authority.of(input)));
    match target.form {
        _ if agrees => Ok(()),
        // The target counts (RFC 9112, 3.2.2), and nobody finds another host beside it.
        TargetForm::Absolute if !limits.refuse_host_mismatch => {
            head.replace_host(authority);
            Ok(())
        }
        _ => Err(Reject::HostMismatch),
    }
}

/// Whether Host says what the target does, whose authority this is.
fn is_host_of(host: Authority<'_>, target: &Target, authority: &[u8]) -> bool {
    let Ok(authority) = Authority::parse(authority) else {
        return false;
    };
    let is_same = |scheme: Scheme| host.is_same(authority, scheme.default_port());
    match target.scheme {
        Some(scheme) => is_same(scheme),
        // CONNECT names no scheme: a port that is the default of one may be missing in Host, as in
        // the example of RFC 9112, 3.2.3.
        None => is_same(Scheme::Http) || is_same(Scheme::Https),
    }
}
