//! Requests and answers when all goes well.

use super::*;
use crate::http::{ResponseError, Status};

#[test]
fn a_connection_is_kept_alive_and_answers_in_order() {
    let mut server = server();
    let peer = server.connect();
    peer.send(post("/", "1") + &post("/sleep", "2") + &post("/stream", "3") + &post("/", "4"));
    server.settle();
    assert_eq!(texts(&peer), ["1"]);
    server.pass(NAP * 2);
    assert_eq!(texts(&peer), ["2", "3", "4"]);
    peer.send(post("/", "5"));
    server.settle();
    assert_eq!(texts(&peer), ["5"]);
    let stats = server.stats();
    assert_eq!((stats.connections, stats.requests), (1, 5));
    assert!(!peer.is_closed());
    server.finish();
}

#[test]
fn heads_and_bodies_larger_than_a_buffer() {
    let config = SimConfig {
        buffers: 4,
        buffer_bytes: 16,
        ..SimConfig::default()
    };
    let mut server =
        SimulatedShard::new(&config, Limits::default(), application(Doings::default()));
    let peer = server.connect();
    let body = "0123456789".repeat(1000);
    peer.send(post("/", &body));
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for piece in body.as_bytes().chunks(999) {
        peer.send(format!("{:x}\r\n", piece.len()));
        peer.send(piece);
        peer.send("\r\n");
        server.settle();
    }
    peer.send("0\r\nSum: 1\r\n\r\n");
    server.settle();
    assert_eq!(texts(&peer), [body.as_str(), body.as_str()]);
    server.finish();
}

#[test]
fn a_response_cannot_be_informational() {
    let mut server = serve(async |ctx: &mut HttpContext| {
        for code in [100, 101, 103, 199] {
            let status = Status::new(code).unwrap();
            let refused = ctx.status(status).err();
            assert_eq!(refused, Some(ResponseError::Informational));
        }
        ctx.text("final")
    });
    let peer = server.connect();
    peer.send(get("/"));
    server.settle();
    assert_eq!(texts(&peer), ["final"]);
    server.finish();
}

#[test]
fn bodies_larger_than_the_send_buffer() {
    let limits = Limits {
        response_buffer_bytes_max: 1000,
        ..Limits::default()
    };
    let mut server = with_limits(limits, application(Doings::default()));
    let peer = server.connect();
    let streamed = "seven by seven".repeat(500);
    peer.send(get("/large") + &post("/stream", &streamed) + &get("/large"));
    server.settle();
    let answers = answers(&peer);
    let bodies: Vec<&[u8]> = answers.iter().map(|answer| &*answer.body).collect();
    assert_eq!(bodies, [&*large(), streamed.as_bytes(), &*large()]);
    server.finish();
}

#[test]
fn many_connections_sleep_side_by_side() {
    let mut server = server();
    let peers: Vec<Peer> = (0..100).map(|_| server.connect()).collect();
    for (number, peer) in peers.iter().enumerate() {
        peer.send(post("/sleep", &number.to_string()));
    }
    server.pass(NAP - millis(1));
    let stats = server.stats();
    assert_eq!(
        (stats.handlers, stats.buffers_in_use),
        (100, 0),
        "{stats:?}"
    );
    assert!(peers.iter().all(|peer| peer.received().is_empty()));
    server.pass(millis(2));
    for (number, peer) in peers.iter().enumerate() {
        assert_eq!(texts(peer), [number.to_string()]);
    }
    assert_eq!(server.stats().handlers, 0);
    server.finish();
}

#[test]
fn a_panicking_handler_costs_its_own_request_only() {
    let mut server = serve(async |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        match path.as_str() {
            "/panic" => panic!("as asked"),
            "/later" => {
                crate::shard::sleep(millis(5)).await;
                panic!("as asked");
            }
            _ => ctx.text("alive"),
        }
    });
    for path in ["/panic", "/later"] {
        let peer = server.connect();
        peer.send(get(path) + &get("/"));
        server.pass(millis(10));
        assert_eq!(statuses(&peer), [500, 200], "{path}");
    }
    assert_alive(&mut server);
    server.finish();
}

#[test]
fn an_upgraded_stream_goes_both_ways_until_the_peer_ends_it() {
    let doings = Doings::default();
    let mut server = serve(application(doings.clone()));
    let peer = server.connect();
    peer.send(
        "GET /raw HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nfirst\0\u{ff}",
    );
    server.settle();
    let answers = answers(&peer);
    assert_eq!(
        (answers[0].status, &*answers[0].body),
        (101, "first\0\u{ff}".as_bytes())
    );
    assert_eq!(doings.upgrades(), 1);
    peer.send("second");
    // No time-out of HTTP holds for it.
    server.pass(Duration::from_secs(3600));
    assert_eq!(peer.received(), b"second");
    peer.finish();
    server.settle();
    assert!(peer.saw_fin());
    server.finish();
}
