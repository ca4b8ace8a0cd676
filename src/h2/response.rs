//! Response heads, trailers and interim responses as HEADERS (RFC 9113, 8.3.2).
//!
//! Owns the compression state of what is sent, which lines enter the tables, and the memory of the
//! last head: on a connection one response is mostly like the one before, and then its block is
//! copied. Decides nothing about content or the end of a stream.

use super::frame::{FRAME_BYTES_DEFAULT, begin_headers, encode_short_headers, finish_headers};
use crate::hpack::{Encoder, Indexing, StaticName, is_same};
use crate::http::{FieldSection, KnownField, Status, Turn};

const CONTENT_LENGTH: StaticName = StaticName::of("content-length");
const DATE: StaticName = StaticName::of("date");
const SERVER_NAME: StaticName = StaticName::of("server");

/// The value of the Server field.
const SERVER: &[u8] = b"Lanner";

/// Values longer than this stay out of the tables: a few of them would push out all the rest.
const INDEXED_BYTES_MAX: usize = 256;

/// What a HEADERS and a DATA frame have at most besides the handler's fields and the content: their
/// heads, Content-Length, Date, Server, changes of the table's size.
pub(super) const HEAD_OVERHEAD_MAX: usize = 256;

/// Fields whose values hardly ever come twice on a connection.
const VOLATILE: [&str; 9] = [
    "age",
    "content-length",
    "content-range",
    "etag",
    "expires",
    "last-modified",
    "location",
    "retry-after",
    "traceparent",
];

/// A response head to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseHead<'a> {
    pub(super) status: Status,
    /// The handler's fields; those about an HTTP/1.1 connection and Content-Length are left out.
    pub(super) fields: &'a FieldSection,
    /// What Content-Length says.
    pub(super) length: Option<u64>,
}

/// The encoder of one connection.
#[derive(Debug)]
pub(super) struct HeadEncoder {
    encoder: Encoder,
    last: Last,
}

/// The last head whose block holds nothing but references to the tables, and literals that stay
/// out of them.
#[derive(Debug)]
struct Last {
    /// The state of the tables in which the block means what it says.
    revision: Option<u32>,
    status: Status,
    length: Option<u64>,
    date: [u8; 29],
    server: bool,
    /// The handler's fields, as HTTP/1 writes them.
    wire: Vec<u8>,
    block: Vec<u8>,
}

impl HeadEncoder {
    pub(super) fn new() -> Self {
        Self {
            encoder: Encoder::new(),
            last: Last {
                revision: None,
                status: Status::OK,
                length: None,
                date: [0; 29],
                server: false,
                wire: Vec::new(),
                block: Vec::new(),
            },
        }
    }

    /// Takes the peer's SETTINGS_HEADER_TABLE_SIZE.
    pub(super) fn limit_table(&mut self, bytes: u32) {
        self.encoder.limit_table(bytes);
    }

    /// Appends the HEADERS of a final response.
    #[inline(always)]
    pub(super) fn response(
        &mut self,
        stream: u32,
        head: &ResponseHead<'_>,
        end_stream: bool,
        turn: &Turn<'_>,
        out: &mut Vec<u8>,
        frame_bytes_max: usize,
    ) {
        if self.last.is(head, turn, self.encoder.revision()) {
            encode_short_headers(out, stream, &self.last.block, end_stream);
        } else {
            self.encode_response(stream, head, end_stream, turn, out, frame_bytes_max);
        }
    }

    #[inline(never)]
    fn encode_response(
        &mut self,
        stream: u32,
        head: &ResponseHead<'_>,
        end_stream: bool,
        turn: &Turn<'_>,
        out: &mut Vec<u8>,
        frame_bytes_max: usize,
    ) {
        let at = begin_headers(out, stream);
        let block = out.len();
        let before = self.encoder.revision();
        self.encode(head, turn, out);
        if before == self.encoder.revision() {
            let block = out.get(block..).unwrap_or_default();
            self.last.remember(head, turn, before, block);
        }
        finish_headers(out, at, end_stream, frame_bytes_max);
    }

    fn encode(&mut self, head: &ResponseHead<'_>, turn: &Turn<'_>, out: &mut Vec<u8>) {
        let encoder = &mut self.encoder;
        encoder.begin(out);
        encoder.status(head.status.code(), out);
        for line in head.fields.iter() {
            if is_sent(line.name) {
                let (name, value) = (line.name.as_bytes(), line.value);
                encoder.field(name, value, indexing(line.name, value), out);
            }
        }
        if let Some(length) = head.length {
            let mut digits = itoa::Buffer::new();
            let digits = digits.format(length).as_bytes();
            encoder.known(CONTENT_LENGTH, digits, Indexing::Without, out);
        }
        let known = head.fields.known();
        if !known.contains(KnownField::Date) {
            encoder.known(DATE, turn.date, Indexing::Incremental, out);
        }
        if turn.server_field && !known.contains(KnownField::Server) {
            encoder.known(SERVER_NAME, SERVER, Indexing::Incremental, out);
        }
    }

    /// Appends the HEADERS of an interim response (RFC 9110, 15.2).
    pub(super) fn interim(
        &mut self,
        stream: u32,
        status: Status,
        fields: &FieldSection,
        out: &mut Vec<u8>,
        frame_bytes_max: usize,
    ) {
        let at = begin_headers(out, stream);
        self.encoder.begin(out);
        self.encoder.status(status.code(), out);
        for line in fields.iter().filter(|line| is_sent(line.name)) {
            let (name, value) = (line.name.as_bytes(), line.value);
            self.encoder
                .field(name, value, indexing(line.name, value), out);
        }
        finish_headers(out, at, false, frame_bytes_max);
    }

    /// Appends the trailers, which end the stream. Fields that may not be trailers are left out.
    pub(super) fn trailers(
        &mut self,
        stream: u32,
        fields: &FieldSection,
        out: &mut Vec<u8>,
        frame_bytes_max: usize,
    ) {
        let at = begin_headers(out, stream);
        self.encoder.begin(out);
        for line in fields.iter() {
            let known = KnownField::from_name(line.name.as_bytes());
            if known.is_none_or(|known| !known.is_forbidden_in_trailers()) {
                let (name, value) = (line.name.as_bytes(), line.value);
                self.encoder
                    .field(name, value, indexing(line.name, value), out);
            }
        }
        finish_headers(out, at, true, frame_bytes_max);
    }

    /// Appends the whole answer to a request that the application does not see.
    pub(super) fn refusal(
        &mut self,
        stream: u32,
        status: Status,
        turn: &Turn<'_>,
        out: &mut Vec<u8>,
    ) {
        let head = ResponseHead {
            status,
            fields: &FieldSection::new(),
            length: Some(0),
        };
        // Such a head is short, whatever frames the peer takes.
        self.response(stream, &head, true, turn, out, usize::MAX);
    }
}

impl Last {
    #[inline]
    fn is(&self, head: &ResponseHead<'_>, turn: &Turn<'_>, revision: u32) -> bool {
        self.revision == Some(revision)
            && self.status == head.status
            && self.length == head.length
            && self.server == turn.server_field
            && is_same(&self.wire, head.fields.wire())
            && self.date == *turn.date
    }

    fn remember(&mut self, head: &ResponseHead<'_>, turn: &Turn<'_>, revision: u32, block: &[u8]) {
        /// Heads beyond this are not worth their memory.
        const BYTES_MAX: usize = 1024;
        if head.fields.wire().len() > BYTES_MAX || block.len() > FRAME_BYTES_DEFAULT as usize {
            self.revision = None;
            return;
        }
        self.revision = Some(revision);
        self.status = head.status;
        self.length = head.length;
        self.server = turn.server_field;
        self.date = *turn.date;
        self.wire.clear();
        self.wire.extend_from_slice(head.fields.wire());
        self.block.clear();
        self.block.extend_from_slice(block);
    }
}

/// Whether a field of the handler's is sent: not those about an HTTP/1.1 connection (RFC 9113,
/// 8.2.2), nor the length, which the connection knows.
fn is_sent(name: &str) -> bool {
    !matches!(
        KnownField::from_name(name.as_bytes()),
        Some(
            KnownField::Connection
                | KnownField::ContentLength
                | KnownField::KeepAlive
                | KnownField::ProxyConnection
                | KnownField::Te
                | KnownField::TransferEncoding
                | KnownField::Upgrade
        )
    )
}

fn indexing(name: &str, value: &[u8]) -> Indexing {
    if name.eq_ignore_ascii_case("set-cookie") {
        // A secret of one user, on a connection that a proxy may share among several.
        Indexing::Never
    } else if value.len() > INDEXED_BYTES_MAX
        || VOLATILE
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
    {
        Indexing::Without
    } else {
        Indexing::Incremental
    }
}
