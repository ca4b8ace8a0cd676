//! Time per call of the codecs: HTTP/1's heads, responses and chunked bodies, HTTP/2's field blocks.
//!
//! `cargo bench --features testing --bench codec`. For figures that do not depend on the machine's
//! mood see `codec_instructions.rs`; `perf/README.md` says when to believe which.

mod inputs;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lanner::testing::codec::{BlockDecoder, BlockEncoder, ChunkedBody, HeadParser};

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

/// Blocks that leave the tables as they are, so that each call does the same.
fn blocks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode_block");
    for (name, first, later) in [
        ("h2load", inputs::H2LOAD_FIRST, inputs::H2LOAD_LATER),
        ("indexed", inputs::H2LOAD_FIRST, inputs::INDEXED),
        ("browser", inputs::BROWSER_FIRST, inputs::BROWSER_LATER),
    ] {
        let mut decoder = BlockDecoder::new();
        assert!(decoder.decode(first).is_some(), "{name} is a block");
        group.bench_function(name, |bencher| {
            bencher.iter(|| decoder.decode(black_box(later)));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("encode_block");
    let mut out = Vec::with_capacity(16 * 1024);
    for (name, lines) in [
        ("plaintext", inputs::PLAINTEXT_LINES.as_slice()),
        ("page", inputs::PAGE_LINES.as_slice()),
    ] {
        let mut encoder = BlockEncoder::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                encoder.encode(200, black_box(lines), &mut out);
                black_box(out.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, heads, responses, chunked_bodies, blocks);
criterion_main!(benches);
