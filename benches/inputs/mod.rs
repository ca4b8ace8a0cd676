//! What both benchmarks of the codec feed it, so that their figures are of the same work.

#![allow(
    dead_code,
    reason = "each benchmark is a crate of its own and uses its part"
)]

use lanner::testing::codec::{BlockLine, Response};
use lanner::{FieldSection, Status};

/// Two lines: what a load generator sends.
pub(crate) const MINIMAL: &[u8] = include_bytes!("../../bench/data/heads/minimal.http");
/// Four lines, one of them long.
pub(crate) const TECHEMPOWER: &[u8] = include_bytes!("../../bench/data/heads/techempower.http");
/// A navigation of a browser: 17 lines with a cookie.
pub(crate) const BROWSER: &[u8] = include_bytes!("../../bench/data/heads/browser.http");
/// A POST with a length and `Expect`.
pub(crate) const UPLOAD: &[u8] = include_bytes!("../../bench/data/heads/upload.http");

/// 256 chunks of 16 bytes: all framing.
pub(crate) const SMALL_CHUNKS: &[u8] = include_bytes!("../../bench/data/chunked/small.body");
/// 4 chunks of 8 KiB: all data.
pub(crate) const LARGE_CHUNKS: &[u8] = include_bytes!("../../bench/data/chunked/large.body");
/// 64 chunks of 64 bytes with extensions, and two trailer fields.
pub(crate) const EXTENDED_CHUNKS: &[u8] =
    include_bytes!("../../bench/data/chunked/extensions.body");

/// The heads and their names.
pub(crate) const HEADS: [(&str, &[u8]); 4] = [
    ("minimal", MINIMAL),
    ("techempower", TECHEMPOWER),
    ("browser", BROWSER),
    ("upload", UPLOAD),
];

/// The chunked bodies and their names.
pub(crate) const BODIES: [(&str, &[u8]); 3] = [
    ("small", SMALL_CHUNKS),
    ("large", LARGE_CHUNKS),
    ("extensions", EXTENDED_CHUNKS),
];

/// HTTP/2: five bytes of content that end a request.
pub(crate) const DATA_FRAME: &[u8] = b"\x00\x00\x05\x00\x01\x00\x00\x00\x01hello";
/// A small request whose fields the dynamic table knows.
pub(crate) const HEADERS_FRAME: &[u8] = b"\x00\x00\x04\x01\x05\x00\x00\x00\x03\x82\x86\x84\xbe";
/// Room for more DATA on the connection.
pub(crate) const WINDOW_UPDATE_FRAME: &[u8] =
    b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x0f\x00\x00";
/// One after the other: what a turn of the loop may find.
pub(crate) const TEN_FRAMES: &[u8] = b"\
    \x00\x00\x00\x04\x01\x00\x00\x00\x00\
    \x00\x00\x04\x01\x05\x00\x00\x00\x03\x82\x86\x84\xbe\
    \x00\x00\x04\x01\x05\x00\x00\x00\x05\x82\x86\x84\xbe\
    \x00\x00\x04\x01\x04\x00\x00\x00\x07\x83\x86\x84\xbe\
    \x00\x00\x04\x08\x00\x00\x00\x00\x05\x00\x0f\x00\x00\
    \x00\x00\x05\x00\x01\x00\x00\x00\x07hello\
    \x00\x00\x08\x06\x00\x00\x00\x00\x00abcdefgh\
    \x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x0f\x00\x00\
    \x00\x00\x04\x03\x00\x00\x00\x00\x05\x00\x00\x00\x08\
    \x00\x00\x04\x01\x05\x00\x00\x00\x09\x82\x86\x84\xbe";

/// A request of h2load: the first of a connection, five literals in Huffman code.
pub(crate) const H2LOAD_FIRST: &[u8] = include_bytes!("../../bench/data/hpack/h2load-first.block");
/// Those behind it: four indexed lines and a literal path.
pub(crate) const H2LOAD_LATER: &[u8] = include_bytes!("../../bench/data/hpack/h2load-later.block");
/// The same with the path that `:path /` of the static table is, so that all is indexed.
pub(crate) const INDEXED: &[u8] = b"\x84\x86\xbf\x82\xbe";
/// The first navigation of a browser: 22 lines.
pub(crate) const BROWSER_FIRST: &[u8] =
    include_bytes!("../../bench/data/hpack/browser-first.block");
/// The next one: all indexed but the path.
pub(crate) const BROWSER_LATER: &[u8] =
    include_bytes!("../../bench/data/hpack/browser-later.block");

/// What `/plaintext` answers over HTTP/2, behind `:status`.
pub(crate) const PLAINTEXT_LINES: [BlockLine; 4] = [
    ("Content-Type", "text/plain", true),
    ("Content-Length", "13", false),
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT", true),
    ("Server", "Lanner", true),
];

/// What a page behind a cache answers: eight fields of the handler and those of the server.
pub(crate) const PAGE_LINES: [BlockLine; 11] = [
    ("Content-Type", "text/html; charset=utf-8", true),
    ("Cache-Control", "private, max-age=0, must-revalidate", true),
    ("ETag", "\"5d8c72a5edda8d6a\"", false),
    ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT", false),
    ("Vary", "Accept-Encoding, Cookie", true),
    ("X-Content-Type-Options", "nosniff", true),
    ("Strict-Transport-Security", "max-age=31536000", true),
    (
        "Set-Cookie",
        "session=7f3c0a5d9e2b4c61; Path=/; HttpOnly",
        false,
    ),
    ("Content-Length", "5124", false),
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT", true),
    ("Server", "Lanner", true),
];

/// The body of the plaintext response.
pub(crate) const HELLO: &[u8] = b"Hello, World!";

/// The pieces of the chunked response.
pub(crate) const PIECES: [&[u8]; 4] = [&[b'a'; 100], &[b'b'; 1000], &[b'c'; 10], &[b'd'; 4096]];

/// What `/plaintext` answers.
pub(crate) fn plaintext() -> Response {
    Response::new(Status::OK, fields(&[("Content-Type", "text/plain")]))
}

/// What a page behind a cache answers: eight fields of the handler.
pub(crate) fn page() -> Response {
    let lines = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "private, max-age=0, must-revalidate"),
        ("ETag", "\"5d8c72a5edda8d6a\""),
        ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("Vary", "Accept-Encoding, Cookie"),
        ("X-Content-Type-Options", "nosniff"),
        ("Strict-Transport-Security", "max-age=31536000"),
        ("Set-Cookie", "session=7f3c0a5d9e2b4c61; Path=/; HttpOnly"),
    ];
    Response::new(Status::OK, fields(&lines))
}

fn fields(lines: &[(&str, &str)]) -> FieldSection {
    let mut section = FieldSection::new();
    for (name, value) in lines {
        section.append(name, value).expect("a valid field");
    }
    section
}
