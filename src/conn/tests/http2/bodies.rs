//! Bodies of requests: DATA and its padding, trailers and lengths.

use super::*;
use crate::features::RequestTrailers;
use crate::http::{BodyError, FieldSection};

/// Answers with the body and the trailer `sum`.
async fn with_trailer(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    if ctx.request().path() == "/alive" {
        return Ok(ctx.text("alive")?);
    }
    let body = ctx.body().read_to_end(1 << 20).await?;
    let sum = ctx
        .body()
        .trailers()
        .map(|trailers| trailers.get("sum").map(<[u8]>::to_vec));
    let text = format!("{} {sum:?}", String::from_utf8(body)?);
    Ok(ctx.text(&text)?)
}

#[test]
fn data_comes_in_pieces_with_padding() {
    let frames = Frames::new()
        .post(1, "/")
        .padded(1, "he", 0, false)
        .data(1, "", false)
        .padded(1, "", 5, false)
        .padded(1, "llo", 255, false)
        .padded(1, " you", 3, true);
    assert_eq!(answers(echo, frames), text_lines(1, "hello you"));
    let empty = Frames::new().post(1, "/").data(1, "", true);
    assert_eq!(
        answers(echo, empty),
        [format!("{} ES", text_head(1, 200, 0))]
    );
    let padding = Frames::new().post(1, "/").padded(1, "", 9, true);
    assert_eq!(
        answers(echo, padding),
        [format!("{} ES", text_head(1, 200, 0))]
    );
}

#[test]
fn padding_counts_for_the_windows_and_is_given_back() {
    let mut http2 = Http2::new(ignore_slowly());
    http2.send(Frames::new().post(1, "/"));
    // A padded frame of 256 bytes without content, so often that a quarter of each window is gone.
    let frame = Frames::new().padded(1, "x", 254, false);
    http2.send(frame.repeat(1_100));
    let lines = http2.lines();
    assert_eq!(lines, ["WINDOW_UPDATE 1 196860", "WINDOW_UPDATE 0 262395"]);
    http2.peer.tasks.clear();
    http2.finish();
}

/// A handler that never ends.
fn ignore_slowly() -> impl AsyncFn(&mut HttpContext) + Clone + 'static {
    async |_: &mut HttpContext| std::future::pending::<()>().await
}

#[test]
fn wrong_padding_ends_the_connection() {
    for payload in [&[][..], &[1], &[2, 0], &[255, 0, 0]] {
        let mut http2 = Http2::new(echo);
        http2.send(
            Frames::new()
                .post(1, "/")
                .frame(kind::DATA, flag::PADDED, 1, payload),
        );
        let (code, name) = if payload.is_empty() {
            ("FRAME_SIZE_ERROR", "h2_frame_too_short")
        } else {
            ("PROTOCOL_ERROR", "h2_padding_too_long")
        };
        http2.expect_failed(&format!("GOAWAY 1 {code} {name}"));
        http2.expect_rejected(name, 1);
        http2.finish();
    }
}

#[test]
fn trailers_reach_the_handler() {
    let frames = Frames::new().post(1, "/").data(1, "x", false).headers(
        1,
        &[("sum", "1"), ("other", "2")],
        true,
    );
    assert_eq!(
        answers(with_trailer, frames),
        text_lines(1, "x Some(Some([49]))")
    );
    let alone = Frames::new().post(1, "/").headers(1, &[("sum", "1")], true);
    assert_eq!(
        answers(with_trailer, alone),
        text_lines(1, " Some(Some([49]))")
    );
    let none = Frames::new().post(1, "/").data(1, "x", true);
    assert_eq!(answers(with_trailer, none), text_lines(1, "x Some(None)"));
    let empty = Frames::new().post(1, "/").headers(1, &[], true);
    assert_eq!(answers(with_trailer, empty), text_lines(1, " Some(None)"));
}

#[test]
fn malformed_trailers_reset_the_stream() {
    let long = "v".repeat(9_000);
    let many: Vec<(&str, &str)> = (0..33).map(|_| ("x", "y")).collect();
    let cases: [(Fields<'_>, bool, &str, &str); 9] = [
        (
            &[("sum", "1")],
            false,
            "PROTOCOL_ERROR",
            "h2_trailers_without_end_stream",
        ),
        (
            &[(":path", "/")],
            true,
            "PROTOCOL_ERROR",
            "h2_pseudo_in_trailers",
        ),
        (
            &[("x", "y"), (":status", "200")],
            true,
            "PROTOCOL_ERROR",
            "h2_pseudo_in_trailers",
        ),
        (
            &[("Sum", "1")],
            true,
            "PROTOCOL_ERROR",
            "h2_uppercase_field_name",
        ),
        (
            &[("connection", "close")],
            true,
            "PROTOCOL_ERROR",
            "h2_connection_specific_field",
        ),
        (
            &[("content-length", "1")],
            true,
            "PROTOCOL_ERROR",
            "h2_forbidden_trailer",
        ),
        (
            &[("host", "b")],
            true,
            "PROTOCOL_ERROR",
            "h2_forbidden_trailer",
        ),
        (
            &[("x", &long)],
            true,
            "ENHANCE_YOUR_CALM",
            "h2_header_list_too_large",
        ),
        (&many, true, "ENHANCE_YOUR_CALM", "h2_too_many_fields"),
    ];
    for (trailers, end, code, name) in cases {
        let mut http2 = Http2::new(with_trailer);
        let frames = Frames::new()
            .post(1, "/")
            .data(1, "x", false)
            .headers(1, trailers, end);
        http2.exchange(frames, &[&format!("RST_STREAM 1 {code}")]);
        http2.expect_rejected(name, 1);
        assert_eq!(http2.census().streams, 0, "the handler has learnt it");
        http2.assert_alive(3);
        http2.finish();
    }
}

#[test]
fn trailers_that_a_handler_looks_at_are_left_alone() {
    let looking = async |ctx: &mut HttpContext| {
        assert_eq!(ctx.body().chunk().await.unwrap().map(|_| ()), None);
        let trailers = ctx.get::<RequestTrailers>().unwrap();
        let fields = trailers.fields().unwrap();
        ctx.informational(Status::EARLY_HINTS, FieldSection::default())
            .unwrap();
        std::future::pending::<()>().await;
        drop(fields);
    };
    let mut http2 = Http2::new(looking);
    http2.exchange(
        Frames::new().post(1, "/").headers(1, &[("sum", "1")], true),
        &["HEADERS 1 103"],
    );
    http2.exchange(
        Frames::new().headers(1, &[("sum", "2")], true),
        &["RST_STREAM 1 STREAM_CLOSED"],
    );
    http2.peer.tasks.clear();
    http2.finish();
}

#[test]
fn a_body_is_as_long_as_it_is_said_to_be() {
    let post = |length: &str| {
        Frames::new().request_with(1, "POST", "/", &[("content-length", length)], false)
    };
    for right in [
        post("3").data(1, "abc", true),
        post("3").data(1, "ab", false).data(1, "c", true),
        post("3").data(1, "abc", false).data(1, "", true),
        post("3")
            .data(1, "abc", false)
            .headers(1, &[("sum", "1")], true),
        post("3").padded(1, "abc", 9, true),
    ] {
        assert_eq!(answers(echo, right), text_lines(1, "abc"));
    }
    let empty = post("0").data(1, "", true);
    assert_eq!(
        answers(echo, empty),
        [format!("{} ES", text_head(1, 200, 0))]
    );
    for wrong in [
        post("3").data(1, "ab", true),
        post("3").data(1, "abcd", true),
        post("3").data(1, "abcd", false),
        post("3").data(1, "abc", false).data(1, "d", false),
        post("3").data(1, "abc", false).data(1, "d", true),
        post("3")
            .data(1, "ab", false)
            .headers(1, &[("sum", "1")], true),
        post("3").headers(1, &[], true),
        post("0").data(1, "a", true),
    ] {
        let make = || Http2::fresh(echo, Limits::default(), Protocols::default());
        let outcome = everyway(make, &Frames::hello().then(&wrong));
        let expected = [GREETING, "SETTINGS ack", "RST_STREAM 1 PROTOCOL_ERROR"];
        assert_eq!(outcome.lines, expected);
        let rejected: Vec<_> = outcome.rejected.into_iter().collect();
        assert_eq!(rejected, [("h2_content_length_mismatch", 1)]);
    }
}

#[test]
fn a_handler_learns_that_its_body_is_malformed() {
    let learnt = Rc::new(Cell::new(None));
    let report = Rc::clone(&learnt);
    let application = async move |ctx: &mut HttpContext| {
        let error = ctx.body().read_to_end(100).await.err();
        let aborted = ctx.lifetime().is_aborted();
        let written = ctx.write(vec![0; 1 << 20]).await;
        report.set(Some((error, aborted, written)));
    };
    let frames = Frames::new()
        .request_with(1, "POST", "/", &[("content-length", "3")], false)
        .data(1, "ab", true);
    let mut http2 = Http2::new(application);
    http2.exchange(frames, &["RST_STREAM 1 PROTOCOL_ERROR"]);
    assert_eq!(http2.peer.tasks.len(), 0);
    assert_eq!(http2.census(), Census::default());
    let malformed = BodyError::Malformed {
        status: Status::BAD_REQUEST,
        name: "h2_content_length_mismatch",
    };
    let expected = (Some(malformed), true, Err(ResponseError::Aborted));
    assert_eq!(learnt.get(), Some(expected));
    http2.finish();
}
