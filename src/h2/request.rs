//! From a field block to a request head (RFC 9113, 8.3 and 8.5; RFC 8441, 4), or to trailers.
//!
//! Owns what the lines of a block mean together: pseudo-header fields, Host, cookies in pieces,
//! lengths and limits. The head is given its bytes in an arena of its own. Knows no stream.

use super::error::{ConnectionError, StreamError, Violation};
use super::field_class::FieldClass;
use super::priority::Priority;
use crate::hpack::{Bounds, DecodeError, Decoder, Line};
use crate::http::authority::Authority;
use crate::http::field::parse_content_length;
use crate::http::{
    Counters, FieldSection, FieldSpan, KnownField, Method, RequestHead, Scheme, Span, Status,
    Version,
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

/// Why a request is not given to the application. Its stream is answered; the others go on.
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
const HOST: &[u8] = b"host";

/// What was collected of a block.
struct Lines<'a> {
    head: &'a mut RequestHead,
    limits: &'a Limits,
    method: Option<(Method, Span)>,
    path: Option<(Span, bool)>,
    scheme: Option<Option<Scheme>>,
    authority: Option<Span>,
    protocol: Option<Span>,
    host: Option<Span>,
    content_length: Option<u64>,
    expect_continue: bool,
    priority: Priority,
    cookies: usize,
    regular: bool,
    list_bytes: usize,
    count: usize,
    refusal: Option<Refusal>,
}

/// Bounds beyond which a block ends the connection: twice what a request may have, so that one
/// that is a little too large is answered.
fn bounds(limits: &Limits) -> Bounds {
    let twice = |value: usize| u32::try_from(value.saturating_mul(2)).unwrap_or(u32::MAX);
    Bounds {
        line_bytes_max: twice(
            limits
                .http2
                .field_bytes_max
                .max(limits.request_line_bytes_max),
        ),
        lines_max: twice(limits.field_count_max),
        list_bytes_max: twice(list_bytes_max(limits)),
    }
}

/// The largest field section that is taken, as SETTINGS_MAX_HEADER_LIST_SIZE says it: 32 bytes are
/// counted for each line, and pseudo-header fields are lines too.
pub(super) fn list_bytes_max(limits: &Limits) -> usize {
    limits
        .head_bytes_max
        .saturating_add(limits.request_line_bytes_max)
}

/// The longest field block that is taken: no encoder needs more for the largest list that is
/// decoded.
pub(super) fn block_bytes_max(limits: &Limits) -> usize {
    list_bytes_max(limits).saturating_mul(2)
}

/// The connection error behind a block that cannot be decoded.
fn undecodable(error: DecodeError, counters: &mut Counters) -> ConnectionError {
    counters.reject(error.name());
    ConnectionError(match error {
        DecodeError::TooManyLines => Violation::TooManyFields,
        _ if error.is_bound() => Violation::HeaderListTooLarge,
        _ => Violation::Compression,
    })
}

/// Reads a request. The block is decoded whole even when the request is refused, for the sake of
/// the tables.
pub(super) fn read_request(
    decoder: &mut Decoder<FieldClass>,
    block: &[u8],
    head: &mut RequestHead,
    transport: Scheme,
    limits: &Limits,
    counters: &mut Counters,
) -> Result<Result<Request, Refusal>, ConnectionError> {
    let mut arena = head.begin_arena();
    arena.extend_from_slice(HOST);
    let mut lines = Lines {
        head,
        limits,
        method: None,
        path: None,
        scheme: None,
        authority: None,
        protocol: None,
        host: None,
        content_length: None,
        expect_continue: false,
        priority: Priority::DEFAULT,
        cookies: 0,
        regular: false,
        list_bytes: 0,
        count: 0,
        refusal: None,
    };
    let decoded = decoder.decode(block, &mut arena, &bounds(limits), |arena, line| {
        lines.take(arena, line);
    });
    let request = match decoded {
        Ok(()) => Ok(lines.conclude(&mut arena, transport)),
        Err(error) => Err(undecodable(error, counters)),
    };
    head.attach_arena(arena);
    request
}

impl Lines<'_> {
    fn refuse(&mut self, refusal: impl Into<Refusal>) {
        self.refusal.get_or_insert(refusal.into());
    }

    #[inline]
    fn take(&mut self, arena: &mut Vec<u8>, line: Line<FieldClass>) {
        let (name_bytes, value_bytes) = (line.name_len as usize, line.value_len as usize);
        let start = line.start as usize;
        self.list_bytes += name_bytes + value_bytes + 32;
        self.count += 1;
        if self.list_bytes > list_bytes_max(self.limits)
            || self.count > self.limits.field_count_max
            || name_bytes + value_bytes > self.limits.http2.field_bytes_max
        {
            let violation = if self.count > self.limits.field_count_max {
                Violation::TooManyFields
            } else {
                Violation::HeaderListTooLarge
            };
            self.refuse(Refusal::Status(
                Status::REQUEST_HEADER_FIELDS_TOO_LARGE,
                violation,
            ));
        }
        if self.refusal.is_some() {
            // What is refused is not kept.
            arena.truncate(start);
            return;
        }
        let name = Span::new(start, start + name_bytes);
        let value = Span::new(name.end(), name.end() + value_bytes);
        let known = match line.verdict {
            FieldClass::Other => None,
            FieldClass::Bad(violation) => return self.refuse(violation),
            FieldClass::Known(known) => {
                self.observe(known, value, arena);
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
            pseudo => return self.take_pseudo(pseudo, value),
        };
        self.regular = true;
        self.head.push_span(FieldSpan { name, value, known });
    }

    fn take_pseudo(&mut self, class: FieldClass, value: Span) {
        if self.regular {
            return self.refuse(Violation::PseudoAfterRegular);
        }
        let repeated = match class {
            FieldClass::Method(method) => self.method.replace((method, value)).is_some(),
            FieldClass::Path { plain } => self.path.replace((value, plain)).is_some(),
            FieldClass::Scheme(scheme) => self.scheme.replace(scheme).is_some(),
            FieldClass::Authority => self.authority.replace(value).is_some(),
            FieldClass::Protocol => self.protocol.replace(value).is_some(),
            _ => false,
        };
        if repeated {
            self.refuse(Violation::DuplicatePseudoField);
        }
    }

    /// Takes note of a field that the server itself acts on.
    fn observe(&mut self, known: KnownField, value: Span, arena: &[u8]) {
        match known {
            KnownField::Host if self.host.replace(value).is_some() => {
                self.refuse(Violation::MultipleHosts);
            }
            KnownField::ContentLength => match parse_content_length(value.of(arena)) {
                Ok(length) if self.content_length.is_none() => self.content_length = Some(length),
                Ok(_) | Err(_) => self.refuse(Violation::InvalidContentLength),
            },
            KnownField::Expect => {
                if value.of(arena).eq_ignore_ascii_case(b"100-continue") {
                    self.expect_continue = true;
                } else {
                    self.refuse(Refusal::Status(
                        Status::EXPECTATION_FAILED,
                        Violation::UnknownExpectation,
                    ));
                }
            }
            _ => {}
        }
    }

    fn conclude(mut self, arena: &mut Vec<u8>, transport: Scheme) -> Result<Request, Refusal> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let (method, method_text) = self.method.ok_or(Violation::MissingPseudoField)?;
        let line_bytes = [
            Some(method_text),
            self.path.map(|(path, _)| path),
            self.authority,
        ]
        .into_iter()
        .flatten()
        .map(|span| span.end() - span.start())
        .sum::<usize>();
        if line_bytes > self.limits.request_line_bytes_max {
            return Err(Refusal::Status(
                Status::URI_TOO_LONG,
                Violation::RequestLineTooLong,
            ));
        }
        self.head.set_request(method, method_text, Version::Http2);
        self.head.set_scheme(transport);
        self.read_target(method, arena, transport)?;
        self.settle_authority(arena, transport)?;
        if self.cookies > 1 {
            self.head.join_fields(arena, "cookie", b"; ");
        }
        Ok(Request {
            method,
            content_length: self.content_length,
            expect_continue: self.expect_continue,
            priority: self.priority,
        })
    }

    /// RFC 9113, 8.3.1 and 8.5; RFC 8441, 4.
    fn read_target(
        &mut self,
        method: Method,
        arena: &[u8],
        transport: Scheme,
    ) -> Result<(), Violation> {
        if self.protocol.is_some() && method != Method::Connect {
            return Err(Violation::ProtocolWithoutConnect);
        }
        if method == Method::Connect && self.protocol.is_none() {
            if self.path.is_some() || self.scheme.is_some() {
                return Err(Violation::ConnectWithPathOrScheme);
            }
            let authority = self.authority.ok_or(Violation::MissingPseudoField)?;
            let target = self.head.read_target(arena, authority);
            return target.map_err(|_| Violation::InvalidAuthority);
        }
        let (path, plain) = self.path.ok_or(Violation::MissingPseudoField)?;
        match self.scheme.ok_or(Violation::MissingPseudoField)? {
            Some(scheme) if scheme == transport => {}
            Some(_) | None => return Err(Violation::SchemeMismatch),
        }
        if let Some(protocol) = self.protocol {
            self.authority.ok_or(Violation::MissingPseudoField)?;
            self.head.set_protocol(protocol);
        }
        if plain {
            self.head.set_plain_path(path);
            return Ok(());
        }
        let text = path.of(arena);
        let is_asterisk = text == b"*" && method == Method::Options;
        if !is_asterisk && text.first() != Some(&b'/') {
            return Err(Violation::InvalidPath);
        }
        let target = self.head.read_path(arena, path, method);
        target.map_err(|_| Violation::InvalidPath)
    }

    /// `:authority` counts, Host stands for it where it is missing, and both say the same where
    /// both are there (RFC 9113, 8.3.1). Handlers find a Host either way.
    fn settle_authority(&mut self, arena: &[u8], transport: Scheme) -> Result<(), Violation> {
        let host = match self.host.filter(|host| !host.of(arena).is_empty()) {
            None => None,
            Some(span) => match Authority::parse(span.of(arena)) {
                Ok(host) => Some((span, host)),
                Err(_) => return Err(Violation::InvalidAuthority),
            },
        };
        let Some(authority) = self.authority else {
            let (span, _) = host.ok_or(Violation::MissingPseudoField)?;
            self.head.set_authority(span);
            return Ok(());
        };
        self.head.set_authority(authority);
        if self.host.is_none() {
            self.head.push_span(FieldSpan {
                name: Span::new(0, HOST.len()),
                value: authority,
                known: Some(KnownField::Host),
            });
            return Ok(());
        }
        let wanted = Authority::parse(authority.of(arena)).ok();
        match (host, wanted) {
            (Some((_, host)), Some(wanted)) if host.is_same(wanted, transport.default_port()) => {
                Ok(())
            }
            _ => Err(Violation::AuthorityMismatch),
        }
    }
}

/// Reads trailers into `trailers` (RFC 9113, 8.1).
pub(super) fn read_trailers(
    decoder: &mut Decoder<FieldClass>,
    block: &[u8],
    trailers: &mut FieldSection,
    limits: &Limits,
    counters: &mut Counters,
) -> Result<Result<(), StreamError>, ConnectionError> {
    let mut arena = Vec::new();
    let (mut bytes, mut count) = (0, 0);
    let mut violation = None;
    let decoded = decoder.decode(block, &mut arena, &bounds(limits), |arena, line| {
        let (name, value) = arena
            .get(line.start as usize..)
            .and_then(|text| text.split_at_checked(line.name_len as usize))
            .unwrap_or_default();
        bytes += name.len() + value.len() + 4;
        count += 1;
        let fault = match line.verdict {
            FieldClass::Bad(Violation::UnknownPseudoField | Violation::ResponsePseudoField)
            | FieldClass::Method(_)
            | FieldClass::Path { .. }
            | FieldClass::Scheme(_)
            | FieldClass::Authority
            | FieldClass::Protocol => Some(Violation::PseudoInTrailers),
            FieldClass::Bad(_) if name.first() == Some(&b':') => Some(Violation::PseudoInTrailers),
            FieldClass::Bad(violation) => Some(violation),
            FieldClass::Known(known) if known.is_forbidden_in_trailers() => {
                Some(Violation::ForbiddenTrailer)
            }
            _ if count > limits.trailer_count_max => Some(Violation::TooManyFields),
            _ if bytes > limits.trailer_bytes_max => Some(Violation::HeaderListTooLarge),
            _ => trailers
                .append_bytes(name, value)
                .err()
                .map(|_| Violation::InvalidFieldValue),
        };
        violation = violation.or(fault);
        arena.clear();
    });
    match decoded {
        Ok(()) => Ok(violation.map_or(Ok(()), |violation| Err(StreamError(violation)))),
        Err(error) => Err(undecodable(error, counters)),
    }
}
