//! From a field block to a request head (RFC 9113, 8.3 and 8.5; RFC 8441, 4).
//!
//! Owns what the lines of a block mean together: pseudo-header fields, cookies in pieces, lengths and
//! limits; where the request goes is told in `target`. The head is given its bytes in an arena of its
//! own. Knows no stream.

mod target;

use super::bounds::{list_bytes_max, undecodable};
use super::error::{ConnectionError, StreamError, Violation};
use super::field_class::FieldClass;
use super::priority::Priority;
use crate::hpack::{Bounds, Decoder, Line, ListSize};
use crate::http::field::parse_content_length;
use crate::http::{
    Counters, FieldSpan, KnownField, Method, RequestHead, Scheme, Span, Status, Transport, Version,
};
use crate::limits::Limits;

/// A request whose head is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) content_length: Option<u64>,
    pub(super) expect_continue: bool,
    pub(super) priority: Priority,
}

/// Why a request is refused. Its stream is answered; the others go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is malformed (RFC 9113, 8.1.1).
    Malformed(StreamError),
    /// It is well-formed and not granted.
    Status(Status, Violation),
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::Malformed(StreamError(violation))
    }
}

/// The name of the Host line that stands for `:authority`, at the front of every arena.
const HOST: [u8; 4] = *b"host";

/// What was collected of a block.
struct Lines<'a> {
    head: &'a mut RequestHead,
    limits: &'a Limits,
    /// The pseudo-header fields that have come, a bit for each, and one for any other field.
    seen: u8,
    method: Method,
    method_text: Span,
    path: Span,
    path_is_plain: bool,
    scheme: Option<Scheme>,
    authority: Span,
    protocol: Span,
    /// Bytes of method, path and authority.
    line_bytes: u32,
    host: Option<Span>,
    content_length: Option<u64>,
    expect_continue: bool,
    priority: Priority,
    cookies: usize,
    /// From how many bytes of text on a line is looked at twice: it is too long, or the request is
    /// refused already.
    text_end: usize,
    refusal: Option<Refusal>,
}

/// Why a request is not given to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Its stream is answered.
    Refused(Refusal),
    /// The connection is at its end.
    Failed(ConnectionError),
}

const METHOD: u8 = 1;
const PATH: u8 = 2;
const SCHEME: u8 = 4;
const AUTHORITY: u8 = 8;
const PROTOCOL: u8 = 16;
const REGULAR: u8 = 32;

/// The answer to a field section that is too large.
fn too_large(violation: Violation) -> Refusal {
    Refusal::Status(Status::REQUEST_HEADER_FIELDS_TOO_LARGE, violation)
}

/// Reads a request. The block is decoded whole even when the request is refused, for the sake of
/// the tables.
#[inline(always)]
pub(super) fn read_request(
    decoder: &mut Decoder<FieldClass>,
    block: &[u8],
    bounds: &Bounds,
    head: &mut RequestHead,
    transport: Transport,
    limits: &Limits,
    counters: &mut Counters,
) -> Result<Request, Unread> {
    let mut arena = head.begin_arena(HOST);
    let mut lines = Lines {
        head,
        limits,
        seen: 0,
        method: Method::Get,
        method_text: Span::default(),
        path: Span::default(),
        path_is_plain: false,
        scheme: None,
        authority: Span::default(),
        protocol: Span::default(),
        line_bytes: 0,
        host: None,
        content_length: None,
        expect_continue: false,
        priority: Priority::DEFAULT,
        cookies: 0,
        text_end: limits.http2.field_bytes_max.saturating_add(1),
        refusal: None,
    };
    let decoded = decoder.decode(block, &mut arena, bounds, |arena, line| {
        lines.take(arena, line);
    });
    let list = match decoded {
        Ok(list) => list,
        Err(error) => {
            lines.head.attach_arena(arena);
            return Err(Unread::Failed(undecodable(error, counters)));
        }
    };
    let concluded = lines.conclude(list, &mut arena, transport);
    let request = Request {
        method: lines.method,
        content_length: lines.content_length,
        expect_continue: lines.expect_continue,
        priority: lines.priority,
    };
    lines.head.attach_arena(arena);
    match concluded {
        Ok(()) => Ok(request),
        Err(refusal) => Err(Unread::Refused(refusal)),
    }
}

impl Lines<'_> {
    /// Refuses the request, unless it has been already: by an earlier line, or by the size of the
    /// list so far.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, refusal: Refusal, list: ListSize) {
        if self.refusal.is_none() {
            self.refusal = Some(self.excess(list).unwrap_or(refusal));
            self.text_end = 0;
        }
    }

    /// What is too much of a list. It only grows: so whether it was too much can be asked later.
    #[inline]
    fn excess(&self, list: ListSize) -> Option<Refusal> {
        let violation = if list.lines as usize > self.limits.field_count_max {
            Violation::TooManyFields
        } else if list.bytes > list_bytes_max(self.limits) as u64 {
            Violation::HeaderListTooLarge
        } else {
            return None;
        };
        Some(too_large(violation))
    }

    #[inline(always)]
    fn take(&mut self, arena: &mut Vec<u8>, line: Line<FieldClass>) {
        if (line.name_len + line.value_len) as usize >= self.text_end {
            self.refuse(too_large(Violation::HeaderListTooLarge), line.list);
            // What is refused is not kept.
            arena.truncate(line.start as usize);
            return;
        }
        let value = Span::sized(line.start + line.name_len, line.value_len);
        let known = match line.verdict {
            FieldClass::Method(method) => {
                (self.method, self.method_text) = (method, value);
                self.line_bytes += line.value_len;
                return self.take_pseudo(METHOD, line.list);
            }
            FieldClass::LongMethod => {
                let refusal = Refusal::Status(Status::NOT_IMPLEMENTED, Violation::MethodTooLong);
                return self.refuse(refusal, line.list);
            }
            FieldClass::Path { plain } => {
                (self.path, self.path_is_plain) = (value, plain);
                self.line_bytes += line.value_len;
                return self.take_pseudo(PATH, line.list);
            }
            FieldClass::Scheme(scheme) => {
                self.scheme = scheme;
                return self.take_pseudo(SCHEME, line.list);
            }
            FieldClass::Authority => {
                self.authority = value;
                self.line_bytes += line.value_len;
                return self.take_pseudo(AUTHORITY, line.list);
            }
            FieldClass::Protocol => {
                self.protocol = value;
                return self.take_pseudo(PROTOCOL, line.list);
            }
            FieldClass::Other => None,
            FieldClass::Known(known) => {
                self.observe(known, value, arena, line.list);
                Some(known)
            }
            FieldClass::Cookie => {
                self.cookies += 1;
                None
            }
            FieldClass::Priority => {
                self.priority = Priority::parse(value.of(arena));
                None
            }
            FieldClass::Bad(violation) => return self.refuse(violation.into(), line.list),
        };
        self.seen |= REGULAR;
        let name = Span::sized(line.start, line.name_len);
        self.head.push_span(FieldSpan { name, value, known });
    }

    /// A pseudo-header field has come. One that comes where it must not refuses the request, so that
    /// it does not matter what it has replaced.
    #[inline(always)]
    fn take_pseudo(&mut self, field: u8, list: ListSize) {
        if self.seen & (REGULAR | field) != 0 {
            let violation = if self.has(REGULAR) {
                Violation::PseudoAfterRegular
            } else {
                Violation::DuplicatePseudoField
            };
            self.refuse(violation.into(), list);
        }
        self.seen |= field;
    }

    /// Takes note of a field that the server itself acts on.
    #[inline(never)]
    fn observe(&mut self, known: KnownField, value: Span, arena: &[u8], list: ListSize) {
        match known {
            KnownField::Host if self.host.replace(value).is_some() => {
                self.refuse(Violation::MultipleHosts.into(), list);
            }
            KnownField::ContentLength => match parse_content_length(value.of(arena)) {
                Ok(length) if self.content_length.is_none() => self.content_length = Some(length),
                Ok(_) | Err(_) => self.refuse(Violation::InvalidContentLength.into(), list),
            },
            KnownField::Expect => {
                if value.of(arena).eq_ignore_ascii_case(b"100-continue") {
                    self.expect_continue = true;
                } else {
                    let violation = Violation::UnknownExpectation;
                    self.refuse(Refusal::Status(Status::EXPECTATION_FAILED, violation), list);
                }
            }
            _ => {}
        }
    }

    #[inline(always)]
    fn conclude(
        &mut self,
        list: ListSize,
        arena: &mut Vec<u8>,
        transport: Transport,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = self.refusal.or_else(|| self.excess(list)) {
            return Err(refusal);
        }
        if self.line_bytes as usize > self.limits.request_line_bytes_max && self.has(METHOD) {
            return Err(Refusal::Status(
                Status::URI_TOO_LONG,
                Violation::RequestLineTooLong,
            ));
        }
        self.head
            .set_request(self.method, self.method_text, Version::Http2);
        self.head.set_scheme(transport.scheme);
        let is_plain = self.seen & !REGULAR == METHOD | PATH | SCHEME | AUTHORITY
            && self.path_is_plain
            && self.method != Method::Connect
            && self.scheme == Some(transport.scheme)
            && self.host.is_none()
            && self.cookies <= 1;
        if is_plain {
            self.head.set_plain_path(self.path);
            self.head.set_authority(self.authority);
            self.add_host();
            Ok(())
        } else {
            self.conclude_any(arena, transport)
        }
    }

    /// The rest of [`conclude`](Self::conclude) where anything is out of the ordinary.
    #[inline(never)]
    fn conclude_any(&mut self, arena: &mut Vec<u8>, transport: Transport) -> Result<(), Refusal> {
        self.demand(METHOD)?;
        self.read_target(arena, transport)?;
        self.settle_authority(arena)?;
        if self.cookies > 1 {
            self.head.join_fields(arena, "cookie", b"; ");
        }
        Ok(())
    }

    /// Whether a pseudo-header field has come.
    #[inline]
    fn has(&self, field: u8) -> bool {
        self.seen & field != 0
    }

    /// The same, where the request needs it.
    fn demand(&self, field: u8) -> Result<(), Violation> {
        let came = self.has(field).then_some(());
        came.ok_or(Violation::MissingPseudoField)
    }
}
