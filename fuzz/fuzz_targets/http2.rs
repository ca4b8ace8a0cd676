//! A whole HTTP/2 connection over the simulated ring.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| lanner::testing::fuzz::http2(input));
