//! Time-outs and rates, with the clock in the test's hand.

use super::*;
use crate::limits::DataRate;

async fn read(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    ctx.body().read_to_end(1 << 20).await?;
    ctx.text("read")?;
    Ok(())
}

#[test]
fn an_idle_connection_closes_without_a_word() {
    let mut peer = Peer::new(read);
    peer.wait(Duration::from_secs(129));
    assert_eq!(peer.close(), Close::No);
    peer.wait(Duration::from_secs(1));
    assert_eq!(peer.close(), Close::Now);
    assert_eq!(peer.received(), "");
    peer.finish();
}

#[test]
fn the_idle_time_begins_anew_with_each_response() {
    let mut peer = Peer::new(read);
    peer.wait(Duration::from_secs(100));
    peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    peer.wait(Duration::from_secs(100));
    assert_eq!(peer.close(), Close::No);
    peer.wait(Duration::from_secs(30));
    assert_eq!(peer.close(), Close::Now);
    peer.finish();
}

#[test]
fn a_slow_head_is_408_however_it_trickles() {
    let mut peer = Peer::new(read);
    peer.wait(Duration::from_secs(60));
    for byte in b"GET / HTTP/1.1\r\nHost: xxxxxxxx" {
        peer.send(&[*byte]);
        peer.wait(Duration::from_secs(1));
    }
    assert!(peer.received().starts_with("HTTP/1.1 408 "));
    assert_eq!(peer.close(), Close::Linger);
    peer.wait(Duration::from_secs(2));
    assert_eq!(
        peer.close(),
        Close::Now,
        "nobody waits for ever for a peer's FIN"
    );
    peer.finish();
}

/// RFC 9112, 9.6: who is refused is read as long as it sends, so that it comes to read why.
#[test]
fn a_refused_peer_that_goes_on_sending_is_read_for_a_time() {
    // Bytes a second, and the last second in which they are read.
    for (bytes, last) in [(1, 30), (32 * 1024, 60), (1024 * 1024, 300)] {
        let mut peer = Peer::new(read);
        peer.send(b"G@T / HTTP/1.1\r\n\r\n");
        let mut seconds = 0;
        while peer.close() == Close::Linger {
            seconds += 1;
            peer.send(&vec![b'x'; bytes]);
            peer.wait(Duration::from_secs(1));
        }
        assert_eq!(peer.close(), Close::Now);
        assert_eq!(seconds, last, "{bytes}");
        peer.finish();
    }
}

#[test]
fn a_refused_peer_that_has_not_been_told_yet_is_not_waited_for() {
    let mut peer = Peer::new(read);
    peer.reads = false;
    peer.send(b"G@T / HTTP/1.1\r\n\r\n");
    peer.wait(Duration::from_secs(600));
    assert_eq!(
        peer.close(),
        Close::Linger,
        "its answer is still to be sent"
    );
    peer.reads = true;
    peer.run();
    assert!(peer.received().starts_with("HTTP/1.1 400 "));
    peer.wait(Duration::from_millis(1_999));
    assert_eq!(peer.close(), Close::Linger, "the clock starts with FIN");
    peer.wait(Duration::from_millis(1));
    assert_eq!(peer.close(), Close::Now);
    peer.finish();
}

#[test]
fn a_slow_body_is_408() {
    let rate = DataRate {
        bytes_per_second: 100,
        grace: Duration::from_secs(5),
    };
    let limits = Limits {
        request_body_rate_min: Some(rate),
        ..Limits::default()
    };
    let mut peer = Peer::with_limits(read, limits);
    peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n");
    for _ in 0..10 {
        peer.send(&[b'x'; 200]);
        peer.wait(Duration::from_millis(1_950));
    }
    assert_eq!(peer.received(), "", "100 bytes a second are enough");
    peer.wait(Duration::from_secs(1));
    assert!(peer.received().starts_with("HTTP/1.1 408 "));
    assert_eq!(peer.counters.rejected.get("body_timeout"), Some(&1));
    assert_eq!(peer.close(), Close::Linger);
    peer.finish();
}

#[test]
fn a_handler_that_does_not_read_does_not_make_the_peer_slow() {
    let handler = async |ctx: &mut HttpContext| {
        for _ in 0..3 {
            pending_once().await;
        }
        read(ctx).await
    };
    let mut peer = Peer::new(handler);
    peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
    peer.wait(Duration::from_secs(60));
    peer.run();
    peer.send(b"cd");
    peer.run();
    assert_eq!(peer.received(), text_response("read"));
    peer.finish();
}

#[test]
fn an_unread_body_may_take_five_seconds() {
    let mut peer = Peer::new(async |ctx: &mut HttpContext| ctx.text("early"));
    peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
    assert_eq!(peer.received(), text_response("early"));
    peer.wait(Duration::from_secs(4));
    assert_eq!(peer.close(), Close::No);
    peer.wait(Duration::from_secs(1));
    // It may be sending still, and is not to lose the answer by a reset.
    assert_eq!(peer.close(), Close::Linger);
    peer.send(b"x");
    peer.wait(Duration::from_millis(4_999));
    assert_eq!(peer.close(), Close::Linger);
    peer.wait(Duration::from_millis(1));
    assert_eq!(peer.close(), Close::Now);
    peer.finish();
}

#[test]
fn a_peer_that_takes_no_response_breaks_the_connection() {
    let mut peer = Peer::new(async |ctx: &mut HttpContext| ctx.text("x"));
    let slice = peer
        .pool
        .fill(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    peer.connection.receive(slice, &mut peer.resources);
    let Drive::Dispatch(exchange) = peer.with(Connection::drive) else {
        panic!("no request")
    };
    exchange
        .outbound()
        .borrow_mut()
        .replace_body()
        .unwrap()
        .resize(4800, b'x');
    exchange.finish(Ok(()));
    drop(exchange);
    assert!(matches!(peer.with(Connection::drive), Drive::Wait));
    let block = peer.with(Connection::next_send).unwrap();
    // 240 bytes a second: the head and the body may take a little over 20 seconds.
    let allowed = (block.len() as u64) * 1000 / 240;
    peer.now = allowed - 1;
    assert!(!peer.with(Connection::expire));
    peer.now = allowed;
    assert!(peer.with(Connection::expire), "the peer is too slow");
    peer.with(|connection, _, blocks| connection.sent(block, blocks));
    peer.finish();
}

#[test]
fn draining_ends_idle_connections_and_says_close_on_busy_ones() {
    let mut idle = Peer::new(read);
    idle.draining = true;
    idle.connection.drain();
    idle.run();
    assert_eq!(idle.close(), Close::Linger);
    idle.finish();
    let mut busy = Peer::new(read);
    busy.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
    busy.draining = true;
    busy.connection.drain();
    busy.send(b"x");
    let output = busy.received();
    assert!(
        output.contains("Connection: close\r\n") && output.ends_with("read"),
        "{output}"
    );
    assert_eq!(busy.close(), Close::Linger);
    busy.finish();
}
