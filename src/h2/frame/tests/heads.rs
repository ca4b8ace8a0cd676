//! Heads, and all that they give away.

use proptest::prelude::*;

use super::super::{FRAME_BYTES_CEILING, FRAME_BYTES_DEFAULT, HEAD_BYTES};
use super::{KINDS, connection, head, stream};
use crate::h2::error::{Fault, Violation};
use crate::h2::frame::{FrameHead, Kind};

#[test]
fn a_head_has_nine_bytes() {
    let bytes = [0, 1, 2, 1, 5, 0x80, 0, 0, 3, 0xff];
    for length in 0..HEAD_BYTES {
        assert_eq!(
            FrameHead::parse(bytes.get(..length).expect("a prefix")),
            None
        );
    }
    // The reserved bit is dropped, what follows the head is not looked at.
    let parsed = FrameHead::parse(&bytes).expect("it is all there");
    assert_eq!(parsed, head(Kind::Headers, 5, 3, 0x102));
    assert!(parsed.has(FrameHead::END_STREAM) && parsed.has(FrameHead::END_HEADERS));
    assert!(!parsed.has(FrameHead::PADDED) && !parsed.has(FrameHead::PRIORITY));
}

#[test]
fn types_are_those_of_the_registry() {
    for code in 0..=u8::MAX {
        let kind = Kind::from_code(code);
        // RFC 9113, 6 and RFC 9218, 7.1.
        let known = matches!(code, 0..=9 | 0x10);
        assert_eq!(kind != Kind::Unknown, known, "{code:#x}");
        if known {
            assert_eq!(kind.code(), code);
        }
    }
    let kinds = [
        (0x0, Kind::Data),
        (0x1, Kind::Headers),
        (0x2, Kind::Priority),
        (0x3, Kind::RstStream),
        (0x4, Kind::Settings),
        (0x5, Kind::PushPromise),
        (0x6, Kind::Ping),
        (0x7, Kind::GoAway),
        (0x8, Kind::WindowUpdate),
        (0x9, Kind::Continuation),
        (0x10, Kind::PriorityUpdate),
    ];
    for (code, kind) in kinds {
        assert_eq!(Kind::from_code(code), kind);
    }
    assert_eq!(Kind::from_code(Kind::Unknown.code()), Kind::Unknown);
}

/// The rules again, one line for each type: what streams it may name, what is wrong with zero,
/// which lengths it may have, and what is wrong with others.
fn expected(head: FrameHead, frame_bytes_max: u32) -> Result<(), Fault> {
    use Violation::*;
    const ZERO: u8 = 0b001;
    const ODD: u8 = 0b010;
    const EVEN: u8 = 0b100;
    let padded = u32::from(head.flags & 0x8 != 0);
    let prioritised = if head.flags & 0x20 != 0 { 5 } else { 0 };
    let any = 0..=u32::MAX;
    let ack = head.flags & 0x1 != 0;
    let (streams, wrong_stream, lengths, wrong_length) = match head.kind {
        Kind::Data => (ODD, DataOnStreamZero, padded..=u32::MAX, FrameTooShort),
        Kind::Headers => (
            ODD,
            HeadersOnStreamZero,
            padded + prioritised..=u32::MAX,
            FrameTooShort,
        ),
        Kind::Priority => (ODD | EVEN, PriorityOnStreamZero, 5..=5, WrongFrameLength),
        Kind::RstStream => (ODD, ResetOnStreamZero, 4..=4, WrongFrameLength),
        Kind::Settings if ack => (ZERO, SettingsOnStream, 0..=0, SettingsAckWithPayload),
        Kind::Settings => (ZERO, SettingsOnStream, any, WrongFrameLength),
        Kind::Ping => (ZERO, PingOnStream, 8..=8, WrongFrameLength),
        Kind::GoAway => (ZERO, GoAwayOnStream, 8..=u32::MAX, FrameTooShort),
        Kind::WindowUpdate => (ODD | ZERO, EvenStreamId, 4..=4, WrongFrameLength),
        Kind::Continuation => (ODD, ContinuationOnStreamZero, any, FrameTooShort),
        Kind::PriorityUpdate => (ZERO, PriorityUpdateOnStream, 4..=u32::MAX, FrameTooShort),
        Kind::PushPromise => (0, PushPromiseFromClient, any, FrameTooShort),
        Kind::Unknown => (ZERO | ODD | EVEN, FrameTooShort, any, FrameTooShort),
    };
    let class = match head.stream {
        0 => ZERO,
        odd if odd % 2 == 1 => ODD,
        _ => EVEN,
    };
    if head.length > frame_bytes_max {
        return connection(FrameTooLarge);
    }
    if streams & class == 0 {
        // Where a stream is needed, an even one is wrong for being even.
        let even = class == EVEN && streams & ODD != 0;
        return connection(if even { EvenStreamId } else { wrong_stream });
    }
    let six = head.kind == Kind::Settings && !ack && !head.length.is_multiple_of(6);
    if six || !lengths.contains(&head.length) {
        return match head.kind {
            Kind::Priority => stream(wrong_length),
            _ => connection(wrong_length),
        };
    }
    Ok(())
}

#[test]
fn every_type_with_all_flags_and_streams_and_lengths_around_the_bounds() {
    let streams = [0, 1, 2, 3, 0x7fff_fffe, 0x7fff_ffff];
    let maxima = [
        FRAME_BYTES_DEFAULT,
        FRAME_BYTES_DEFAULT + 1,
        FRAME_BYTES_CEILING,
    ];
    let mut lengths: Vec<u32> = (0..=20).collect();
    for max in maxima {
        lengths.extend([
            max - 7,
            max - 6,
            max - 5,
            max - 4,
            max - 3,
            max - 2,
            max - 1,
            max,
        ]);
        lengths.extend((max < FRAME_BYTES_CEILING).then_some(max + 1));
    }
    let mut refused = 0;
    for kind in KINDS {
        for flags in 0..=u8::MAX {
            for stream in streams {
                for length in &lengths {
                    let bytes = FrameHead {
                        length: *length,
                        kind,
                        flags,
                        stream,
                    }
                    .to_bytes();
                    let head = FrameHead::parse(&bytes).expect("nine bytes");
                    for max in maxima {
                        let checked = head.check(max);
                        assert_eq!(checked, expected(head, max), "{head:?} with {max}");
                        refused += u32::from(checked.is_err());
                    }
                }
            }
        }
    }
    assert!(
        refused > 100_000,
        "the domain reaches what is refused: {refused}"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        length in 0..=FRAME_BYTES_CEILING,
        kind in prop::sample::select(KINDS.to_vec()),
        flags in any::<u8>(),
        stream in 0..=u32::MAX >> 1,
        behind in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let head = FrameHead { length, kind, flags, stream };
        let mut bytes = head.to_bytes().to_vec();
        bytes.extend_from_slice(&behind);
        prop_assert_eq!(FrameHead::parse(&bytes), Some(head));
        // With the reserved bit it is the same head.
        if let Some(byte) = bytes.get_mut(5) {
            *byte |= 0x80;
        }
        prop_assert_eq!(FrameHead::parse(&bytes), Some(head));
    }

    #[test]
    fn nine_bytes_are_a_head(bytes in any::<[u8; HEAD_BYTES]>(), max in any::<u32>()) {
        let head = FrameHead::parse(&bytes).expect("nine bytes");
        prop_assert!(head.length <= FRAME_BYTES_CEILING);
        prop_assert!(head.stream <= u32::MAX >> 1);
        prop_assert_eq!(head.check(max), expected(head, max));
        prop_assert_eq!(FrameHead::parse(&head.to_bytes()), Some(head));
    }
}
