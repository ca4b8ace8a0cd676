//! Frames as a client writes them (RFC 9113, 4 and 6).
//!
//! Owns the bytes and no rule: what it is told to write it writes, right or wrong. Field blocks are
//! literals without indexing, the plainest form that HPACK has (RFC 7541, 6.2.2).

pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const PRIORITY: u8 = 0x2;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const PING: u8 = 0x6;
pub(crate) const GOAWAY: u8 = 0x7;
pub(crate) const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const CONTINUATION: u8 = 0x9;
const PRIORITY_UPDATE: u8 = 0x10;

pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;

/// What a client says first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frames, one behind the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames(Vec<u8>);

impl Frames {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The preface and SETTINGS of these parameters.
    pub(crate) fn opening(parameters: &[(u16, u32)]) -> Self {
        Self(PREFACE.to_vec()).settings(parameters)
    }

    /// The preface alone, without the SETTINGS that must follow it.
    pub(crate) fn preface() -> Self {
        Self(PREFACE.to_vec())
    }

    /// Bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Any frame.
    pub(crate) fn frame(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let [_, length @ ..] = length.to_be_bytes();
        self.0.extend_from_slice(&length);
        self.0.extend_from_slice(&[kind, flags]);
        self.0.extend_from_slice(&stream.to_be_bytes());
        self.0.extend_from_slice(payload);
        self
    }

    pub(crate) fn settings(self, parameters: &[(u16, u32)]) -> Self {
        let mut payload = Vec::new();
        for (identifier, value) in parameters {
            payload.extend_from_slice(&identifier.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        self.frame(SETTINGS, 0, 0, &payload)
    }

    /// HEADERS that are complete, with `flags` beside END_HEADERS.
    pub(crate) fn headers(self, stream: u32, flags: u8, fields: &[(&str, &str)]) -> Self {
        self.frame(HEADERS, flags | END_HEADERS, stream, &block(fields))
    }

    /// A request with a body to follow, or without one when `flags` say END_STREAM.
    pub(crate) fn request(self, stream: u32, flags: u8, method: &str, path: &str) -> Self {
        self.headers(stream, flags, &request(method, path))
    }

    /// GET without a body.
    pub(crate) fn get(self, stream: u32, path: &str) -> Self {
        self.request(stream, END_STREAM, "GET", path)
    }

    pub(crate) fn data(self, stream: u32, flags: u8, content: &[u8]) -> Self {
        self.frame(DATA, flags, stream, content)
    }

    /// DATA with `padding` bytes behind the content.
    pub(crate) fn padded(self, stream: u32, flags: u8, content: &[u8], padding: u8) -> Self {
        let mut payload = vec![padding];
        payload.extend_from_slice(content);
        payload.resize(payload.len() + usize::from(padding), 0);
        self.frame(DATA, flags | PADDED, stream, &payload)
    }

    pub(crate) fn reset(self, stream: u32, code: u32) -> Self {
        self.frame(RST_STREAM, 0, stream, &code.to_be_bytes())
    }

    pub(crate) fn ping(self, flags: u8, opaque: [u8; 8]) -> Self {
        self.frame(PING, flags, 0, &opaque)
    }

    pub(crate) fn window_update(self, stream: u32, increment: u32) -> Self {
        self.frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
    }

    pub(crate) fn priority_update(self, stream: u32, value: &str) -> Self {
        let mut payload = stream.to_be_bytes().to_vec();
        payload.extend_from_slice(value.as_bytes());
        self.frame(PRIORITY_UPDATE, 0, 0, &payload)
    }

    pub(crate) fn go_away(self, last_stream: u32, code: u32) -> Self {
        let payload = [last_stream.to_be_bytes(), code.to_be_bytes()].concat();
        self.frame(GOAWAY, 0, 0, &payload)
    }

    /// The bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Frames {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The pseudo-header fields of a request.
pub(crate) fn request<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [
        (":method", method),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", path),
    ]
}

/// A field block: each line a literal without indexing and without Huffman code.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        string(name.as_bytes(), &mut block);
        string(value.as_bytes(), &mut block);
    }
    block
}

/// A string literal (RFC 7541, 5.2). Its length has a prefix of seven bits (RFC 7541, 5.1).
fn string(text: &[u8], block: &mut Vec<u8>) {
    let mut rest = text.len();
    if rest < 0x7f {
        block.push(rest as u8);
    } else {
        block.push(0x7f);
        rest -= 0x7f;
        while rest >= 0x80 {
            block.push(0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        block.push(rest as u8);
    }
    block.extend_from_slice(text);
}
