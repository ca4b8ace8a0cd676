//! A whole https connection over the simulated ring.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| lanner::testing::fuzz::tls(input));
