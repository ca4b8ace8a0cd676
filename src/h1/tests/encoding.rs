//! Response heads, byte for byte.

use crate::h1::Reject;
use crate::h1::encode::{
    ConnectionOption, ResponseFraming, ResponseHead, encode_chunk_head, encode_head,
    encode_informational, encode_last_chunk,
};
use crate::http::{FieldSection, Status};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

fn section(lines: &[(&str, &str)]) -> FieldSection {
    let mut section = FieldSection::new();
    for (name, value) in lines {
        section.append(name, value).unwrap();
    }
    section
}

fn encoded(
    code: u16,
    lines: &[(&str, &str)],
    framing: ResponseFraming,
    connection: ConnectionOption,
) -> String {
    let status = Status::new(code).unwrap();
    let fields = &section(lines);
    let mut out = Vec::new();
    let head = ResponseHead {
        status,
        fields,
        framing,
        connection,
        date: DATE,
        server: true,
    };
    encode_head(&mut out, &head);
    String::from_utf8(out).unwrap().replace("\r\n", "|")
}

const OWN: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT|Server: Lanner||";

#[test]
fn heads() {
    use ConnectionOption::*;
    use ResponseFraming::*;
    let cases = [
        (
            encoded(200, &[("a", "b")], Length(13), Keep),
            "200 OK|a: b|Content-Length: 13|",
        ),
        (
            encoded(404, &[], Length(0), Close),
            "404 Not Found|Content-Length: 0|Connection: close|",
        ),
        (
            encoded(200, &[], Chunked, Keep),
            "200 OK|Transfer-Encoding: chunked|",
        ),
        (
            encoded(200, &[], Unsaid, Close),
            "200 OK|Connection: close|",
        ),
        (
            encoded(200, &[], Length(u64::MAX), KeepAlive10),
            "200 OK|Content-Length: 18446744073709551615|Connection: keep-alive|",
        ),
        (encoded(204, &[], Length(0), Keep), "204 No Content|"),
        (
            encoded(599, &[], Length(1), Keep),
            "599 |Content-Length: 1|",
        ),
        (
            encoded(101, &[("Upgrade", "echo")], Chunked, Upgrade),
            "101 Switching Protocols|Upgrade: echo|Connection: Upgrade|",
        ),
        (
            encoded(426, &[("Upgrade", "h")], Length(0), Close),
            "426 Upgrade Required|Upgrade: h|Content-Length: 0|Connection: close, Upgrade|",
        ),
    ];
    for (actual, expected) in cases {
        assert_eq!(actual, format!("HTTP/1.1 {expected}{OWN}"));
    }
}

#[test]
fn fields_of_the_server_are_written_once() {
    let lines = [
        ("Content-Length", "1"),
        ("a", "b"),
        ("transfer-encoding", "gzip"),
        ("CONNECTION", "x"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "x"),
        ("c", "d"),
    ];
    assert_eq!(
        encoded(
            200,
            &lines,
            ResponseFraming::Length(5),
            ConnectionOption::Keep
        ),
        format!("HTTP/1.1 200 OK|a: b|c: d|Content-Length: 5|{OWN}")
    );
    let own = [("Date", "then"), ("server", "mine")];
    assert_eq!(
        encoded(200, &own, ResponseFraming::Unsaid, ConnectionOption::Keep),
        "HTTP/1.1 200 OK|Date: then|server: mine||"
    );
}

#[test]
fn the_server_can_go_unnamed() {
    let mut out = Vec::new();
    let head = ResponseHead {
        status: Status::OK,
        fields: &FieldSection::new(),
        framing: ResponseFraming::Unsaid,
        connection: ConnectionOption::Keep,
        date: DATE,
        server: false,
    };
    encode_head(&mut out, &head);
    assert_eq!(
        out,
        b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    );
}

#[test]
fn informational_responses_have_no_framing() {
    let mut out = Vec::new();
    let fields = section(&[("Link", "</a>"), ("Content-Length", "5")]);
    encode_informational(&mut out, Status::EARLY_HINTS, &fields);
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
}

#[test]
fn chunk_heads_and_the_last_chunk() {
    for (length, line) in [
        (1, "1\r\n"),
        (10, "a\r\n"),
        (255, "ff\r\n"),
        (0x1234, "1234\r\n"),
    ] {
        let mut out = Vec::new();
        encode_chunk_head(&mut out, length);
        assert_eq!(out, line.as_bytes());
    }
    let mut out = Vec::new();
    encode_chunk_head(&mut out, usize::MAX);
    assert_eq!(out, b"ffffffffffffffff\r\n");
    out.clear();
    encode_last_chunk(
        &mut out,
        &section(&[("Digest", "x"), ("Content-Length", "5")]),
    );
    assert_eq!(out, b"0\r\nDigest: x\r\n\r\n");
}

#[test]
fn each_rejection_answers_with_its_status_and_closes() {
    for reject in Reject::ALL {
        for server in [true, false] {
            let mut out = Vec::new();
            reject.answer(DATE, server, &mut out);
            let mut lines = [httparse::EMPTY_HEADER; 8];
            let mut response = httparse::Response::new(&mut lines);
            assert_eq!(
                response.parse(&out),
                Ok(httparse::Status::Complete(out.len()))
            );
            assert_eq!(response.code, Some(reject.status().code()));
            let value = |name: &str| {
                let line = response.headers.iter().find(|line| line.name == name)?;
                Some(str::from_utf8(line.value).unwrap())
            };
            assert_eq!(value("Content-Length"), Some("0"));
            assert_eq!(value("Connection"), Some("close"));
            assert_eq!(value("Date").map(str::len), Some(29));
            assert_eq!(value("Server"), server.then_some("Lanner"));
            let allow = match reject {
                Reject::ConnectMethodRequired => Some("CONNECT"),
                Reject::OptionsMethodRequired => Some("OPTIONS"),
                _ => None,
            };
            assert_eq!(value("Allow"), allow);
        }
    }
}
