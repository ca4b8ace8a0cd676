//! Instructions per call of the HTTP/1 codec and of HTTP/2 framing, counted by callgrind: the same on a busy machine as
//! on an idle one, so that a change of one percent can be seen.
//!
//! `cargo bench --features testing --bench codec_instructions`; it needs valgrind and the runner
//! that `perf/README.md` names. Every call comes after one that has warmed the memory up.

#![allow(
    missing_docs,
    unused_qualifications,
    reason = "the macros write items and paths of their own"
)]

mod inputs;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use lanner::testing::codec::{ChunkedBody, HeadParser, Response};
use lanner::testing::frames::{check_heads, frame_block};

// State comes and goes boxed, or the count would be of moving it.
fn warm_parser(head: &'static [u8]) -> (Box<HeadParser>, &'static [u8]) {
    let mut parser = Box::<HeadParser>::default();
    assert_eq!(parser.parse(head), Some(head.len()), "it is a head");
    (parser, head)
}

fn warm_decoder(body: &'static [u8]) -> (Box<ChunkedBody>, &'static [u8]) {
    let mut decoder = Box::<ChunkedBody>::default();
    assert!(decoder.decode(body).is_some(), "it is one chunked body");
    (decoder, body)
}

fn with_buffer(response: Response) -> (Box<Response>, Vec<u8>) {
    (Box::new(response), Vec::with_capacity(16 * 1024))
}

// What a benchmark returns is dropped outside of the count.
#[library_benchmark(setup = warm_parser)]
#[bench::minimal(inputs::MINIMAL)]
#[bench::techempower(inputs::TECHEMPOWER)]
#[bench::browser(inputs::BROWSER)]
#[bench::upload(inputs::UPLOAD)]
fn parse_head((mut parser, head): (Box<HeadParser>, &[u8])) -> (Box<HeadParser>, Option<usize>) {
    let length = parser.parse(black_box(head));
    (parser, length)
}

#[library_benchmark(setup = with_buffer)]
#[bench::plaintext(inputs::plaintext())]
#[bench::page(inputs::page())]
fn encode_response((response, mut out): (Box<Response>, Vec<u8>)) -> (Box<Response>, Vec<u8>) {
    response.encode(black_box(inputs::HELLO), &mut out);
    (response, out)
}

#[library_benchmark(setup = with_buffer)]
#[bench::four_pieces(inputs::plaintext())]
fn encode_chunked((response, mut out): (Box<Response>, Vec<u8>)) -> (Box<Response>, Vec<u8>) {
    response.encode_chunked(black_box(&inputs::PIECES), &mut out);
    (response, out)
}

#[library_benchmark(setup = warm_decoder)]
#[bench::small(inputs::SMALL_CHUNKS)]
#[bench::large(inputs::LARGE_CHUNKS)]
#[bench::extensions(inputs::EXTENDED_CHUNKS)]
fn decode_chunked(
    (mut decoder, body): (Box<ChunkedBody>, &[u8]),
) -> (Box<ChunkedBody>, Option<usize>) {
    let data = decoder.decode(black_box(body));
    (decoder, data)
}

#[library_benchmark]
#[bench::data(inputs::DATA_FRAME)]
#[bench::headers(inputs::HEADERS_FRAME)]
#[bench::window_update(inputs::WINDOW_UPDATE_FRAME)]
#[bench::ten(inputs::TEN_FRAMES)]
fn check_frame_heads(frames: &[u8]) -> Option<usize> {
    check_heads(black_box(frames))
}

fn with_block(length: usize) -> (Vec<u8>, Vec<u8>) {
    (vec![0x82; length], Vec::with_capacity(2 * length + 64))
}

#[library_benchmark(setup = with_block)]
#[bench::small(40)]
#[bench::split(40_000)]
fn frame_headers((block, mut out): (Vec<u8>, Vec<u8>)) -> (Vec<u8>, Vec<u8>) {
    frame_block(black_box(&block), &mut out);
    (block, out)
}

library_benchmark_group!(
    name = codec,
    benchmarks = [
        parse_head,
        encode_response,
        encode_chunked,
        decode_chunked,
        check_frame_heads,
        frame_headers
    ]
);
main!(library_benchmark_groups = codec);
