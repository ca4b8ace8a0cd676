//! What a connection holds, takes and counts.

use super::*;

#[test]
fn a_payload_larger_than_the_request_buffer_is_taken() {
    let limits = Limits {
        request_line_bytes_max: 512,
        head_bytes_max: 1024,
        request_buffer_bytes_max: 2048,
        ..Limits::default()
    };
    let mut server = serve_streams(limits);
    let mut client = Client::connect(&server, &[]);
    let value = "x".repeat(3000);
    let frames = Frames::new().priority_update(1, &value).get(1, "/");
    for piece in frames.into_bytes().chunks(500) {
        client.say(Frames::new().raw(piece));
        server.settle();
    }
    assert_eq!(client.status(1), 200);
    server.finish();
}

#[test]
fn answers_to_our_probes_are_no_flood() {
    let limits = Limits {
        http2: Http2Limits {
            stream_window: 65_535,
            connection_window: 65_535,
            window_max: 1 << 20,
            floods: FloodLimits {
                pings_max: 2,
                ..FloodLimits::default()
            },
            ..Http2Limits::default()
        },
        ..Limits::default()
    };
    let mut server = with_limits(limits, async |ctx: &mut HttpContext| {
        while ctx.body().chunk().await?.is_some() {}
        Ok::<_, Box<dyn std::error::Error>>(())
    });
    let mut client = Client::connect(&server, &[]);
    client.say(Frames::new().request(1, 0, "POST", "/"));
    let mut probes = 0;
    for _ in 0..400 {
        client.say(Frames::new().data(1, 0, &[0; 10_000]));
        server.settle();
        probes += client.read().pings.len();
        client.read_and_answer();
    }
    assert!(probes > 4, "{probes} probes");
    assert_eq!(client.reading.error(), None);
    // The same without having been asked.
    for _ in 0..3 {
        client.say(Frames::new().ping(ACK, *b"lanrBDP\0"));
    }
    server.settle();
    assert_eq!(
        client.violation(),
        (ENHANCE_YOUR_CALM, "h2_ping_flood".to_owned())
    );
    server.finish();
}

#[test]
fn a_field_block_is_bounded_in_bytes() {
    let mut server = serve_streams(Limits::default());
    let mut client = Client::connect(&server, &[]);
    client.say(Frames::new().frame(HEADERS, 0, 1, &[0; 16_384]));
    for _ in 0..5 {
        client.say(Frames::new().frame(CONTINUATION, 0, 1, &[0; 16_384]));
    }
    server.settle();
    assert_eq!(
        client.violation(),
        (ENHANCE_YOUR_CALM, "h2_header_list_too_large".to_owned())
    );
    server.finish();
}

#[test]
fn priorities_of_streams_that_were_passed_over_make_room() {
    let mut server = serve_streams(Limits::default());
    let mut client = Client::connect(&server, &[(INITIAL_WINDOW, 1_000_000)]);
    for stream in (1..32).step_by(2) {
        client.say(Frames::new().priority_update(stream, "u=1"));
    }
    client.say(
        Frames::new()
            .get(33, "/large")
            .priority_update(37, "u=0")
            .get(35, "/large")
            .get(37, "/large"),
    );
    server.settle();
    assert_eq!(client.read().window(), 0);
    client.say(Frames::new().window_update(0, 10_000));
    server.settle();
    let reading = client.read();
    assert!(reading.responses[&37].body.len() >= 10_000);
    assert_eq!(reading.responses[&35].body.len(), 0);
    client.say(Frames::new().window_update(0, 1_000_000));
    server.settle();
    assert_eq!(client.status(33), 200);
    server.finish();
}

#[test]
fn a_smaller_table_counts_once_it_is_acknowledged() {
    let limits = Limits {
        http2: Http2Limits {
            header_table_bytes: 0,
            ..Http2Limits::default()
        },
        ..Limits::default()
    };
    // GET http://a/ with a line that enters the table, and the same by its index.
    let inserted = b"\x82\x86\x84\x41\x01a\x40\x01x\x01y";
    let indexed = b"\x82\x86\x84\x01\x01a\xbe";
    let flags = END_HEADERS | END_STREAM;
    let mut server = serve_streams(limits);
    let mut client = Client::connect(&server, &[]);
    client.say(
        Frames::new()
            .frame(HEADERS, flags, 1, inserted)
            .frame(HEADERS, flags, 3, indexed),
    );
    server.settle();
    assert_eq!((client.status(1), client.status(3)), (200, 200));
    client.say(
        Frames::new()
            .frame(0x4, ACK, 0, &[])
            .frame(HEADERS, flags, 5, indexed),
    );
    server.settle();
    assert_eq!(client.violation().0, COMPRESSION_ERROR);
    server.finish();
}

#[test]
fn many_streams_end_with_their_connection() {
    let limits = Limits {
        http2: Http2Limits {
            streams_max: 10_000,
            ..Http2Limits::default()
        },
        ..Limits::default()
    };
    let mut server = serve_streams(limits);
    let mut client = Client::connect(&server, &[]);
    for stream in (1..4000).step_by(2) {
        client.say(Frames::new().request(stream, 0, "POST", "/"));
    }
    server.settle();
    assert_eq!(server.stats().handlers, 2000);
    client.say(Frames::new().frame(PUSH_PROMISE, 0, 1, &[]));
    server.settle();
    assert_eq!(server.stats().handlers, 0);
    server.finish();
}

#[test]
fn what_was_on_its_way_when_streams_were_reset_is_ignored() {
    let limits = Limits {
        http2: Http2Limits {
            streams_max: 500,
            ..Http2Limits::default()
        },
        ..Limits::default()
    };
    let mut server = serve_streams(limits);
    let mut client = Client::connect(&server, &[]);
    let streams = || (1..1000).step_by(2);
    for stream in streams() {
        client.say(Frames::new().request(stream, 0, "POST", "/reset"));
    }
    server.settle();
    for stream in streams() {
        client.say(Frames::new().data(stream, END_STREAM, b"late"));
    }
    client.say(Frames::new().get(1001, "/"));
    server.settle();
    assert_eq!(client.status(1001), 200);
    server.finish();
}
