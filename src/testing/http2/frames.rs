//! Frames as a test writes them.
//!
//! Owns nothing but their layout: what is right or wrong to send is the test's to know.

use super::{flag, kind};

/// What a client sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frames one behind the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames(Vec<u8>);

/// A field block of literals that enter no table (RFC 7541, 6.2.2), without Huffman code.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            push_length(text.len(), &mut block);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541, 5.1).
fn push_length(length: usize, block: &mut Vec<u8>) {
    const PREFIX_MAX: usize = 0x7f;
    if length < PREFIX_MAX {
        block.push(length as u8);
        return;
    }
    block.push(PREFIX_MAX as u8);
    let mut rest = length - PREFIX_MAX;
    while rest >= 0x80 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}

impl Frames {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What every connection begins with: the preface, and SETTINGS that change nothing.
    pub(crate) fn hello() -> Self {
        Self::hello_with(&[])
    }

    /// The same with these settings.
    pub(crate) fn hello_with(settings: &[(u16, u32)]) -> Self {
        Self::preface().settings(settings)
    }

    /// The preface alone.
    pub(crate) fn preface() -> Self {
        Self::new().raw(PREFACE)
    }

    /// Bytes of any kind.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// What another list holds.
    pub(crate) fn then(self, other: &Self) -> Self {
        self.raw(&other.0)
    }

    /// A frame of any kind.
    pub(crate) fn frame(self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let length = payload.len() as u32;
        self.head(length, kind, flags, stream).raw(payload)
    }

    /// The head of a frame, whose payload may never follow.
    pub(crate) fn head(self, length: u32, kind: u8, flags: u8, stream: u32) -> Self {
        let [_, l0, l1, l2] = length.to_be_bytes();
        self.raw(&[l0, l1, l2, kind, flags])
            .raw(&stream.to_be_bytes())
    }

    /// SETTINGS.
    pub(crate) fn settings(self, settings: &[(u16, u32)]) -> Self {
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend_from_slice(&name.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        self.frame(kind::SETTINGS, 0, 0, &payload)
    }

    /// The acknowledgement of SETTINGS.
    pub(crate) fn settings_ack(self) -> Self {
        self.frame(kind::SETTINGS, flag::ACK, 0, &[])
    }

    /// HEADERS with a whole field section.
    pub(crate) fn headers(self, stream: u32, fields: &[(&str, &str)], end: bool) -> Self {
        self.block(stream, &block(fields), end)
    }

    /// HEADERS with a whole field block.
    pub(crate) fn block(self, stream: u32, block: &[u8], end: bool) -> Self {
        let end = if end { flag::END_STREAM } else { 0 };
        self.frame(kind::HEADERS, flag::END_HEADERS | end, stream, block)
    }

    /// The head of a request for this path.
    pub(crate) fn request(self, stream: u32, method: &str, path: &str, end: bool) -> Self {
        self.request_with(stream, method, path, &[], end)
    }

    /// The same with further fields.
    pub(crate) fn request_with(
        self,
        stream: u32,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        end: bool,
    ) -> Self {
        let mut all = vec![
            (":method", method),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", path),
        ];
        all.extend_from_slice(fields);
        self.headers(stream, &all, end)
    }

    /// A whole GET.
    pub(crate) fn get(self, stream: u32, path: &str) -> Self {
        self.request(stream, "GET", path, true)
    }

    /// The head of a POST, whose body follows.
    pub(crate) fn post(self, stream: u32, path: &str) -> Self {
        self.request(stream, "POST", path, false)
    }

    /// CONTINUATION.
    pub(crate) fn continuation(self, stream: u32, fragment: &[u8], end: bool) -> Self {
        let end = if end { flag::END_HEADERS } else { 0 };
        self.frame(kind::CONTINUATION, end, stream, fragment)
    }

    /// DATA.
    pub(crate) fn data(self, stream: u32, content: impl AsRef<[u8]>, end: bool) -> Self {
        let end = if end { flag::END_STREAM } else { 0 };
        self.frame(kind::DATA, end, stream, content.as_ref())
    }

    /// DATA with padding.
    pub(crate) fn padded(self, stream: u32, content: &str, padding: u8, end: bool) -> Self {
        let end = if end { flag::END_STREAM } else { 0 };
        let mut payload = vec![padding];
        payload.extend_from_slice(content.as_bytes());
        payload.resize(payload.len() + usize::from(padding), 0);
        self.frame(kind::DATA, flag::PADDED | end, stream, &payload)
    }

    /// RST_STREAM.
    pub(crate) fn reset(self, stream: u32, code: u32) -> Self {
        self.frame(kind::RST_STREAM, 0, stream, &code.to_be_bytes())
    }

    /// WINDOW_UPDATE.
    pub(crate) fn update(self, stream: u32, increment: u32) -> Self {
        self.frame(kind::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
    }

    /// PING, or its answer.
    pub(crate) fn ping(self, ack: bool, opaque: [u8; 8]) -> Self {
        let flags = if ack { flag::ACK } else { 0 };
        self.frame(kind::PING, flags, 0, &opaque)
    }

    /// GOAWAY.
    pub(crate) fn goaway(self, last: u32, code: u32) -> Self {
        let mut payload = last.to_be_bytes().to_vec();
        payload.extend_from_slice(&code.to_be_bytes());
        self.frame(kind::GOAWAY, 0, 0, &payload)
    }

    /// PRIORITY.
    pub(crate) fn priority(self, stream: u32, dependency: u32) -> Self {
        let mut payload = dependency.to_be_bytes().to_vec();
        payload.push(15);
        self.frame(kind::PRIORITY, 0, stream, &payload)
    }

    /// PRIORITY_UPDATE.
    pub(crate) fn priority_update(self, stream: u32, value: &str) -> Self {
        let mut payload = stream.to_be_bytes().to_vec();
        payload.extend_from_slice(value.as_bytes());
        self.frame(kind::PRIORITY_UPDATE, 0, 0, &payload)
    }

    /// All of them so many times.
    pub(crate) fn repeat(&self, count: usize) -> Self {
        Self(self.0.repeat(count))
    }
}

impl AsRef<[u8]> for Frames {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
