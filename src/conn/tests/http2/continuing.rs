//! `Expect: 100-continue` (RFC 9110, 10.1.1).

use super::*;

fn head(stream: u32) -> Frames {
    let fields = [("expect", "100-continue"), ("content-length", "2")];
    Frames::new().request_with(stream, "POST", "/", &fields, false)
}

#[test]
fn continue_is_sent_when_the_handler_reads() {
    let mut http2 = Http2::new(echo);
    http2.exchange(head(1), &["HEADERS 1 100"]);
    let answer = text_lines(1, "ok");
    http2.exchange(
        Frames::new().data(1, "ok", true),
        &answer.each_ref().map(String::as_str),
    );
    http2.finish();
}

#[test]
fn a_handler_that_does_not_read_answers_at_once() {
    let mut http2 = Http2::new(ignore);
    let [first, second] = text_lines(1, "ignored");
    http2.exchange(head(1), &[&first, &second]);
    // The peer sends its body all the same.
    http2.exchange(Frames::new().data(1, "ok", true), &[]);
    http2.assert_alive(3);
    http2.finish();
}

#[test]
fn nothing_is_expected_of_a_request_without_a_body() {
    let fields = [("expect", "100-continue")];
    let frames = Frames::new().request_with(1, "POST", "/", &fields, true);
    assert_eq!(
        answers(echo, frames),
        [format!("{} ES", text_head(1, 200, 0))]
    );
}

#[test]
fn an_interim_response_of_the_handler_comes_before_or_behind() {
    let application = async |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
        ctx.informational(Status::EARLY_HINTS, crate::http::FieldSection::default())?;
        pending_once().await;
        let body = ctx.body().read_to_end(9).await?;
        Ok(ctx.text(std::str::from_utf8(&body)?)?)
    };
    let mut http2 = Http2::new(application);
    http2.exchange(head(1), &["HEADERS 1 103"]);
    http2.run();
    http2.expect(&["HEADERS 1 100"]);
    let answer = text_lines(1, "ok");
    http2.exchange(
        Frames::new().data(1, "ok", true),
        &answer.each_ref().map(String::as_str),
    );
    http2.finish();
}
