//! Requests and responses in order: keep-alive, pipelining, framing, upgrade.

use super::*;
use crate::http::{FieldSection, Method, ResponseError, Status};

async fn path(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let path = ctx.request().path().to_owned();
    ctx.text(&path)
}

#[test]
fn requests_are_answered_in_order_and_the_connection_stays() {
    let input = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(path), input);
    assert_eq!(output, text_response("/a") + &text_response("/b"));
    assert_eq!(close, Close::No);
}

#[test]
fn a_slow_handler_holds_back_the_requests_behind_it() {
    let handler = async |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        if path == "/slow" {
            pending_once().await;
        }
        ctx.text(&path)
    };
    let input = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /fast HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut peer = Peer::new(handler);
    peer.send(input);
    peer.run();
    assert_eq!(
        peer.received(),
        text_response("/slow") + &text_response("/fast")
    );
    peer.finish();
}

#[test]
fn close_is_said_and_done() {
    let input = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(path), input);
    assert!(output.contains("\r\nConnection: close\r\n"), "{output}");
    assert!(
        !output.contains("/b"),
        "nothing after close is answered: {output}"
    );
    assert_eq!(close, Close::Linger);
}

#[test]
fn http10_closes_unless_it_asks_to_stay() {
    let (output, close) = everyway(|| Peer::new(path), b"GET /a HTTP/1.0\r\n\r\n");
    assert!(output.contains("\r\nConnection: close\r\n"), "{output}");
    assert_eq!(close, Close::Agreed);
    let input = b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(path), input);
    assert!(
        output.contains("\r\nConnection: keep-alive\r\n"),
        "{output}"
    );
    assert_eq!(close, Close::No);
}

#[test]
fn head_has_the_length_and_no_body() {
    let (output, close) = everyway(|| Peer::new(path), b"HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(output.contains("\r\nContent-Length: 4\r\n"), "{output}");
    assert!(output.ends_with("\r\n\r\n"), "{output}");
    assert_eq!(close, Close::No);
}

#[test]
fn some_statuses_have_no_body_whatever_the_handler_writes() {
    for (status, length) in [(204, false), (304, false), (205, true)] {
        let make = || {
            Peer::new(async move |ctx: &mut HttpContext| {
                ctx.status(Status::new(status).unwrap())?.text("not sent")
            })
        };
        let (output, close) = everyway(make, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(
            output.starts_with(&format!("HTTP/1.1 {status} ")),
            "{output}"
        );
        assert!(!output.contains("not sent"), "{output}");
        assert_eq!(output.contains("Content-Length: 0\r\n"), length, "{output}");
        assert_eq!(close, Close::No);
    }
}

#[test]
fn a_streamed_response_is_chunked_and_may_have_trailers() {
    let handler = async |ctx: &mut HttpContext| {
        ctx.write("one").await?;
        ctx.flush().await?;
        ctx.write("two").await?;
        ctx.trailer("Digest", "abc")?;
        Ok::<(), ResponseError>(())
    };
    let (output, close) = everyway(|| Peer::new(handler), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        output.contains("\r\nTransfer-Encoding: chunked\r\n"),
        "{output}"
    );
    assert!(
        output.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nDigest: abc\r\n\r\n"),
        "{output}"
    );
    assert_eq!(close, Close::No);
}

#[test]
fn a_streamed_response_to_http10_ends_with_the_connection() {
    let handler = async |ctx: &mut HttpContext| {
        ctx.write("one").await?;
        ctx.flush().await?;
        ctx.write("two").await
    };
    let input = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(handler), input);
    assert!(output.contains("\r\nConnection: close\r\n"), "{output}");
    assert!(output.ends_with("\r\n\r\nonetwo"), "{output}");
    assert_eq!(close, Close::Linger);
}

#[test]
fn a_wrong_length_is_a_500_before_the_head_and_a_broken_end_after_it() {
    let early = async |ctx: &mut HttpContext| {
        ctx.field("Content-Length", "10")?;
        ctx.write("short").await
    };
    let (output, close) = everyway(|| Peer::new(early), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(output.starts_with("HTTP/1.1 500 "), "{output}");
    assert_eq!(close, Close::Linger);
    let late = async |ctx: &mut HttpContext| {
        ctx.field("Content-Length", "10")?;
        ctx.write("short").await?;
        ctx.flush().await
    };
    let (output, close) = everyway(|| Peer::new(late), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        output.contains("Content-Length: 10\r\n") && output.ends_with("short"),
        "{output}"
    );
    assert_eq!(close, Close::Linger);
    let over = async |ctx: &mut HttpContext| {
        ctx.field("Content-Length", "2")?;
        ctx.start()?;
        assert_eq!(ctx.write("long").await, Err(ResponseError::LengthExceeded));
        ctx.write("ok").await
    };
    let (output, close) = everyway(|| Peer::new(over), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(output.ends_with("\r\n\r\nok"), "{output}");
    assert_eq!(close, Close::No);
}

#[test]
fn an_interim_status_is_no_response() {
    for status in [100, 101, 103, 199] {
        let handler =
            async move |ctx: &mut HttpContext| ctx.status(Status::new(status).unwrap())?.text("x");
        let (output, _) = everyway(|| Peer::new(handler), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(output.starts_with("HTTP/1.1 500 "), "{output}");
    }
}

#[test]
fn failures_of_the_handler() {
    let error = async |_: &mut HttpContext| Err::<(), _>(std::fmt::Error);
    let (output, close) = everyway(|| Peer::new(error), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(output.starts_with("HTTP/1.1 500 "), "{output}");
    assert_eq!(close, Close::No);
    let truncated = async |ctx: &mut HttpContext| {
        ctx.write("part").await?;
        ctx.flush().await?;
        Err::<(), Box<dyn std::error::Error>>(Box::new(std::fmt::Error))
    };
    let (output, close) = everyway(
        || Peer::new(truncated),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    assert!(output.ends_with("4\r\npart\r\n"), "no last chunk: {output}");
    assert_eq!(close, Close::Linger);
    let aborted = async |ctx: &mut HttpContext| ctx.abort();
    let (output, close) = everyway(|| Peer::new(aborted), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((output.as_str(), close), ("", Close::Reset));
}

#[test]
fn interim_responses_come_first() {
    let handler = async |ctx: &mut HttpContext| {
        let mut hints = FieldSection::default();
        hints.append("Link", "</a.css>; rel=preload").unwrap();
        ctx.informational(Status::EARLY_HINTS, hints)?;
        assert_eq!(
            ctx.informational(Status::SWITCHING_PROTOCOLS, FieldSection::default()),
            Err(ResponseError::NotInformational)
        );
        ctx.text("page")
    };
    let (output, _) = everyway(|| Peer::new(handler), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    assert_eq!(output, hints.to_owned() + &text_response("page"));
}

#[test]
fn an_upgrade_gives_a_raw_stream() {
    let handler = async |ctx: &mut HttpContext| {
        let mut stream = ctx.upgrade("echo")?;
        while let Ok(Some(chunk)) = stream.read().await {
            stream.write(&chunk).await?;
        }
        Ok::<(), ResponseError>(())
    };
    let mut peer = Peer::new(handler);
    peer.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst");
    let output = peer.received();
    assert!(output.starts_with("HTTP/1.1 101 "), "{output}");
    assert!(
        output.contains("Upgrade: echo\r\n") && output.contains("Connection: Upgrade\r\n"),
        "{output}"
    );
    assert!(output.ends_with("\r\n\r\nfirst"), "{output}");
    peer.send(b"second");
    assert_eq!(peer.received(), "second");
    assert_eq!(peer.close(), Close::No);
    peer.end();
    assert_ne!(
        peer.close(),
        Close::No,
        "the stream's end ends the connection"
    );
    peer.finish();
}

#[test]
fn connect_gives_a_tunnel_or_closes() {
    let accept = async |ctx: &mut HttpContext| {
        assert_eq!(ctx.method(), Method::Connect);
        let mut stream = ctx.upgrade("")?;
        stream.write("tunnel").await
    };
    let (output, close) = everyway(
        || Peer::new(accept),
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    );
    assert!(
        output.starts_with("HTTP/1.1 200 ") && output.ends_with("\r\n\r\ntunnel"),
        "{output}"
    );
    assert!(
        !output.contains("Content-Length") && !output.contains("Upgrade"),
        "{output}"
    );
    assert_eq!(close, Close::Linger);
    let refuse = async |ctx: &mut HttpContext| ctx.status(Status::FORBIDDEN).map(|_| ());
    let (output, close) = everyway(
        || Peer::new(refuse),
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    );
    assert!(output.starts_with("HTTP/1.1 403 "), "{output}");
    assert_eq!(close, Close::Linger);
}

/// RFC 9110, 9.3.6: after a 2xx the peer speaks through the tunnel. Where there is none the answer is
/// another, and what comes behind the request is no request (RFC 9112, 6.3).
#[test]
fn a_connect_that_is_granted_without_a_tunnel_is_not() {
    let input =
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let whole = async |ctx: &mut HttpContext| {
        assert_eq!(ctx.method(), Method::Connect);
        ctx.field("x", "y")?.text("granted")
    };
    let streamed = async |ctx: &mut HttpContext| {
        assert_eq!(ctx.method(), Method::Connect);
        ctx.write("granted").await?;
        ctx.flush().await?;
        ctx.write("still").await
    };
    let answer = "HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\
                  Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: Lanner\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(whole), input);
    assert_eq!((output.as_str(), close), (answer, Close::Linger));
    let (output, close) = everyway(|| Peer::new(streamed), input);
    assert_eq!((output.as_str(), close), (answer, Close::Linger));
}

#[test]
fn a_plain_request_cannot_be_upgraded() {
    let handler = async |ctx: &mut HttpContext| {
        assert_eq!(
            ctx.upgrade("echo").map(|_| ()),
            Err(ResponseError::NotUpgradable)
        );
        ctx.text("plain")
    };
    let (output, _) = everyway(|| Peer::new(handler), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(output, text_response("plain"));
}
