//! Request heads, beside httparse.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| lanner::testing::fuzz::head(input));
