//! What the encoders write is what the parsers read.

use proptest::prelude::*;

use super::super::{
    FRAME_BYTES_CEILING, FRAME_BYTES_DEFAULT, HEAD_BYTES, begin_headers, encode_goaway,
    encode_headers, encode_ping, encode_rst_stream, encode_window_update, finish_headers,
};
use super::super::{goaway, headers, ping, rst_stream, window_update};
use crate::h2::error::ErrorCode;
use crate::h2::frame::{FrameHead, Kind};

/// The frames in `bytes`, which end with one.
fn frames(mut bytes: &[u8]) -> Vec<(FrameHead, &[u8])> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let head = FrameHead::parse(bytes).expect("a head");
        let (frame, rest) = bytes
            .split_at_checked(HEAD_BYTES + head.length as usize)
            .expect("a whole payload");
        assert_eq!(head.check(FRAME_BYTES_CEILING), Ok(()), "{head:?}");
        frames.push((head, frame.get(HEAD_BYTES..).unwrap_or_default()));
        bytes = rest;
    }
    frames
}

/// Checks that `bytes` are one field block of `stream`, no frame longer than `max`.
fn check_block(bytes: &[u8], stream: u32, block: &[u8], end_stream: bool, max: usize) {
    let frames = frames(bytes);
    let count = block.len().div_ceil(max).max(1);
    assert_eq!(frames.len(), count);
    let mut joined = Vec::new();
    for (number, (head, payload)) in (1..).zip(&frames) {
        assert_eq!(head.stream, stream);
        assert_eq!(head.has(FrameHead::END_HEADERS), number == count);
        assert!(payload.len() <= max);
        assert!(number == count || payload.len() == max, "frames are filled");
        if number == 1 {
            assert_eq!(head.kind, Kind::Headers);
            let parsed = headers::parse(*head, payload).expect("a field block");
            assert_eq!(parsed.fragment, 0..payload.len());
            assert_eq!(parsed.end_stream, end_stream);
            assert_eq!(parsed.end_headers, count == 1);
        } else {
            assert_eq!(head.kind, Kind::Continuation);
            assert_eq!(head.flags & !FrameHead::END_HEADERS, 0);
        }
        joined.extend_from_slice(payload);
    }
    assert_eq!(joined, block);
}

/// Every byte of a block has its own value, so that a misplaced one is seen.
fn block(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn blocks_of_every_length_in_frames_of_every_length() {
    for max in 1..=24 {
        for length in 0..=80 {
            let block = block(length);
            let mut out = b"before".to_vec();
            encode_headers(&mut out, 5, &block, max % 2 == 0, max);
            let written = out.strip_prefix(b"before").expect("it is kept");
            check_block(written, 5, &block, max % 2 == 0, max);
        }
    }
}

#[test]
fn blocks_around_the_default() {
    let max = FRAME_BYTES_DEFAULT as usize;
    for length in [
        max - 1,
        max,
        max + 1,
        2 * max - 1,
        2 * max,
        2 * max + 1,
        5 * max + 7,
    ] {
        let block = block(length);
        let mut out = Vec::new();
        encode_headers(&mut out, 0x7fff_ffff, &block, true, max);
        check_block(&out, 0x7fff_ffff, &block, true, max);
    }
}

#[test]
fn a_maximum_out_of_range_is_brought_into_it() {
    let block = block(20);
    let mut out = Vec::new();
    encode_headers(&mut out, 1, &block, false, 0);
    check_block(&out, 1, &block, false, 1);
    out.clear();
    encode_headers(&mut out, 1, &block, false, usize::MAX);
    check_block(&out, 1, &block, false, usize::MAX);
}

#[test]
fn a_block_that_fits_is_not_moved() {
    let mut out = Vec::with_capacity(64);
    let at = begin_headers(&mut out, 9);
    let place = out.as_ptr();
    out.extend_from_slice(b"block");
    finish_headers(&mut out, at, true, 16_384);
    assert_eq!(
        out,
        [0, 0, 5, 1, 5, 0, 0, 0, 9, b'b', b'l', b'o', b'c', b'k']
    );
    assert_eq!(out.as_ptr(), place);
}

proptest! {
    #[test]
    fn several_blocks_in_one_buffer(
        blocks in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..400), 1_usize..200, any::<bool>(), 1..=u32::MAX >> 2),
            1..6,
        ),
    ) {
        let mut out = Vec::new();
        let mut bounds = Vec::new();
        for (block, max, end_stream, number) in &blocks {
            let start = out.len();
            let at = begin_headers(&mut out, number * 2 - 1);
            prop_assert_eq!(at, start);
            for piece in block.chunks(7) {
                out.extend_from_slice(piece);
            }
            finish_headers(&mut out, at, *end_stream, *max);
            bounds.push(start..out.len());
        }
        for ((block, max, end_stream, number), bounds) in blocks.iter().zip(bounds) {
            let written = out.get(bounds).expect("in the buffer");
            check_block(written, number * 2 - 1, block, *end_stream, *max);
        }
    }

    #[test]
    fn small_frames(
        number in 1..=u32::MAX >> 2,
        increment in 1..=u32::MAX >> 1,
        opaque in any::<[u8; 8]>(),
        ack in any::<bool>(),
        code in prop::sample::select(ErrorCode::ALL.to_vec()),
        debug in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let id = number * 2 - 1;
        let mut out = Vec::new();
        encode_rst_stream(&mut out, id, code.code());
        encode_window_update(&mut out, id, increment);
        encode_window_update(&mut out, 0, increment);
        encode_ping(&mut out, ack, opaque);
        encode_goaway(&mut out, id, code, &debug);
        let frames = frames(&out);
        let [reset, of_stream, of_connection, ping, goaway] = frames.as_slice() else {
            panic!("five frames, not {}", frames.len());
        };
        prop_assert_eq!((reset.0.kind, reset.0.stream), (Kind::RstStream, id));
        prop_assert_eq!(rst_stream::parse(reset.1), Ok(code.code()));
        for ((head, payload), stream) in [(of_stream, id), (of_connection, 0)] {
            prop_assert_eq!((head.kind, head.stream), (Kind::WindowUpdate, stream));
            prop_assert_eq!(window_update::parse(*head, payload), Ok(increment));
        }
        prop_assert_eq!((ping.0.kind, ping.0.has(FrameHead::ACK)), (Kind::Ping, ack));
        prop_assert_eq!(ping::parse(ping.1), Ok(opaque));
        let parsed = goaway::parse(goaway.1).expect("two numbers");
        prop_assert_eq!((parsed.last_stream, parsed.code), (id, code.code()));
        prop_assert_eq!(parsed.debug, debug.as_slice());
    }
}

#[test]
fn debug_data_is_cut_to_what_every_peer_takes() {
    let max = FRAME_BYTES_DEFAULT as usize;
    for (length, kept) in [(max - 8, max - 8), (max - 7, max - 8), (max * 2, max - 8)] {
        let mut out = Vec::new();
        encode_goaway(&mut out, 0, ErrorCode::NoError, &block(length));
        let frames = frames(&out);
        let [(head, payload)] = frames.as_slice() else {
            panic!("one frame");
        };
        assert_eq!(head.check(FRAME_BYTES_DEFAULT), Ok(()));
        let parsed = goaway::parse(payload).expect("two numbers");
        assert_eq!(parsed.debug, block(kept));
    }
}
