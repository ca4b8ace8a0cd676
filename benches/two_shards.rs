//! Two shards in memory on two threads, for a tool that traces memory: `perf/shared-nothing`.
//!
//! Each thread makes a shard of its own and warms it up. Then the first answers requests while the
//! second waits, and the other way round. Where each phase begins and ends is a store to a byte of
//! [`MARKS`], whose address is printed; run by itself, this does nothing of note.

#![allow(missing_docs)]

mod inputs;

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use lanner::testing::in_memory::shard;

/// Requests of a phase.
const REQUESTS: usize = 200;

/// Requests before the first phase, for every buffer to reach its size.
const WARM_UP: usize = 100;

/// Four bytes on cache lines of their own: the begin and the end of both phases.
#[repr(align(64))]
struct Mark(AtomicU8);

static MARKS: [Mark; 4] = [const { Mark(AtomicU8::new(0)) }; 4];

fn main() {
    for mark in &MARKS {
        println!("mark {:x}", std::ptr::from_ref(mark).addr());
    }
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for number in 0..2 {
            let barrier = &barrier;
            scope.spawn(move || run(number, barrier));
        }
    });
}

/// A shard's life: everybody waits while one of them works.
fn run(number: usize, barrier: &Barrier) {
    let mut shard = shard(lanner::cli::built_in_application);
    let connection = shard.connect();
    let mut answer = |times: usize| {
        for _ in 0..times {
            shard.send(connection, black_box(inputs::MINIMAL));
            assert!(shard.turn() > 100, "it is answered");
        }
    };
    answer(WARM_UP);
    for phase in 0..2 {
        barrier.wait();
        if phase == number {
            let [begin, end] = [2 * phase, 2 * phase + 1].map(|mark| MARKS.get(mark));
            mark(begin);
            answer(REQUESTS);
            mark(end);
        }
    }
    barrier.wait();
}

fn mark(mark: Option<&Mark>) {
    if let Some(mark) = mark {
        mark.0.store(1, Ordering::SeqCst);
    }
}
