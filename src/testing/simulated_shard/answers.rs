//! A client's reading of what a server has sent.
//!
//! Owns as much of response framing (RFC 9112, 6.3) as it takes to tell answers apart, written
//! against the text of the RFC and not against the encoder, over a parser that is not ours.

use super::application::METHOD_FIELD;

/// One response, interim ones included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code; 0 for what answers an HTTP/2 peer.
    pub(crate) status: u16,
    /// The content, without framing.
    pub(crate) body: Vec<u8>,
    /// Whether the connection closes behind it, as the head says.
    pub(crate) closes: bool,
    /// Whether all of it is there.
    pub(crate) complete: bool,
}

/// How a body is framed.
enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilClose,
}

/// Reads all answers in `bytes`. Panics at what no client could read, and at anything behind an
/// answer that ends the connection.
pub(crate) fn read_answers(bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if rest.starts_with(b"\0\0\0\x04") {
            // SETTINGS: the port speaks no HTTP/2 and says so.
            answers.push(Answer {
                status: 0,
                body: rest.to_vec(),
                closes: true,
                complete: true,
            });
            break;
        }
        let (answer, used) = read_answer(rest);
        rest = rest.get(used..).unwrap_or_default();
        assert!(
            !answer.closes || rest.is_empty(),
            "bytes behind the last answer: {}",
            rest.escape_ascii()
        );
        answers.push(answer);
    }
    answers
}

/// One answer, and how many bytes it takes.
fn read_answer(bytes: &[u8]) -> (Answer, usize) {
    let mut lines = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut lines);
    let parsed = head.parse(bytes);
    let Ok(parsed) = parsed else {
        panic!("no response: {parsed:?}: {}", bytes.escape_ascii());
    };
    let (httparse::Status::Complete(start), Some(status)) = (parsed, head.code) else {
        let cut_off = Answer {
            status: 0,
            body: Vec::new(),
            closes: false,
            complete: false,
        };
        return (cut_off, bytes.len());
    };
    let (framing, closes) = framing_of(status, head.headers);
    let rest = bytes.get(start..).unwrap_or_default();
    let (body, used, complete) = match framing {
        Framing::None => (Vec::new(), 0, true),
        Framing::Length(length) => {
            let body = rest.get(..length).unwrap_or(rest);
            (body.to_vec(), body.len(), body.len() == length)
        }
        Framing::Chunked => read_chunked(rest),
        Framing::UntilClose => (rest.to_vec(), rest.len(), true),
    };
    let answer = Answer {
        status,
        body,
        closes,
        complete,
    };
    (answer, start + used)
}

fn framing_of(status: u16, lines: &[httparse::Header<'_>]) -> (Framing, bool) {
    let field = |name: &str| {
        let mut values = lines
            .iter()
            .filter(|line| line.name.eq_ignore_ascii_case(name))
            .map(|line| line.value);
        let value = values.next();
        assert!(values.next().is_none(), "{name} comes twice");
        value
    };
    let method = field(METHOD_FIELD).unwrap_or_default();
    let closes = field("Connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
    let length = field("Content-Length").map(|value| {
        let text = std::str::from_utf8(value).unwrap_or_default();
        text.parse().expect("Content-Length is a number")
    });
    let chunked = field("Transfer-Encoding").is_some();
    assert!(!chunked || length.is_none(), "both framings at once");
    let is_stream = status == 101 || (method == b"CONNECT" && status / 100 == 2);
    let framing = match (length, chunked) {
        _ if is_stream => Framing::UntilClose,
        _ if status / 100 == 1 || status == 204 || status == 304 || method == b"HEAD" => {
            Framing::None
        }
        (_, true) => Framing::Chunked,
        (Some(length), false) => Framing::Length(length),
        (None, false) => Framing::UntilClose,
    };
    (framing, closes)
}

/// The data of a chunked body, the bytes that it took and whether it is complete.
fn read_chunked(bytes: &[u8]) -> (Vec<u8>, usize, bool) {
    let (mut data, mut rest) = (Vec::new(), bytes);
    let used = |rest: &[u8]| bytes.len() - rest.len();
    loop {
        let Some((size, after)) = split_line(rest) else {
            return (data, bytes.len(), false);
        };
        let text = std::str::from_utf8(size).unwrap_or_default();
        let size = usize::from_str_radix(text, 16).expect("a chunk size is hexadecimal");
        rest = after;
        if size == 0 {
            break;
        }
        let Some((chunk, after)) = rest.split_at_checked(size + 2) else {
            data.extend_from_slice(rest.get(..size).unwrap_or(rest));
            return (data, bytes.len(), false);
        };
        let chunk = chunk.strip_suffix(b"\r\n").expect("CRLF ends a chunk");
        data.extend_from_slice(chunk);
        rest = after;
    }
    // Trailers, then the empty line.
    while let Some((line, after)) = split_line(rest) {
        rest = after;
        if line.is_empty() {
            return (data, used(rest), true);
        }
    }
    (data, bytes.len(), false)
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}
