//! What the floor does with bytes: finds heads, parses them, appends the fixed answer.
//!
//! Knows nothing of sockets or rings. It is as strict as httparse is and reads no bodies: the
//! floor is the least that an honest server could do for a `GET`, not a server.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant, SystemTime};

use memchr::memmem::Finder;

/// Longest head accepted, in bytes; a connection never holds more unparsed input than this.
const HEAD_LIMIT: usize = 16 * 1024;
/// Most field lines in a head.
const FIELD_LIMIT: usize = 32;
/// The end of a head, RFC 9112 section 2.1.
const HEAD_END: &[u8] = b"\r\n\r\n";
/// The answer to a head that does not parse.
pub(super) const REJECTION: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The head was malformed or too long; answer [`REJECTION`] and close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MalformedHead;

/// Parses heads and holds the encoded response, whose Date field is renewed once a second.
pub(super) struct Answerer {
    head_end: Finder<'static>,
    response: Vec<u8>,
    once: bool,
    stale_at: Instant,
}

impl Answerer {
    /// An answerer whose Date field is right as of `now`; `once` if a connection ends with its
    /// first answer.
    pub(super) fn new(now: Instant, once: bool) -> Self {
        Self {
            head_end: Finder::new(HEAD_END),
            response: encode(SystemTime::now()),
            once,
            stale_at: now + Duration::from_secs(1),
        }
    }

    /// Whether a connection that was sent an answer is to end.
    pub(super) fn is_last(&self) -> bool {
        self.once
    }

    /// Renews the Date field if a second has gone by; call once a turn.
    pub(super) fn refresh(&mut self, now: Instant) {
        if now >= self.stale_at {
            self.response = encode(SystemTime::now());
            self.stale_at = now + Duration::from_secs(1);
        }
    }

    /// Appends one response to `out` for each complete head at the front of `input` and returns
    /// how many bytes those heads took. The rest is the start of a head still to come.
    pub(super) fn answer(&self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, MalformedHead> {
        let mut rest = input;
        while let Some(at) = self.head_end.find(rest) {
            let Some((head, after)) = rest.split_at_checked(at + HEAD_END.len()) else {
                break;
            };
            if !parses(head) {
                return Err(MalformedHead);
            }
            out.extend_from_slice(&self.response);
            rest = after;
            if self.once {
                break;
            }
        }
        if rest.len() > HEAD_LIMIT {
            return Err(MalformedHead);
        }
        Ok(input.len() - rest.len())
    }
}

/// Whether `head` is one request head and nothing more.
fn parses(head: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut request = httparse::Request::new(&mut fields);
    matches!(request.parse(head), Ok(httparse::Status::Complete(length)) if length == head.len())
}

fn encode(now: SystemTime) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\nServer: floor\r\n\
         Date: {}\r\n\r\nHello, World!",
        httpdate::fmt_http_date(now)
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const GET: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

    fn answered(input: &[u8]) -> Result<(usize, usize), MalformedHead> {
        let mut out = Vec::new();
        let consumed = Answerer::new(Instant::now(), false).answer(input, &mut out)?;
        let count = out.windows(15).filter(|w| w == b"HTTP/1.1 200 OK").count();
        Ok((consumed, count))
    }

    #[test]
    fn every_prefix_of_a_head_waits_for_the_rest() {
        for end in 0..GET.len() {
            assert_eq!(answered(&GET[..end]), Ok((0, 0)), "{end} bytes");
        }
        assert_eq!(answered(GET), Ok((GET.len(), 1)));
    }

    #[test]
    fn pipelined_heads_are_answered_each_and_the_rest_kept() {
        let mut input = GET.repeat(16);
        input.extend_from_slice(&GET[..7]);
        assert_eq!(answered(&input), Ok((16 * GET.len(), 16)));
    }

    #[test]
    fn malformed_and_endless_heads_are_refused() {
        assert_eq!(answered(b"\x16\x03\x01\r\n\r\n"), Err(MalformedHead));
        assert_eq!(
            answered(b"GET / HTTP/1.1\r\nA : b\r\n\r\n"),
            Err(MalformedHead)
        );
        assert_eq!(answered(&vec![b'a'; HEAD_LIMIT + 1]), Err(MalformedHead));
    }

    #[test]
    fn the_response_has_the_length_it_claims() {
        let mut out = Vec::new();
        let answerer = Answerer::new(Instant::now(), false);
        answerer.answer(GET, &mut out).unwrap();
        let end = Finder::new(HEAD_END).find(&out).unwrap() + HEAD_END.len();
        assert_eq!(&out[end..], b"Hello, World!");
    }
}
