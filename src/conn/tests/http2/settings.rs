//! SETTINGS of the client, and frames that nobody knows (RFC 9113, 5.5 and 6.5).

use super::*;

#[test]
fn settings_are_acknowledged_one_by_one() {
    let frames = Frames::new()
        .settings(&[
            (setting::ENABLE_PUSH, 0),
            (setting::MAX_CONCURRENT_STREAMS, 0),
        ])
        .settings(&[])
        .settings(&[
            (setting::MAX_HEADER_LIST_SIZE, 1),
            (0xabcd, u32::MAX),
            (0, 7),
            (0x8, 1),
        ])
        .get(1, "/x");
    let mut expected = vec!["SETTINGS ack".to_owned(); 3];
    expected.extend(text_lines(1, "x"));
    assert_eq!(answers(path, frames), expected);
}

#[test]
fn values_out_of_range_end_the_connection() {
    let push = setting::ENABLE_PUSH;
    let window = setting::INITIAL_WINDOW_SIZE;
    let frame = setting::MAX_FRAME_SIZE;
    let cases: [(&[(u16, u32)], &str); 8] = [
        (&[(push, 2)], "PROTOCOL_ERROR h2_invalid_enable_push"),
        (
            &[(push, 1), (push, u32::MAX)],
            "PROTOCOL_ERROR h2_invalid_enable_push",
        ),
        (
            &[(window, 1 << 31)],
            "FLOW_CONTROL_ERROR h2_invalid_initial_window",
        ),
        (
            &[(window, u32::MAX)],
            "FLOW_CONTROL_ERROR h2_invalid_initial_window",
        ),
        (
            &[(frame, 16_383)],
            "PROTOCOL_ERROR h2_invalid_max_frame_size",
        ),
        (
            &[(frame, 1 << 24)],
            "PROTOCOL_ERROR h2_invalid_max_frame_size",
        ),
        (
            &[(0x9, 2)],
            "PROTOCOL_ERROR h2_invalid_no_rfc7540_priorities",
        ),
        (
            &[(0x9, 1)],
            "PROTOCOL_ERROR h2_changed_no_rfc7540_priorities",
        ),
    ];
    for (settings, expected) in cases {
        let mut http2 = Http2::new(path);
        http2.send(Frames::new().settings(settings));
        http2.expect_failed(&format!("GOAWAY 0 {expected}"));
        http2.finish();
    }
    for (flags, stream, payload, expected) in [
        (0, 0, &[0; 5][..], "FRAME_SIZE_ERROR h2_wrong_frame_length"),
        (0, 0, &[0; 7], "FRAME_SIZE_ERROR h2_wrong_frame_length"),
        (
            flag::ACK,
            0,
            &[0; 6],
            "FRAME_SIZE_ERROR h2_settings_ack_with_payload",
        ),
        (0, 1, &[], "PROTOCOL_ERROR h2_settings_on_stream"),
        (flag::ACK, 1, &[], "PROTOCOL_ERROR h2_settings_on_stream"),
    ] {
        let mut http2 = Http2::new(path);
        http2.send(Frames::new().frame(kind::SETTINGS, flags, stream, payload));
        http2.expect_failed(&format!("GOAWAY 0 {expected}"));
        http2.finish();
    }
}

#[test]
fn the_table_of_responses_is_as_large_as_the_client_says() {
    let tables = |bytes| Frames::new().settings(&[(setting::HEADER_TABLE_SIZE, bytes)]);
    let application = async |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        ctx.field("x-path", &path)?;
        ctx.text("x")
    };
    let mut http2 = Http2::new(application);
    let mut stream = 1;
    let mut ask = |http2: &mut Http2<_>, path: &str| {
        http2.send(Frames::new().get(stream, path));
        let lines = http2.lines();
        assert!(lines[0].contains(&format!(" x-path: {path} ")), "{lines:?}");
        stream += 2;
        http2.client.table_bytes()
    };
    for path in ["/a", "/a", "/b"] {
        assert!(ask(&mut http2, path) > 0);
    }
    // A table that shrinks, vanishes, and comes back; the client's decoder fails where it is not
    // told of that in the next block.
    for (bytes, most) in [
        (100, 100),
        (0, 0),
        (4_096, 4_096),
        (1 << 20, 4_096),
        (60, 60),
        (u32::MAX, 4_096),
    ] {
        http2.exchange(tables(bytes), &["SETTINGS ack"]);
        for path in ["/a", "/b", "/a"] {
            assert!(ask(&mut http2, path) <= most, "{bytes}");
        }
    }
    // Two changes between two blocks: the smaller one counts too.
    http2.exchange(
        tables(0).then(&tables(4_096)),
        &["SETTINGS ack", "SETTINGS ack"],
    );
    ask(&mut http2, "/c");
    http2.exchange(tables(0), &["SETTINGS ack"]);
    assert_eq!(ask(&mut http2, "/c"), 0);
    http2.finish();
}

#[test]
fn the_table_of_requests_is_as_large_as_the_server_says() {
    let limits = |header_table_bytes| {
        http2_limits(Http2Limits {
            header_table_bytes,
            ..Http2Limits::DEFAULT
        })
    };
    let mut http2 = Http2::fresh(path, limits(0), Protocols::default());
    http2.send(Frames::hello().settings_ack());
    assert_eq!(
        http2.lines()[0],
        "SETTINGS 1=0 3=100 4=786432 6=40960 8=1 9=1"
    );
    // The table of 4,096 bytes that was assumed at first must be given up (RFC 7541, 4.2).
    let mut block = vec![0x20, 0x82, 0x84, 0x86, 0x41, 1, b'a'];
    http2.send(Frames::new().block(1, &block, true));
    assert_eq!(http2.lines(), [format!("{} ES", text_head(1, 200, 0))]);
    assert_eq!(http2.census().table_bytes, 0);
    block[0] = 0x21;
    http2.send(Frames::new().block(3, &block, true));
    http2.expect_failed("GOAWAY 3 COMPRESSION_ERROR h2_compression");
    http2.finish();
}

#[test]
fn large_heads_are_cut_to_the_clients_frames() {
    let long = "v".repeat(100_000);
    let application = async move |ctx: &mut HttpContext| {
        ctx.field("long", &long)?;
        ctx.text("x")
    };
    for bytes in [16_384, 20_000, 1 << 20] {
        let settings = [(setting::MAX_FRAME_SIZE, bytes)];
        let mut http2 = Http2::with_settings(application.clone(), Limits::default(), &settings);
        http2.send(Frames::new().get(1, "/"));
        // The client checks the length of each frame.
        assert_eq!(http2.events().len(), 2);
        http2.finish();
    }
}

#[test]
fn unknown_frames_and_flags_are_ignored() {
    let unknown = |stream| Frames::new().frame(kind::UNKNOWN, 0xff, stream, b"whatever");
    let frames = unknown(0)
        .then(&unknown(1))
        .post(1, "/")
        .then(&unknown(1))
        .then(&unknown(4))
        .frame(0x0a, 0, 0, &[])
        .frame(kind::PING, 0xfe, 0, b"12345678")
        .frame(kind::DATA, 0xf6, 1, b"bo")
        .frame(kind::WINDOW_UPDATE, 0xff, 1, &[0, 0, 0, 1])
        .frame(kind::DATA, 0xf7, 1, b"dy");
    let mut expected = vec!["PING ack 12345678".to_owned()];
    expected.extend(text_lines(1, "body"));
    assert_eq!(answers(echo, frames), expected);
}

#[test]
fn the_reserved_bit_means_nothing() {
    let block = crate::testing::http2::block(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", "/x"),
    ]);
    let mut http2 = Http2::new(path);
    http2.client.lose_track();
    let flags = flag::END_HEADERS | flag::END_STREAM;
    let frames = Frames::new()
        .frame(kind::HEADERS, flags, 1 | 1 << 31, &block)
        .frame(kind::PING, 0, 1 << 31, b"12345678");
    let [head, content] = text_lines(1, "x");
    http2.exchange(frames, &[&head, &content, "PING ack 12345678"]);
    http2.finish();
}

#[test]
fn frames_that_are_too_long_end_the_connection() {
    for kind in 0..=0x12 {
        let mut http2 = Http2::new(path);
        http2.client.lose_track();
        // The head is enough: nothing of the payload is waited for.
        http2.send(Frames::new().head(16_385, kind, 0, 1));
        http2.expect_failed("GOAWAY 0 FRAME_SIZE_ERROR h2_frame_too_large");
        http2.finish();
    }
    let limits = http2_limits(Http2Limits {
        frame_bytes_max: 20_000,
        ..Http2Limits::DEFAULT
    });
    let mut http2 = Http2::with_limits(echo, limits);
    let content = vec![b'x'; 20_000];
    http2.send(Frames::new().post(1, "/").data(1, content, true));
    let [head, ..] = http2
        .lines()
        .try_into()
        .unwrap_or_else(|lines: Vec<String>| [lines[0].clone(), String::new(), String::new()]);
    assert_eq!(head, text_head(1, 200, 20_000));
    http2.finish();
}
