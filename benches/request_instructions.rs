//! Instructions of a whole request in memory, counted by callgrind: the loop of a shard, its
//! connection, the handler's task and the built-in application, without a kernel.
//!
//! `cargo bench --features testing --bench request_instructions`; it needs valgrind and the runner
//! that `perf/README.md` names. Each benchmark answers 10,000 requests on a warm shard, so what it
//! counts is ten thousand times what one costs; setting up is not counted.

#![allow(
    missing_docs,
    unused_qualifications,
    reason = "the macros write items and paths of their own"
)]

mod inputs;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use lanner::testing::in_memory::{InMemoryShard, shard};

/// Requests that are counted.
const REQUESTS: usize = 10_000;

/// Batches before counting begins: enough for every buffer to reach its size.
const WARM_UP: usize = 600;

/// A shard with one connection, and what is sent on it again and again.
struct Load {
    shard: Box<dyn InMemoryShard>,
    connection: usize,
    batch: Vec<u8>,
    /// Requests in a batch.
    depth: usize,
    /// Bytes that answer it.
    answer_bytes: usize,
}

impl Load {
    /// A warm shard that gets `depth` requests at a time, and has `idle` other connections, each of
    /// which has had one request answered.
    fn new(request: &[u8], depth: usize, idle: usize) -> Self {
        let mut shard = shard(lanner::cli::built_in_application);
        for _ in 0..idle {
            let connection = shard.connect();
            shard.send(connection, request);
            assert!(shard.turn() > 0, "each is answered");
            shard.turn();
        }
        let connection = shard.connect();
        let mut load = Self {
            shard,
            connection,
            batch: request.repeat(depth),
            depth,
            answer_bytes: 0,
        };
        load.answer_bytes = load.exchange();
        assert!(load.answer_bytes > depth * 100, "each request is answered");
        (0..WARM_UP).for_each(|_| {
            load.exchange();
        });
        load
    }

    fn exchange(&mut self) -> usize {
        self.shard.send(self.connection, black_box(&self.batch));
        self.shard.turn()
    }

    fn run(&mut self) {
        for _ in 0..REQUESTS / self.depth {
            assert_eq!(self.exchange(), self.answer_bytes);
        }
    }
}

// State comes and goes boxed, or the count would be of moving it.
fn load(request: &[u8], depth: usize) -> Box<Load> {
    Box::new(Load::new(request, depth, 0))
}

fn load_among_idle(request: &[u8], idle: usize) -> Box<Load> {
    Box::new(Load::new(request, 1, idle))
}

// What a benchmark returns is dropped outside of the count.
#[library_benchmark(setup = load)]
#[bench::single(inputs::MINIMAL, 1)]
#[bench::pipelined(inputs::MINIMAL, 16)]
#[bench::single_browser(inputs::BROWSER, 1)]
// The same as `single` but for chance: what is idle costs an active client nothing.
#[bench::among_idle(args = (inputs::MINIMAL, 10_000), setup = load_among_idle)]
fn ten_thousand_requests(mut load: Box<Load>) -> Box<Load> {
    load.run();
    load
}

library_benchmark_group!(name = request, benchmarks = [ten_thousand_requests]);
main!(library_benchmark_groups = request);
