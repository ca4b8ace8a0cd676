//! The inbox under threads: order, signals that are not lost, shards that are gone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::File;
use std::io::Read;
use std::sync::Barrier;
use std::thread;

use super::*;

/// How often the descriptor has been written since it was read last.
fn writes<M: Send>(inbox: &Inbox<M>) -> u64 {
    let mut event = File::from(inbox.fd().try_clone_to_owned().unwrap());
    let mut count = [0; 8];
    match event.read_exact(&mut count) {
        Ok(()) => u64::from_ne_bytes(count),
        Err(_) => 0,
    }
}

#[test]
fn messages_arrive_in_order_behind_one_signal() {
    let mut inbox = Inbox::new().unwrap();
    let sender = inbox.sender();
    for n in 0..10 {
        sender.clone().send(n).unwrap();
    }
    assert!(inbox.is_rung());
    assert_eq!(writes(&inbox), 1);
    let mut messages = Vec::new();
    inbox.drain(&mut messages);
    assert_eq!(messages, (0..10).collect::<Vec<_>>());
    assert!(!inbox.is_rung());
    sender.send(10).unwrap();
    assert_eq!(writes(&inbox), 1);
}

#[test]
fn a_gone_shard_returns_the_message() {
    let inbox = Inbox::new().unwrap();
    let sender = inbox.sender();
    sender.send(String::from("dropped unread")).unwrap();
    drop(inbox);
    assert_eq!(sender.send(String::from("x")), Err(String::from("x")));
}

#[test]
fn a_thread_is_one_shard_at_a_time() {
    let inbox = Inbox::<()>::new().unwrap();
    let scope = inbox.enter().unwrap();
    assert_eq!(inbox.enter().err(), Some(EnterError::AlreadyShard));
    drop(scope);
    assert!(inbox.enter().is_ok());
}

/// The shard looks only after the descriptor was readable, as its ring does: if one signal were
/// lost, the last messages would stay and the loop would run out.
#[test]
fn no_signal_is_lost() {
    const SENDERS: usize = 3;
    let each = if cfg!(miri) { 20 } else { 20_000 };
    let mut inbox = Inbox::new().unwrap();
    let start = Barrier::new(SENDERS + 1);
    let mut seen = 0;
    thread::scope(|threads| {
        for _ in 0..SENDERS {
            let (sender, start) = (inbox.sender(), &start);
            threads.spawn(move || {
                start.wait();
                for n in 0..each {
                    sender.send(n).unwrap();
                    if n % 7 == 0 {
                        thread::yield_now();
                    }
                }
            });
        }
        start.wait();
        let mut messages = Vec::new();
        let mut idle = 0_u32;
        while seen < SENDERS * each && idle < 10_000_000 {
            if writes(&inbox) == 0 {
                idle += 1;
                thread::yield_now();
                continue;
            }
            idle = 0;
            inbox.drain(&mut messages);
            seen += messages.len();
            messages.clear();
        }
    });
    assert_eq!(seen, SENDERS * each);
}
