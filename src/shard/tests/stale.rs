//! Completions, marks and wakes of those who are gone must not reach whoever has their slot now.

use super::*;
use crate::ring::{Completion, Errno, OpKind, Payload, Ring, Token};
use crate::shard::slots::Receiving;

#[test]
fn a_successor_in_the_slot_hears_nothing_of_its_predecessor() {
    let mut server = server();
    let first = server.connect();
    first.send(post("/sleep", "first"));
    server.settle();
    let key = server.shard.slots.keys()[0];
    first.reset();
    server.settle();
    let second = server.connect();
    second.send(post("/", "second"));
    server.settle();
    let successor = server.shard.slots.keys()[0];
    assert_eq!(successor.slot, key.slot);
    assert_ne!(successor.generation, key.generation);
    assert_eq!(server.stats().handlers, 1, "the first one's handler sleeps");
    server.pass(NAP * 2);
    assert_eq!(texts(&second), ["second"]);
    assert_eq!((first.received(), server.stats().handlers), (vec![], 0));
    server.finish();
}

#[test]
fn completions_of_another_generation_are_dropped() {
    let mut server = server();
    let peer = server.connect();
    server.settle();
    let key = server.shard.slots.keys()[0];
    let completion = |kind, result, payload| Completion {
        token: Token::new(kind, key.generation + 1, key.slot),
        result,
        more: false,
        payload,
    };
    let shard = &mut server.shard;
    let operations = shard.slots.get(key).unwrap().operations;
    // A buffer that the simulated kernel does not miss before the next turn.
    let bytes = shard.ring.pool().fill(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    shard.received(completion(OpKind::Recv, Ok(18), Payload::Received(bytes)));
    shard.received(completion(
        OpKind::Recv,
        Err(Errno::ECONNRESET),
        Payload::None,
    ));
    shard.sent(completion(OpKind::Send, Ok(1), Payload::Sent(vec![1])));
    shard.ended(&completion(OpKind::Close, Ok(0), Payload::None));
    shard.ended(&completion(OpKind::Cancel, Ok(0), Payload::None));
    assert_eq!(shard.slots.get(key).unwrap().operations, operations);
    assert_eq!(shard.stats().buffers_in_use, 0);
    peer.send(post("/", "unimpressed"));
    server.settle();
    assert_eq!(texts(&peer), ["unimpressed"]);
    server.finish();
}

#[test]
fn a_receive_that_its_cancellation_has_missed_goes_on() {
    let mut server = server();
    let peer = server.connect();
    server.settle();
    let key = server.shard.slots.keys()[0];
    let slot = server.shard.slots.get(key).unwrap();
    // As after a peer was to be held back; the kernel was just about to complete the receive.
    slot.receiving = Receiving::Cancelling;
    slot.operations += 1;
    server.shard.ended(&Completion {
        token: Token::new(OpKind::Cancel, key.generation, key.slot),
        result: Err(Errno::ENOENT),
        more: false,
        payload: Payload::None,
    });
    let slot = server.shard.slots.get(key).unwrap();
    assert_eq!(slot.receiving, Receiving::Armed);
    peer.send(post("/", "missed"));
    server.settle();
    assert_eq!(texts(&peer), ["missed"]);
    server.finish();
}

#[test]
fn slots_are_used_again() {
    let mut server = server();
    for _ in 0..100 {
        assert_alive(&mut server);
    }
    let peer = server.connect();
    server.settle();
    let key = server.shard.slots.keys()[0];
    assert_eq!((key.slot, key.generation), (0, 100));
    drop(peer);
    server.finish();
}
