//! Peers that leave: politely, half, or with a reset at any moment.

use super::*;

#[test]
fn a_half_closed_peer_gets_all_its_answers() {
    let mut server = server();
    let peer = server.connect();
    peer.send(post("/sleep", "1") + &get("/large") + &post("/", "3"));
    peer.finish();
    server.pass(NAP * 2);
    let bodies: Vec<_> = answers(&peer).into_iter().map(|a| a.body).collect();
    assert_eq!(bodies, [b"1".to_vec(), large(), b"3".to_vec()]);
    assert!(peer.saw_fin());
    assert_eq!(server.stats().connections_open, 0);
    server.finish();
}

#[test]
fn a_peer_that_ends_within_a_request() {
    let mut server = server();
    for (input, expected) in [
        ("", [].as_slice()),
        ("GET / HTTP/1.1\r\nHo", &[]),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
            &[400],
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            &[400],
        ),
    ] {
        let peer = server.connect();
        peer.send(input);
        server.settle();
        peer.finish();
        server.settle();
        assert_eq!(statuses(&peer), expected, "{input:?}");
        assert!(peer.is_closed());
        assert_eq!(server.stats().connections_open, 0, "{input:?}");
    }
    server.finish();
}

#[test]
fn a_refused_peer_gets_its_answer_before_the_end() {
    let mut server = server();
    let peer = server.connect();
    peer.send("GET / HTTP/1.1\r\n\r\n");
    server.settle();
    let answers = answers(&peer);
    assert_eq!((answers[0].status, answers[0].closes), (400, true));
    assert!(peer.saw_fin());
    // What it still sends is read and forgotten, so that no reset overtakes the answer.
    peer.send("x".repeat(100_000));
    server.settle();
    assert_eq!((peer.backlog(), peer.saw_reset()), (0, false));
    server.pass(Duration::from_secs(6));
    assert_eq!(server.stats().connections_open, 0);
    server.finish();
}

/// What a connection is doing when it breaks.
const MIXED: &str = "POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody\
    GET /large HTTP/1.1\r\nHost: a\r\n\r\n\
    POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
    POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nnot all";

#[test]
fn a_reset_after_any_byte_leaves_nothing_behind() {
    let mut server = server();
    for cut in 0..=MIXED.len() {
        let peer = server.connect();
        peer.send(&MIXED[..cut]);
        server.pass(if cut % 2 == 0 { NAP * 2 } else { millis(0) });
        peer.reset();
        server.settle();
        assert_eq!(server.stats().connections_open, 0, "cut at {cut}");
        server.pass(NAP * 2);
        let stats = server.stats();
        assert_eq!(
            (stats.handlers, stats.buffers_in_use),
            (0, 0),
            "cut at {cut}"
        );
    }
    assert_alive(&mut server);
    server.finish();
}

#[test]
fn a_reset_after_any_turn_leaves_nothing_behind() {
    for (seed, reads) in (0..60).flat_map(|seed| [(seed, true), (seed, false)]) {
        let config = SimConfig {
            seed,
            faults: Faults::ALL,
            buffers: 4,
            buffer_bytes: 64,
        };
        let mut server =
            SimulatedShard::new(&config, Limits::default(), application(Doings::default()));
        let peer = server.connect();
        if !reads {
            peer.stop_reading();
        }
        peer.send(MIXED);
        for _ in 0..seed {
            server.turn(millis(1));
        }
        peer.reset();
        server.pass(NAP * 2);
        let stats = server.stats();
        assert_eq!(
            (stats.connections_open, stats.handlers, stats.buffers_in_use),
            (0, 0, 0),
            "seed {seed}: {stats:?}"
        );
        assert_alive(&mut server);
        server.finish();
    }
}

/// Handlers that wait for the end of their peers: `/read` reads the body before.
async fn wait(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/read" => drop(ctx.body().read_to_end(usize::MAX).await),
        "/raw" => {
            let mut stream = ctx.upgrade("raw")?;
            while let Some(bytes) = stream.read().await? {
                stream.write(&bytes).await?;
            }
            // The exchange is the stream's now, which learns of a reset when it writes or reads.
            ctx.lifetime().aborted().await;
            return Ok(());
        }
        _ => {}
    }
    ctx.lifetime().aborted().await;
    Ok(())
}

#[test]
fn a_reset_is_seen_whatever_the_connection_waits_for() {
    let upgrade = "GET /raw HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n";
    let unread = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n".to_owned()
        + &"x".repeat(2_000_000);
    for faults in std::iter::once(Faults::NONE).chain(each_fault()) {
        let config = SimConfig {
            faults,
            ..SimConfig::default()
        };
        for (input, finishes) in [
            (get("/"), false),
            (get("/"), true),
            (post("/read", "all of it"), true),
            (post("/", "unread"), true),
            (unread.clone(), false),
            (upgrade.to_owned(), true),
            (upgrade.to_owned() + "bytes", true),
        ] {
            let mut server = SimulatedShard::new(&config, Limits::default(), wait);
            let peer = server.connect();
            peer.send(&input);
            server.settle();
            if finishes {
                peer.finish();
            }
            server.settle();
            assert_eq!(server.stats().connections_open, 1, "{faults:?}");
            peer.reset();
            server.settle();
            let stats = server.stats();
            let left = (stats.connections_open, stats.handlers);
            assert_eq!(left, (0, 0), "{faults:?} {:?} {finishes}", &input[..20]);
            server.finish();
        }
    }
}

#[test]
fn a_reset_is_seen_behind_a_want_of_receive_buffers() {
    let unread = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n".to_owned()
        + &"x".repeat(200_000);
    // The peer may be held back in the very turn in which buffers come back.
    for (buffers, kept) in [1, 2, 4, 8, 16]
        .into_iter()
        .flat_map(|count| (8..72).map(move |kept| (count, kept)))
    {
        let config = SimConfig {
            buffers,
            ..SimConfig::default()
        };
        let limits = Limits {
            request_buffer_bytes_max: kept * 1024,
            ..Limits::default()
        };
        let mut server = SimulatedShard::new(&config, limits, wait);
        let peers: Vec<_> = (0..4).map(|_| server.connect()).collect();
        for peer in &peers {
            peer.send(&unread);
        }
        server.settle();
        peers.iter().for_each(Peer::reset);
        server.settle();
        let stats = server.stats();
        let left = (stats.connections_open, stats.handlers);
        assert_eq!(left, (0, 0), "{buffers} buffers, {kept} KiB");
        server.finish();
    }
}
