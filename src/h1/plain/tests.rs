//! Whatever the plain way takes, the parser of record takes too, with the same meaning.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{framing, read};
use crate::h1::head::{Parse, parse_by_record};
use crate::h1::scan::Origin;
use crate::http::RequestHead;
use crate::limits::Limits;

/// Reads `input` both ways, compares where the plain way answers, and says whether it does.
fn is_plain(input: &[u8], start: usize, limits: &Limits) -> bool {
    let mut plain = RequestHead::default();
    let end = read(input, start, limits, &mut Origin::default(), &mut plain);
    let (Some(end), Some(framing)) = (end, framing(input, &plain)) else {
        return false;
    };
    let mut head = RequestHead::default();
    let parsed = parse_by_record(input, limits, &mut head);
    let consumed = end;
    let text = input.escape_ascii();
    assert_eq!(parsed, Ok(Parse::Complete { consumed, framing }), "{text}");
    let whole = |mut head: RequestHead| {
        head.attach_copied(&input[..end]);
        let lines: Vec<_> = head
            .fields()
            .map(|line| (line.name.to_owned(), line.value.to_owned()))
            .collect();
        let texts = [
            Some(head.method_text().to_owned()),
            Some(head.target().to_owned()),
            Some(head.path().to_owned()),
            head.query().map(str::to_owned),
            head.authority().map(str::to_owned),
        ];
        let known = head.known();
        (
            head.method(),
            head.version(),
            head.target_form(),
            texts,
            lines,
            known,
        )
    };
    assert_eq!(whole(plain), whole(head), "{text}");
    true
}

fn with_defaults(input: &[u8]) -> bool {
    is_plain(input, 0, &Limits::default())
}

/// A head with most of what is common, and something of each kind.
const HEAD: &[u8] = b"GET /a/b.c?d=%20 HTTP/1.1\r\nHost: example.org:8080\r\n\
    Accept-Encoding: gzip, br\r\nx_y:\t z \t\r\nEmpty:\r\nConnection: keep-alive\r\n\r\n";

#[test]
fn common_heads_are_plain() {
    assert!(with_defaults(HEAD));
    for head in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\nGET",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "PATCH /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\n",
        "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /%41/../b HTTP/1.1\r\nHost:a\r\nUpgrade: b\r\nConnection: upgrade\r\n\r\n",
    ] {
        assert!(with_defaults(head.as_bytes()), "{head}");
    }
}

#[test]
fn what_is_incomplete_is_not_plain() {
    for end in 0..HEAD.len() {
        assert!(!with_defaults(&HEAD[..end]), "{end} bytes");
    }
}

#[test]
fn every_byte_at_every_place_means_the_same() {
    let mut plain = 0;
    for at in 0..HEAD.len() {
        for byte in 0..=u8::MAX {
            let mut head = HEAD.to_vec();
            head[at] = byte;
            // The first byte is judged before either way begins.
            if at > 0 || byte.is_ascii_alphabetic() {
                plain += usize::from(with_defaults(&head));
            }
            head.insert(at + 1, b'x');
            if at > 0 {
                plain += usize::from(with_defaults(&head));
            }
        }
    }
    assert!(plain > 10_000, "only {plain} of these were plain");
}

#[test]
fn limits_hold_to_the_byte() {
    let fields = HEAD.len() - 27 - 2;
    let with = |change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        is_plain(HEAD, 0, &limits)
    };
    assert!(with(&|limits| limits.request_line_bytes_max = 27));
    assert!(!with(&|limits| limits.request_line_bytes_max = 26));
    assert!(with(&|limits| limits.head_bytes_max = fields));
    assert!(!with(&|limits| limits.head_bytes_max = fields - 1));
    assert!(with(&|limits| limits.field_count_max = 5));
    assert!(!with(&|limits| limits.field_count_max = 4));
}

#[test]
fn empty_lines_before_the_head_are_not_counted() {
    let input = [b"\r\n\r\n".as_slice(), HEAD].concat();
    let limits = Limits {
        request_line_bytes_max: 27,
        ..Limits::default()
    };
    assert!(is_plain(&input, 4, &limits));
}
