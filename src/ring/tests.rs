//! The real ring against the real kernel.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::ffi::CString;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::*;
use crate::buf::BufSlice;

/// Waits that a test makes before it gives up, a tenth of a second each.
const PATIENCE: usize = 100;

struct Driven {
    ring: Uring,
    done: Vec<Completion>,
}

impl Driven {
    fn new() -> Self {
        Self::with(RingConfig {
            sq_entries: 16,
            cq_entries: 64,
            buffers: 4,
            buffer_bytes: 64,
        })
    }

    fn with(config: RingConfig) -> Self {
        Self {
            ring: Uring::new(&config).unwrap(),
            done: Vec::new(),
        }
    }

    /// The next completion, in the order of the ring.
    fn next(&mut self) -> Completion {
        for _ in 0..PATIENCE {
            if self.done.is_empty() {
                self.ring
                    .submit_and_wait(Wait::For(Duration::from_millis(100)))
                    .unwrap();
                self.ring.completions(&mut self.done);
            } else {
                return self.done.remove(0);
            }
        }
        panic!("no completion");
    }

    fn next_of(&mut self, kind: OpKind) -> Completion {
        let completion = self.next();
        assert_eq!(completion.token.kind(), kind, "{completion:?}");
        completion
    }

    /// The next `n` completions, by kind: those of several operations come in any order.
    fn next_sorted(&mut self, n: usize) -> Vec<Completion> {
        let mut all: Vec<_> = (0..n).map(|_| self.next()).collect();
        all.sort_by_key(|completion| completion.token.kind() as u8);
        all
    }

    fn assert_idle(&mut self) {
        assert!(self.done.is_empty(), "{:?}", self.done);
        assert_eq!(self.ring.in_flight(), 0);
        assert_eq!(self.ring.pool().in_use(), 0);
    }
}

fn token(kind: OpKind) -> Token {
    Token::new(kind, 3, 5)
}

fn received(completion: Completion) -> BufSlice {
    match completion.payload {
        Payload::Received(slice) => slice,
        other => panic!("received nothing: {other:?}, {:?}", completion.result),
    }
}

fn sent(completion: Completion) -> Vec<u8> {
    match completion.payload {
        Payload::Sent(bytes) => bytes,
        other => panic!("no buffer came back: {other:?}, {:?}", completion.result),
    }
}

fn owned(fd: u32) -> OwnedFd {
    // SAFETY: the ring has just opened it for this test.
    unsafe { OwnedFd::from_raw_fd(fd as RawFd) }
}

fn eventfd() -> OwnedFd {
    // SAFETY: no memory is involved.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    assert!(fd >= 0);
    owned(fd as u32)
}

fn fcntl(fd: RawFd, command: i32) -> i32 {
    // SAFETY: F_GETFD and F_GETFL involve no memory.
    unsafe { libc::fcntl(fd, command) }
}

#[test]
fn features_say_what_was_chosen() {
    let driven = Driven::new();
    let features = driven.ring.features();
    assert!(features.flags.contains(&"SINGLE_ISSUER"));
    assert!(features.flags.contains(&"SUBMIT_ALL"));
    assert_eq!((features.sq_entries, features.cq_entries), (16, 64));
    assert_eq!((features.buffers, features.buffer_bytes), (4, 64));
}

#[test]
fn probe_answers_for_everything_in_use() {
    let found = probe(&RingConfig::default()).unwrap();
    assert_eq!(found.shard, Ok(()));
    assert!(
        found.operations.iter().all(|(_, present)| *present),
        "{found:?}"
    );
    let ring = Driven::new();
    let chosen = &ring.ring.features().flags;
    for (name, present) in &found.flags {
        assert!(
            *present || !chosen.contains(name),
            "{name} was chosen but is not there"
        );
    }
    assert_eq!(found.registered_ring, chosen.contains(&"REGISTERED_RING"));
}

#[test]
fn set_up_errors_reach_the_caller() {
    let config = RingConfig {
        buffers: 3,
        ..RingConfig::default()
    };
    let error = Uring::new(&config).err().unwrap();
    assert_eq!(error, SetupError::Buffers(crate::buf::PoolError::Count));
}

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
fn recv_stops_without_buffers_and_starts_anew() {
    let mut driven = Driven::new();
    let (near, mut far) = UnixStream::pair().unwrap();
    let text: Vec<u8> = (0..=255).cycle().take(64 * 5).collect();
    far.write_all(&text).unwrap();
    driven.ring.recv(token(OpKind::Recv), near.as_raw_fd());
    let slices: Vec<_> = (0..4)
        .map(|_| received(driven.next_of(OpKind::Recv)))
        .collect();
    assert_eq!(
        slices
            .iter()
            .map(|slice| slice.to_vec())
            .collect::<Vec<_>>()
            .concat(),
        text[..256]
    );
    let stopped = driven.next_of(OpKind::Recv);
    assert_eq!((stopped.result, stopped.more), (Err(Errno::ENOBUFS), false));
    assert!(driven.ring.pool().is_scarce());
    // Started anew without buffers it ends at once, data or not.
    driven.ring.recv(token(OpKind::Recv), near.as_raw_fd());
    assert_eq!(driven.next_of(OpKind::Recv).result, Err(Errno::ENOBUFS));
    assert_eq!(driven.ring.recycle(), 0);
    drop(slices);
    assert_eq!(driven.ring.recycle(), 4);
    driven.ring.recv(token(OpKind::Recv), near.as_raw_fd());
    assert_eq!(&*received(driven.next_of(OpKind::Recv)), &text[256..]);
    drop(far);
    assert_eq!(driven.next_of(OpKind::Recv).result, Ok(0));
    driven.assert_idle();
}

/// More rounds than the 16 bits of the tail have values.
#[test]
fn the_buffer_ring_wraps_round() {
    let mut driven = Driven::new();
    let (near, mut far) = UnixStream::pair().unwrap();
    driven.ring.recv(token(OpKind::Recv), near.as_raw_fd());
    for round in 0..70_000_u32 {
        far.write_all(&round.to_le_bytes()).unwrap();
        assert_eq!(
            &*received(driven.next_of(OpKind::Recv)),
            &round.to_le_bytes()
        );
        assert_eq!(driven.ring.recycle(), 1);
    }
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
    driven
        .ring
        .shutdown(token(OpKind::Shutdown), fd, Shutdown::Write);
    assert_eq!(driven.ring.in_flight(), 2);
    assert_eq!(driven.next_of(OpKind::Shutdown).result, Ok(0));
    assert_eq!(far.read(&mut [0]).unwrap(), 0);
    far.write_all(b"still").unwrap();
    assert_eq!(&*received(driven.next_of(OpKind::Recv)), b"still");
    driven
        .ring
        .shutdown(token(OpKind::Shutdown), fd, Shutdown::Both);
    let all = driven.next_sorted(2);
    assert_eq!(
        (all[0].token.kind(), all[0].result, all[0].more),
        (OpKind::Recv, Ok(0), false)
    );
    driven.ring.close(token(OpKind::Close), fd);
    assert_eq!(driven.next_of(OpKind::Close).result, Ok(0));
    driven.assert_idle();
    driven
        .ring
        .shutdown(token(OpKind::Shutdown), -1, Shutdown::Read);
    assert_eq!(driven.next_of(OpKind::Shutdown).result, Err(Errno::EBADF));
    driven.ring.close(token(OpKind::Close), -1);
    assert_eq!(driven.next_of(OpKind::Close).result, Err(Errno::EBADF));
}

#[test]
fn the_inbox_is_watched_until_cancelled() {
    let mut driven = Driven::new();
    let eventfd = eventfd();
    let mut file = std::fs::File::from(eventfd.try_clone().unwrap());
    driven
        .ring
        .watch_inbox(token(OpKind::Inbox), eventfd.as_raw_fd());
    for _ in 0..3 {
        driven.ring.submit_and_wait(Wait::No).unwrap();
        file.write_all(&1_u64.to_ne_bytes()).unwrap();
        let woken = driven.next_of(OpKind::Inbox);
        assert!(woken.more);
        assert_eq!(woken.result, Ok(libc::POLLIN as u32));
        file.read_exact(&mut [0; 8]).unwrap();
    }
    driven
        .ring
        .cancel(token(OpKind::Cancel), eventfd.as_raw_fd());
    let all = driven.next_sorted(2);
    assert_eq!((all[1].result, all[1].more), (Err(Errno::ECANCELED), false));
    driven.assert_idle();
}

#[test]
fn files_are_opened_and_read() {
    let mut driven = Driven::new();
    let path = std::env::temp_dir().join(format!("lanner-ring-{}", std::process::id()));
    std::fs::write(&path, b"0123456789").unwrap();
    let name = CString::new(path.clone().into_os_string().into_vec()).unwrap();
    driven.ring.open(token(OpKind::Open), name, libc::O_RDONLY);
    let opened = driven.next_of(OpKind::Open);
    std::fs::remove_file(&path).unwrap();
    let file = owned(opened.result.unwrap());
    assert_ne!(fcntl(file.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC, 0);

    let mut into = Vec::with_capacity(8);
    into.extend_from_slice(b">");
    for (offset, expected) in [(3, &b">3456789"[..]), (10, b">"), (0, b">0123456")] {
        into.truncate(1);
        let address = into.as_ptr();
        driven
            .ring
            .read(token(OpKind::Read), file.as_raw_fd(), into, offset);
        let read = driven.next_of(OpKind::Read);
        assert_eq!(read.result, Ok(expected.len() as u32 - 1));
        let Payload::Read(bytes) = read.payload else {
            panic!("no buffer came back")
        };
        assert_eq!(bytes, expected);
        assert_eq!(bytes.as_ptr(), address);
        into = bytes;
    }
    driven.ring.open(
        token(OpKind::Open),
        c"/nonexistent/file".to_owned(),
        libc::O_RDONLY,
    );
    assert_eq!(driven.next_of(OpKind::Open).result, Err(Errno::ENOENT));
    driven.assert_idle();
}

#[test]
fn waits_end() {
    let mut driven = Driven::new();
    assert_eq!(
        driven.ring.submit_and_wait(Wait::Forever),
        Err(EnterError::Stalled)
    );
    assert_eq!(driven.ring.submit_and_wait(Wait::No), Ok(()));
    let (near, _far) = UnixStream::pair().unwrap();
    driven.ring.recv(token(OpKind::Recv), near.as_raw_fd());
    assert_eq!(driven.ring.submit_and_wait(Wait::No), Ok(()));
    assert_eq!(
        driven.ring.submit_and_wait(Wait::For(Duration::ZERO)),
        Ok(())
    );
    assert_eq!(
        driven
            .ring
            .submit_and_wait(Wait::For(Duration::from_millis(1))),
        Ok(())
    );
    driven.ring.completions(&mut driven.done);
    assert!(driven.done.is_empty());
    // A wait without limit ends with a completion that is there already.
    driven
        .ring
        .shutdown(token(OpKind::Shutdown), near.as_raw_fd(), Shutdown::Write);
    assert_eq!(driven.ring.submit_and_wait(Wait::Forever), Ok(()));
    assert_eq!(driven.next_of(OpKind::Shutdown).result, Ok(0));
}

#[test]
fn more_operations_than_the_queues_hold() {
    let mut driven = Driven::with(RingConfig {
        sq_entries: 4,
        cq_entries: 8,
        buffers: 4,
        buffer_bytes: 64,
    });
    let pairs: Vec<_> = (0..100).map(|_| UnixStream::pair().unwrap()).collect();
    for (slot, (near, _)) in pairs.iter().enumerate() {
        let token = Token::new(OpKind::Send, 0, slot as u32);
        driven
            .ring
            .send(token, near.as_raw_fd(), vec![slot as u8], 0);
    }
    assert_eq!(driven.ring.in_flight(), 100);
    let mut seen = vec![false; pairs.len()];
    for _ in 0..pairs.len() {
        let completion = driven.next_of(OpKind::Send);
        let slot = completion.token.slot() as usize;
        assert_eq!(completion.result, Ok(1));
        assert_eq!(sent(completion), [slot as u8]);
        assert!(!std::mem::replace(&mut seen[slot], true), "completed twice");
    }
    assert!(
        driven.ring.overflows() > 0,
        "100 completions do not fit a queue of 8"
    );
    driven.assert_idle();
    for (slot, (_, mut far)) in pairs.into_iter().enumerate() {
        let mut byte = [0];
        far.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [slot as u8]);
    }
}

#[test]
fn dropped_with_operations_in_flight() {
    let mut driven = Driven::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let eventfd = eventfd();
    let (near, mut far) = UnixStream::pair().unwrap();
    let (full, _other) = UnixStream::pair().unwrap();
    driven
        .ring
        .accept(token(OpKind::Accept), listener.as_raw_fd());
    driven
        .ring
        .watch_inbox(token(OpKind::Inbox), eventfd.as_raw_fd());
    driven.ring.recv(token(OpKind::Recv), near.as_raw_fd());
    far.write_all(b"kept").unwrap();
    let kept = received(driven.next_of(OpKind::Recv));
    for _ in 0..2 {
        driven
            .ring
            .send(token(OpKind::Send), full.as_raw_fd(), vec![0; 4 << 20], 0);
    }
    // Some is submitted, and one operation is not even that.
    driven.ring.submit_and_wait(Wait::No).unwrap();
    driven.ring.recv(token(OpKind::Recv), full.as_raw_fd());
    assert!(driven.ring.in_flight() >= 4);
    let pool = driven.ring.pool().clone();
    drop(driven);
    // What the kernel writes from now on must not reach the slice.
    far.write_all(b"late").unwrap();
    assert_eq!(&*kept, b"kept");
    assert_eq!(pool.in_use(), 1);
    drop(kept);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_connection_accepted_by_a_dropped_ring_is_closed() {
    let mut driven = Driven::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    driven
        .ring
        .accept(token(OpKind::Accept), listener.as_raw_fd());
    driven.ring.submit_and_wait(Wait::No).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    driven
        .ring
        .submit_and_wait(Wait::For(Duration::from_secs(1)))
        .unwrap();
    drop(driven);
    client
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}
