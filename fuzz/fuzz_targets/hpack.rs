//! Field blocks of HTTP/2, beside a model.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| lanner::testing::fuzz::hpack(input));
