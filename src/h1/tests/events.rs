//! What the codec makes of an input that comes in pieces, one line of text an event.

use crate::h1::Reject;
use crate::h1::chunked::{ChunkedDecoder, Step};
use crate::h1::framing::{BodyFraming, Framing};
use crate::h1::head::{Parse, parse};
use crate::h1::scan::HeadScan;
use crate::http::{FieldSection, RequestHead};
use crate::limits::Limits;

/// Parses one head, as a connection would: what is not consumed stays at the front of the input.
pub(super) fn of_head(pieces: &[&[u8]]) -> Vec<String> {
    let limits = Limits::default();
    let (mut scan, mut head, mut input) = (HeadScan::default(), RequestHead::default(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        match parse(&input, &mut scan, &limits, &mut head) {
            Ok(Parse::Incomplete) => {}
            Ok(Parse::Http2Preface) => return vec!["http2 preface".to_owned()],
            Ok(Parse::Complete { consumed, framing }) => {
                head.attach_copied(&input[..consumed]);
                let mut events = head_events(&head, framing);
                let sent: Vec<u8> = pieces.concat();
                if consumed < sent.len() {
                    events.push(format!("rest {}", sent[consumed..].escape_ascii()));
                }
                return events;
            }
            Err(reject) => return vec![reject_event(reject)],
        }
    }
    vec!["incomplete".to_owned()]
}

fn reject_event(reject: Reject) -> String {
    format!("reject {} {}", reject.name(), reject.status().code())
}

fn head_events(head: &RequestHead, framing: Framing) -> Vec<String> {
    let mut events = vec![format!(
        "{} {} {}",
        head.method_text(),
        head.target(),
        head.version()
    )];
    events.push(format!("{:?} path `{}`", head.target_form(), head.path()));
    events.extend(head.query().map(|query| format!("query `{query}`")));
    events.extend(
        head.authority()
            .map(|authority| format!("authority {authority}")),
    );
    events.extend(
        head.fields()
            .map(|line| format!("field {}=`{}`", line.name, line.value.escape_ascii())),
    );
    let mut summary = match framing.body {
        BodyFraming::None => "no body".to_owned(),
        BodyFraming::Length(length) => format!("body of {length}"),
        BodyFraming::Chunked => "chunked body".to_owned(),
    };
    summary.push_str(if framing.keep_alive {
        ", keep"
    } else {
        ", close"
    });
    summary.push_str(if framing.expect_continue {
        ", expects continue"
    } else {
        ""
    });
    summary.push_str(if framing.upgrade { ", upgrade" } else { "" });
    events.push(summary);
    events
}

/// Decodes one chunked body.
pub(super) fn of_chunked_body(pieces: &[&[u8]]) -> Vec<String> {
    let mut trailers = FieldSection::new();
    let mut data = Vec::new();
    let verdict = decode(pieces, &mut trailers, &mut data);
    let mut events = Vec::new();
    match data.len() {
        0 => {}
        1..=80 => events.push(format!("data `{}`", data.escape_ascii())),
        length => events.push(format!("data of {length} bytes")),
    }
    match verdict {
        Ok(None) => events.push("incomplete".to_owned()),
        Ok(Some(consumed)) => {
            events.extend(
                trailers
                    .iter()
                    .map(|line| format!("trailer {}=`{}`", line.name, line.value.escape_ascii())),
            );
            events.push("complete".to_owned());
            let sent: Vec<u8> = pieces.concat();
            if consumed < sent.len() {
                events.push(format!("rest {}", sent[consumed..].escape_ascii()));
            }
        }
        Err(reject) => events.push(reject_event(reject)),
    }
    events
}

/// Decodes pieces and says how many bytes belonged to the body, if it is complete.
pub(super) fn decode(
    pieces: &[&[u8]],
    trailers: &mut FieldSection,
    data: &mut Vec<u8>,
) -> Result<Option<usize>, Reject> {
    let limits = Limits::default();
    let mut decoder = ChunkedDecoder::default();
    let mut before = 0;
    for piece in pieces {
        let mut at = 0;
        loop {
            match decoder.decode(&piece[at..], &limits, trailers)? {
                Step::Data { start, end } => {
                    assert!(start < end);
                    data.extend_from_slice(&piece[at + start..at + end]);
                    at += end;
                }
                Step::NeedMore => break,
                Step::Complete { consumed } => return Ok(Some(before + at + consumed)),
            }
        }
        before += piece.len();
    }
    Ok(None)
}
