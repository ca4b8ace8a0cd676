//! What a shard and a peer see of each other, by the rules.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::os::fd::RawFd;
use std::time::Duration;

use super::*;
use crate::buf::BufSlice;
use crate::ring::{Completion, EnterError, Errno, OpKind, Payload, Ring, Token, Wait};

mod echo;

fn token(kind: OpKind) -> Token {
    Token::new(kind, 0, 0)
}

struct Driven {
    net: SimNet,
    ring: SimRing,
    done: Vec<Completion>,
}

impl Driven {
    fn new(config: &SimConfig) -> Self {
        let (net, ring) = SimNet::new(config).unwrap();
        Self {
            net,
            ring,
            done: Vec::new(),
        }
    }

    /// The next completion; fails when none can come.
    fn next(&mut self) -> Completion {
        while self.done.is_empty() {
            self.ring.submit_and_wait(Wait::Forever).unwrap();
            self.ring.completions(&mut self.done);
        }
        self.done.remove(0)
    }

    fn nothing(&mut self) {
        assert_eq!(
            self.ring.submit_and_wait(Wait::Forever),
            Err(EnterError::Stalled)
        );
        self.ring.completions(&mut self.done);
        assert!(self.done.is_empty(), "{:?}", self.done);
    }

    /// A connection, its accept cancelled again.
    fn connected(&mut self) -> (Peer, RawFd) {
        let listener = self.net.listen();
        let peer = self.net.connect(listener);
        self.ring.accept(token(OpKind::Accept), listener);
        let accepted = self.next();
        assert!(accepted.more);
        self.ring.cancel(token(OpKind::Cancel), listener);
        assert_eq!(self.next().result, Err(Errno::ECANCELED));
        assert_eq!(self.next().result, Ok(1));
        (peer, accepted.result.unwrap() as RawFd)
    }

    fn close(&mut self, fd: RawFd) {
        self.ring.close(token(OpKind::Close), fd);
        assert_eq!(self.next().result, Ok(0));
    }
}

fn received(completion: Completion) -> BufSlice {
    match completion.payload {
        Payload::Received(slice) => slice,
        other => panic!("received nothing: {other:?}, {:?}", completion.result),
    }
}

fn config() -> SimConfig {
    SimConfig {
        buffers: 2,
        buffer_bytes: 4,
        ..SimConfig::default()
    }
}

#[test]
fn bytes_go_both_ways_and_ends_are_seen() {
    let mut driven = Driven::new(&config());
    let (peer, fd) = driven.connected();
    driven.ring.recv(token(OpKind::Recv), fd);
    driven.nothing();
    peer.send("abcdef");
    assert_eq!(&*received(driven.next()), b"abcd");
    assert_eq!(&*received(driven.next()), b"ef");
    driven
        .ring
        .send(token(OpKind::Send), fd, b"-answer".to_vec(), 1);
    let sent = driven.next();
    assert_eq!(sent.result, Ok(6));
    assert!(matches!(sent.payload, Payload::Sent(bytes) if bytes == b"-answer"));
    assert_eq!(peer.received(), b"answer");
    assert!(peer.received().is_empty());
    peer.finish();
    peer.send("too late");
    let end = driven.next();
    assert_eq!((end.result, end.more), (Ok(0), false));
    driven.ring.shutdown(token(OpKind::Shutdown), fd);
    assert!(peer.saw_fin());
    assert_eq!(driven.next().result, Ok(0));
    driven.close(fd);
    assert!(peer.saw_fin() && peer.is_closed() && !peer.saw_reset());
    driven.net.assert_quiet();
    assert_eq!(driven.ring.in_flight(), 0);
}

#[test]
fn buffers_run_out_and_come_back() {
    let mut driven = Driven::new(&config());
    let (peer, fd) = driven.connected();
    peer.send("abcdefghij");
    driven.ring.recv(token(OpKind::Recv), fd);
    let slices = [received(driven.next()), received(driven.next())];
    let ended = driven.next();
    assert_eq!((ended.result, ended.more), (Err(Errno::ENOBUFS), false));
    assert_eq!(peer.backlog(), 2);
    // Without data too, as long as the kernel has none; and returned is not yet given.
    drop(slices);
    driven.ring.recv(token(OpKind::Recv), fd);
    assert_eq!(driven.next().result, Err(Errno::ENOBUFS));
    assert_eq!(driven.ring.recycle(), 2);
    assert_eq!(driven.ring.recycle(), 0);
    driven.ring.recv(token(OpKind::Recv), fd);
    assert_eq!(&*received(driven.next()), b"ij");
    driven
        .ring
        .cancel_recv(token(OpKind::Cancel), token(OpKind::Recv));
    assert_eq!(driven.next().result, Err(Errno::ECANCELED));
    assert_eq!(driven.next().result, Ok(0));
    driven
        .ring
        .cancel_recv(token(OpKind::Cancel), token(OpKind::Recv));
    assert_eq!(driven.next().result, Err(Errno::ENOENT));
    driven.close(fd);
    driven.net.assert_quiet();
}

#[test]
fn a_peer_who_does_not_read_blocks_sends() {
    let mut driven = Driven::new(&config());
    let (peer, fd) = driven.connected();
    peer.stop_reading();
    driven
        .ring
        .send(token(OpKind::Send), fd, vec![7; 100_000], 0);
    let short = driven.next();
    assert_eq!(short.result, Ok(65_536));
    let Payload::Sent(bytes) = short.payload else {
        panic!("no buffer came back")
    };
    driven.ring.send(token(OpKind::Send), fd, bytes, 65_536);
    driven.nothing();
    assert!(peer.received().is_empty());
    peer.resume();
    assert_eq!(driven.next().result, Ok(100_000 - 65_536));
    assert_eq!(peer.received(), vec![7; 100_000]);
    driven.close(fd);
    assert!(peer.saw_fin());
    driven.net.assert_quiet();
}

#[test]
fn a_reset_breaks_what_is_in_flight_and_what_follows() {
    let mut driven = Driven::new(&config());
    let (peer, fd) = driven.connected();
    driven.ring.recv(token(OpKind::Recv), fd);
    driven.nothing();
    peer.send("lost");
    peer.reset();
    assert_eq!(driven.next().result, Err(Errno::ECONNRESET));
    driven.ring.send(token(OpKind::Send), fd, vec![1], 0);
    assert_eq!(driven.next().result, Err(Errno::EPIPE));
    driven.ring.recv(token(OpKind::Recv), fd);
    assert_eq!(driven.next().result, Ok(0));
    driven.ring.shutdown(token(OpKind::Shutdown), fd);
    assert_eq!(driven.next().result, Err(Errno::ENOTCONN));
    driven.close(fd);
    driven.net.assert_quiet();
}

#[test]
fn a_pending_receive_keeps_a_closed_connection_open() {
    let mut driven = Driven::new(&config());
    let (peer, fd) = driven.connected();
    driven.ring.recv(token(OpKind::Recv), fd);
    driven.close(fd);
    driven.nothing();
    assert!(!peer.is_closed());
    driven.ring.cancel(token(OpKind::Cancel), fd);
    assert_eq!(driven.next().result, Err(Errno::EBADF));
    driven
        .ring
        .cancel_recv(token(OpKind::Cancel), token(OpKind::Recv));
    assert_eq!(driven.next().result, Err(Errno::ECANCELED));
    assert_eq!(driven.next().result, Ok(0));
    assert!(peer.saw_fin());
    driven.net.assert_quiet();
}

#[test]
fn a_close_with_unread_bytes_is_a_reset() {
    let mut driven = Driven::new(&config());
    let (peer, fd) = driven.connected();
    peer.send("unread");
    driven.close(fd);
    assert!(peer.saw_reset() && !peer.saw_fin());
    let (peer, fd) = driven.connected();
    driven.close(fd);
    assert!(!peer.saw_reset());
    peer.send("too late");
    assert!(peer.saw_reset());
    assert!(driven.net.connect(-1).saw_reset());
}

#[test]
fn descriptors_are_checked() {
    let mut driven = Driven::new(&config());
    let (_peer, fd) = driven.connected();
    driven.close(fd);
    for fd in [fd, 77] {
        driven.ring.recv(token(OpKind::Recv), fd);
        assert_eq!(driven.next().result, Err(Errno::EBADF));
        driven.ring.accept(token(OpKind::Accept), fd);
        assert_eq!(driven.next().result, Err(Errno::EBADF));
        driven.ring.shutdown(token(OpKind::Shutdown), fd);
        assert_eq!(driven.next().result, Err(Errno::EBADF));
        driven.ring.send(token(OpKind::Send), fd, vec![1], 0);
        let sent = driven.next();
        assert_eq!(sent.result, Err(Errno::EBADF));
        assert!(matches!(sent.payload, Payload::Sent(bytes) if bytes == [1]));
        driven.ring.read(token(OpKind::Read), fd, Vec::new(), 0);
        assert_eq!(driven.next().result, Err(Errno::EBADF));
    }
    driven.ring.close(token(OpKind::Close), 77);
    assert_eq!(driven.next().result, Err(Errno::EBADF));
    driven.net.assert_quiet();
}

#[test]
#[should_panic(expected = "closed twice")]
fn closing_twice_is_a_defect() {
    let mut driven = Driven::new(&config());
    let (_peer, fd) = driven.connected();
    driven.close(fd);
    driven.close(fd);
}

#[test]
#[should_panic(expected = "not quiet")]
fn an_open_descriptor_is_not_quiet() {
    let mut driven = Driven::new(&config());
    driven.connected();
    driven.net.assert_quiet();
}

#[test]
#[should_panic(expected = "held by slices: 1")]
fn a_held_buffer_is_not_quiet() {
    let mut driven = Driven::new(&config());
    let (peer, fd) = driven.connected();
    peer.send("held");
    driven.ring.recv(token(OpKind::Recv), fd);
    let _held = received(driven.next());
    driven.net.assert_quiet();
}

#[test]
fn waits_pass_the_time() {
    let mut driven = Driven::new(&config());
    let minute = Duration::from_secs(60);
    driven.ring.watch_inbox(token(OpKind::Inbox), 3);
    driven.ring.submit_and_wait(Wait::No).unwrap();
    assert_eq!(driven.net.now(), Duration::ZERO);
    driven.ring.submit_and_wait(Wait::For(minute)).unwrap();
    assert_eq!(driven.net.now(), minute);
    driven.net.advance(minute);
    assert_eq!(driven.net.now(), minute * 2);
    driven.nothing();
    driven.net.wake_inbox();
    driven.ring.submit_and_wait(Wait::For(minute)).unwrap();
    assert_eq!(driven.net.now(), minute * 2);
    let woken = driven.next();
    assert_eq!((woken.token.kind(), woken.more), (OpKind::Inbox, true));
    driven.net.assert_quiet();
    assert_eq!(driven.ring.in_flight(), 1);
}

#[test]
fn files_are_opened_and_read() {
    let mut driven = Driven::new(&config());
    driven.net.put_file(c"/some/file".to_owned(), "0123456789");
    driven
        .ring
        .open(token(OpKind::Open), c"/other".to_owned(), 0);
    assert_eq!(driven.next().result, Err(Errno::ENOENT));
    driven
        .ring
        .open(token(OpKind::Open), c"/some/file".to_owned(), 0);
    let fd = driven.next().result.unwrap() as RawFd;
    for (offset, expected) in [(2, &b"2345"[..]), (8, b"89"), (10, b""), (u64::MAX, b"")] {
        let mut into = Vec::new();
        into.reserve_exact(4);
        driven.ring.read(token(OpKind::Read), fd, into, offset);
        let read = driven.next();
        assert_eq!(read.result, Ok(expected.len() as u32));
        assert!(matches!(read.payload, Payload::Read(bytes) if bytes == expected));
    }
    driven.close(fd);
    driven.net.assert_quiet();
}

#[test]
fn accept_fails_when_told_to() {
    let mut driven = Driven::new(&config());
    let listener = 5;
    driven.net.listen_on(listener);
    driven.net.fail_accept(listener, Errno::EMFILE);
    let peer = driven.net.connect(listener);
    driven.ring.accept(token(OpKind::Accept), listener);
    let failed = driven.next();
    assert_eq!((failed.result, failed.more), (Err(Errno::EMFILE), false));
    driven.nothing();
    driven.ring.accept(token(OpKind::Accept), listener);
    let fd = driven.next().result.unwrap() as RawFd;
    driven.close(fd);
    assert!(peer.saw_fin());
}
