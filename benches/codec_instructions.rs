//! Instructions per call of the codecs, counted by callgrind: the same on a busy machine as
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
use lanner::testing::codec::{
    BlockDecoder, BlockEncoder, BlockLine, ChunkedBody, HeadParser, Response,
};
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

/// A decoder that has read these blocks, and another once, to have its memory.
fn warm_blocks(
    (before, block): (&[&'static [u8]], &'static [u8]),
) -> (Box<BlockDecoder>, &'static [u8]) {
    let mut other = Box::new(BlockDecoder::new());
    let mut decoder = Box::new(BlockDecoder::new());
    for earlier in before {
        assert!(decoder.decode(earlier).is_some(), "it is a block");
        assert!(other.decode(earlier).is_some(), "it is a block");
    }
    assert!(other.decode(block).is_some(), "it is a block");
    (decoder, block)
}

/// An encoder, what it encodes, and where to.
type BlockState = (Box<BlockEncoder>, &'static [BlockLine], Vec<u8>);

/// An encoder that has sent the lines so often.
fn warm_encoder((times, lines): (usize, &'static [BlockLine])) -> BlockState {
    let mut encoder = Box::new(BlockEncoder::new());
    let mut out = Vec::with_capacity(16 * 1024);
    for _ in 0..times {
        encoder.encode(200, lines, &mut out);
    }
    out.clear();
    (encoder, lines, out)
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

#[library_benchmark(setup = warm_blocks)]
#[bench::h2load_first((&[], inputs::H2LOAD_FIRST))]
#[bench::h2load_later((&[inputs::H2LOAD_FIRST], inputs::H2LOAD_LATER))]
#[bench::indexed((&[inputs::H2LOAD_FIRST], inputs::INDEXED))]
#[bench::browser_first((&[], inputs::BROWSER_FIRST))]
#[bench::browser_later((&[inputs::BROWSER_FIRST], inputs::BROWSER_LATER))]
fn decode_block(
    (mut decoder, block): (Box<BlockDecoder>, &[u8]),
) -> (Box<BlockDecoder>, Option<(usize, usize)>) {
    let lines = decoder.decode(black_box(block));
    (decoder, lines)
}

#[library_benchmark(setup = warm_encoder)]
#[bench::plaintext_first((0, &inputs::PLAINTEXT_LINES))]
#[bench::plaintext_later((1, &inputs::PLAINTEXT_LINES))]
#[bench::page_first((0, &inputs::PAGE_LINES))]
#[bench::page_later((1, &inputs::PAGE_LINES))]
fn encode_block((mut encoder, lines, mut out): BlockState) -> BlockState {
    encoder.encode(200, black_box(lines), &mut out);
    (encoder, lines, out)
}

library_benchmark_group!(
    name = codec,
    benchmarks = [
        parse_head,
        encode_response,
        encode_chunked,
        decode_chunked,
        check_frame_heads,
        frame_headers,
        decode_block,
        encode_block
    ]
);
main!(library_benchmark_groups = codec);
