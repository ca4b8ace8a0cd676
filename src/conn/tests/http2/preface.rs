//! The beginning of a connection: the preface, what is none, and other protocols (RFC 9113, 3).

use super::*;

const HTTP1: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// What an HTTP/2 peer is told where HTTP/1 is spoken.
const HTTP_1_1_REQUIRED: [&str; 2] = ["SETTINGS", "GOAWAY 0 HTTP_1_1_REQUIRED"];

fn speaking(
    protocols: Protocols,
) -> Http2<impl AsyncFn(&mut HttpContext) -> Result<(), ResponseError>> {
    Http2::fresh(path, Limits::default(), protocols)
}

/// What the peer of a fresh connection gets for these bytes, as text, however they are cut.
#[track_caller]
fn text(protocols: Protocols, bytes: &[u8]) -> (String, Close, Vec<(&'static str, u64)>) {
    let run = |cut: usize| {
        let mut http2 = speaking(protocols);
        let (first, second) = bytes.split_at(cut);
        http2.peer.send(first);
        http2.peer.send(second);
        let output = String::from_utf8_lossy(&http2.peer.output).into_owned();
        let rejected = http2.rejected().into_iter().collect();
        let close = http2.close();
        http2.finish();
        (output, close, rejected)
    };
    let whole = run(0);
    for cut in 1..bytes.len() {
        assert_eq!(run(cut), whole, "cut at {cut}");
    }
    whole
}

#[test]
fn the_first_bytes_decide() {
    let hello = Frames::hello().get(1, "/two");
    for protocols in [Protocols::Http1AndHttp2, Protocols::Http2] {
        let outcome = everyway(|| speaking(protocols), &hello);
        assert_eq!(outcome.lines[2..], text_lines(1, "two"));
        assert_eq!(outcome.close, Close::No);
    }
    for protocols in [Protocols::Http1AndHttp2, Protocols::Http1] {
        let (output, close, rejected) = text(protocols, HTTP1);
        assert!(output.starts_with("HTTP/1.1 200 OK\r\n"), "{output}");
        assert_eq!((close, rejected), (Close::No, vec![]));
    }
}

#[test]
fn an_http1_connection_does_not_become_another() {
    for protocols in [Protocols::Http1AndHttp2, Protocols::Http1] {
        let mut http2 = speaking(protocols);
        http2.peer.send(HTTP1);
        assert!(http2.peer.received().starts_with("HTTP/1.1 200 OK\r\n"));
        http2.peer.send(Frames::hello().get(1, "/").as_ref());
        http2.expect(&HTTP_1_1_REQUIRED);
        assert_eq!(http2.close(), Close::Linger);
        http2.expect_rejected("http2_preface", 1);
        http2.finish();
    }
    let outcome = everyway(|| speaking(Protocols::Http1), &Frames::hello());
    assert_eq!(outcome.lines, HTTP_1_1_REQUIRED);
    assert_eq!(outcome.close, Close::Linger);
    // Nor does one whose first line is not the very first.
    let (output, close, _) = text(
        Protocols::Http1AndHttp2,
        b"\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    );
    assert!(
        output.starts_with("HTTP/1.1 505 ") || output.starts_with("HTTP/1.1 400 "),
        "{output}"
    );
    assert_eq!(close, Close::Linger);
}

#[test]
fn a_wrong_preface_ends_the_connection() {
    let preface = Frames::preface();
    let preface = preface.as_ref();
    // What follows the first line cannot be HTTP/1 any more.
    for wrong in 16..preface.len() {
        for protocols in [Protocols::Http1AndHttp2, Protocols::Http2] {
            let mut bytes = preface.to_vec();
            bytes[wrong] ^= 0x20;
            let mut http2 = speaking(protocols);
            http2.client.lose_track();
            http2.peer.send(&bytes);
            http2.expect(&["GOAWAY 0 PROTOCOL_ERROR h2_bad_preface"]);
            assert_eq!(http2.close(), Close::Linger);
            http2.expect_rejected("h2_bad_preface", 1);
            http2.finish();
        }
    }
}

#[test]
fn other_protocols_are_told_on_a_port_for_http2_alone() {
    let told = "HTTP/1.1 400 Bad Request\r\n";
    for bytes in [
        HTTP1,
        b"GET / HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ] {
        let (output, close, rejected) = text(Protocols::Http2, bytes);
        assert!(output.starts_with(told), "{output}");
        let (head, body) = output.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{output}"
        );
        assert!(head.contains("Connection: close"), "{output}");
        assert_eq!(
            (close, rejected),
            (Close::Linger, vec![("h2_other_protocol", 1)])
        );
    }
    for noise in [
        &b"\0\0\0\0"[..],
        b"hello\n",
        b"SSH-2.0-x\r\n",
        b"GET / HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\n",
    ] {
        let mut http2 = speaking(Protocols::Http2);
        http2.client.lose_track();
        http2.peer.send(noise);
        http2.expect(&["GOAWAY 0 PROTOCOL_ERROR h2_bad_preface"]);
        assert_eq!(http2.close(), Close::Linger);
        http2.finish();
    }
    // A line without an end is not waited for without bound.
    let mut http2 = speaking(Protocols::Http2);
    http2.client.lose_track();
    http2.peer.send(&[b'x'; 9_000]);
    http2.expect(&["GOAWAY 0 PROTOCOL_ERROR h2_bad_preface"]);
    http2.finish();
}

#[test]
fn settings_come_first() {
    let ack = Frames::new().settings_ack();
    let others = [
        Frames::new().get(1, "/"),
        Frames::new().ping(false, *b"12345678"),
        Frames::new().update(0, 1),
        Frames::new().frame(kind::UNKNOWN, 0, 0, &[]),
        ack,
    ];
    for first in others {
        let make = || speaking(Protocols::Http1AndHttp2);
        let outcome = everyway(make, &Frames::preface().then(&first));
        let expected = [GREETING, "GOAWAY 0 PROTOCOL_ERROR h2_settings_expected"];
        assert_eq!(outcome.lines, expected);
        assert_eq!(outcome.close, Close::Linger);
    }
    let wrong = Frames::preface().frame(kind::SETTINGS, 0, 0, &[0; 5]);
    let outcome = everyway(|| speaking(Protocols::Http1AndHttp2), &wrong);
    assert_eq!(
        outcome.lines,
        [GREETING, "GOAWAY 0 FRAME_SIZE_ERROR h2_wrong_frame_length"]
    );
}

#[test]
fn a_preface_that_never_comes_is_not_waited_for() {
    for (protocols, begun, seconds) in [
        (Protocols::Http2, 0, 30),
        (Protocols::Http2, 10, 30),
        (Protocols::Http2, 24, 30),
        (Protocols::Http2, 30, 30),
        (Protocols::Http1AndHttp2, 0, 130),
        (Protocols::Http1AndHttp2, 18, 30),
        (Protocols::Http1AndHttp2, 30, 30),
    ] {
        let mut http2 = speaking(protocols);
        let hello = Frames::hello();
        http2.send(&hello.as_ref()[..begun]);
        http2.events();
        for _ in 0..seconds {
            assert_eq!(http2.close(), Close::No);
            http2.peer.wait(Duration::from_secs(1));
        }
        assert_ne!(http2.close(), Close::No, "{begun} bytes");
        let lines = http2.lines();
        if begun < 24 {
            assert_eq!(lines, [] as [&str; 0]);
            assert_eq!(http2.close(), Close::Now);
        } else {
            assert_eq!(lines, ["GOAWAY 0 INTERNAL_ERROR h2_head_timeout"]);
        }
        http2.finish();
    }
}

#[test]
fn a_preface_in_single_bytes_has_one_time_out() {
    let mut http2 = speaking(Protocols::Http2);
    let hello = Frames::hello();
    for byte in &hello.as_ref()[..29] {
        http2.send([*byte]);
        http2.peer.wait(Duration::from_secs(1));
    }
    assert_eq!(http2.close(), Close::No);
    http2.send([0]);
    http2.peer.wait(Duration::from_secs(1));
    assert_eq!(http2.close(), Close::Linger, "a byte a second is too slow");
    http2.finish();
}
