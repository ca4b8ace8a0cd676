//! Responses: framing, lengths, interim responses, trailers, and handlers that fail.

use super::*;
use crate::http::{FieldSection, HttpContext};

#[test]
fn get_head_and_post_interleaved() {
    let frames = Frames::new()
        .get(1, "/one")
        .post(3, "/three")
        .request(5, "HEAD", "/five", true)
        .data(3, "bo", false)
        .get(7, "/seven")
        .data(3, "dy", true);
    let application = async |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
        let body = ctx.body().read_to_end(100).await?;
        let path = ctx.request().path().to_owned();
        ctx.text(&format!("{path} {}", String::from_utf8(body)?))?;
        Ok(())
    };
    let expected = [
        text_lines(1, "/one ").to_vec(),
        text_lines(3, "/three body").to_vec(),
        vec![format!("{} ES", text_head(5, 200, 6))],
        text_lines(7, "/seven ").to_vec(),
    ];
    assert_eq!(answers(application, frames), expected.concat());
}

#[test]
fn some_statuses_have_no_body_whatever_the_handler_writes() {
    for (status, length) in [(204, ""), (304, ""), (205, " content-length: 0")] {
        for method in ["GET", "HEAD"] {
            let application = async move |ctx: &mut HttpContext| {
                ctx.status(Status::new(status).unwrap())?.text("not sent")
            };
            let lines = answers(application, Frames::new().request(1, method, "/", true));
            let head = format!("HEADERS 1 {status} content-type: text/plain; charset=utf-8");
            assert_eq!(lines, [format!("{head}{length} ES")], "{method}");
        }
    }
}

#[test]
fn a_streamed_response_has_no_length_and_may_have_trailers() {
    let application = async |ctx: &mut HttpContext| {
        ctx.write("one").await?;
        ctx.flush().await?;
        ctx.write("two").await?;
        if ctx.request().path() == "/trailers" {
            ctx.trailer("Sum", "abc")?;
            ctx.trailer("Content-Length", "9")?;
        }
        Ok::<(), ResponseError>(())
    };
    let lines = answers(application, Frames::new().get(1, "/"));
    assert_eq!(lines, ["HEADERS 1 200", "DATA 1 \"onetwo\" ES"]);
    let lines = answers(application, Frames::new().get(1, "/trailers"));
    let expected = [
        "HEADERS 1 200",
        "DATA 1 \"onetwo\"",
        "HEADERS 1 sum: abc ES",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn trailers_alone_end_a_response_without_content() {
    let application = async |ctx: &mut HttpContext| {
        ctx.trailer("sum", "0")?;
        Ok::<(), ResponseError>(())
    };
    let lines = answers(application, Frames::new().get(1, "/"));
    assert_eq!(
        lines,
        ["HEADERS 1 200 content-length: 0", "HEADERS 1 sum: 0 ES"]
    );
    let lines = answers(application, Frames::new().request(1, "HEAD", "/", true));
    assert_eq!(
        lines,
        ["HEADERS 1 200 content-length: 0", "HEADERS 1 sum: 0 ES"]
    );
}

#[test]
fn fields_about_an_http1_connection_are_left_out() {
    let application = async |ctx: &mut HttpContext| {
        for name in [
            "Connection",
            "Keep-Alive",
            "Proxy-Connection",
            "Transfer-Encoding",
            "Upgrade",
            "TE",
        ] {
            ctx.field(name, "x")?;
        }
        ctx.field("X-Case", "Kept")?;
        ctx.text("x")
    };
    let lines = answers(application, Frames::new().get(1, "/"));
    let head =
        "HEADERS 1 200 x-case: Kept content-type: text/plain; charset=utf-8 content-length: 1";
    assert_eq!(lines, [head, "DATA 1 \"x\" ES"]);
}

#[test]
fn interim_responses_come_first() {
    let application = async |ctx: &mut HttpContext| {
        let mut hints = FieldSection::default();
        hints.append("Link", "</a.css>").unwrap();
        ctx.informational(Status::EARLY_HINTS, hints)?;
        ctx.informational(Status::new(102).unwrap(), FieldSection::default())?;
        ctx.text("page")
    };
    let mut expected = vec![
        "HEADERS 1 103 link: </a.css>".to_owned(),
        "HEADERS 1 102".to_owned(),
    ];
    expected.extend(text_lines(1, "page"));
    assert_eq!(answers(application, Frames::new().get(1, "/")), expected);
}

#[test]
fn a_wrong_length_is_a_500_before_the_head_and_a_reset_after_it() {
    let early = async |ctx: &mut HttpContext| {
        ctx.field("Content-Length", "10")?;
        ctx.write("short").await
    };
    let lines = answers(early, Frames::new().get(1, "/"));
    assert_eq!(lines, ["HEADERS 1 500 content-length: 0 ES"]);
    let late = async |ctx: &mut HttpContext| {
        ctx.field("Content-Length", "10")?;
        ctx.write("short").await?;
        ctx.flush().await
    };
    let lines = answers(late, Frames::new().get(1, "/"));
    let expected = [
        "HEADERS 1 200 content-length: 10",
        "DATA 1 \"short\"",
        "RST_STREAM 1 INTERNAL_ERROR",
    ];
    assert_eq!(lines, expected);
    let over = async |ctx: &mut HttpContext| {
        ctx.field("Content-Length", "2")?;
        ctx.start()?;
        assert_eq!(ctx.write("long").await, Err(ResponseError::LengthExceeded));
        ctx.write("ok").await
    };
    let lines = answers(over, Frames::new().get(1, "/"));
    assert_eq!(
        lines,
        ["HEADERS 1 200 content-length: 2", "DATA 1 \"ok\" ES"]
    );
}

#[test]
fn an_interim_status_is_no_response() {
    for status in [100, 101, 103, 199] {
        let application =
            async move |ctx: &mut HttpContext| ctx.status(Status::new(status).unwrap())?.text("x");
        let lines = answers(application, Frames::new().get(1, "/"));
        assert_eq!(lines, ["HEADERS 1 500 content-length: 0 ES"]);
    }
}

#[test]
fn failures_of_the_handler() {
    type Failure = Box<dyn std::error::Error>;
    let before = async |_: &mut HttpContext| Err::<(), Failure>("a test's error".into());
    let lines = answers(before, Frames::new().get(1, "/"));
    assert_eq!(lines, ["HEADERS 1 500 content-length: 0 ES"]);
    let panics = async |ctx: &mut HttpContext| -> Result<(), ResponseError> {
        ctx.text("not sent")?;
        panic!("a test's panic")
    };
    let lines = answers(panics, Frames::new().get(1, "/"));
    assert_eq!(lines, ["HEADERS 1 500 content-length: 0 ES"]);
    let after = async |ctx: &mut HttpContext| {
        ctx.write("part").await?;
        ctx.flush().await?;
        ctx.write("never seen whole").await?;
        Err::<(), Failure>("a test's error".into())
    };
    let lines = answers(after, Frames::new().get(1, "/"));
    assert_eq!(lines.first().unwrap(), "HEADERS 1 200");
    assert_eq!(lines.last().unwrap(), "RST_STREAM 1 INTERNAL_ERROR");
    assert!(!lines.iter().any(|line| line.ends_with(" ES")), "{lines:?}");
    let late_panic = async |ctx: &mut HttpContext| -> Result<(), ResponseError> {
        ctx.start()?;
        pending_once().await;
        panic!("a test's panic")
    };
    let mut http2 = Http2::new(late_panic);
    http2.exchange(Frames::new().get(1, "/"), &["HEADERS 1 200"]);
    http2.run();
    http2.expect(&["RST_STREAM 1 INTERNAL_ERROR"]);
    assert_eq!(http2.census().streams, 0);
    http2.finish();
}

#[test]
fn a_handler_may_reset_its_stream() {
    let frames = || Frames::new().get(1, "/a").get(3, "/b");
    let aborts = async |ctx: &mut HttpContext| match ctx.request().path() {
        "/a" => {
            ctx.abort();
            Ok(())
        }
        _ => ctx.text("b"),
    };
    let mut expected = vec!["RST_STREAM 1 CANCEL".to_owned()];
    expected.extend(text_lines(3, "b"));
    assert_eq!(answers(aborts, frames()), expected);
    let resets = async |ctx: &mut HttpContext| {
        if ctx.request().path() == "/a" {
            ctx.write("part").await?;
            ctx.flush().await?;
            // HTTP_1_1_REQUIRED
            ctx.reset(0xd);
            if ctx.write("more").await != Err(ResponseError::Aborted) {
                // A handler that is left fails the test.
                std::future::pending::<()>().await;
            }
            return Ok(());
        }
        ctx.text("b")
    };
    let mut expected = vec![
        "HEADERS 1 200".to_owned(),
        "DATA 1 \"part\"".to_owned(),
        "RST_STREAM 1 HTTP_1_1_REQUIRED".to_owned(),
    ];
    expected.extend(text_lines(3, "b"));
    assert_eq!(answers(resets, frames()), expected);
}

#[test]
fn a_reset_stream_is_forgotten_when_its_handler_ends() {
    let gate = Gate::default();
    let held = gate.clone();
    let application = async move |ctx: &mut HttpContext| {
        if ctx.request().path() == "/alive" {
            return ctx.text("alive");
        }
        ctx.abort();
        // Aborted as it is, this handler takes its time.
        while !held.0.get() {
            pending_once().await;
        }
        Ok(())
    };
    let mut http2 = Http2::new(application);
    http2.exchange(Frames::new().get(1, "/"), &["RST_STREAM 1 CANCEL"]);
    assert_eq!((http2.census().streams, http2.census().abandoned), (1, 1));
    http2.assert_alive(3);
    gate.open();
    http2.run();
    assert_eq!((http2.census().streams, http2.census().abandoned), (0, 0));
    http2.expect(&[]);
    http2.finish();
}

#[test]
fn a_long_answer_to_head_is_written_to_its_end() {
    let application = async |ctx: &mut HttpContext| {
        for _ in 0..20 {
            ctx.write(vec![b'x'; 10_000]).await?;
        }
        ctx.trailer("written", "all")?;
        Ok::<(), ResponseError>(())
    };
    let mut http2 = Http2::new(application);
    http2.exchange(
        Frames::new().request(1, "HEAD", "/", true),
        &["HEADERS 1 200", "HEADERS 1 written: all ES"],
    );
    http2.finish();
}

#[test]
fn a_large_head_comes_in_continuations() {
    let long = "v".repeat(40_000);
    let application = async move |ctx: &mut HttpContext| {
        ctx.field("long", &long)?;
        ctx.text("x")
    };
    let mut http2 = Http2::new(application);
    http2.send(Frames::new().get(1, "/"));
    let events = http2.events();
    let Event::Headers { fields, .. } = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(fields[1].1.len(), 40_000);
    assert_eq!(events.len(), 2);
    http2.finish();
}
