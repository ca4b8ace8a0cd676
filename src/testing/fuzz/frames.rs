//! HTTP/2 frames: heads, what they give away, and payloads.

use crate::h2::error::{ConnectionError, ErrorCode, Fault, Violation};
use crate::h2::frame::{
    FRAME_BYTES_DEFAULT, FrameHead, HEAD_BYTES, Kind, LocalSettings, RemoteSettings, data,
    encode_data_head, encode_goaway, encode_headers, encode_ping, encode_rst_stream,
    encode_window_update, goaway, headers, ping, priority, priority_update, rst_stream,
    window_update,
};
use crate::h2::priority::Priority;

/// Reads `input` as the frames of a client, and goes on behind those that would end its
/// connection.
///
/// # Panics
///
/// When a payload is found to have a wrong length that its head did not give away, or when what
/// was read and written again reads otherwise.
pub fn frames(input: &[u8]) {
    let mut settings = RemoteSettings::default();
    let mut rest = input;
    while let Some(head) = FrameHead::parse(rest) {
        check_head(head, rest);
        let end = (HEAD_BYTES + head.length as usize).min(rest.len());
        let (frame, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let payload = frame.get(HEAD_BYTES..).unwrap_or_default();
        // The last may be cut off; its parser sees the length that its head promises, or none.
        if payload.len() == head.length as usize {
            let checked = head.check(FRAME_BYTES_DEFAULT);
            let parsed = parse_payload(head, payload, &mut settings);
            if let (Ok(()), Err(fault)) = (checked, parsed) {
                let length = [Violation::FrameTooShort, Violation::WrongFrameLength];
                assert!(
                    !length.contains(&fault.violation()),
                    "{head:?} did not say {fault:?}"
                );
            }
        }
        rest = behind;
    }
    assert!(rest.len() < HEAD_BYTES);
}

fn check_head(head: FrameHead, bytes: &[u8]) {
    let mut expected: [u8; HEAD_BYTES] = *bytes.first_chunk().expect("a head was read");
    let [_, _, _, kind, _, reserved, ..] = &mut expected;
    if head.kind == Kind::Unknown {
        *kind = Kind::Unknown.code();
    }
    *reserved &= 0x7f;
    assert_eq!(head.to_bytes(), expected);
    // A smaller maximum never makes a frame right.
    let mut before = Err(ConnectionError(Violation::FrameTooLarge).into());
    for max in [0, 5, 16, FRAME_BYTES_DEFAULT, u32::MAX] {
        let checked = head.check(max);
        assert!(before.is_err() || checked.is_ok(), "{head:?} with {max}");
        before = checked;
    }
}

fn parse_payload(
    head: FrameHead,
    payload: &[u8],
    settings: &mut RemoteSettings,
) -> Result<(), Fault> {
    let mut out = Vec::new();
    match head.kind {
        Kind::Data => check_data(head, payload)?,
        Kind::Headers => check_headers(head, payload)?,
        Kind::Priority => priority::parse(head, payload)?,
        Kind::RstStream => {
            encode_rst_stream(&mut out, head.stream, rst_stream::parse(payload)?);
            assert_eq!(out.get(HEAD_BYTES..), Some(payload));
        }
        Kind::Settings => check_settings(payload, settings)?,
        Kind::Ping => {
            encode_ping(&mut out, head.has(FrameHead::ACK), ping::parse(payload)?);
            assert_eq!(out.get(HEAD_BYTES..), Some(payload));
        }
        Kind::GoAway => check_goaway(payload)?,
        Kind::WindowUpdate => {
            let increment = window_update::parse(head, payload)?;
            encode_window_update(&mut out, head.stream, increment);
            let again = out.get(HEAD_BYTES..).unwrap_or_default();
            assert_eq!(window_update::parse(head, again), Ok(increment));
        }
        Kind::PriorityUpdate => {
            let (stream, value) = priority_update::parse(payload)?;
            assert!(!stream.is_multiple_of(2));
            check_priority(value);
        }
        Kind::PushPromise | Kind::Continuation | Kind::Unknown => {}
    }
    Ok(())
}

fn check_data(head: FrameHead, payload: &[u8]) -> Result<(), Fault> {
    let layout = data::Layout::of(head, payload.first().copied())?;
    let parts = u64::from(layout.pad_field) + u64::from(layout.content) + u64::from(layout.padding);
    assert_eq!(parts, u64::from(head.length), "{layout:?}");
    let mut out = Vec::new();
    encode_data_head(
        &mut out,
        head.stream,
        layout.content as usize,
        layout.end_stream,
    );
    let again = FrameHead::parse(&out).expect("a head");
    let unpadded = data::Layout {
        pad_field: false,
        padding: 0,
        ..layout
    };
    assert_eq!(data::Layout::of(again, None), Ok(unpadded));
    Ok(())
}

/// Frames the fragment again, in as many frames as its length and first byte decide.
fn check_headers(head: FrameHead, payload: &[u8]) -> Result<(), Fault> {
    let parsed = headers::parse(head, payload)?;
    let fragment = payload
        .get(parsed.fragment)
        .expect("the fragment lies in the payload");
    let max = fragment.first().map_or(1, |first| usize::from(*first) + 1);
    let mut out = Vec::new();
    encode_headers(&mut out, head.stream, fragment, parsed.end_stream, max);
    let (mut rest, mut joined) = (out.as_slice(), Vec::new());
    loop {
        let again = FrameHead::parse(rest).expect("a head");
        let (_, behind) = rest.split_at_checked(HEAD_BYTES).expect("it was read");
        let (piece, behind) = behind
            .split_at_checked(again.length as usize)
            .expect("a whole frame");
        let first = joined.is_empty();
        let kind = if first {
            Kind::Headers
        } else {
            Kind::Continuation
        };
        assert_eq!((again.kind, again.stream), (kind, head.stream));
        assert!(piece.len() <= max);
        let ends_stream = first && again.has(FrameHead::END_STREAM);
        assert_eq!(ends_stream, first && parsed.end_stream);
        assert_eq!(again.has(FrameHead::END_HEADERS), behind.is_empty());
        joined.extend_from_slice(piece);
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(joined, fragment);
    Ok(())
}

fn check_settings(payload: &[u8], settings: &mut RemoteSettings) -> Result<(), Fault> {
    settings.apply(payload)?;
    let repeated = LocalSettings {
        header_table_size: settings.header_table_size,
        max_concurrent_streams: settings.max_concurrent_streams,
        initial_window_size: settings.initial_window_size,
        max_frame_size: settings.max_frame_size,
        max_header_list_size: settings.max_header_list_size,
        enable_connect_protocol: true,
        no_rfc7540_priorities: settings.no_rfc7540_priorities,
    };
    let mut out = Vec::new();
    repeated.encode(&mut out);
    let head = FrameHead::parse(&out).expect("a head");
    assert_eq!(head.check(FRAME_BYTES_DEFAULT), Ok(()));
    let mut again = RemoteSettings::default();
    // Servers have no ENABLE_PUSH to send.
    again.enable_push = settings.enable_push;
    again.apply(out.get(HEAD_BYTES..).unwrap_or_default())?;
    assert_eq!(again, *settings);
    Ok(())
}

fn check_goaway(payload: &[u8]) -> Result<(), Fault> {
    let parsed = goaway::parse(payload)?;
    if let Some(code) = ErrorCode::from_code(parsed.code) {
        let mut out = Vec::new();
        encode_goaway(&mut out, parsed.last_stream, code, parsed.debug);
        let again = goaway::parse(out.get(HEAD_BYTES..).unwrap_or_default())?;
        assert_eq!(
            (again.last_stream, again.code),
            (parsed.last_stream, parsed.code)
        );
        assert!(parsed.debug.starts_with(again.debug));
    }
    Ok(())
}

/// A priority written as the simplest field value says the same, also on top of any other.
fn check_priority(value: &[u8]) {
    let priority = Priority::parse(value);
    assert!(priority.urgency <= 7);
    let flag = if priority.incremental { "?1" } else { "?0" };
    let plain = format!("u={}, i={flag}", priority.urgency);
    assert_eq!(Priority::parse(plain.as_bytes()), priority);
    // One line or several: a comma between members is the end of a line too, if it stands outside
    // of a string.
    let starts_alike = |line: &[u8]| match line.iter().find(|byte| **byte != b' ') {
        // A line begins with spaces only, a member also with tabs; and an empty line is no gap.
        Some(first) => *first != b'\t',
        None => false,
    };
    let lines = value.split(|byte| *byte == b',');
    if !value.contains(&b'"') && lines.clone().all(starts_alike) {
        assert_eq!(Priority::parse_lines(lines), priority);
    }
}
