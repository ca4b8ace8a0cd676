//! Response heads and chunk framing as bytes (RFC 9112, 4 to 7).
//!
//! Owns the order of a head's lines and the fields that the server itself writes. Decides nothing
//! about framing or persistence: the connection does, and says so in [`ResponseHead`]. Handlers'
//! fields have been validated when they were set, so they are copied whole.

use crate::http::known::{KnownField, KnownSet};
use crate::http::status::each_registered_status;
use crate::http::{FieldSection, Status};

/// `100 Continue`, whole (RFC 9110, 15.2.1).
pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The Server field.
pub(crate) const SERVER_LINE: &[u8] = b"Server: Lanner\r\n";

/// The CRLF behind the data of a chunk.
pub(crate) const CHUNK_END: &[u8] = b"\r\n";

/// More than the lines of a head that are not the handler's can ever take together.
const OWN_LINES_BYTES: usize = 256;

/// Fields of the handler that the connection decides about, and writes itself.
const OWN_FIELDS: KnownSet = KnownSet::of(&[
    KnownField::Connection,
    KnownField::ContentLength,
    KnownField::KeepAlive,
    KnownField::ProxyConnection,
    KnownField::TransferEncoding,
]);

/// What the head says about the length of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseFraming {
    /// `Content-Length`. Also for HEAD and 304, where no body follows.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Nothing: there is no body, or it ends with the connection.
    Unsaid,
}

/// What the head says about the connection (RFC 9112, 9.3 and 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionOption {
    /// It persists, which HTTP/1.1 need not say.
    Keep,
    /// It persists, and the peer speaks HTTP/1.0.
    KeepAlive10,
    /// It closes behind this response.
    Close,
    /// It changes its protocol (RFC 9110, 7.8); the handler's fields name which.
    Upgrade,
}

impl ConnectionOption {
    /// The field line, empty where there is nothing to say.
    pub(crate) const fn line(self) -> &'static [u8] {
        match self {
            Self::Keep => b"",
            Self::KeepAlive10 => b"Connection: keep-alive\r\n",
            Self::Close => b"Connection: close\r\n",
            Self::Upgrade => b"Connection: Upgrade\r\n",
        }
    }

    /// The field line of a response that offers an upgrade, as a 426 does: Upgrade is a field for
    /// the next hop only, so Connection has to name it (RFC 9110, 7.8).
    const fn line_with_upgrade(self) -> &'static [u8] {
        match self {
            Self::Keep | Self::Upgrade => b"Connection: Upgrade\r\n",
            Self::KeepAlive10 => b"Connection: keep-alive, Upgrade\r\n",
            Self::Close => b"Connection: close, Upgrade\r\n",
        }
    }
}

/// A response head to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseHead<'a> {
    pub(crate) status: Status,
    /// The handler's fields. Of these Connection, Content-Length, Keep-Alive, Proxy-Connection
    /// and Transfer-Encoding are left out; Date and Server take the place of the server's own.
    pub(crate) fields: &'a FieldSection,
    pub(crate) framing: ResponseFraming,
    pub(crate) connection: ConnectionOption,
    /// The current date (RFC 9110, 6.6.1).
    pub(crate) date: &'a [u8; 29],
    /// Whether to name the server.
    pub(crate) server: bool,
}

/// Appends a final response's head, or that of a 101, with the empty line.
pub(crate) fn encode_head(out: &mut Vec<u8>, head: &ResponseHead<'_>) {
    let known = head.fields.known();
    out.reserve(OWN_LINES_BYTES + head.fields.wire().len());
    status_line(out, head.status);
    append_fields(out, head.fields, |field| !OWN_FIELDS.contains(field));
    match head.framing {
        _ if head.status.forbids_framing() => {}
        ResponseFraming::Length(length) => content_length(out, length),
        ResponseFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        ResponseFraming::Unsaid => {}
    }
    if known.contains(KnownField::Upgrade) {
        out.extend_from_slice(head.connection.line_with_upgrade());
    } else if head.connection != ConnectionOption::Keep {
        out.extend_from_slice(head.connection.line());
    }
    if head.server && known.is_empty() {
        tail(out, head.date);
        return;
    }
    if !known.contains(KnownField::Date) {
        date_line(out, head.date);
    }
    if head.server && !known.contains(KnownField::Server) {
        out.extend_from_slice(SERVER_LINE);
    }
    out.extend_from_slice(b"\r\n");
}

/// More than a plain head takes without the handler's fields.
pub(super) const PLAIN_HEAD_BYTES: usize = OWN_LINES_BYTES;

/// Appends a whole 200 with its content, as [`encode_head`] would write its head: `fields` has none
/// of the known fields, and the connection persists.
#[inline]
pub(super) fn encode_plain(
    out: &mut Vec<u8>,
    fields: &FieldSection,
    content: &[u8],
    date: &[u8; 29],
    server: bool,
) {
    debug_assert!(fields.known().is_empty(), "no field decides about others");
    out.reserve(OWN_LINES_BYTES + fields.wire().len() + content.len());
    status_line(out, Status::OK);
    out.extend_from_slice(fields.wire());
    content_length(out, content.len() as u64);
    if server {
        tail(out, date);
    } else {
        date_line(out, date);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(content);
}

/// Appends a whole informational response other than 101 (RFC 9110, 15.2). It has no framing
/// fields, whatever the handler has set.
pub(crate) fn encode_informational(out: &mut Vec<u8>, status: Status, fields: &FieldSection) {
    status_line(out, status);
    append_fields(out, fields, |field| !OWN_FIELDS.contains(field));
    out.extend_from_slice(b"\r\n");
}

/// Appends the size line of a chunk of `length` bytes, which must not be 0: that would end the
/// body. The data and [`CHUNK_END`] follow.
pub(crate) fn encode_chunk_head(out: &mut Vec<u8>, length: usize) {
    debug_assert!(length != 0, "an empty chunk ends the body");
    let mut line = [0_u8; 18];
    let mut rest = length;
    let mut used = 0;
    for slot in line.iter_mut().rev() {
        *slot = match used {
            0 => b'\n',
            1 => b'\r',
            _ => {
                let digit = (rest & 0xf) as u8;
                rest >>= 4;
                if digit < 10 {
                    b'0' + digit
                } else {
                    b'a' + digit - 10
                }
            }
        };
        used += 1;
        if used > 2 && rest == 0 {
            break;
        }
    }
    out.extend_from_slice(line.get(line.len() - used..).unwrap_or_default());
}

/// Appends the last chunk and the trailer section (RFC 9112, 7.1.2). Fields that may not be
/// trailers are left out.
pub(crate) fn encode_last_chunk(out: &mut Vec<u8>, trailers: &FieldSection) {
    out.extend_from_slice(b"0\r\n");
    append_fields(out, trailers, |field| !field.is_forbidden_in_trailers());
    out.extend_from_slice(b"\r\n");
}

/// Appends the lines of a section without those known fields that `may_pass` refuses.
#[inline]
fn append_fields(out: &mut Vec<u8>, fields: &FieldSection, may_pass: impl Fn(KnownField) -> bool) {
    // Nearly every section has no field of ours, and then its lines are one copy.
    if fields.known().is_empty() {
        out.extend_from_slice(fields.wire());
        return;
    }
    for (known, line) in fields.wire_lines() {
        if known.is_none_or(&may_pass) {
            out.extend_from_slice(line);
        }
    }
}

/// Appends Content-Length. Short numbers make lines of few lengths, each one move.
#[inline(always)]
fn content_length(out: &mut Vec<u8>, length: u64) {
    let digit = |unit: u64| b'0' + (length / unit % 10) as u8;
    match length {
        0..10 => {
            let mut line = *b"Content-Length: 0\r\n";
            if let [.., ones, b'\r', b'\n'] = &mut line {
                *ones = digit(1);
            }
            out.extend_from_slice(&line);
        }
        10..100 => {
            let mut line = *b"Content-Length: 00\r\n";
            if let [.., tens, ones, b'\r', b'\n'] = &mut line {
                (*tens, *ones) = (digit(10), digit(1));
            }
            out.extend_from_slice(&line);
        }
        100..1000 => {
            let mut line = *b"Content-Length: 000\r\n";
            if let [.., hundreds, tens, ones, b'\r', b'\n'] = &mut line {
                (*hundreds, *tens, *ones) = (digit(100), digit(10), digit(1));
            }
            out.extend_from_slice(&line);
        }
        _ => long_content_length(out, length),
    }
}

#[inline(never)]
fn long_content_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"Content-Length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends Date, Server and the empty line, of a known length and so in a few moves.
#[inline]
fn tail(out: &mut Vec<u8>, date: &[u8; 29]) {
    const LINES: &[u8; 55] = b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: Lanner\r\n\r\n";
    out.extend_from_slice(LINES);
    if let Some(lines) = out.last_chunk_mut::<{ LINES.len() }>()
        && let Some(text) = lines.get_mut(6..35)
    {
        text.copy_from_slice(date);
    }
}

/// Appends the Date field.
#[inline]
pub(crate) fn date_line(out: &mut Vec<u8>, date: &[u8; 29]) {
    out.extend_from_slice(b"Date: ");
    out.extend_from_slice(date);
    out.extend_from_slice(b"\r\n");
}

/// Appends the status line. The version is always ours, HTTP/1.1 (RFC 9110, 2.5).
#[inline(always)]
pub(crate) fn status_line(out: &mut Vec<u8>, status: Status) {
    // Nearly always; of a known length, it is two moves rather than a call.
    if status == Status::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    } else {
        other_status_line(out, status);
    }
}

#[inline(never)]
fn other_status_line(out: &mut Vec<u8>, status: Status) {
    match registered_status_line(status) {
        Some(line) => out.extend_from_slice(line),
        None => {
            out.extend_from_slice(b"HTTP/1.1 ");
            out.extend_from_slice(itoa::Buffer::new().format(status.code()).as_bytes());
            // The space stays when there is no reason phrase (RFC 9112, 4).
            out.extend_from_slice(b" \r\n");
        }
    }
}

macro_rules! status_lines {
    ($($name:ident = $code:literal, $reason:literal;)*) => {
        /// The whole status line of a registered code.
        const fn registered_status_line(status: Status) -> Option<&'static [u8]> {
            Some(match status.code() {
                $($code => concat!("HTTP/1.1 ", $code, " ", $reason, "\r\n").as_bytes(),)*
                _ => return None,
            })
        }
    };
}
each_registered_status!(status_lines);
