//! Payloads: what is read from them, and what is refused.

use super::super::{
    encode_data_head, goaway, headers, ping, priority, priority_update, rst_stream, window_update,
};
use super::{connection, head, stream};
use crate::h2::error::{ConnectionError, Violation};
use crate::h2::frame::data::Layout;
use crate::h2::frame::goaway::GoAway;
use crate::h2::frame::{FrameHead, Kind};

const PADDED: u8 = FrameHead::PADDED;
const PRIORITY: u8 = FrameHead::PRIORITY;

#[test]
fn data_is_content_and_padding() {
    // Every length that a pad length of one byte can reach past, with every pad length.
    for length in 0..=300 {
        for end_stream in [false, true] {
            let flags = u8::from(end_stream);
            let plain = Layout {
                pad_field: false,
                content: length,
                padding: 0,
                end_stream,
            };
            let head_of = |flags| head(Kind::Data, flags, 1, length as usize);
            // Without PADDED the first byte is content.
            for pad_length in [None, Some(0), Some(255)] {
                assert_eq!(Layout::of(head_of(flags), pad_length), Ok(plain));
            }
            for pad_length in 0..=u8::MAX {
                let layout = Layout::of(head_of(flags | PADDED), Some(pad_length));
                let padding = u32::from(pad_length);
                // RFC 9113, 6.1: padding of the payload's length or more.
                let expected = if length == 0 {
                    Err(ConnectionError(Violation::FrameTooShort))
                } else if padding >= length {
                    Err(ConnectionError(Violation::PaddingTooLong))
                } else {
                    Ok(Layout {
                        pad_field: true,
                        content: length - 1 - padding,
                        padding,
                        end_stream,
                    })
                };
                assert_eq!(layout, expected, "{length} with {pad_length}");
            }
            assert_eq!(
                Layout::of(head_of(flags | PADDED), None),
                Err(ConnectionError(Violation::FrameTooShort))
            );
        }
    }
    let mut out = Vec::new();
    encode_data_head(&mut out, 7, 0x1234, true);
    assert_eq!(out, [0, 0x12, 0x34, 0, 1, 0, 0, 0, 7]);
}

#[test]
fn headers_are_a_fragment_between_priority_and_padding() {
    for flags in 0..=u8::MAX {
        let (padded, prioritised) = (flags & PADDED != 0, flags & PRIORITY != 0);
        for pad_length in [0, 1, 2, 10, 255] {
            for length in 0..=24 {
                // Pad length if there is one, then dependency and weight, then anything.
                let mut payload = vec![0xa5_u8; length];
                if let Some(first) = payload.first_mut().filter(|_| padded) {
                    *first = pad_length;
                }
                let head = head(Kind::Headers, flags, 3, length);
                let start = usize::from(padded) + if prioritised { 5 } else { 0 };
                let padding = if padded { usize::from(pad_length) } else { 0 };
                let parsed = headers::parse(head, &payload);
                let context = format!("{flags:#x}, {pad_length}, {length}");
                if length < start {
                    assert_eq!(parsed, connection(Violation::FrameTooShort), "{context}");
                    assert!(head.check(16_384).is_err(), "the head says so: {context}");
                } else if length < start + padding {
                    assert_eq!(parsed, connection(Violation::PaddingTooLong), "{context}");
                } else {
                    let parsed = parsed.expect("it has room for everything");
                    assert_eq!(parsed.fragment, start..length - padding, "{context}");
                    assert_eq!(parsed.end_stream, flags & 0x1 != 0);
                    assert_eq!(parsed.end_headers, flags & 0x4 != 0);
                }
            }
        }
    }
}

#[test]
fn no_stream_depends_on_itself() {
    let dependencies = [
        (0, Ok(())),
        (3, connection(Violation::SelfDependency)),
        // The exclusive bit belongs to no identifier.
        (3 | 1 << 31, connection(Violation::SelfDependency)),
        (5, Ok(())),
        (1 << 31, Ok(())),
        (u32::MAX, Ok(())),
    ];
    for (dependency, verdict) in dependencies {
        let mut payload = dependency.to_be_bytes().to_vec();
        payload.push(15);
        assert_eq!(
            priority::parse(head(Kind::Priority, 0, 3, 5), &payload),
            verdict,
            "{dependency:#x}"
        );
        payload.extend_from_slice(b"block");
        let parsed = headers::parse(head(Kind::Headers, PRIORITY, 3, 10), &payload);
        assert_eq!(
            parsed.map(|headers| headers.fragment),
            verdict.map(|()| 5..10)
        );
        payload.insert(0, 0);
        let parsed = headers::parse(head(Kind::Headers, PRIORITY | PADDED, 3, 11), &payload);
        assert_eq!(
            parsed.map(|headers| headers.fragment),
            verdict.map(|()| 6..11)
        );
    }
    for length in (0..10).filter(|length| *length != 5) {
        assert_eq!(
            priority::parse(head(Kind::Priority, 0, 3, length), &vec![0; length]),
            stream(Violation::WrongFrameLength)
        );
    }
}

#[test]
fn fixed_sizes_are_fixed() {
    let bytes = [0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    let wrong = ConnectionError(Violation::WrongFrameLength);
    for length in 0..bytes.len() {
        let payload = bytes.get(..length).expect("a prefix");
        let four = length == 4;
        let code = if four { Ok(0x8000_0102) } else { Err(wrong) };
        assert_eq!(rst_stream::parse(payload), code);
        let opaque = if length == 8 {
            Ok([0x80, 0, 1, 2, 3, 4, 5, 6])
        } else {
            Err(wrong)
        };
        assert_eq!(ping::parse(payload), opaque);
        for id in [0, 1] {
            let head = head(Kind::WindowUpdate, 0, id, length);
            // The reserved bit of the increment is ignored.
            let increment = if four { Ok(0x102) } else { Err(wrong.into()) };
            assert_eq!(window_update::parse(head, payload), increment);
        }
    }
}

#[test]
fn an_increment_of_zero_ends_what_the_window_is_of() {
    for payload in [[0, 0, 0, 0], [0x80, 0, 0, 0]] {
        let parse = |id| window_update::parse(head(Kind::WindowUpdate, 0, id, 4), &payload);
        assert_eq!(parse(0), connection(Violation::ZeroWindowIncrement));
        assert_eq!(parse(1), stream(Violation::ZeroWindowIncrement));
    }
    let most = [0x7f, 0xff, 0xff, 0xff];
    let parsed = window_update::parse(head(Kind::WindowUpdate, 0, 1, 4), &most);
    assert_eq!(parsed, Ok(u32::MAX >> 1));
}

#[test]
fn goaway_has_two_numbers_and_anything() {
    let payload = [0x80, 0, 0, 9, 0, 0, 1, 0, b'w', b'h', b'y'];
    for length in 0..=payload.len() {
        let parsed = goaway::parse(payload.get(..length).expect("a prefix"));
        let expected = match payload.get(8..length) {
            Some(debug) => Ok(GoAway {
                last_stream: 9,
                code: 0x100,
                debug,
            }),
            None => Err(ConnectionError(Violation::FrameTooShort)),
        };
        assert_eq!(parsed, expected);
    }
}

#[test]
fn a_priority_update_is_about_a_stream_of_the_clients() {
    let parse = |stream: u32, value: &[u8]| {
        let payload = [&stream.to_be_bytes(), value].concat();
        priority_update::parse(&payload).map(|(stream, value)| (stream, value.to_vec()))
    };
    assert_eq!(parse(1, b"u=1, i"), Ok((1, b"u=1, i".to_vec())));
    assert_eq!(parse(0x8000_0003, b""), Ok((3, Vec::new())));
    assert_eq!(parse(u32::MAX, b"x"), Ok((u32::MAX >> 1, b"x".to_vec())));
    let zero = ConnectionError(Violation::PriorityUpdateOfStreamZero);
    assert_eq!(parse(0, b"u=1"), Err(zero));
    assert_eq!(parse(1 << 31, b"u=1"), Err(zero));
    assert_eq!(
        parse(2, b"u=1"),
        Err(ConnectionError(Violation::EvenStreamId))
    );
    for length in 0..4 {
        let short = ConnectionError(Violation::FrameTooShort);
        assert_eq!(priority_update::parse(&vec![1; length]), Err(short));
    }
}
