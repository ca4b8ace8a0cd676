//! Clients that have sent FIN while their streams wait: nobody can open a window any more (RFC 9113,
//! 6.9).

use super::*;

/// Answers as many bytes as the path says.
async fn bytes(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let count: usize = ctx.request().path()[1..].parse().unwrap();
    ctx.write(vec![b'x'; count]).await
}

#[test]
fn a_half_closed_peer_gets_what_fits_its_windows() {
    // RFC 9113, 6.9: who has sent FIN can open no window any more.
    let settings = [(setting::INITIAL_WINDOW_SIZE, 100)];
    let mut http2 = Http2::with_settings(bytes, Limits::default(), &settings);
    http2.send(Frames::new().get(1, "/100").get(3, "/101").get(5, "/99"));
    http2.events();
    assert_eq!(http2.census().streams, 1);
    http2.end();
    http2.expect(&["RST_STREAM 3 CANCEL"]);
    assert_eq!(
        (http2.close(), http2.census()),
        (Close::Now, Census::default())
    );
    assert_eq!(http2.peer.tasks.len(), 0);
    http2.finish();
}

#[test]
fn nobody_waits_for_a_window_that_nobody_can_open() {
    let settings = [(setting::INITIAL_WINDOW_SIZE, 1 << 20)];
    for late in [false, true] {
        let gate = Gate::default();
        let held = gate.clone();
        let application = async move |ctx: &mut HttpContext| {
            held.pass(ctx).await;
            bytes(ctx).await
        };
        let mut http2 = Http2::with_settings(application, Limits::default(), &settings);
        let mut frames = Frames::new();
        for stream in [1, 3, 5] {
            frames = frames.get(stream, "/60000");
        }
        http2.send(frames);
        if late {
            http2.end();
            assert_eq!(http2.close(), Close::No, "they may still be answered");
            gate.open();
            http2.run();
        } else {
            gate.open();
            http2.run();
            http2.end();
        }
        let mut lines = http2.lines();
        lines.retain(|line| line.starts_with("RST") || line.ends_with(" ES"));
        lines.sort();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("DATA"), "{lines:?}");
        assert!(lines[1].ends_with(" CANCEL") && lines[2].ends_with(" CANCEL"));
        assert_eq!(
            (http2.close(), http2.census()),
            (Close::Now, Census::default())
        );
        assert_eq!(http2.peer.tasks.len(), 0, "late: {late}");
        http2.finish();
    }
}
