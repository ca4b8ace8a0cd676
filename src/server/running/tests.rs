//! Shards that end by themselves, over real sockets: what becomes of their connections, of the server,
//! and who comes after them.

#![allow(clippy::unwrap_used)]

use std::future::pending;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU16;

use super::*;
use crate::http::{HttpContext, ResponseError};
use crate::server::roster::RESTARTS_MAX;
use crate::server::{Server, ShardCount, ShellKind};

/// Longer than anything takes that works.
const HANG: Duration = Duration::from_secs(30);

async fn answer(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    if ctx.request().path() == "/begin" {
        ctx.write("begun").await?;
        ctx.flush().await?;
        pending::<()>().await;
    }
    ctx.text("served")
}

fn start(shell: ShellKind) -> (RunningServer, SocketAddr) {
    let one = ShardCount::Fixed(NonZeroU16::MIN);
    let server = Server::new().urls("http://127.0.0.1:0").unwrap();
    let server = server.shards(one).shell(shell).start(answer).unwrap();
    let address = server.addresses().iter().next().unwrap();
    let address = address.strip_prefix("http://").unwrap().parse().unwrap();
    (server, address)
}

/// A connection on which this was asked, once the answer has begun.
fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&address, HANG).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

/// Reads to the end, which must come; whether it was in order.
fn end_of(mut stream: TcpStream) -> bool {
    let mut part = [0; 1024];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return true,
            Ok(_) => {}
            // Another test of this process sends signals.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
                return false;
            }
        }
    }
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + HANG;
    while !condition() {
        assert!(Instant::now() < end, "never came true: {what}");
        thread::sleep(POLL_INTERVAL);
    }
}

fn fail(server: &RunningServer) {
    server.roster.tell_each(|_| Control::Fail);
}

#[test]
fn another_shard_takes_the_place_of_one_that_panics() {
    for shell in [ShellKind::Glommio, ShellKind::Thread] {
        let (server, address) = start(shell);
        assert!(server.is_healthy());
        for _ in 0..2 {
            let (idle, begun) = (ask(address, "/"), ask(address, "/begin"));
            fail(&server);
            end_of(idle);
            assert!(!end_of(begun), "half an answer looks whole");
            // The queue of the listening socket was never gone.
            ask(address, "/");
        }
        eventually("the server is healthy again", || server.is_healthy());
        assert_eq!(server.stats().len(), 1);
        assert!(server.shut_down(HANG));
    }
}

#[test]
fn shards_that_end_too_often_end_the_server_with_the_reason() {
    let (server, address) = start(ShellKind::Thread);
    let (event, events) = mpsc::channel();
    server.roster.tell(event);
    for _ in 0..RESTARTS_MAX {
        let before = ask(address, "/");
        fail(&server);
        end_of(before);
        ask(address, "/");
    }
    assert_eq!(events.try_recv(), Err(mpsc::TryRecvError::Empty));
    let before = ask(address, "/");
    fail(&server);
    end_of(before);
    let error = server.wait_for_end(&events).unwrap_err().to_string();
    assert!(error.contains("shard 0 has ended"), "{error}");
    assert!(error.contains("told to fail"), "{error}");
    assert!(TcpStream::connect_timeout(&address, HANG).is_err());
}

#[test]
fn a_server_that_was_started_by_hand_tells_that_it_is_not_healthy() {
    let (server, address) = start(ShellKind::Thread);
    for _ in 0..RESTARTS_MAX {
        let before = ask(address, "/");
        fail(&server);
        end_of(before);
        ask(address, "/");
    }
    fail(&server);
    eventually("no shard takes the place", || !server.is_healthy());
    eventually("the server gives up", || server.roster.failure().is_some());
    assert!(!server.is_healthy());
    assert!(TcpStream::connect_timeout(&address, HANG).is_err());
    assert!(server.shut_down(HANG));
}

#[test]
fn a_shard_that_ends_in_the_drain_is_no_success() {
    let (server, address) = start(ShellKind::Thread);
    let begun = ask(address, "/begin");
    let (event, events) = mpsc::channel();
    server.roster.tell(event.clone());
    event.send(Event::Signal(Stop::Drain)).unwrap();
    server.roster.drain();
    fail(&server);
    assert!(!end_of(begun));
    let error = server.wait_for_end(&events).unwrap_err();
    assert!(
        matches!(error, StartError::ShardEnded { index: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_signal_is_no_fault() {
    let (server, _) = start(ShellKind::Thread);
    let (event, events) = mpsc::channel();
    event.send(Event::Signal(Stop::Drain)).unwrap();
    assert!(server.wait_for_end(&events).is_ok());
}
