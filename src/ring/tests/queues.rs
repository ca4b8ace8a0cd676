//! Set-up, queues and buffers at their limits, waits, and the way out.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use super::*;

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
        .shutdown(token(OpKind::Shutdown), near.as_raw_fd());
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
