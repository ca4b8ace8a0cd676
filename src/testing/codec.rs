//! The codecs by themselves, for benchmarks.
//!
//! Owns plain doors to HTTP/1's parser of heads, encoder of responses and decoder of chunked
//! bodies, and to HPACK: bytes in, a number out, the state of one connection kept from call to call. Knows no
//! connection; what a peer may do to one is shown over the simulated network.

mod hpack;

pub use hpack::{BlockDecoder, BlockEncoder, BlockLine};

use crate::h1::{
    CHUNK_END, ChunkedDecoder, ConnectionOption, HeadScan, Parse, ResponseFraming, ResponseHead,
    Step, encode_chunk_head, encode_head, encode_last_chunk, parse,
};
use crate::http::{FieldSection, RequestHead, Status};
use crate::limits::Limits;

/// A date as the shard's clock keeps it.
const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

/// Parses one head after another into the same memory, as a keep-alive connection does.
#[derive(Debug, Default)]
pub struct HeadParser {
    limits: Limits,
    scan: HeadScan,
    head: RequestHead,
}

impl HeadParser {
    /// Parses the head at the front of `input` and says how many bytes it has. `None` when it is
    /// incomplete (call again with a longer input), refused, or the preface of HTTP/2.
    #[inline]
    pub fn parse(&mut self, input: &[u8]) -> Option<usize> {
        match parse(input, &mut self.scan, &self.limits, &mut self.head) {
            Ok(Parse::Complete { consumed, .. }) => Some(consumed),
            Ok(Parse::Incomplete | Parse::Http2Preface) | Err(_) => None,
        }
    }
}

/// A response that is encoded again and again.
#[derive(Debug)]
pub struct Response {
    status: Status,
    fields: FieldSection,
}

impl Response {
    /// A response with the handler's fields.
    #[must_use]
    pub fn new(status: Status, fields: FieldSection) -> Self {
        Self { status, fields }
    }

    /// Appends head and body with `Content-Length`.
    #[inline]
    pub fn encode(&self, body: &[u8], out: &mut Vec<u8>) {
        self.encode_head(ResponseFraming::Length(body.len() as u64), out);
        out.extend_from_slice(body);
    }

    /// Appends the head and a chunked body, a chunk for each piece. Pieces must not be empty.
    #[inline]
    pub fn encode_chunked(&self, pieces: &[&[u8]], out: &mut Vec<u8>) {
        self.encode_head(ResponseFraming::Chunked, out);
        for piece in pieces {
            encode_chunk_head(out, piece.len());
            out.extend_from_slice(piece);
            out.extend_from_slice(CHUNK_END);
        }
        encode_last_chunk(out, &FieldSection::new());
    }

    fn encode_head(&self, framing: ResponseFraming, out: &mut Vec<u8>) {
        let head = ResponseHead {
            status: self.status,
            fields: &self.fields,
            framing,
            connection: ConnectionOption::Keep,
            date: DATE,
            server: true,
        };
        encode_head(out, &head);
    }
}

/// Decodes one chunked body after another; the trailers' memory is kept.
#[derive(Debug, Default)]
pub struct ChunkedBody {
    limits: Limits,
    trailers: FieldSection,
}

impl ChunkedBody {
    /// Decodes the body at the front of `input` and says how many bytes of data it has. `None`
    /// when it is refused or does not end within the input.
    #[inline]
    pub fn decode(&mut self, input: &[u8]) -> Option<usize> {
        self.trailers.clear();
        let mut decoder = ChunkedDecoder::default();
        let (mut rest, mut data) = (input, 0);
        loop {
            match decoder.decode(rest, &self.limits, &mut self.trailers) {
                Ok(Step::Data { start, end }) => {
                    data += end - start;
                    rest = rest.get(end..)?;
                }
                Ok(Step::Complete { .. }) => return Some(data),
                Ok(Step::NeedMore) | Err(_) => return None,
            }
        }
    }
}
