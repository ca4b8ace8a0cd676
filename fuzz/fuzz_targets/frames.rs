//! HTTP/2 frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| lanner::testing::fuzz::frames(input));
