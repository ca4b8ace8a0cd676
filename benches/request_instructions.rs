//! Instructions of a whole request in memory, counted by callgrind: the loop of a shard, its
//! connection, the handler's task and the built-in application, without a kernel.
//!
//! `cargo bench --features testing --bench request_instructions`; it needs valgrind and the runner
//! that `perf/README.md` names. Each benchmark answers 8,000 requests on a warm shard, so what it
//! counts is eight thousand times what one costs; setting up is not counted.

#![allow(
    missing_docs,
    unused_qualifications,
    reason = "the macros write items and paths of their own"
)]

mod inputs;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use lanner::testing::in_memory::{InMemoryShard, shard};

/// Requests that are counted: whole batches, whatever their depth.
const REQUESTS: usize = 8_000;

/// Batches before counting begins: enough for every buffer to reach its size.
const WARM_UP: usize = 600;

/// Bytes of the head of a frame (RFC 9113, 4.1), and where its stream identifier begins.
const FRAME_HEAD: usize = 9;
const STREAM: usize = 5;

/// A shard with one connection, and what is sent on it again and again.
struct Load {
    shard: Box<dyn InMemoryShard>,
    connection: usize,
    batch: Vec<u8>,
    /// Requests in a batch.
    depth: usize,
    /// Bytes that answer it.
    answer_bytes: usize,
    /// Over HTTP/2 the next stream, and the length of each request's frame.
    streams: Option<(u32, usize)>,
}

impl Load {
    /// A warm shard that gets `depth` requests at a time, and has `idle` other connections, each of
    /// which has had one request answered.
    fn http1(request: &[u8], depth: usize, idle: usize) -> Self {
        let mut shard = shard(lanner::cli::built_in_application);
        for _ in 0..idle {
            let connection = shard.connect();
            shard.send(connection, request);
            assert!(shard.turn() > 0, "each is answered");
            shard.turn();
        }
        let connection = shard.connect();
        let load = Self {
            shard,
            connection,
            batch: request.repeat(depth),
            depth,
            answer_bytes: 0,
            streams: None,
        };
        load.warm(depth * 100)
    }

    /// The same over HTTP/2: requests of h2load, as many at a time on streams of one connection.
    fn http2(depth: usize) -> Self {
        let mut shard = shard(lanner::cli::built_in_application);
        let connection = shard.connect();
        let mut opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        opening.extend_from_slice(b"\0\0\0\x04\0\0\0\0\0");
        // All the room that there can be, or the window would end the load.
        opening.extend_from_slice(b"\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0");
        opening.extend_from_slice(b"\0\0\0\x04\x01\0\0\0\0");
        opening.extend_from_slice(&headers(inputs::H2LOAD_FIRST));
        set_stream(&mut opening, opening_request(), 1);
        shard.send(connection, &opening);
        assert!(shard.turn() > 0, "the first is answered");
        let request = headers(inputs::H2LOAD_LATER);
        let load = Self {
            shard,
            connection,
            batch: request.repeat(depth),
            depth,
            answer_bytes: 0,
            streams: Some((3, request.len())),
        };
        load.warm(depth * (2 * FRAME_HEAD + 13))
    }

    /// The load once its answers have settled, of which each has more than so many bytes.
    fn warm(mut self, at_least: usize) -> Self {
        for _ in 0..WARM_UP {
            self.answer_bytes = self.exchange();
        }
        assert!(self.answer_bytes >= at_least, "each request is answered");
        self
    }

    fn exchange(&mut self) -> usize {
        if let Some((stream, length)) = &mut self.streams {
            for frame in self.batch.chunks_exact_mut(*length) {
                set_stream(frame, 0, *stream);
                *stream += 2;
            }
        }
        self.shard.send(self.connection, black_box(&self.batch));
        self.shard.turn()
    }

    fn run(&mut self) {
        for _ in 0..REQUESTS / self.depth {
            assert_eq!(self.exchange(), self.answer_bytes);
        }
    }
}

/// HEADERS with END_STREAM and END_HEADERS on a stream that is to be named.
fn headers(block: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, block.len() as u8, 1, 5, 0, 0, 0, 0];
    frame.extend_from_slice(block);
    frame
}

/// Where the request begins in what opens a connection.
fn opening_request() -> usize {
    let preface = 24;
    preface + 3 * FRAME_HEAD + 4
}

/// Names the stream of the frame at `at`.
fn set_stream(bytes: &mut [u8], at: usize, stream: u32) {
    let place = bytes.get_mut(at + STREAM..at + FRAME_HEAD);
    let place = place.expect("a whole head");
    place.copy_from_slice(&stream.to_be_bytes());
}

// State comes and goes boxed, or the count would be of moving it.
fn http1(request: &[u8], depth: usize) -> Box<Load> {
    Box::new(Load::http1(request, depth, 0))
}

fn http1_among_idle(request: &[u8], idle: usize) -> Box<Load> {
    Box::new(Load::http1(request, 1, idle))
}

fn http2(depth: usize) -> Box<Load> {
    Box::new(Load::http2(depth))
}

// What a benchmark returns is dropped outside of the count.
#[library_benchmark(setup = http1)]
#[bench::h1(inputs::MINIMAL, 1)]
#[bench::h1_pipelined(inputs::MINIMAL, 16)]
#[bench::h1_browser(inputs::BROWSER, 1)]
// The same as `h1` but for chance: what is idle costs an active client nothing.
#[bench::h1_among_idle(args = (inputs::MINIMAL, 10_000), setup = http1_among_idle)]
#[bench::h2_one_stream(args = (1), setup = http2)]
#[bench::h2_32_streams(args = (32), setup = http2)]
fn eight_thousand_requests(mut load: Box<Load>) -> Box<Load> {
    load.run();
    load
}

library_benchmark_group!(name = request, benchmarks = [eight_thousand_requests]);
main!(library_benchmark_groups = request);
