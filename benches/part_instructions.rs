//! Instructions of the parts that requests are made with: targets, fields, timers, receive buffers,
//! wakes; counted by callgrind.
//!
//! `cargo bench --features testing --bench part_instructions`; it needs valgrind and the runner that
//! `perf/README.md` names. Apart from the codecs and from whole requests, because the compiler
//! inlines what has one caller: who else calls a function must not change what these cost.

#![allow(
    missing_docs,
    unused_qualifications,
    reason = "the macros write items and paths of their own"
)]

mod inputs;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use lanner::RequestHead;
use lanner::testing::parts::{Buffers, Remembered, TargetReader, Timers, WaitingHandlers};

/// How many timers, buffers and wakes are counted: one of each is a handful of instructions.
const TIMES: usize = 1_000;

fn warm_reader(target: &'static [u8]) -> (Box<TargetReader>, &'static [u8]) {
    let mut reader = Box::<TargetReader>::default();
    assert!(reader.read(target).is_some(), "it is a target");
    (reader, target)
}

#[library_benchmark(setup = warm_reader)]
#[bench::path(b"/plaintext")]
#[bench::query(b"/articles/2026/11?page=3&sort=newest&filter=io_uring")]
#[bench::escapes(b"/%C3%A9tudes/../caf%C3%A9/./menu%20du%20jour")]
#[bench::absolute(b"http://www.example.com:8080/articles/2026/11?page=3")]
fn read_target(
    (mut reader, target): (Box<TargetReader>, &[u8]),
) -> (Box<TargetReader>, Option<usize>) {
    let length = reader.read(black_box(target));
    (reader, length)
}

/// A browser's head as a handler sees it, and the field that the handler asks for.
fn browser_head(name: &'static str) -> (Box<RequestHead>, &'static str) {
    let mut builder = RequestHead::builder("GET", "/");
    let text = std::str::from_utf8(inputs::BROWSER).expect("it is ASCII");
    for line in text.lines().skip(1) {
        if let Some((name, value)) = line.split_once(':') {
            builder = builder.field(name, value.trim());
        }
    }
    (Box::new(builder.build().expect("it is a head")), name)
}

#[library_benchmark(setup = browser_head)]
#[bench::first("host")]
#[bench::last("accept-language")]
#[bench::absent("x-request-id")]
fn look_up_field((head, name): (Box<RequestHead>, &str)) -> (Box<RequestHead>, usize) {
    let length = head.field(black_box(name)).map_or(0, <[u8]>::len);
    (head, length)
}

fn timers((idle, milliseconds): (u64, u64)) -> (Box<Timers>, u64) {
    let mut timers = Box::new(Timers::new(idle));
    timers.set_and_cancel(TIMES as u64, milliseconds);
    timers.set_and_fire(2 * milliseconds, milliseconds);
    (timers, milliseconds)
}

// What a request that is answered at once does, if it does anything.
#[library_benchmark(setup = timers)]
#[bench::second((0, 1_000))]
#[bench::among_idle((10_000, 1_000))]
fn set_and_cancel_timers((mut timers, milliseconds): (Box<Timers>, u64)) -> (Box<Timers>, u64) {
    let cancelled = timers.set_and_cancel(TIMES as u64, black_box(milliseconds));
    assert_eq!(cancelled, TIMES as u64);
    (timers, cancelled)
}

// A turn each millisecond: timers descend the levels until they fire.
#[library_benchmark(setup = timers)]
#[bench::soon((0, 5))]
#[bench::second((0, 1_000))]
fn set_and_fire_timers((mut timers, milliseconds): (Box<Timers>, u64)) -> (Box<Timers>, usize) {
    let fired = timers.set_and_fire(TIMES as u64, black_box(milliseconds));
    assert_eq!(fired, TIMES);
    (timers, fired)
}

fn buffers(length: usize) -> (Box<Buffers>, Vec<u8>) {
    (Box::new(Buffers::new(64, 4096)), vec![b'x'; length])
}

#[library_benchmark(setup = buffers)]
#[bench::small(64)]
fn receive_and_release((buffers, bytes): (Box<Buffers>, Vec<u8>)) -> (Box<Buffers>, Vec<u8>) {
    let received = buffers.receive(TIMES, black_box(&bytes));
    assert_eq!(received, TIMES * bytes.len());
    (buffers, bytes)
}

fn handlers(remembered: Remembered) -> Box<WaitingHandlers> {
    let mut handlers = Box::new(WaitingHandlers::new(TIMES, remembered));
    assert_eq!(handlers.wake_and_poll(), TIMES);
    handlers
}

#[library_benchmark(setup = handlers)]
#[bench::by_name(Remembered::ByName)]
#[bench::by_clone(Remembered::ByClone)]
fn wake_and_poll(mut handlers: Box<WaitingHandlers>) -> Box<WaitingHandlers> {
    assert_eq!(handlers.wake_and_poll(), TIMES);
    handlers
}

library_benchmark_group!(
    name = part,
    benchmarks = [
        read_target,
        look_up_field,
        set_and_cancel_timers,
        set_and_fire_timers,
        receive_and_release,
        wake_and_poll
    ]
);
main!(library_benchmark_groups = part);
