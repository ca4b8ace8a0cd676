//! The running server with programs that were not written for these tests.
//!
//! A harness of its own, since that of the standard library cannot learn at run time that a test
//! is not to be run: a test whose program is missing is reported as ignored, by name and with the
//! package to install, and the last lines say it for all of them. Where the variable
//! `LANNER_REQUIRE_PROGRAMS` is 1, as in CI, such a test fails.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod curl;
mod dev_certs;
mod failing;
mod harness;
mod http2;
mod program;
mod tls;

use std::process::ExitCode;

use harness::Test;

fn main() -> ExitCode {
    if failing::serve_if_asked() {
        return ExitCode::SUCCESS;
    }
    let modules: [(&str, &[Test]); 9] = [
        ("curl", &curl::TESTS),
        ("dev_certs", &dev_certs::TESTS),
        ("failing", &failing::TESTS),
        ("harness", &harness::TESTS),
        ("http2", &http2::TESTS),
        ("tls::chromium", &tls::chromium::TESTS),
        ("tls::demands", &tls::demands::TESTS),
        ("tls::names", &tls::names::TESTS),
        ("tls::protocols", &tls::protocols::TESTS),
    ];
    harness::run(&modules)
}
