//! Who is waited for at the end of an HTTP/1 connection (RFC 9112, 9.6), and who is not.

use super::*;
use crate::http::{BodyError, ResponseError};

async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let body = ctx.body().read_to_end(16).await?;
    Ok(ctx.bytes("text/plain", body)?)
}

async fn ignore(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    ctx.text("ignored")
}

/// A request whose head ends with these lines.
fn request(lines: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}\r\n").into_bytes()
}

#[test]
fn a_peer_that_is_done_is_not_waited_for() {
    for input in [
        request("Connection: close\r\n"),
        request("Connection: foo, Close\r\nContent-Length: 0\r\n"),
        [
            request("Connection: close\r\nContent-Length: 4\r\n"),
            b"body".to_vec(),
        ]
        .concat(),
        [
            request("Connection: close\r\nTransfer-Encoding: chunked\r\n"),
            b"2\r\nbo\r\n2\r\ndy\r\n0\r\nSum: 1\r\n\r\n".to_vec(),
        ]
        .concat(),
        b"GET / HTTP/1.0\r\n\r\n".to_vec(),
        b"POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody".to_vec(),
    ] {
        let (output, close) = everyway(|| Peer::new(echo), &input);
        assert!(output.starts_with("HTTP/1.1 200 "), "{output}");
        assert!(output.contains("\r\nConnection: close\r\n"), "{output}");
        assert_eq!(close, Close::Agreed, "{}", input.escape_ascii());
    }
}

#[test]
fn a_peer_that_sends_more_is_waited_for() {
    for more in ["\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "x"] {
        let input = [request("Connection: close\r\n"), more.as_bytes().to_vec()].concat();
        let (_, close) = everyway(|| Peer::new(echo), &input);
        assert_eq!(close, Close::Linger, "{more:?}");
    }
}

#[test]
fn a_peer_that_was_not_heard_out_is_waited_for() {
    for lines in [
        "Connection: close\r\nContent-Length: 4\r\n",
        "Connection: close\r\nContent-Length: 4\r\nExpect: 100-continue\r\n",
        "Connection: close\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let (output, close) = everyway(|| Peer::new(ignore), &request(lines));
        assert!(output.ends_with("ignored"), "{output}");
        assert_eq!(close, Close::Linger, "{lines:?}");
    }
}

#[test]
fn a_body_that_fails_is_waited_for() {
    let read = async |ctx: &mut HttpContext| {
        let error = ctx.body().read_to_end(usize::MAX).await.err();
        assert!(matches!(
            error,
            Some(BodyError::Malformed { .. } | BodyError::TooLarge)
        ));
        ctx.text("failed")
    };
    for (lines, body) in [
        ("Transfer-Encoding: chunked\r\n", "x\r\n"),
        ("Content-Length: 17\r\n", "12345678901234567"),
    ] {
        let lines = format!("Connection: close\r\n{lines}");
        let input = [request(&lines), body.as_bytes().to_vec()].concat();
        let limits = Limits {
            body_bytes_max: Some(16),
            ..Limits::default()
        };
        let mut peer = Peer::with_limits(read, limits);
        peer.send(&input);
        assert!(peer.received().ends_with("failed"));
        assert_eq!(peer.close(), Close::Linger, "{lines:?}");
        peer.finish();
    }
}

#[test]
fn a_peer_that_said_nothing_of_it_is_waited_for() {
    let close = async |ctx: &mut HttpContext| {
        ctx.field("Connection", "close")?;
        ctx.text("the server's wish")
    };
    let (_, closed) = everyway(|| Peer::new(close), &request(""));
    assert_eq!(closed, Close::Linger);
    let mut peer = Peer::new(ignore);
    peer.draining = true;
    peer.send(&request(""));
    assert_eq!(peer.close(), Close::Linger);
    peer.finish();
    // Refused: it may have sent for the tunnel already.
    let connect = b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\n\r\n";
    let refuse = async |ctx: &mut HttpContext| {
        ctx.status(crate::http::Status::FORBIDDEN)?;
        ctx.text("no")
    };
    let (output, closed) = everyway(|| Peer::new(refuse), connect);
    assert!(output.starts_with("HTTP/1.1 403 "), "{output}");
    assert_eq!(closed, Close::Linger);
}

#[test]
fn one_that_has_closed_is_not_waited_for_either() {
    let mut peer = Peer::new(echo);
    peer.reads = false;
    peer.send(&request("Connection: close\r\n"));
    assert_eq!(peer.close(), Close::Agreed);
    peer.end();
    assert_eq!(peer.close(), Close::Now);
    peer.finish();
}
