//! Accept, receive, send, cancel, shutdown and close.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;

use super::*;

#[test]
fn accept_goes_on_until_cancelled() {
    let mut driven = Driven::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    driven
        .ring
        .accept(token(OpKind::Accept), listener.as_raw_fd());
    for _ in 0..2 {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = driven.next_of(OpKind::Accept);
        assert!(accepted.more);
        assert_eq!(accepted.token, token(OpKind::Accept));
        let mut server = TcpStream::from(owned(accepted.result.unwrap()));
        assert_ne!(
            fcntl(server.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC,
            0
        );
        assert_eq!(
            fcntl(server.as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK,
            0
        );
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        server.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }
    driven
        .ring
        .cancel(token(OpKind::Cancel), listener.as_raw_fd());
    let all = driven.next_sorted(2);
    assert_eq!(
        (all[0].token.kind(), all[0].result),
        (OpKind::Accept, Err(Errno::ECANCELED))
    );
    assert!(!all[0].more);
    assert_eq!(
        (all[1].token.kind(), all[1].result),
        (OpKind::Cancel, Ok(1))
    );
    driven.assert_idle();
}

#[test]
fn recv_goes_on_until_the_end() {
    let mut driven = Driven::new();
    let (near, mut far) = UnixStream::pair().unwrap();
    driven.ring.recv(token(OpKind::Recv), near.as_raw_fd());
    for text in [&b"first"[..], b"second"] {
        far.write_all(text).unwrap();
        let completion = driven.next_of(OpKind::Recv);
        assert!(completion.more);
        assert_eq!(completion.result, Ok(text.len() as u32));
        assert_eq!(&*received(completion), text);
        driven.ring.recycle();
    }
    drop(far);
    let end = driven.next_of(OpKind::Recv);
    assert_eq!((end.result, end.more), (Ok(0), false));
    assert!(matches!(end.payload, Payload::None));
    driven.assert_idle();
}

#[test]
fn big_sends_are_short_and_bring_their_buffer_back() {
    let mut driven = Driven::new();
    let (near, mut far) = UnixStream::pair().unwrap();
    let text: Vec<u8> = (0..=250).cycle().take(4 << 20).collect();
    let address = text.as_ptr();
    let expected = text[7..].to_vec();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        all
    });
    let (mut bytes, mut from, mut sends) = (text, 7, 0);
    while from < bytes.len() {
        driven
            .ring
            .send(token(OpKind::Send), near.as_raw_fd(), bytes, from);
        let completion = driven.next_of(OpKind::Send);
        assert!(!completion.more);
        assert_eq!(completion.token, token(OpKind::Send));
        from += completion.result.unwrap() as usize;
        bytes = sent(completion);
        assert_eq!(bytes.as_ptr(), address);
        sends += 1;
    }
    assert!(sends > 1, "a socket's buffer does not hold 4 MiB");
    drop(near);
    assert!(reader.join().unwrap() == expected);
    driven.assert_idle();
}

#[test]
fn a_send_nobody_reads_fails() {
    let mut driven = Driven::new();
    let (near, far) = UnixStream::pair().unwrap();
    drop(far);
    driven
        .ring
        .send(token(OpKind::Send), near.as_raw_fd(), b"lost".to_vec(), 0);
    let completion = driven.next_of(OpKind::Send);
    assert_eq!(completion.result, Err(Errno::EPIPE));
    assert_eq!(sent(completion), b"lost");
    driven
        .ring
        .send(token(OpKind::Send), -1, b"lost".to_vec(), 9);
    assert_eq!(driven.next_of(OpKind::Send).result, Err(Errno::EBADF));
    driven.assert_idle();
}

#[test]
fn cancel_ends_everything_on_a_descriptor() {
    let mut driven = Driven::new();
    let (near, _far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    driven.ring.recv(token(OpKind::Recv), fd);
    // Fill the socket, then block.
    let (mut bytes, mut waits) = (vec![0; 4 << 20], 0);
    driven.ring.send(token(OpKind::Send), fd, bytes, 0);
    bytes = sent(driven.next_of(OpKind::Send));
    driven.ring.send(token(OpKind::Send), fd, bytes, 0);
    while waits < 3 {
        driven.ring.submit_and_wait(Wait::No).unwrap();
        driven.ring.completions(&mut driven.done);
        waits += 1;
    }
    assert!(driven.done.is_empty(), "{:?}", driven.done);
    assert_eq!(driven.ring.in_flight(), 2);
    driven.ring.cancel(token(OpKind::Cancel), fd);
    let mut all = driven.next_sorted(3);
    assert_eq!(
        (all[0].token.kind(), all[0].result),
        (OpKind::Recv, Err(Errno::ECANCELED))
    );
    assert_eq!(
        (all[2].token.kind(), all[2].result),
        (OpKind::Cancel, Ok(2))
    );
    let blocked = all.remove(1);
    assert_eq!(blocked.result, Err(Errno::ECANCELED));
    assert_eq!(sent(blocked).len(), 4 << 20);
    driven.ring.cancel(token(OpKind::Cancel), fd);
    assert_eq!(driven.next_of(OpKind::Cancel).result, Ok(0));
    driven.assert_idle();
}

#[test]
fn a_receive_is_cancelled_while_a_send_goes_on() {
    let mut driven = Driven::new();
    let (near, mut far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    driven.ring.recv(token(OpKind::Recv), fd);
    driven
        .ring
        .send(token(OpKind::Send), fd, vec![7; 4 << 20], 0);
    let sent_first = driven.next_of(OpKind::Send).result.unwrap() as usize;
    driven
        .ring
        .send(token(OpKind::Send), fd, b"last".to_vec(), 0);
    driven.ring.submit_and_wait(Wait::No).unwrap();
    driven
        .ring
        .cancel_recv(token(OpKind::Cancel), token(OpKind::Recv));
    let all = driven.next_sorted(2);
    assert_eq!(
        (all[0].token.kind(), all[0].result),
        (OpKind::Recv, Err(Errno::ECANCELED))
    );
    assert_eq!(
        (all[1].token.kind(), all[1].result),
        (OpKind::Cancel, Ok(0))
    );
    assert_eq!(driven.ring.in_flight(), 1, "the send waits for room");
    far.read_exact(&mut vec![0; sent_first]).unwrap();
    assert_eq!(driven.next_of(OpKind::Send).result, Ok(4));
    driven
        .ring
        .cancel_recv(token(OpKind::Cancel), token(OpKind::Recv));
    assert_eq!(driven.next_of(OpKind::Cancel).result, Err(Errno::ENOENT));
    driven.assert_idle();
}

#[test]
fn shutdown_and_close() {
    let mut driven = Driven::new();
    let (near, mut far) = UnixStream::pair().unwrap();
    let fd = near.into_raw_fd();
    driven.ring.recv(token(OpKind::Recv), fd);
    driven.ring.submit_and_wait(Wait::No).unwrap();
    driven.ring.shutdown(token(OpKind::Shutdown), fd);
    assert_eq!(driven.ring.in_flight(), 2);
    assert_eq!(driven.next_of(OpKind::Shutdown).result, Ok(0));
    assert_eq!(far.read(&mut [0]).unwrap(), 0);
    far.write_all(b"still").unwrap();
    assert_eq!(&*received(driven.next_of(OpKind::Recv)), b"still");
    drop(far);
    let ended = driven.next_of(OpKind::Recv);
    assert_eq!((ended.result, ended.more), (Ok(0), false));
    driven.ring.close(token(OpKind::Close), fd);
    assert_eq!(driven.next_of(OpKind::Close).result, Ok(0));
    driven.assert_idle();
    driven.ring.shutdown(token(OpKind::Shutdown), -1);
    assert_eq!(driven.next_of(OpKind::Shutdown).result, Err(Errno::EBADF));
    driven.ring.close(token(OpKind::Close), -1);
    assert_eq!(driven.next_of(OpKind::Close).result, Err(Errno::EBADF));
}

#[test]
fn a_receive_once_ends_with_what_it_brings() {
    let mut driven = Driven::new();
    let (near, mut far) = UnixStream::pair().unwrap();
    far.write_all(&[7; 100]).unwrap();
    // As much as its buffer takes; the rest is for the next one.
    for length in [64, 36] {
        driven.ring.recv_once(token(OpKind::Recv), near.as_raw_fd());
        let completion = driven.next_of(OpKind::Recv);
        assert!(!completion.more);
        assert_eq!(completion.token, token(OpKind::Recv));
        assert_eq!(&*received(completion), vec![7; length]);
        assert_eq!(driven.ring.recycle(), 1);
    }
    driven.ring.recv_once(token(OpKind::Recv), near.as_raw_fd());
    driven.ring.submit_and_wait(Wait::No).unwrap();
    driven
        .ring
        .cancel_recv(token(OpKind::Cancel), token(OpKind::Recv));
    let all = driven.next_sorted(2);
    assert_eq!(all[0].result, Err(Errno::ECANCELED));
    drop(far);
    driven.ring.recv_once(token(OpKind::Recv), near.as_raw_fd());
    let end = driven.next_of(OpKind::Recv);
    assert_eq!((end.result, end.more), (Ok(0), false));
    driven.assert_idle();
}

/// Both ends of a connection over TCP.
pub(super) fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, far)
}

#[test]
fn a_last_send_closes() {
    let mut driven = Driven::new();
    let unix = || {
        let (near, far) = UnixStream::pair().unwrap();
        let far: Box<dyn Read> = Box::new(far);
        (near.into_raw_fd(), far)
    };
    let tcp = || {
        let (near, far) = tcp_pair();
        let far: Box<dyn Read> = Box::new(far);
        (near.into_raw_fd(), far)
    };
    for (fd, mut far) in [unix(), tcp()] {
        let sent = driven.ring.send_and_close(fd, b"the last");
        assert_eq!(sent, Ok(LastSend::Closed));
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"the last");
    }
    driven.assert_idle();
}

#[test]
fn a_last_send_closes_on_nobody_who_is_still_talking() {
    let mut driven = Driven::new();
    let (near, mut far) = tcp_pair();
    far.write_all(b"more").unwrap();
    let mut peeked = [0; 4];
    while near.peek(&mut peeked).unwrap() < peeked.len() {}
    let sent = driven.ring.send_and_close(near.as_raw_fd(), b"the last");
    assert_eq!(sent, Ok(LastSend::Open(8)));
    // It is still there, and what waited for its end goes with that.
    driven
        .ring
        .shutdown(token(OpKind::Shutdown), near.as_raw_fd());
    assert_eq!(driven.next_of(OpKind::Shutdown).result, Ok(0));
    let mut all = Vec::new();
    far.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"the last");
    driven.ring.recv_once(token(OpKind::Recv), near.as_raw_fd());
    assert_eq!(&*received(driven.next_of(OpKind::Recv)), b"more");
    driven.assert_idle();
}

#[test]
fn a_last_send_that_does_not_fit_closes_nothing() {
    let mut driven = Driven::new();
    let (near, mut far) = tcp_pair();
    let text: Vec<u8> = (0..=250).cycle().take(32 << 20).collect();
    // Never taken whole, so never closed: the descriptor stays the stream's.
    let mut send = || driven.ring.send_and_close(near.as_raw_fd(), &text);
    let Ok(LastSend::Open(sent)) = send() else {
        panic!("a socket's buffer does not hold 32 MiB");
    };
    assert!(sent > 0 && sent < text.len());
    let mut all = sent;
    // No room at all is no error.
    while let Ok(LastSend::Open(more @ 1..)) = send() {
        all += more;
    }
    assert_eq!(send(), Ok(LastSend::Open(0)));
    far.read_exact(&mut vec![0; all]).unwrap();
    drop(far);
    let lost = (0..PATIENCE).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        send().err()
    });
    assert!(
        matches!(lost, Some(Errno::EPIPE | Errno::ECONNRESET)),
        "{lost:?}"
    );
    assert_eq!(driven.ring.send_and_close(-1, b"lost"), Err(Errno::EBADF));
    driven.assert_idle();
}
