//! What handlers wait for besides their peer: files on the shard's ring, and other threads.

use std::ffi::CString;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use super::*;
use crate::shard::{Control, read_file, timeout};
use crate::task::foreign_waits;

/// A server that answers with the file of its query, of at most 200,000 bytes.
fn file_server(faults: Faults) -> SimulatedShard {
    let config = SimConfig {
        faults,
        ..SimConfig::default()
    };
    let handler = async |ctx: &mut HttpContext| {
        let path = ctx.request().path().to_owned();
        match read_file(path, 200_000).await {
            Ok(bytes) => ctx.bytes("application/octet-stream", bytes),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => ctx.text("too large"),
            Err(error) => ctx.text(&error.to_string()),
        }
    };
    let server = SimulatedShard::new(&config, Limits::default(), handler);
    for (name, len) in [
        (c"/empty", 0),
        (c"/small", 10),
        (c"/long", 200_000),
        (c"/longer", 200_001),
    ] {
        let bytes: Vec<u8> = (0..len).map(|at: u32| at as u8).collect();
        server.net.put_file(CString::from(name), bytes);
    }
    server
}

#[test]
fn files_are_read_whole() {
    for faults in [Faults::NONE, Faults::ALL] {
        let mut server = file_server(faults);
        let peer = server.connect();
        peer.send(get("/empty") + &get("/small") + &get("/long") + &get("/longer"));
        peer.send(get("/none"));
        server.settle();
        let bodies: Vec<_> = answers(&peer).into_iter().map(|a| a.body).collect();
        let lengths: Vec<_> = bodies.iter().take(3).map(Vec::len).collect();
        assert_eq!(lengths, [0, 10, 200_000]);
        assert!(bodies[2].iter().enumerate().all(|(at, b)| *b == at as u8));
        assert_eq!(bodies[3], b"too large");
        assert!(String::from_utf8_lossy(&bodies[4]).starts_with("No such file"));
        server.finish();
    }
}

#[test]
fn many_files_at_once_and_readers_that_go_away() {
    let mut server = file_server(Faults::ALL);
    for round in 0..20 {
        let peers: Vec<Peer> = (0..10).map(|_| server.connect()).collect();
        for peer in &peers {
            peer.send(get("/long"));
        }
        for _ in 0..round {
            server.turn(Duration::ZERO);
        }
        for peer in &peers[..5] {
            peer.reset();
        }
        server.settle();
        for peer in &peers[5..] {
            assert_eq!(answers(peer)[0].body.len(), 200_000);
            peer.finish();
        }
    }
    server.finish();
}

#[test]
fn a_stop_leaves_no_file_open() {
    for turns in 0..12 {
        let mut server = file_server(Faults::NONE);
        let peer = server.connect();
        peer.send(get("/long"));
        for _ in 0..turns {
            server.turn(Duration::ZERO);
        }
        server.tell(Control::Stop);
        server.settle();
        server.stop();
    }
}

/// Something that another thread says once.
#[derive(Default)]
struct Signal(Mutex<(bool, Option<Waker>)>);

impl Signal {
    async fn wait(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn give(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}

#[test]
fn a_handler_is_woken_by_another_thread() {
    let signal = Arc::new(Signal::default());
    let awaited = Arc::clone(&signal);
    let mut server = serve(async move |ctx: &mut HttpContext| {
        awaited.wait().await;
        ctx.text("heard")
    });
    let peer = server.connect();
    peer.send(get("/"));
    server.pass(Duration::from_secs(1));
    assert_eq!(peer.received(), b"");
    assert_eq!(foreign_waits(), 1);
    thread::spawn(move || signal.give()).join().unwrap();
    server.settle();
    assert_eq!(texts(&peer), ["heard"]);
    assert_eq!(foreign_waits(), 0);
    server.finish();
}

#[test]
fn time_outs_end_what_takes_too_long() {
    let mut server = serve(async |ctx: &mut HttpContext| {
        let body = timeout(millis(100), ctx.body().read_to_end(1000)).await;
        match body {
            Ok(Ok(body)) => ctx.bytes("text/plain", body),
            Ok(Err(_)) => ctx.text("broken"),
            Err(elapsed) => ctx.text(&elapsed.to_string()),
        }
    });
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\no";
    let (fast, slow) = (server.connect(), server.connect());
    fast.send(head);
    slow.send(head);
    server.pass(millis(50));
    fast.send("k");
    server.pass(millis(49));
    assert_eq!(texts(&fast), ["ok"]);
    assert_eq!(slow.received(), b"");
    server.pass(millis(2));
    assert_eq!(texts(&slow), ["the time is up"]);
    server.finish();
}
