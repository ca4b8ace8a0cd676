//! Field blocks that become large, never end, or lie about their tables.

use super::*;
use crate::testing::http2::block;

const REQUEST: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":authority", "a"),
    (":path", "/"),
];

fn answering() -> Http2<impl AsyncFn(&mut HttpContext) -> Result<(), Box<dyn std::error::Error>>> {
    Http2::new(echo)
}

/// A literal that enters the table (RFC 7541, 6.2.1), with the shortest lengths.
fn indexed_literal(name: &str, value_len: usize) -> Vec<u8> {
    let mut line = block(&[(name, &"v".repeat(value_len))]);
    line[0] = 0x40;
    line
}

#[test]
fn many_references_to_a_large_line_are_refused_by_the_size_of_the_list() {
    // One line of 4,000 bytes, then a byte for each further one.
    let mut first = block(&REQUEST);
    first.extend(indexed_literal("x", 4_000));
    let mut http2 = answering();
    http2.send(Frames::new().block(1, &first, true));
    assert_eq!(http2.lines(), [format!("{} ES", text_head(1, 200, 0))]);
    // 10 of them are 40,000 bytes, which is still within SETTINGS_MAX_HEADER_LIST_SIZE.
    let bomb = |count: usize| {
        let mut bomb = block(&REQUEST);
        bomb.resize(bomb.len() + count, 0xbe);
        bomb
    };
    http2.send(Frames::new().block(3, &bomb(10), true));
    assert_eq!(http2.lines(), [format!("{} ES", text_head(3, 200, 0))]);
    // 20 are too many for the request, and far more than that for the connection.
    http2.exchange(
        Frames::new().block(5, &bomb(19), true),
        &["HEADERS 5 431 content-length: 0 ES"],
    );
    http2.expect_rejected("h2_header_list_too_large", 1);
    http2.assert_alive(7);
    http2.send(Frames::new().block(9, &bomb(16_000), true));
    http2.expect_failed("GOAWAY 9 ENHANCE_YOUR_CALM h2_header_list_too_large");
    assert_eq!(http2.rejected().get("hpack_list_too_large"), Some(&1));
    http2.finish();
}

#[test]
fn many_references_to_a_small_line_are_refused_by_their_number() {
    let mut http2 = answering();
    let bomb = |count: usize| {
        let mut bomb = block(&REQUEST);
        // `accept-encoding: gzip, deflate` of the static table.
        bomb.resize(bomb.len() + count, 0x90);
        bomb
    };
    http2.send(Frames::new().block(1, &bomb(96), true));
    assert_eq!(http2.lines(), [format!("{} ES", text_head(1, 200, 0))]);
    http2.exchange(
        Frames::new().block(3, &bomb(97), true),
        &["HEADERS 3 431 content-length: 0 ES"],
    );
    http2.assert_alive(5);
    http2.send(Frames::new().block(7, &bomb(1_000), true));
    http2.expect_failed("GOAWAY 7 ENHANCE_YOUR_CALM h2_too_many_fields");
    http2.finish();
}

#[test]
fn trailers_have_bounds_of_their_own() {
    let mut http2 = answering();
    let mut trailers = indexed_literal("x", 4_000);
    trailers.extend([0xbe; 1]);
    http2.exchange(
        Frames::new().post(1, "/").block(1, &trailers, true),
        &[&format!("{} ES", text_head(1, 200, 0))],
    );
    trailers.extend([0xbe; 1]);
    http2.exchange(
        Frames::new().post(3, "/").block(3, &trailers, true),
        &["RST_STREAM 3 ENHANCE_YOUR_CALM"],
    );
    http2.assert_alive(5);
    trailers.extend([0xbe; 16_000 - 4_100]);
    http2.send(Frames::new().post(7, "/").block(7, &trailers, true));
    http2.expect_failed("GOAWAY 7 ENHANCE_YOUR_CALM h2_header_list_too_large");
    http2.finish();
}

#[test]
fn what_is_ignored_is_decoded_within_the_same_bounds() {
    // The stream was refused; its trailers still belong to the table.
    let mut http2 = answering();
    let bad = [("X", "y")];
    http2.exchange(
        Frames::new().request_with(1, "POST", "/", &bad, false),
        &["RST_STREAM 1 PROTOCOL_ERROR"],
    );
    http2.exchange(
        Frames::new().block(1, &indexed_literal("x", 10), false),
        &[],
    );
    assert_eq!(http2.census().table_bytes, 43);
    http2.send(Frames::new().block(1, &[0xbe; 1_000], true));
    http2.expect_failed("GOAWAY 1 ENHANCE_YOUR_CALM h2_too_many_fields");
    http2.finish();
}

#[test]
fn tables_are_no_larger_than_we_said() {
    for (block, name) in [
        (&[0x3f, 0xe2, 0x1f][..], "hpack_size_update_too_large"),
        (&[0x20, 0x20, 0x20], "hpack_size_update_repeated"),
        (&[0x82, 0x20], "hpack_size_update_late"),
        (&[0x80], "hpack_index_zero"),
        (&[0xbe], "hpack_index_beyond_tables"),
        (&[0x82, 0x7f, 0xff], "hpack_truncated"),
        (
            &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
            "hpack_integer_too_long",
        ),
        (
            &[0x00, 0x83, 0xff, 0xff, 0xff, 0x00],
            "hpack_huffman_padding_too_long",
        ),
    ] {
        let mut http2 = answering();
        http2.send(Frames::new().block(1, block, true));
        let lines = http2.lines();
        assert_eq!(
            lines,
            ["GOAWAY 1 COMPRESSION_ERROR h2_compression"],
            "{name}"
        );
        let rejected = http2.rejected();
        assert_eq!(
            rejected.keys().copied().collect::<Vec<_>>(),
            ["h2_compression", name]
        );
        http2.finish();
    }
    // A table that is filled and emptied over and over stays as small as it may be.
    let mut http2 = answering();
    for place in 0..200 {
        let stream = 2 * place + 1;
        let size = if place % 2 == 0 {
            &[0x20][..]
        } else {
            &[0x3f, 0xe1, 0x1f]
        };
        let mut all = size.to_vec();
        all.extend(block(&REQUEST));
        all.extend(indexed_literal(&format!("x{place}"), 3_000));
        http2.send(Frames::new().block(stream, &all, true));
        assert_eq!(http2.lines().len(), 1);
        assert!(http2.census().table_bytes <= 4_096);
    }
    http2.finish();
}

#[test]
fn continuations_are_bounded_in_number() {
    for (fragment, ends) in [(&[][..], true), (&[0x90][..], true), (&[][..], false)] {
        let mut http2 = answering();
        let first = block(&REQUEST);
        http2.send(Frames::new().frame(kind::HEADERS, flag::END_STREAM, 1, &first));
        http2.send(Frames::new().continuation(1, fragment, false).repeat(15));
        http2.expect(&[]);
        assert!(http2.census().block_bytes < 200);
        if ends {
            http2.send(Frames::new().continuation(1, fragment, true));
            assert_eq!(http2.lines(), [format!("{} ES", text_head(1, 200, 0))]);
            http2.assert_alive(3);
        } else {
            http2.send(Frames::new().continuation(1, fragment, false));
            http2.expect_failed("GOAWAY 0 ENHANCE_YOUR_CALM h2_too_many_continuations");
            http2.expect_rejected("h2_too_many_continuations", 1);
        }
        http2.finish();
    }
}

#[test]
fn continuations_are_bounded_in_bytes() {
    let mut http2 = answering();
    http2.send(Frames::new().frame(kind::HEADERS, flag::END_STREAM, 1, &[0x90; 16_384]));
    for _ in 0..4 {
        http2.send(Frames::new().continuation(1, &[0x90; 16_384], false));
    }
    http2.expect(&[]);
    let held = http2.census().block_bytes;
    assert_eq!(held, 5 * 16_384);
    // The head of the frame that is too much is enough.
    http2.client.lose_track();
    http2.send(Frames::new().head(16_384, kind::CONTINUATION, 0, 1));
    http2.expect_failed("GOAWAY 0 ENHANCE_YOUR_CALM h2_header_list_too_large");
    http2.finish();
}

#[test]
fn a_huge_frame_with_fields_is_not_collected() {
    let limits = http2_limits(Http2Limits {
        frame_bytes_max: (1 << 24) - 1,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(echo, limits);
    http2.client.lose_track();
    http2.send(Frames::new().head(1 << 20, kind::HEADERS, 0, 1));
    http2.expect_failed("GOAWAY 0 ENHANCE_YOUR_CALM h2_header_list_too_large");
    http2.finish();
}

#[test]
fn a_frame_that_is_taken_whole_has_room_in_small_limits() {
    let limits = Limits {
        request_line_bytes_max: 100,
        head_bytes_max: 100,
        request_buffer_bytes_max: 202,
        ..Limits::default()
    };
    assert_eq!(limits.validate(), Ok(()));
    let mut http2 = Http2::with_limits(echo, limits);
    let many = [(0xabcd, 1); 2_000];
    let frames = Frames::new().settings(&many);
    assert_eq!(
        http2.send_while_wanted(frames.as_ref()),
        frames.as_ref().len()
    );
    http2.expect(&["SETTINGS ack"]);
    http2.assert_alive(1);
    http2.finish();
}
