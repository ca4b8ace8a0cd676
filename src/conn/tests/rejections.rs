//! What is refused before a handler sees it: the exact status, and `Connection: close`.

use super::*;

async fn unreachable(_: &mut HttpContext) {
    panic!("a refused request reaches no handler");
}

/// Input, status, and the violation as it is counted.
const CASES: [(&str, u16, &str); 30] = [
    (
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7c}\x03\x03",
        400,
        "tls_over_http",
    ),
    (
        "GET / HTTP/2.5\r\nHost: x\r\n\r\n",
        505,
        "unsupported_version",
    ),
    (
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        "invalid_request_line",
    ),
    ("GET / HTTP/1.1\nHost: x\r\n\r\n", 400, "bare_line_feed"),
    ("GET / HTTP/1.1\r\nHost: x\n\r\n", 400, "bare_line_feed"),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        400,
        "obs_fold",
    ),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
        400,
        "space_before_colon",
    ),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
        400,
        "missing_colon",
    ),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nA(: b\r\n\r\n",
        400,
        "invalid_field_name",
    ),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        400,
        "nul_in_field_value",
    ),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n",
        400,
        "control_in_field_value",
    ),
    ("GET / HTTP/1.1\r\n\r\n", 400, "missing_host"),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        400,
        "multiple_hosts",
    ),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "invalid_host"),
    (
        "CONNECT a:80 HTTP/1.1\r\nHost: b\r\n\r\n",
        400,
        "host_mismatch",
    ),
    (
        "GET nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        "malformed_target",
    ),
    (
        "GET /a\\b HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        "invalid_target_byte",
    ),
    (
        "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        "invalid_escape",
    ),
    (
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        405,
        "options_method_required",
    ),
    (
        "GET x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
        405,
        "connect_method_required",
    ),
    (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n",
        400,
        "signed_content_length",
    ),
    (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5a\r\n\r\n",
        400,
        "invalid_content_length",
    ),
    (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        400,
        "multiple_content_lengths",
    ),
    (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        "content_length_with_transfer_encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, x\r\n\r\n",
        400,
        "final_transfer_coding_not_chunked",
    ),
    (
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        "transfer_encoding_in_http10",
    ),
    ("POST / HTTP/1.0\r\n\r\n", 400, "length_required_http10"),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n",
        417,
        "unknown_expectation",
    ),
    ("G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid_method"),
    (
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        400,
        "content_length_overflow",
    ),
];

#[test]
fn each_violation_has_its_status_and_closes() {
    for (input, status, name) in CASES {
        let (output, close) = everyway(|| Peer::new(unreachable), input.as_bytes());
        assert!(
            output.starts_with(&format!("HTTP/1.1 {status} ")),
            "{name}: {output}"
        );
        assert!(
            output.contains("\r\nConnection: close\r\n"),
            "{name}: {output}"
        );
        assert!(
            output.ends_with("Content-Length: 0\r\n") || output.contains("Content-Length: 0\r\n"),
            "{output}"
        );
        assert_eq!(
            output.contains("\r\nAllow: "),
            status == 405,
            "{name}: {output}"
        );
        assert_eq!(close, Close::Linger, "{name}");
        let mut peer = Peer::new(unreachable);
        peer.send(input.as_bytes());
        assert_eq!(
            peer.counters.rejected.get(name),
            Some(&1),
            "{:?}",
            peer.counters.rejected
        );
        peer.finish();
    }
}

#[test]
fn a_host_that_differs_from_the_target_is_refused_on_demand() {
    let limits = || Limits {
        refuse_host_mismatch: true,
        ..Limits::default()
    };
    let make = || Peer::with_limits(async |ctx: &mut HttpContext| ctx.text("served"), limits());
    for (target, host, status) in [
        ("http://a/", "b", 400),
        ("http://a/", "", 400),
        ("http://a/", "a:443", 400),
        ("http://a/", "a:80", 200),
        ("/", "a", 200),
    ] {
        let input = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let (output, _) = everyway(make, input.as_bytes());
        assert!(
            output.starts_with(&format!("HTTP/1.1 {status} ")),
            "{target} {host}: {output}"
        );
    }
}

/// RFC 9110, 7.4: a trusted gateway may have ended TLS for what it passes on in the clear.
#[test]
fn a_gateway_names_the_scheme() {
    let make = || {
        let handler = async |ctx: &mut HttpContext| {
            let head = ctx.request();
            let text = format!("{} {:?}", head.scheme(), head.authority());
            drop(head);
            ctx.text(&text)
        };
        let mut peer = Peer::new(handler);
        peer.connection.trust_schemes();
        peer
    };
    for (target, seen) in [
        ("https://a/", "https Some(\"a\")"),
        ("http://a/", "http Some(\"a\")"),
        ("/", "http Some(\"b\")"),
    ] {
        let input = format!("GET {target} HTTP/1.1\r\nHost: b\r\n\r\n");
        let (output, _) = everyway(make, input.as_bytes());
        assert_eq!(output, text_response(seen), "{target}");
    }
    let (output, _) = everyway(make, b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(output.starts_with("HTTP/1.1 421 "), "{output}");
}

#[test]
fn oversized_heads() {
    let limits = || Limits {
        request_line_bytes_max: 64,
        head_bytes_max: 128,
        field_count_max: 4,
        ..Limits::default()
    };
    let line = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(80));
    let total = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n",
        "a".repeat(140)
    );
    let count = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(4));
    for (input, status) in [(line, 414), (total, 431), (count, 431)] {
        let make = || Peer::with_limits(unreachable, limits());
        let (output, close) = everyway(make, input.as_bytes());
        assert!(
            output.starts_with(&format!("HTTP/1.1 {status} ")),
            "{output}"
        );
        assert_eq!(close, Close::Linger);
    }
}

#[test]
fn an_answered_request_before_a_refused_one_keeps_its_answer() {
    let input = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    let handler = async |ctx: &mut HttpContext| ctx.text("good");
    let (output, close) = everyway(|| Peer::new(handler), input);
    assert!(output.starts_with(&text_response("good")), "{output}");
    assert!(
        output[text_response("good").len()..].starts_with("HTTP/1.1 400 "),
        "{output}"
    );
    assert_eq!(close, Close::Linger);
}

#[test]
fn an_http2_peer_is_told_to_speak_http1() {
    let mut peer = Peer::speaking(unreachable, Limits::default(), Protocols::Http1);
    peer.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let goaway = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0d";
    assert_eq!(peer.output[..9], *b"\0\0\0\x04\0\0\0\0\0");
    assert_eq!(peer.output[9..], *goaway);
    assert_eq!(peer.close(), Close::Linger);
    peer.finish();
}
