//! Heads of requests: what handlers see of them, and which are refused how.

use super::*;

/// Answers with all that the head says.
async fn describe(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let head = ctx.request();
    let mut text = format!(
        "{} {} {:?} {} {:?}",
        head.method_text(),
        head.target(),
        head.authority(),
        head.version(),
        head.scheme(),
    );
    for line in head.fields() {
        let value = String::from_utf8_lossy(line.value);
        text.push_str(&format!(" {}={value}", line.name));
    }
    drop(head);
    ctx.field("seen", text)?;
    Ok(())
}

/// What a handler sees of a request with these fields, or how it is refused.
#[track_caller]
fn seen(fields: &[(&str, &str)]) -> String {
    let outcome = answer(fields);
    let line = outcome.lines.get(2).expect("an answer");
    match line.split_once("seen: ") {
        Some((_, seen)) => seen.trim_end_matches(" content-length: 0 ES").to_owned(),
        None => {
            let counted = outcome
                .rejected
                .keys()
                .copied()
                .collect::<Vec<_>>()
                .join(" ");
            format!("{line}: {counted}")
        }
    }
}

#[track_caller]
fn answer(fields: &[(&str, &str)]) -> Outcome {
    let frames = Frames::hello().headers(1, fields, true);
    everyway(
        || Http2::fresh(describe, Limits::default(), Protocols::default()),
        &frames,
    )
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "a");
const PATH: (&str, &str) = (":path", "/p");

#[test]
fn a_head_is_what_handlers_see() {
    assert_eq!(
        seen(&[
            METHOD,
            SCHEME,
            AUTHORITY,
            (":path", "/a%20b?c=d"),
            ("x", "y"),
            ("z", "")
        ]),
        "GET /a%20b?c=d Some(\"a\") HTTP/2 Http x=y z= host=a"
    );
    assert_eq!(
        seen(&[
            (":path", "/p"),
            (":authority", "b:81"),
            (":scheme", "HTTP"),
            (":method", "X-Y")
        ]),
        "X-Y /p Some(\"b:81\") HTTP/2 Http host=b:81",
        "the order of pseudo-header fields means nothing"
    );
    assert_eq!(
        seen(&[(":method", "OPTIONS"), SCHEME, AUTHORITY, (":path", "*")]),
        "OPTIONS * Some(\"a\") HTTP/2 Http host=a"
    );
}

#[test]
fn authority_and_host_in_all_combinations() {
    let plain = "GET /p Some(\"a\") HTTP/2 Http";
    let missing = "RST_STREAM 1 PROTOCOL_ERROR: h2_missing_pseudo_field";
    let mismatch = "RST_STREAM 1 PROTOCOL_ERROR: h2_authority_mismatch";
    let invalid = "RST_STREAM 1 PROTOCOL_ERROR: h2_invalid_authority";
    let twice = "RST_STREAM 1 PROTOCOL_ERROR: h2_multiple_hosts";
    let cases: &[(Option<&str>, &[&str], String)] = &[
        (Some("a"), &[], format!("{plain} host=a")),
        (Some("a"), &["a"], format!("{plain} host=a")),
        (Some("a"), &["A"], format!("{plain} host=A")),
        (Some("a"), &["a:80"], format!("{plain} host=a:80")),
        (Some("a"), &["a:81"], mismatch.to_owned()),
        (Some("a"), &["b"], mismatch.to_owned()),
        (Some("a"), &[""], mismatch.to_owned()),
        (Some("a"), &["a", "a"], twice.to_owned()),
        (Some("a"), &["a b"], invalid.to_owned()),
        (Some(""), &[], invalid.to_owned()),
        (Some(""), &["a"], invalid.to_owned()),
        (Some("u@a"), &[], invalid.to_owned()),
        (Some("a/b"), &[], invalid.to_owned()),
        (None, &["a"], format!("{plain} host=a")),
        (None, &[""], missing.to_owned()),
        (None, &["u@a"], invalid.to_owned()),
        (None, &["a", "b"], twice.to_owned()),
        (None, &[], missing.to_owned()),
    ];
    for (authority, hosts, expected) in cases {
        let mut fields = vec![METHOD, SCHEME];
        fields.extend(authority.map(|authority| (":authority", authority)));
        fields.push(PATH);
        fields.extend(hosts.iter().map(|host| ("host", *host)));
        assert_eq!(&seen(&fields), expected, "{authority:?} {hosts:?}");
    }
}

#[test]
fn cookies_in_pieces_are_one() {
    let ordinary = [METHOD, SCHEME, AUTHORITY, PATH];
    let with = |fields: &[(&'static str, &'static str)]| seen(&[&ordinary, fields].concat());
    let head = "GET /p Some(\"a\") HTTP/2 Http";
    assert_eq!(
        with(&[("cookie", "a=1")]),
        format!("{head} cookie=a=1 host=a")
    );
    assert_eq!(
        with(&[
            ("cookie", "a=1"),
            ("x", "y"),
            ("cookie", "b=2"),
            ("cookie", "c=3")
        ]),
        format!("{head} x=y host=a cookie=a=1; b=2; c=3")
    );
}

#[test]
fn malformed_requests_are_reset_and_others_go_on() {
    let base = [METHOD, SCHEME, AUTHORITY, PATH];
    let with = |line: (&'static str, &'static str)| [&base[..], &[line]].concat();
    let without = |name: &str| -> Vec<(&str, &str)> {
        base.iter().copied().filter(|line| line.0 != name).collect()
    };
    let instead = |line: (&'static str, &'static str)| -> Vec<(&str, &str)> {
        base.iter()
            .map(|old| if old.0 == line.0 { line } else { *old })
            .collect()
    };
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (without(":method"), "missing_pseudo_field"),
        (without(":scheme"), "missing_pseudo_field"),
        (without(":path"), "missing_pseudo_field"),
        (with((":method", "GET")), "duplicate_pseudo_field"),
        (with((":scheme", "http")), "duplicate_pseudo_field"),
        (with((":authority", "a")), "duplicate_pseudo_field"),
        (with((":path", "/p")), "duplicate_pseudo_field"),
        (with((":status", "200")), "response_pseudo_field"),
        (with((":new", "x")), "unknown_pseudo_field"),
        (with((":protocol", "x")), "protocol_without_connect"),
        (
            [vec![("x", "y")], base.to_vec()].concat(),
            "pseudo_after_regular",
        ),
        (instead((":method", "")), "invalid_method"),
        (instead((":method", "G T")), "invalid_method"),
        (instead((":scheme", "1")), "invalid_scheme"),
        (instead((":path", "")), "invalid_path"),
        (instead((":path", "p")), "invalid_path"),
        (instead((":path", "*")), "invalid_path"),
        (instead((":path", "/a b")), "invalid_path"),
        (instead((":path", "/a#b")), "invalid_path"),
        (instead((":path", "http://a/p")), "invalid_path"),
        (with(("X", "y")), "uppercase_field_name"),
        (with(("x y", "z")), "invalid_field_name"),
        (with(("", "z")), "invalid_field_name"),
        (with(("x", "a\nb")), "invalid_field_value"),
        (with(("x", "a\0b")), "invalid_field_value"),
        (with(("x", " a")), "invalid_field_value"),
        (with(("x", "a\t")), "invalid_field_value"),
        (with(("connection", "close")), "connection_specific_field"),
        (with(("connection", "")), "connection_specific_field"),
        (with(("keep-alive", "5")), "connection_specific_field"),
        (with(("proxy-connection", "x")), "connection_specific_field"),
        (
            with(("transfer-encoding", "chunked")),
            "connection_specific_field",
        ),
        (with(("upgrade", "h2c")), "connection_specific_field"),
        (with(("te", "gzip")), "connection_specific_field"),
        (with(("te", "trailers, gzip")), "connection_specific_field"),
        (with(("content-length", "1")), "content_length_mismatch"),
        (with(("content-length", "-1")), "invalid_content_length"),
        (with(("content-length", "+0")), "invalid_content_length"),
        (with(("content-length", "0, 0")), "invalid_content_length"),
        (with(("content-length", "")), "invalid_content_length"),
        (
            [with(("content-length", "0")), vec![("content-length", "0")]].concat(),
            "invalid_content_length",
        ),
    ];
    for (fields, violation) in cases {
        let outcome = answer(&fields);
        assert_eq!(
            outcome.lines,
            [GREETING, "SETTINGS ack", "RST_STREAM 1 PROTOCOL_ERROR"],
            "{fields:?}"
        );
        let name = format!("h2_{violation}");
        assert_eq!(
            outcome.rejected.into_iter().collect::<Vec<_>>(),
            [(name.as_str(), 1)],
            "{fields:?}"
        );
        assert_eq!(outcome.close, Close::No);
    }
    let mut http2 = Http2::new(echo);
    let bad = Frames::new().headers(1, &with(("X", "y")), true);
    http2.exchange(bad, &["RST_STREAM 1 PROTOCOL_ERROR"]);
    http2.assert_alive(3);
    http2.finish();
}

#[test]
fn what_may_be_odd_is_taken() {
    for line in [
        ("te", "trailers"),
        ("te", "Trailers"),
        ("content-length", "0"),
        ("x", "\u{e9}"),
    ] {
        let line = seen(&[METHOD, SCHEME, AUTHORITY, PATH, line]);
        assert!(line.starts_with("GET /p "), "{line}");
    }
}

/// RFC 9110, 7.4: what is meant for another scheme is misdirected, unless a trusted gateway says so.
#[test]
fn another_scheme_is_misdirected_in_the_clear() {
    let of = |scheme| [METHOD, (":scheme", scheme), AUTHORITY, PATH];
    for scheme in ["https", "HTTPS", "ftp"] {
        assert_eq!(
            seen(&of(scheme)),
            "HEADERS 1 421 content-length: 0 ES: h2_scheme_mismatch"
        );
    }
    let trusting = || {
        let mut http2 = Http2::fresh(describe, Limits::default(), Protocols::default());
        http2.peer.connection.trust_schemes();
        http2
    };
    for (fields, answer) in [
        (
            vec![METHOD, (":scheme", "https"), AUTHORITY, PATH],
            "HEADERS 1 200 seen: GET /p Some(\"a\") HTTP/2 Https host=a content-length: 0 ES",
        ),
        (
            vec![METHOD, SCHEME, AUTHORITY, PATH],
            "HEADERS 1 200 seen: GET /p Some(\"a\") HTTP/2 Http host=a content-length: 0 ES",
        ),
        // The port that Host may leave out is that of the scheme.
        (
            vec![
                METHOD,
                (":scheme", "https"),
                (":authority", "a:443"),
                PATH,
                ("host", "a"),
            ],
            "HEADERS 1 200 seen: GET /p Some(\"a:443\") HTTP/2 Https host=a content-length: 0 ES",
        ),
        (
            vec![METHOD, (":scheme", "ftp"), AUTHORITY, PATH],
            "HEADERS 1 421 content-length: 0 ES",
        ),
    ] {
        let frames = Frames::hello().headers(1, &fields, true);
        let outcome = everyway(trusting, &frames);
        assert_eq!(outcome.lines.get(2).map(String::as_str), Some(answer));
    }
}

#[test]
fn what_is_too_large_is_answered() {
    let long = "v".repeat(40_000);
    let path = format!("/{}", "p".repeat(9_000));
    let many: Vec<(String, &str)> = (0..101).map(|n| (format!("x{n}"), "y")).collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let method = "M".repeat(129);
    let cases: [(Fields<'_>, u16, &str); 5] = [
        (
            &[(":method", &method), SCHEME, AUTHORITY, PATH],
            501,
            "h2_method_too_long",
        ),
        (
            &[METHOD, SCHEME, AUTHORITY, (":path", &path)],
            414,
            "h2_request_line_too_long",
        ),
        (
            &[METHOD, SCHEME, AUTHORITY, PATH, ("x", &long)],
            431,
            "h2_header_list_too_large",
        ),
        (
            &[&[METHOD, SCHEME, AUTHORITY, PATH], many.as_slice()].concat(),
            431,
            "h2_too_many_fields",
        ),
        (
            &[METHOD, SCHEME, AUTHORITY, PATH, ("expect", "200-ok")],
            417,
            "h2_unknown_expectation",
        ),
    ];
    for (fields, status, name) in cases {
        for end in [true, false] {
            let mut http2 = Http2::new(echo);
            let block = crate::testing::http2::block(fields);
            let (first, rest) = block.split_at(block.len().min(16_384));
            let pieces: Vec<&[u8]> = rest.chunks(16_384).collect();
            let ends = |is_last: bool| if is_last { flag::END_HEADERS } else { 0 };
            let end_stream = if end { flag::END_STREAM } else { 0 };
            let mut frames = Frames::new().frame(
                kind::HEADERS,
                ends(pieces.is_empty()) | end_stream,
                1,
                first,
            );
            for (place, piece) in pieces.iter().enumerate() {
                frames = frames.continuation(1, piece, place + 1 == pieces.len());
            }
            http2.send(frames);
            assert_eq!(
                http2.lines(),
                [format!("HEADERS 1 {status} content-length: 0 ES")]
            );
            http2.expect_rejected(name, 1);
            http2.assert_alive(3);
            if !end {
                // The rest is taken for a while, so that the answer is not lost to a reset.
                http2.exchange(Frames::new().data(1, [b'x'; 16_384], false), &[]);
                assert_eq!(http2.census().streams, 1);
                http2.wait(Duration::from_secs(5));
                http2.expect(&["RST_STREAM 1 NO_ERROR"]);
            }
            assert_eq!(http2.census().streams, 0);
            http2.finish();
        }
    }
}

#[test]
fn a_head_may_come_in_continuations_and_padded() {
    let block = crate::testing::http2::block(&[METHOD, SCHEME, AUTHORITY, PATH]);
    let mut padded = vec![3, 0, 0, 0, 5, 1];
    padded.extend_from_slice(&block[..7]);
    padded.extend_from_slice(&[0; 3]);
    let flags = flag::PADDED | flag::PRIORITY | flag::END_STREAM;
    let frames = Frames::new()
        .frame(kind::HEADERS, flags, 1, &padded)
        .continuation(1, &block[7..20], false)
        .continuation(1, &[], false)
        .continuation(1, &block[20..], true);
    assert_eq!(answers(path, frames), text_lines(1, "p"));
}
