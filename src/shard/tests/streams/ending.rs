//! Connections with streams under way that end: broken, drained, stopped, too old.

use super::*;

#[test]
fn a_broken_connection_ends_its_handlers() {
    // One waits for its body, one for room, one for a timer, one for the end itself.
    let application = async |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
        let path = ctx.request().path().to_owned();
        match path.as_str() {
            "/body" => {
                ctx.body().read_to_end(1 << 20).await?;
            }
            "/room" => ctx.write(vec![b'x'; 1 << 20]).await?,
            "/timer" => sleep(Duration::from_secs(1)).await,
            "/end" => ctx.lifetime().aborted().await,
            _ => {
                let mut stream = ctx.upgrade("")?;
                while stream.read().await?.is_some() {}
            }
        }
        Ok(())
    };
    let connect = [(":method", "CONNECT"), (":authority", "b:1")];
    for breaks in [true, false] {
        let mut server = serve(application);
        let mut web = Web::connect(&mut server);
        web.send(
            Frames::new()
                .post(1, "/body")
                .get(3, "/timer")
                .get(5, "/end")
                .headers(7, &connect, false)
                .data(1, "begun", false),
        );
        server.settle();
        assert_eq!(server.stats().handlers, 4);
        if breaks {
            web.peer.stop_reading();
            web.send(Frames::new().get(9, "/room"));
            server.settle();
            assert_eq!(server.stats().handlers, 5);
            web.peer.reset();
        } else {
            // A mistake ends the connection as well.
            web.send(Frames::new().get(2, "/"));
        }
        server.settle();
        assert_eq!(server.stats().handlers, 1, "all but the timer's");
        assert_eq!(server.stats().buffers_in_use, 0);
        server.pass(Duration::from_secs(2));
        assert_eq!(server.stats().handlers, 0);
        web.peer.resume();
        web.peer.finish();
        server.settle();
        assert_eq!(server.stats().connections_open, 0);
        server.finish();
    }
}

#[test]
fn a_drain_lets_streams_finish() {
    let mut server = server();
    let mut idle = Web::connect(&mut server);
    let mut busy = Web::connect(&mut server);
    busy.send(
        Frames::new()
            .post(1, "/sleep")
            .data(1, "busy", true)
            .post(3, "/")
            .data(3, "ha", false),
    );
    let begun = server.connect();
    begun.send("PRI * HTTP/2.0\r\n\r\nS");
    server.settle();
    server.tell(Control::Drain);
    server.settle();
    assert_eq!(idle.lines(), FIRST_GOAWAY);
    assert_eq!(busy.lines(), FIRST_GOAWAY);
    idle.send(Frames::new().ping(true, *b"goodbye."));
    busy.send(Frames::new().ping(true, *b"goodbye.").data(3, "lf", true));
    server.settle();
    assert_eq!(idle.lines(), ["GOAWAY 0 NO_ERROR"]);
    assert!(idle.peer.saw_fin());
    assert!(busy.lines().contains(&"GOAWAY 3 NO_ERROR".to_owned()));
    assert!(!busy.peer.is_closed() && !server.is_over());
    server.pass(NAP * 2);
    assert_eq!(busy.answers(), [(1, b"busy".to_vec())]);
    assert!(busy.peer.saw_fin());
    // Who was in the middle of the preface is served and told.
    let mut late = Web {
        peer: begun,
        client: Client::default(),
    };
    late.client.sent(b"PRI * HTTP/2.0\r\n\r\nS");
    late.send("M\r\n\r\n");
    late.send(Frames::new().settings(&[]).get(1, "/"));
    server.settle();
    let lines = late.lines();
    assert!(lines.contains(&FIRST_GOAWAY[0].to_owned()), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.starts_with("HEADERS 1 200")),
        "{lines:?}"
    );
    for web in [&idle, &busy, &late] {
        web.peer.finish();
    }
    server.pass(Duration::from_secs(2));
    assert!(server.is_over());
    server.finish();
}

#[test]
fn a_drain_waits_for_no_peer_for_ever() {
    let mut server = server();
    let mut silent = Web::connect(&mut server);
    let mut deaf = Web::connect(&mut server);
    deaf.peer.stop_reading();
    deaf.send(Frames::new().get(1, "/large"));
    server.settle();
    server.tell(Control::Drain);
    server.pass(Duration::from_millis(999));
    assert_eq!(silent.lines(), FIRST_GOAWAY);
    // A second for the answer to the PING, two for the FIN.
    server.pass(millis(2));
    assert_eq!(silent.lines(), ["GOAWAY 0 NO_ERROR"]);
    assert!(silent.peer.saw_fin() && !server.is_over());
    server.pass(Duration::from_secs(2));
    assert_eq!(server.stats().connections_open, 1);
    // The other one is bounded by the rate at which it must read.
    server.pass(Duration::from_secs(600));
    assert!(server.is_over());
    server.finish();
}

#[test]
fn a_connection_that_fails_and_is_not_read_does_not_keep_the_shard_awake() {
    let limits = Limits {
        response_rate_min: None,
        ..Limits::default()
    };
    let mut server = with_limits(limits, application(Doings::default()));
    let mut web = Web::connect(&mut server);
    web.peer.stop_reading();
    web.send(Frames::new().get(1, "/large").get(3, "/large"));
    server.settle();
    web.send(Frames::new().get(2, "/"));
    // A timer that is due again and again would be found out here.
    server.pass(Duration::from_secs(3_600));
    assert_eq!(server.stats().handlers, 0);
    web.peer.resume();
    server.pass(Duration::from_secs(3));
    assert_eq!(server.stats().connections_open, 0);
    server.finish();
}

#[test]
fn a_stop_cuts_off_whatever_is_under_way() {
    let mut server = server();
    let frames = [
        Frames::new(),
        Frames::new().get(1, "/sleep"),
        Frames::new().get(1, "/large").get(3, "/large"),
        Frames::new().post(1, "/").data(1, "half", false),
        Frames::new().head(100, 1, 0, 1),
        Frames::new().get(2, "/"),
        Frames::new().headers(1, &[(":method", "CONNECT"), (":authority", "b:1")], false),
    ];
    let mut webs: Vec<Web> = frames.iter().map(|_| Web::connect(&mut server)).collect();
    for (web, frames) in webs.iter_mut().zip(&frames) {
        web.peer.stop_reading();
        web.client.lose_track();
        web.send(frames);
    }
    server.settle();
    server.tell(Control::Stop);
    server.settle();
    assert!(server.is_over());
    for web in &webs {
        web.peer.resume();
        assert!(web.peer.is_closed());
    }
    server.stop();
}

#[test]
fn probes_and_age_reach_the_shards_timer() {
    let limits = Limits {
        http2: Http2Limits {
            ping_interval: Some(Duration::from_secs(10)),
            connection_age_max: Some(Duration::from_secs(25)),
            ..Http2Limits::DEFAULT
        },
        ..Limits::default()
    };
    let mut server = with_limits(limits, application(Doings::default()));
    let mut web = Web::connect(&mut server);
    let probe = "PING \\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00";
    for _ in 0..2 {
        server.pass(Duration::from_secs(10));
        assert_eq!(web.lines(), [probe]);
        web.send(Frames::new().ping(true, [0; 8]));
        server.settle();
    }
    server.pass(Duration::from_secs(5));
    assert_eq!(web.lines(), FIRST_GOAWAY);
    web.send(Frames::new().ping(true, *b"goodbye."));
    server.settle();
    assert!(web.peer.saw_fin());
    web.peer.finish();
    server.finish();
}

#[test]
fn handlers_learn_that_a_client_has_gone_and_that_the_server_drains() {
    for drains in [false, true] {
        let mut server = serve(async move |ctx: &mut HttpContext| {
            if drains {
                ctx.drain().begun().await;
            } else {
                ctx.lifetime().client_finished().await;
            }
            assert!(!ctx.lifetime().is_aborted());
            ctx.text("learnt")
        });
        let mut web = Web::connect(&mut server);
        web.send(Frames::new().get(1, "/").get(3, "/").get(5, "/"));
        server.settle();
        assert_eq!(server.stats().handlers, 3);
        if drains {
            server.tell(Control::Drain);
        } else {
            web.peer.finish();
        }
        server.settle();
        let mut answers = web.answers();
        answers.sort();
        let expected: Vec<(u32, Vec<u8>)> = [1, 3, 5].map(|id| (id, b"learnt".to_vec())).into();
        assert_eq!(answers, expected);
        web.send(Frames::new().ping(true, *b"goodbye."));
        web.peer.finish();
        server.settle();
        assert_eq!(server.stats().connections_open, 0);
        server.finish();
    }
}
