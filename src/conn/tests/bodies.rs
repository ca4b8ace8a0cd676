//! Request bodies: framing, trailers, 100-continue, limits, what is not read.

use super::*;
use crate::http::{BodyError, ResponseError, Status};

async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let body = ctx.body().read_to_end(1 << 20).await?;
    let trailer = ctx
        .body()
        .trailers()
        .and_then(|fields| fields.get("Sum").map(<[u8]>::to_vec));
    let trailer = String::from_utf8(trailer.unwrap_or_default())?;
    ctx.text(&format!("{}{trailer}", String::from_utf8(body)?))?;
    Ok(())
}

async fn ignore(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    ctx.text("ignored")
}

#[test]
fn bodies_of_both_framings() {
    let sized = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    let (output, close) = everyway(|| Peer::new(echo), sized);
    assert_eq!((output, close), (text_response("hello"), Close::No));
    let chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
        2;a=\"b\"\r\nhe\r\n3\r\nllo\r\n0\r\nSum: !\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(echo), chunked);
    assert_eq!((output, close), (text_response("hello!"), Close::No));
}

#[test]
fn the_next_request_begins_where_the_body_ends() {
    let input =
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n\
        POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb\
        POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(echo), input);
    assert_eq!(
        output,
        text_response("a") + &text_response("b") + &text_response("")
    );
    assert_eq!(close, Close::No);
}

#[test]
fn continue_is_sent_when_the_handler_reads() {
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let mut peer = Peer::new(echo);
    peer.send(head);
    assert_eq!(peer.received(), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send(b"ok");
    assert_eq!(peer.received(), text_response("ok"));
    assert_eq!(peer.close(), Close::No);
    peer.finish();
}

#[test]
fn without_continue_the_connection_closes() {
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(ignore), head);
    assert!(
        output.starts_with("HTTP/1.1 200 "),
        "no 100 first: {output}"
    );
    assert!(output.contains("Connection: close\r\n"), "{output}");
    assert_eq!(close, Close::Linger);
}

#[test]
fn an_unread_body_is_forgotten_and_the_connection_stays() {
    let input = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\
        POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\
        GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let (output, close) = everyway(|| Peer::new(ignore), input);
    assert_eq!(output, text_response("ignored").repeat(3));
    assert_eq!(close, Close::No);
}

#[test]
fn a_body_over_the_limit_is_413() {
    let limits = || Limits {
        body_bytes_max: Some(4),
        ..Limits::default()
    };
    for input in [
        &b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"[..],
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let (output, close) = everyway(|| Peer::with_limits(echo, limits()), input);
        assert!(output.starts_with("HTTP/1.1 413 "), "{output}");
        assert!(output.contains("Connection: close\r\n"), "{output}");
        assert_eq!(close, Close::Linger);
    }
}

#[test]
fn a_request_may_lift_its_limit_before_it_reads() {
    let handler = async |ctx: &mut HttpContext| {
        ctx.body().limit(None)?;
        let body = ctx.body().read_to_end(100).await?;
        assert!(
            ctx.body().limit(Some(1)).is_err(),
            "the limit is fixed by the first read"
        );
        ctx.text(std::str::from_utf8(&body)?)?;
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    let limits = || Limits {
        body_bytes_max: Some(4),
        ..Limits::default()
    };
    let input = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    let (output, _) = everyway(|| Peer::with_limits(handler, limits()), input);
    assert_eq!(output, text_response("hello"));
}

#[test]
fn a_malformed_body_reaches_the_handler_and_closes() {
    let input = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    let (output, close) = everyway(|| Peer::new(echo), input);
    assert!(output.starts_with("HTTP/1.1 400 "), "{output}");
    assert!(output.contains("Connection: close\r\n"), "{output}");
    assert_eq!(close, Close::Linger);
    let own_answer = async |ctx: &mut HttpContext| {
        let error = ctx.body().chunk().await.unwrap_err();
        assert!(
            matches!(
                error,
                BodyError::Malformed {
                    status: Status::BAD_REQUEST,
                    ..
                }
            ),
            "{error}"
        );
        ctx.text("seen")
    };
    let (output, close) = everyway(|| Peer::new(own_answer), input);
    assert!(
        output.contains("Connection: close\r\n") && output.ends_with("seen"),
        "{output}"
    );
    assert_eq!(close, Close::Linger);
}

#[test]
fn the_end_of_input_within_a_body_ends_the_exchange() {
    let mut peer = Peer::new(echo);
    peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
    peer.end();
    assert!(peer.received().starts_with("HTTP/1.1 400 "));
    assert_eq!(peer.counters.rejected.get("incomplete_body"), Some(&1));
    assert_ne!(peer.close(), Close::No);
    peer.finish();
}

#[test]
fn a_half_closed_peer_is_still_answered() {
    let handler = async |ctx: &mut HttpContext| {
        pending_once().await;
        ctx.text("late")
    };
    let mut peer = Peer::new(handler);
    let key = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let slice = peer.pool.fill(key).unwrap();
    peer.connection.receive(slice, &mut peer.resources);
    peer.connection.receive_end();
    for _ in 0..4 {
        peer.run();
    }
    let output = peer.received();
    assert_eq!(output.matches("HTTP/1.1 200 ").count(), 2, "{output}");
    assert_ne!(peer.close(), Close::No);
    peer.finish();
}

#[test]
fn a_half_closed_peer_gets_answers_that_had_to_wait_for_room() {
    let limits = Limits {
        response_buffer_bytes_max: 1024,
        ..Limits::default()
    };
    let mut peer = Peer::with_limits(async |ctx: &mut HttpContext| ctx.text("x"), limits);
    // HEAD: an answer with a body would wait in its exchange, not in the backlog.
    let requests = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let slice = peer.pool.fill(&requests).unwrap();
    peer.connection.receive(slice, &mut peer.resources);
    peer.connection.receive_end();
    peer.run();
    let output = peer.received();
    assert_eq!(output.matches("HTTP/1.1 200 ").count(), 100, "{output}");
    assert_ne!(peer.close(), Close::No);
    peer.finish();
}

#[test]
fn a_handler_that_does_not_read_holds_the_peer_back() {
    let limits = Limits {
        request_buffer_bytes_max: 64 * 1024,
        ..Limits::default()
    };
    let mut peer = Peer::with_limits(
        async |_: &mut HttpContext| std::future::pending::<()>().await,
        limits,
    );
    peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    let mut accepted = 0;
    while peer.with(|connection, turn, _| connection.wants_input(turn)) {
        peer.send(&[b'x'; 4096]);
        accepted += 4096;
        assert!(accepted <= 4 * 64 * 1024, "the peer is never held back");
    }
    peer.tasks.clear();
    peer.finish();
}
