//! Time per call of the HTTP/1 codec: heads, responses, chunked bodies.
//!
//! `cargo bench --features testing --bench codec`. For figures that do not depend on the machine's
//! mood see `codec_instructions.rs`; `perf/README.md` says when to believe which.

mod inputs;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lanner::testing::codec::{ChunkedBody, HeadParser};

fn heads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse_head");
    for (name, head) in inputs::HEADS {
        let mut parser = HeadParser::default();
        assert_eq!(parser.parse(head), Some(head.len()), "{name} is a head");
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| parser.parse(black_box(head)));
        });
    }
    group.finish();
}

fn responses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode_response");
    let mut out = Vec::with_capacity(16 * 1024);
    for (name, response) in [("plaintext", inputs::plaintext()), ("page", inputs::page())] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                response.encode(black_box(inputs::HELLO), &mut out);
                black_box(out.len())
            });
        });
    }
    let response = inputs::plaintext();
    group.bench_function("chunked", |bencher| {
        bencher.iter(|| {
            out.clear();
            response.encode_chunked(black_box(&inputs::PIECES), &mut out);
            black_box(out.len())
        });
    });
    group.finish();
}

fn chunked_bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode_chunked");
    for (name, body) in inputs::BODIES {
        let mut decoder = ChunkedBody::default();
        assert!(decoder.decode(body).is_some(), "{name} is one chunked body");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| decoder.decode(black_box(body)));
        });
    }
    group.finish();
}

criterion_group!(benches, heads, responses, chunked_bodies);
criterion_main!(benches);
