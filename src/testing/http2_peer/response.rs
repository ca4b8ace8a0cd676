//! One response, as frames bring it.
//!
//! Owns the order of interim responses, head, content, trailers and end (RFC 9113, 8.1), and what
//! the fields of each may be (8.2 and 8.3.2).

use std::fmt;

use crate::testing::simulated_shard::application::METHOD_FIELD;

/// Fields about an HTTP/1.1 connection (RFC 9113, 8.2.2).
const CONNECTION_FIELDS: [&str; 6] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A field line.
pub(crate) type Field = (String, Vec<u8>);

/// What has come on one stream.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Response {
    /// The statuses of interim responses.
    pub(crate) interim: Vec<u16>,
    /// The status; 0 before the final head.
    pub(crate) status: u16,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<Field>,
    /// END_STREAM has come.
    pub(crate) complete: bool,
    /// RST_STREAM has come, with this code.
    pub(crate) reset: Option<u32>,
}

impl fmt::Debug for Response {
    /// Bodies are long: their length has to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("interim", &self.interim)
            .field("status", &self.status)
            .field("body", &self.body.len())
            .field("trailers", &self.trailers.len())
            .field("complete", &self.complete)
            .field("reset", &self.reset)
            .finish_non_exhaustive()
    }
}

impl Response {
    /// The value of a field of the head.
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.fields.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_slice());
        assert!(values.next().is_none(), "{name} comes twice: {self:?}");
        value
    }

    /// Whether nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.complete || self.reset.is_some()
    }

    /// Takes the lines of HEADERS.
    pub(super) fn take_fields(&mut self, mut lines: Vec<Field>, end_stream: bool) {
        assert!(!self.is_over(), "HEADERS behind the end: {self:?}");
        for (name, value) in &lines {
            check_line(name, value);
        }
        if self.status > 0 {
            assert!(end_stream, "trailers without END_STREAM: {self:?}");
            let pseudo = lines.iter().any(|(name, _)| name.starts_with(':'));
            assert!(!pseudo, "trailers with pseudo-header fields: {lines:?}");
            self.trailers = lines;
            return self.end();
        }
        assert!(!lines.is_empty(), "a head without lines");
        let (name, status) = lines.remove(0);
        assert_eq!(name, ":status", "a head begins with it");
        let pseudo = lines.iter().any(|(name, _)| name.starts_with(':'));
        assert!(!pseudo, "pseudo-header fields behind :status: {lines:?}");
        let status = String::from_utf8(status).expect("a status is text");
        assert_eq!(status.len(), 3, "a status has three digits: {status}");
        let status = status.parse().expect("a status is a number");
        assert_ne!(status, 101, "HTTP/2 has none (RFC 9113, 8.6)");
        if status < 200 {
            assert!(!end_stream, "an interim response ends nothing");
            self.interim.push(status);
            return;
        }
        self.status = status;
        self.fields = lines;
        if end_stream {
            self.end();
        }
    }

    /// Takes the content of a DATA frame.
    pub(super) fn take_content(&mut self, content: &[u8], end_stream: bool) {
        assert!(!self.is_over(), "DATA behind the end: {self:?}");
        assert!(self.status > 0, "DATA before the head");
        self.body.extend_from_slice(content);
        if end_stream {
            self.end();
        }
    }

    /// Takes RST_STREAM. One that answers a mistake on a closed stream may follow another (RFC 9113,
    /// 5.4.2); the first one counts.
    pub(super) fn take_reset(&mut self, code: u32) {
        self.reset.get_or_insert(code);
    }

    fn end(&mut self) {
        self.complete = true;
        let method = self.field(&METHOD_FIELD.to_ascii_lowercase());
        let bodiless = method == Some(b"HEAD") || matches!(self.status, 204 | 205 | 304);
        assert!(
            !bodiless || self.body.is_empty(),
            "content where there is none: {self:?}"
        );
        let Some(length) = self.field("content-length") else {
            return;
        };
        let is_tunnel = method == Some(b"CONNECT") && self.status / 100 == 2;
        assert!(!is_tunnel, "a tunnel has no length (RFC 9110, 9.3.6)");
        let length: usize = std::str::from_utf8(length)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .expect("Content-Length is a number");
        assert!(
            bodiless || self.body.len() == length,
            "{} bytes instead of {length}",
            self.body.len()
        );
    }
}

fn check_line(name: &str, value: &[u8]) {
    let plain = name.strip_prefix(':').unwrap_or(name);
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
    assert!(
        !plain.is_empty() && plain.bytes().all(is_token),
        "no name: {name:?}"
    );
    let upper = plain.bytes().any(|byte| byte.is_ascii_uppercase());
    assert!(!upper, "a name has capital letters: {name}");
    assert!(
        !CONNECTION_FIELDS.contains(&name),
        "a field of HTTP/1.1 connections: {name}"
    );
    let framed = matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t']);
    let broken = value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'));
    assert!(!framed && !broken, "no value: {}", value.escape_ascii());
}
