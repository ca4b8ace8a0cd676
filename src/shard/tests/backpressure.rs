//! Who does not read stops who sends, in both directions, and what waits is bounded.

use super::*;
use crate::limits::DataRate;
use crate::shard::sleep;
use crate::shard::slots::Receiving;

/// Whether the kernel is asked to receive, on each connection.
fn receiving(server: &mut SimulatedShard) -> Vec<Receiving> {
    let slots = &mut server.shard.slots;
    let keys = slots.keys();
    keys.into_iter()
        .map(|key| slots.get(key).unwrap().receiving)
        .collect()
}

#[test]
fn a_handler_that_does_not_read_stops_the_peer_until_it_does() {
    let limits = Limits {
        request_buffer_bytes_max: 64 * 1024,
        ..Limits::default()
    };
    let mut server = with_limits(
        limits,
        async |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
            sleep(millis(50)).await;
            let body = ctx.body().read_to_end(1 << 20).await?;
            Ok(ctx.bytes("text/plain", body)?)
        },
    );
    let peer = server.connect();
    let body: String = ('a'..='z').cycle().take(500_000).collect();
    peer.send(post("/", &body));
    server.settle();
    let held_back = peer.backlog();
    // One turn may bring as much as the kernel has buffers.
    let taken = body.len() - held_back;
    assert!(taken < 64 * 1024 + 16 * 4096, "{taken} bytes were taken");
    assert_eq!(receiving(&mut server), [Receiving::Off]);
    server.pass(millis(40));
    assert_eq!(peer.backlog(), held_back);
    server.pass(millis(20));
    assert_eq!(texts(&peer), [body]);
    assert_eq!(receiving(&mut server), [Receiving::Armed]);
    server.finish();
}

#[test]
fn a_peer_that_does_not_read_is_not_read_until_it_does() {
    let mut server = server();
    let peer = server.connect();
    peer.stop_reading();
    for _ in 0..100 {
        peer.send(get("/large"));
    }
    server.settle();
    // Many small ones behind them end up in the request buffer, and the rest with the peer.
    peer.send(get("/").repeat(100_000));
    server.settle();
    let requests = server.stats().requests;
    assert!(
        requests < 5,
        "{requests} requests are served that nobody reads"
    );
    assert!(peer.backlog() > 0);
    assert_eq!(receiving(&mut server), [Receiving::Off]);
    peer.resume();
    server.settle();
    let answers = answers(&peer);
    assert_eq!(answers.len(), 100_100);
    assert!(
        answers[..100]
            .iter()
            .all(|answer| answer.body.len() == LARGE_BYTES)
    );
    assert_eq!(peer.backlog(), 0);
    server.finish();
}

#[test]
fn a_peer_that_never_reads_is_cut_off() {
    let limits = Limits {
        response_rate_min: Some(DataRate {
            bytes_per_second: 10_000,
            grace: Duration::from_secs(2),
        }),
        ..Limits::default()
    };
    let mut server = with_limits(limits, application(Doings::default()));
    let peer = server.connect();
    peer.stop_reading();
    peer.send(get("/large") + &get("/large"));
    server.pass(Duration::from_secs(1));
    assert_eq!(server.stats().connections_open, 1);
    server.pass(Duration::from_secs(10));
    let stats = server.stats();
    assert_eq!((stats.connections_open, stats.handlers), (0, 0));
    assert_eq!(stats.rejected.get("response_rate_min"), Some(&1));
    peer.resume();
    let answers = answers(&peer);
    assert!(!answers.last().unwrap().complete, "all was taken");
    server.finish();
}

#[test]
fn a_peer_that_sends_too_slowly_is_answered_408() {
    let mut server = server();
    let head = server.connect();
    head.send("GET / HT");
    let body = server.connect();
    body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx");
    let idle = server.connect();
    for _ in 0..40 {
        server.pass(Duration::from_secs(1));
        head.send("T");
        body.send("x");
    }
    for peer in [&head, &body] {
        let answers = answers(peer);
        assert_eq!(
            (answers.len(), answers[0].status, answers[0].closes),
            (1, 408, true)
        );
        assert!(peer.is_closed());
    }
    assert!(!idle.is_closed());
    server.pass(Duration::from_secs(100));
    assert!(idle.saw_fin() && idle.received().is_empty());
    assert_eq!(server.stats().connections_open, 0);
    server.finish();
}
