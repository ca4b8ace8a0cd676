//! CONNECT and extended CONNECT (RFC 9113, 8.5; RFC 8441): streams as raw bytes both ways.

use super::*;

/// Upgrades and echoes, each chunk by itself, until the peer has finished.
async fn tunnel(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    if ctx.request().path() == "/alive" {
        return Ok(ctx.text("alive")?);
    }
    let said = format!(
        "{:?} {:?}",
        ctx.request().target(),
        ctx.request().protocol()
    );
    ctx.field("seen", said)?;
    let mut stream = ctx.upgrade("ignored")?;
    while let Some(chunk) = stream.read().await? {
        stream.write(&chunk).await?;
    }
    stream.write("bye").await?;
    Ok(())
}

fn connect(stream: u32) -> Frames {
    Frames::new().headers(
        stream,
        &[(":method", "CONNECT"), (":authority", "b:1")],
        false,
    )
}

fn websocket(stream: u32) -> Frames {
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", "/chat"),
        ("sec-websocket-version", "13"),
    ];
    Frames::new().headers(stream, &fields, false)
}

#[test]
fn a_tunnel_is_a_raw_stream_both_ways() {
    let cases = [
        (connect(1), "HEADERS 1 200 seen: \"b:1\" None"),
        (
            websocket(1),
            "HEADERS 1 200 seen: \"/chat\" Some(\"websocket\")",
        ),
    ];
    for (head, answer) in cases {
        let mut http2 = Http2::new(tunnel);
        http2.exchange(&head, &[answer]);
        http2.exchange(Frames::new().data(1, "one", false), &["DATA 1 \"one\""]);
        http2.assert_alive(3);
        http2.exchange(
            Frames::new().padded(1, "two", 2, false),
            &["DATA 1 \"two\""],
        );
        http2.exchange(
            Frames::new().data(1, "three", true),
            &["DATA 1 \"threebye\" ES"],
        );
        assert_eq!(http2.census(), Census::default());
        http2.finish();
        let frames = head.data(1, "one", false).data(1, "two", true);
        assert_eq!(answers(tunnel, frames), [answer, "DATA 1 \"onetwobye\" ES"]);
    }
}

#[test]
fn the_server_may_end_its_half_first() {
    let application = async |ctx: &mut HttpContext| -> Result<(), ResponseError> {
        if ctx.request().path() == "/alive" {
            return ctx.text("alive");
        }
        let mut stream = ctx.upgrade("")?;
        stream.write("only").await
    };
    let mut http2 = Http2::new(application);
    http2.exchange(connect(1), &["HEADERS 1 200", "DATA 1 \"only\" ES"]);
    // What the peer still says is forgotten for a while.
    http2.exchange(Frames::new().data(1, "late", false), &[]);
    http2.wait(Duration::from_secs(5));
    http2.expect(&["RST_STREAM 1 NO_ERROR"]);
    http2.assert_alive(3);
    http2.finish();
}

#[test]
fn a_stream_that_ends_before_it_is_accepted_has_its_bytes_and_its_end() {
    let application = async |ctx: &mut HttpContext| {
        pending_once().await;
        tunnel(ctx).await
    };
    let mut http2 = Http2::new(application);
    http2.exchange(connect(1).data(1, "early", true), &[]);
    http2.run();
    http2.expect(&["HEADERS 1 200 seen: \"b:1\" None", "DATA 1 \"earlybye\" ES"]);
    assert_eq!(http2.census(), Census::default());
    http2.finish();
}

#[test]
fn a_stream_that_is_reset_before_it_is_accepted_is_no_upgrade() {
    let gate = Gate::default();
    let refused = Rc::new(Cell::new(None));
    let (held, report) = (gate.clone(), Rc::clone(&refused));
    let application = async move |ctx: &mut HttpContext| {
        while !held.0.get() {
            pending_once().await;
        }
        report.set(ctx.upgrade("").err());
    };
    let mut http2 = Http2::new(application);
    http2.exchange(connect(1).reset(1, code::CANCEL), &[]);
    assert_eq!(http2.census().abandoned, 1);
    gate.open();
    http2.run();
    assert_eq!(refused.get(), Some(ResponseError::Aborted));
    assert_eq!(http2.peer.tasks.len(), 0);
    assert_eq!(http2.census(), Census::default());
    http2.finish();
}

#[test]
fn a_tunnel_that_is_reset_ends_both_ways() {
    let mut http2 = Http2::new(tunnel);
    http2.exchange(
        connect(1).data(1, "one", false),
        &["HEADERS 1 200 seen: \"b:1\" None", "DATA 1 \"one\""],
    );
    http2.exchange(Frames::new().reset(1, code::CANCEL), &[]);
    assert_eq!(http2.peer.tasks.len(), 0);
    assert_eq!(http2.census(), Census::default());
    http2.assert_alive(3);
    http2.finish();
}

#[test]
fn a_refused_connect_is_answered_like_any_request() {
    let application = async |ctx: &mut HttpContext| match ctx.request().path() {
        "/alive" => ctx.text("alive"),
        _ => ctx.status(Status::FORBIDDEN)?.text("no"),
    };
    let [_, content] = text_lines(1, "no");
    let mut http2 = Http2::new(application);
    http2.exchange(connect(1), &[&text_head(1, 403, 2), &content]);
    http2.wait(Duration::from_secs(5));
    http2.expect(&["RST_STREAM 1 NO_ERROR"]);
    http2.assert_alive(3);
    http2.finish();
}

/// RFC 9110, 9.3.6: a 2xx promises a tunnel, so one that is no upgrade is not sent.
#[test]
fn a_connect_that_is_granted_without_a_tunnel_is_not() {
    let whole = async |ctx: &mut HttpContext| ctx.text("granted");
    let streamed = async |ctx: &mut HttpContext| {
        ctx.write("granted").await?;
        ctx.flush().await?;
        ctx.write("still").await
    };
    for head in [connect(1), websocket(1)] {
        let head = head.data(1, "tunnel bytes", false);
        assert_eq!(
            answers(whole, head.clone()),
            ["HEADERS 1 501 content-length: 0 ES"]
        );
        assert_eq!(
            answers(streamed, head),
            ["HEADERS 1 501 content-length: 0", "DATA 1 ES"]
        );
    }
}

#[test]
fn what_is_no_connect_is_not_upgraded() {
    let application = async |ctx: &mut HttpContext| {
        let refused = ctx.upgrade("websocket").err();
        assert_eq!(refused, Some(ResponseError::NotUpgradable));
        ctx.text("plain")
    };
    let fields = [("sec-websocket-version", "13")];
    let get = Frames::new().request_with(1, "GET", "/", &fields, true);
    assert_eq!(answers(application, get), text_lines(1, "plain"));
    // Nor is one that has ended already.
    let ended = Frames::new().headers(1, &[(":method", "CONNECT"), (":authority", "b:1")], true);
    let lines = answers(application, ended);
    assert_eq!(lines, ["HEADERS 1 501 content-length: 0 ES"]);
}

#[test]
fn malformed_connects() {
    let connect = (":method", "CONNECT");
    let cases: [(Fields<'_>, &str); 8] = [
        (&[connect], "missing_pseudo_field"),
        (
            &[connect, (":authority", "b:1"), (":path", "/")],
            "connect_with_path_or_scheme",
        ),
        (
            &[connect, (":authority", "b:1"), (":scheme", "http")],
            "connect_with_path_or_scheme",
        ),
        (&[connect, (":authority", "b")], "invalid_authority"),
        (&[connect, (":authority", "/")], "invalid_authority"),
        (
            &[
                connect,
                (":authority", "a"),
                (":protocol", "websocket"),
                (":path", "/"),
            ],
            "missing_pseudo_field",
        ),
        (
            &[
                connect,
                (":authority", "a"),
                (":protocol", "websocket"),
                (":scheme", "http"),
            ],
            "missing_pseudo_field",
        ),
        (
            &[
                connect,
                (":scheme", "http"),
                (":protocol", "websocket"),
                (":path", "/"),
                ("host", "a"),
            ],
            "missing_pseudo_field",
        ),
    ];
    for (fields, name) in cases {
        let mut http2 = Http2::new(tunnel);
        http2.exchange(
            Frames::new().headers(1, fields, false),
            &["RST_STREAM 1 PROTOCOL_ERROR"],
        );
        http2.expect_rejected(&format!("h2_{name}"), 1);
        http2.assert_alive(3);
        http2.finish();
    }
}

#[test]
fn trailers_end_a_tunnel() {
    let frames = connect(1)
        .data(1, "x", false)
        .headers(1, &[("sum", "1")], true);
    let lines = answers(tunnel, frames);
    assert_eq!(
        lines,
        ["HEADERS 1 200 seen: \"b:1\" None", "DATA 1 \"xbye\" ES"]
    );
}
