//! A server over a ring that misbehaves in every way it may.

use std::collections::BTreeMap;

use super::*;

/// An echo server as plain as can be: what is received is sent back, one send at a time; after
/// the end of the data comes the close.
#[derive(Default)]
struct Echo {
    connections: BTreeMap<RawFd, Connection>,
    closed: usize,
}

#[derive(Default)]
struct Connection {
    pending: Vec<u8>,
    sending: bool,
    ended: bool,
    receiving: bool,
}

impl Echo {
    fn handle(&mut self, completion: Completion, listener: RawFd, ring: &mut SimRing) {
        let fd = completion.token.slot() as RawFd;
        let token = |kind| Token::new(kind, 0, fd as u32);
        match completion.token.kind() {
            OpKind::Accept => {
                if !completion.more {
                    ring.accept(completion.token, listener);
                }
                self.connections
                    .insert(completion.result.unwrap() as RawFd, Connection::default());
            }
            OpKind::Recv => {
                let connection = self.connections.get_mut(&fd).unwrap();
                connection.receiving = completion.more;
                match (completion.result, completion.payload) {
                    (Ok(0), _) => connection.ended = true,
                    (Ok(_), Payload::Received(slice)) => {
                        connection.pending.extend_from_slice(&slice)
                    }
                    (result, _) => assert_eq!(result, Err(Errno::ENOBUFS)),
                }
            }
            OpKind::Send => {
                let connection = self.connections.get_mut(&fd).unwrap();
                let Payload::Sent(bytes) = completion.payload else {
                    panic!("no buffer")
                };
                let n = completion.result.unwrap() as usize;
                connection.sending = n < bytes.len();
                if connection.sending {
                    ring.send(token(OpKind::Send), fd, bytes[n..].to_vec(), 0);
                }
            }
            OpKind::Close => {
                self.connections.remove(&fd);
                self.closed += 1;
            }
            kind => panic!("{kind:?}"),
        }
    }

    fn settle(&mut self, ring: &mut SimRing) {
        for (&fd, connection) in &mut self.connections {
            let token = |kind| Token::new(kind, 0, fd as u32);
            if !connection.receiving && !connection.ended {
                connection.receiving = true;
                ring.recv(token(OpKind::Recv), fd);
            }
            if !connection.sending && !connection.pending.is_empty() {
                connection.sending = true;
                let bytes = std::mem::take(&mut connection.pending);
                ring.send(token(OpKind::Send), fd, bytes, 0);
            } else if connection.ended && !connection.sending {
                connection.sending = true;
                ring.close(token(OpKind::Close), fd);
            }
        }
    }
}

fn echo(seed: u64) -> Vec<Vec<u8>> {
    const PEERS: usize = 3;
    let config = SimConfig {
        seed,
        faults: Faults::ALL,
        buffers: 4,
        buffer_bytes: 16,
    };
    let mut driven = Driven::new(&config);
    let listener = driven.net.listen();
    let peers: Vec<Peer> = (0..PEERS).map(|_| driven.net.connect(listener)).collect();
    for (index, peer) in peers.iter().enumerate() {
        peer.send(
            (0..200)
                .map(|i| (i * (index + 1)) as u8)
                .collect::<Vec<_>>(),
        );
        if index == 1 {
            peer.stop_reading();
        }
    }
    driven.ring.accept(token(OpKind::Accept), listener);
    let mut server = Echo::default();
    let mut traces = vec![Vec::new(); PEERS];
    for turn in 0.. {
        assert!(turn < 10_000, "no end in sight");
        if turn == 50 {
            peers.iter().for_each(Peer::finish);
            peers[1].resume();
        }
        if server.closed == PEERS {
            break;
        }
        driven
            .ring
            .submit_and_wait(Wait::For(Duration::from_millis(1)))
            .unwrap();
        driven.ring.completions(&mut driven.done);
        for completion in driven.done.drain(..) {
            server.handle(completion, listener, &mut driven.ring);
        }
        server.settle(&mut driven.ring);
        driven.ring.recycle();
        for (trace, peer) in traces.iter_mut().zip(&peers) {
            // The pace shows as well as the bytes: two runs of a seed must agree in both.
            let bytes = peer.received();
            trace.push(bytes.len() as u8);
            trace.extend(bytes);
        }
    }
    assert!(peers.iter().all(Peer::saw_fin));
    driven.ring.cancel(token(OpKind::Cancel), listener);
    while driven.ring.in_flight() > 0 {
        driven.next();
    }
    driven.net.assert_quiet();
    traces
}

fn bytes_of(trace: &[u8]) -> Vec<u8> {
    let (mut all, mut rest) = (Vec::new(), trace);
    while let Some((&n, tail)) = rest.split_first() {
        let (bytes, tail) = tail.split_at(usize::from(n));
        all.extend_from_slice(bytes);
        rest = tail;
    }
    all
}

#[test]
fn no_byte_is_lost_whatever_goes_wrong() {
    for seed in 0..200 {
        for (index, trace) in echo(seed).iter().enumerate() {
            let expected: Vec<u8> = (0..200).map(|i| (i * (index + 1)) as u8).collect();
            assert_eq!(bytes_of(trace), expected, "seed {seed}, peer {index}");
        }
    }
}

#[test]
fn a_seed_decides_everything() {
    assert_eq!(echo(7), echo(7));
    assert_ne!(echo(7), echo(8));
}
