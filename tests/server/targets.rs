//! The target of a request: its forms, the decoded path, the raw text (RFC 9112, 3.2).

#![allow(clippy::unwrap_used)]

use crate::support::TestServer;
use lanner::HttpContext;

#[test]
fn every_form_reaches_the_handler_decoded_and_raw() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let text = {
            let request = ctx.request();
            format!(
                "{} {:?} path={} query={} authority={} raw={}",
                request.method_text(),
                request.target_form(),
                request.path(),
                request.query().unwrap_or("none"),
                request.authority().unwrap_or("none"),
                request.target(),
            )
        };
        ctx.text(&text)
    });
    let table = [
        (
            "GET / ",
            "a",
            "GET Origin path=/ query=none authority=a raw=/",
        ),
        (
            "GET /a?b=%20?c ",
            "a",
            "GET Origin path=/a query=b=%20?c authority=a raw=/a?b=%20?c",
        ),
        (
            "GET /? ",
            "a:80",
            "GET Origin path=/ query= authority=a:80 raw=/?",
        ),
        (
            "GET /%41%2f%C3%A9/../b/./c ",
            "a",
            "GET Origin path=/b/c query=none authority=a raw=/%41%2f%C3%A9/../b/./c",
        ),
        (
            "GET /a%2Fb%20c ",
            "a",
            "GET Origin path=/a%2Fb c query=none authority=a raw=/a%2Fb%20c",
        ),
        (
            "GET /%2e%2E/x ",
            "a",
            "GET Origin path=/x query=none authority=a raw=/%2e%2E/x",
        ),
        (
            "GET http://Example.com:81/a/../b?c ",
            "example.com:81",
            "GET Absolute path=/b query=c authority=Example.com:81 raw=http://Example.com:81/a/../b?c",
        ),
        (
            "GET http://example.com/ ",
            "another.example",
            "GET Absolute path=/ query=none authority=example.com raw=http://example.com/",
        ),
        (
            "GET http://a ",
            "a",
            "GET Absolute path=/ query=none authority=a raw=http://a",
        ),
        (
            "GET http://a?q ",
            "a",
            "GET Absolute path=/ query=q authority=a raw=http://a?q",
        ),
        (
            "OPTIONS * ",
            "a",
            "OPTIONS Asterisk path= query=none authority=a raw=*",
        ),
        (
            "PROPFIND /x ",
            "a",
            "PROPFIND Origin path=/x query=none authority=a raw=/x",
        ),
    ];
    let mut client = server.connect();
    for (line, host, expected) in table {
        client.send(format!("{line}HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let response = client.response();
        assert_eq!(
            (response.status, response.text()),
            (200, expected),
            "{line}"
        );
    }
    drop(client);
    server.finish();
}
