//! The watch for a connection's break, on real sockets.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use super::network::tcp_pair;
use super::*;

/// Closes with a reset.
fn reset(stream: TcpStream) {
    let linger = Some(Duration::ZERO);
    socket2::SockRef::from(&stream).set_linger(linger).unwrap();
    drop(stream);
}

#[test]
fn a_watch_sees_a_reset_whatever_came_before() {
    let gone = (libc::POLLERR | libc::POLLHUP) as u32;
    for finished in [false, true] {
        for unread in [false, true] {
            let mut driven = Driven::new();
            let (near, mut far) = tcp_pair();
            if unread {
                far.write_all(b"unread").unwrap();
            }
            if finished {
                far.shutdown(Shutdown::Write).unwrap();
            }
            driven.ring.watch(token(OpKind::Watch), near.as_raw_fd());
            if finished {
                let end = driven.next_of(OpKind::Watch);
                assert_eq!((end.result.unwrap() & gone, end.more), (0, true));
            }
            reset(far);
            let broken = driven.next_of(OpKind::Watch);
            assert_eq!(broken.result.unwrap() & gone, gone, "{finished} {unread}");
            if broken.more {
                driven.ring.cancel(token(OpKind::Cancel), near.as_raw_fd());
                let all = driven.next_sorted(2);
                assert!(!all[0].more);
            }
            driven.assert_idle();
        }
    }
}

#[test]
fn a_watch_tells_a_half_close_from_a_close() {
    let mut driven = Driven::new();
    let (near, far) = UnixStream::pair().unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    driven.ring.watch(token(OpKind::Watch), near.as_raw_fd());
    let half = driven.next_of(OpKind::Watch).result.unwrap();
    assert_eq!(half & libc::POLLHUP as u32, 0);
    drop(far);
    let closed = driven.next_of(OpKind::Watch).result.unwrap();
    assert_eq!(closed & libc::POLLHUP as u32, libc::POLLHUP as u32);
}

#[test]
fn a_watch_ends_with_a_cancel() {
    let mut driven = Driven::new();
    let (near, _far) = tcp_pair();
    driven.ring.watch(token(OpKind::Watch), near.as_raw_fd());
    driven.ring.cancel(token(OpKind::Cancel), near.as_raw_fd());
    let all = driven.next_sorted(2);
    let mut kinds: Vec<OpKind> = all.iter().map(|it| it.token.kind()).collect();
    kinds.sort_by_key(|kind| *kind as u8);
    assert_eq!(kinds, [OpKind::Cancel, OpKind::Watch]);
    assert!(all.iter().all(|it| !it.more));
    driven.assert_idle();
}
