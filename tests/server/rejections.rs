//! Requests that are refused: each with its exact status, `Connection: close`, no content, and one
//! more on the counter of its reason, whether it comes whole or byte by byte.

#![allow(clippy::unwrap_used)]

use std::error::Error;

use crate::support::TestServer;
use lanner::HttpContext;

/// What is refused, as the counters name it; the status; the request.
type Case = (&'static str, u16, String);

fn case(name: &'static str, status: u16, request: impl Into<String>) -> Case {
    (name, status, request.into())
}

/// A request whose line is good and whose fields are these.
fn fields(name: &'static str, status: u16, fields: &str) -> Case {
    case(name, status, format!("POST / HTTP/1.1\r\n{fields}\r\n"))
}

/// A request line with a good Host behind it.
fn line(name: &'static str, status: u16, line: &str) -> Case {
    case(name, status, format!("{line}\r\nHost: a\r\n\r\n"))
}

/// A chunked body behind a good head.
fn chunked(name: &'static str, status: u16, body: &str) -> Case {
    case(
        name,
        status,
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
    )
}

/// Reads every body, and leaves what is wrong with it to the server.
async fn read(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    while ctx.body().chunk().await?.is_some() {}
    Ok(())
}

/// Sends every case whole and byte by byte; `requests` is how many handlers each may reach.
fn refused(cases: &[Case], requests: u64) {
    let server = TestServer::start(read);
    for (name, status, request) in cases {
        let before = server.rejected(name);
        for bytewise in [false, true] {
            let mut client = server.connect();
            if bytewise {
                client.send_bytewise(request.as_bytes());
            } else {
                client.send(request);
            }
            let shown = request.get(..200).unwrap_or(request);
            let response = client.response();
            assert_eq!(
                response.status, *status,
                "{name}, bytewise {bytewise}: {shown:?}"
            );
            assert_eq!(response.field("connection"), Some("close"), "{name}");
            assert_eq!(response.field("content-length"), Some("0"), "{name}");
            client.expect_end();
        }
        assert_eq!(
            server.rejected(name) - before,
            2,
            "{name} is counted: {:?}",
            server.stats().rejected
        );
    }
    assert_eq!(server.stats().requests, requests * 2 * cases.len() as u64);
    server.finish();
}

#[test]
fn request_lines() {
    let long = "a".repeat(8178);
    refused(
        &[
            case(
                "too_many_empty_lines",
                400,
                "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ),
            case("bare_line_feed", 400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            case("bare_line_feed", 400, "GET / HTTP/1.1\nHost: a\n\n"),
            case(
                "bare_carriage_return",
                400,
                "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ),
            line("bare_carriage_return", 400, "GET /\ra HTTP/1.1"),
            line("invalid_method", 400, "G(T / HTTP/1.1"),
            line("invalid_method", 400, " GET / HTTP/1.1"),
            line("invalid_request_line", 400, "GET HTTP/1.1"),
            line("invalid_request_line", 400, "GET  / HTTP/1.1"),
            line("invalid_request_line", 400, "GET /  HTTP/1.1"),
            line("invalid_request_line", 400, "GET / HTTP/1.1 "),
            line("invalid_version", 400, "GET / http/1.1"),
            line("invalid_version", 400, "GET / HTTP/1.10"),
            line("invalid_request_line", 400, "GET /"),
            line("unsupported_version", 505, "GET / HTTP/2.0"),
            line("unsupported_version", 505, "GET / HTTP/0.9"),
            line(
                "method_too_long",
                501,
                &format!("{} / HTTP/1.1", "M".repeat(129)),
            ),
            line(
                "request_line_too_long",
                414,
                &format!("GET /{long} HTTP/1.1"),
            ),
        ],
        0,
    );
}

#[test]
fn targets() {
    refused(
        &[
            line("malformed_target", 400, "GET foo HTTP/1.1"),
            line("invalid_target_byte", 400, "GET /a\\b HTTP/1.1"),
            line("invalid_target_byte", 400, "GET /a#b HTTP/1.1"),
            line("invalid_target_byte", 400, "GET /\u{e9} HTTP/1.1"),
            line("invalid_target_byte", 400, "GET /\0 HTTP/1.1"),
            line("invalid_escape", 400, "GET /%4x HTTP/1.1"),
            line("encoded_nul", 400, "GET /%00 HTTP/1.1"),
            line("path_not_utf8", 400, "GET /%ff HTTP/1.1"),
            line("invalid_authority", 400, "GET http:///a HTTP/1.1"),
            line("user_info_in_target", 400, "GET http://user@a/ HTTP/1.1"),
            line("unsupported_scheme", 421, "GET ftp://a/ HTTP/1.1"),
            line("scheme_mismatch", 421, "GET https://a/ HTTP/1.1"),
            line("authority_form_required", 400, "CONNECT / HTTP/1.1"),
            line("connect_method_required", 405, "GET a:80 HTTP/1.1"),
            line("options_method_required", 405, "GET * HTTP/1.1"),
        ],
        0,
    );
}

#[test]
fn a_method_that_the_target_does_not_allow_is_told_which_one_would() {
    let server = TestServer::start(read);
    for (target, allowed) in [("a:80", "CONNECT"), ("*", "OPTIONS")] {
        let mut client = server.connect();
        let response = client.get(target);
        assert_eq!(
            (response.status, response.field("allow")),
            (405, Some(allowed))
        );
        client.expect_end();
    }
    server.finish();
}

#[test]
fn field_lines() {
    let long = "a".repeat(32_755);
    let many = "a: b\r\n".repeat(100);
    refused(
        &[
            fields("bare_line_feed", 400, "Host: a\nX: b\r\n"),
            fields("bare_carriage_return", 400, "Host: a\rb\r\n"),
            fields("space_before_first_field", 400, " Host: a\r\n"),
            fields("obs_fold", 400, "Host: a\r\nX: b\r\n c\r\n"),
            fields("obs_fold", 400, "Host: a\r\nX: b\r\n\tc\r\n"),
            fields("space_before_colon", 400, "Host : a\r\n"),
            fields("missing_colon", 400, "Host: a\r\nnonsense\r\n"),
            fields("empty_field_name", 400, "Host: a\r\n: b\r\n"),
            fields("invalid_field_name", 400, "Host: a\r\nX Y: b\r\n"),
            fields("invalid_field_name", 400, "Host: a\r\nX\0: b\r\n"),
            fields("nul_in_field_value", 400, "Host: a\r\nX: \0\r\n"),
            fields(
                "control_in_field_value",
                400,
                "Host: a\r\nX: \u{1b}[31m\r\n",
            ),
            fields("control_in_field_value", 400, "Host: a\r\nX: \u{7f}\r\n"),
            fields("head_too_large", 431, &format!("Host: a\r\nX: {long}\r\n")),
            fields("too_many_fields", 431, &format!("Host: a\r\n{many}")),
        ],
        0,
    );
}

#[test]
fn hosts() {
    refused(
        &[
            fields("missing_host", 400, ""),
            fields("multiple_hosts", 400, "Host: a\r\nHost: a\r\n"),
            fields("invalid_host", 400, "Host: a/b\r\n"),
            fields("invalid_host", 400, "Host: a, b\r\n"),
            fields("invalid_host", 400, "Host: user@a\r\n"),
            fields("invalid_host", 400, "Host: a:65536\r\n"),
            line("host_mismatch", 400, "CONNECT b:443 HTTP/1.1"),
            line("host_mismatch", 400, "CONNECT a:8443 HTTP/1.1"),
        ],
        0,
    );
}

#[test]
fn framing() {
    let te = |value: &str| format!("Host: a\r\nTransfer-Encoding: {value}\r\n");
    refused(
        &[
            fields(
                "empty_content_length",
                400,
                "Host: a\r\nContent-Length:\r\n",
            ),
            fields(
                "signed_content_length",
                400,
                "Host: a\r\nContent-Length: +5\r\n",
            ),
            fields(
                "signed_content_length",
                400,
                "Host: a\r\nContent-Length: -5\r\n",
            ),
            fields(
                "content_length_overflow",
                400,
                "Host: a\r\nContent-Length: 18446744073709551616\r\n",
            ),
            fields(
                "invalid_content_length",
                400,
                "Host: a\r\nContent-Length: 0x5\r\n",
            ),
            fields(
                "multiple_content_lengths",
                400,
                "Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
            ),
            fields(
                "multiple_content_lengths",
                400,
                "Host: a\r\nContent-Length: 5, 5\r\n",
            ),
            fields(
                "content_length_with_transfer_encoding",
                400,
                "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            ),
            fields(
                "repeated_chunked_coding",
                400,
                &(te("chunked") + "Transfer-Encoding: chunked\r\n"),
            ),
            fields("final_transfer_coding_not_chunked", 400, &te("identity")),
            fields(
                "final_transfer_coding_not_chunked",
                400,
                &te("chunked, gzip"),
            ),
            fields("repeated_chunked_coding", 400, &te("chunked, chunked")),
            fields("unsupported_transfer_coding", 501, &te("gzip, chunked")),
            fields(
                "unknown_expectation",
                417,
                "Host: a\r\nContent-Length: 5\r\nExpect: 200-ok\r\n",
            ),
            case(
                "transfer_encoding_in_http10",
                400,
                "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            case("length_required_http10", 400, "POST / HTTP/1.0\r\n\r\n"),
            case("length_required_http10", 400, "PUT / HTTP/1.0\r\n\r\n"),
        ],
        0,
    );
}

#[test]
fn chunked_bodies() {
    let padding = "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n".repeat(700);
    refused(
        &[
            chunked("invalid_chunk_size", 400, "\r\n"),
            chunked("invalid_chunk_size", 400, "g\r\n"),
            chunked("invalid_chunk_size", 400, "-1\r\n"),
            chunked("invalid_chunk_size", 400, "0x1\r\n"),
            chunked("invalid_chunk_size", 400, "1\nx"),
            chunked("chunk_size_too_long", 400, "00000000000000001\r\n"),
            chunked("invalid_chunk_extension", 400, "1;\r\nx"),
            chunked("invalid_chunk_extension", 400, "1;a\nx"),
            chunked("invalid_chunk_extension", 400, "1;a\rx"),
            chunked(
                "chunk_extension_too_long",
                400,
                &format!("1;{}\r\n", "a".repeat(256)),
            ),
            chunked("invalid_chunk_suffix", 400, "1\r\nxy"),
            chunked("invalid_chunk_suffix", 400, "1\r\nx\n0\r\n\r\n"),
            chunked("chunk_overhead", 400, &padding),
            chunked(
                "trailers_too_large",
                431,
                &format!("0\r\na: {}\r\n\r\n", "a".repeat(8188)),
            ),
            chunked(
                "too_many_trailers",
                431,
                &format!("0\r\n{}\r\n", "a: b\r\n".repeat(33)),
            ),
            chunked("forbidden_trailer", 400, "0\r\nContent-Length: 5\r\n\r\n"),
            chunked("forbidden_trailer", 400, "0\r\nHost: b\r\n\r\n"),
            chunked("obs_fold", 400, "0\r\na: b\r\n c\r\n\r\n"),
            chunked("nul_in_field_value", 400, "0\r\na: \0\r\n\r\n"),
        ],
        1,
    );
}

#[test]
fn nothing_behind_a_refused_request_is_answered() {
    let server = TestServer::start(read);
    let mut client = server.connect();
    let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send([good, "GET / HTTP/1.1\r\n\r\n", good].concat());
    assert_eq!(client.response().status, 200);
    assert_eq!(client.response().status, 400);
    client.expect_end();
    assert_eq!(server.stats().requests, 1);
    drop(client);
    server.finish();
}
