//! What the fuzz targets run: any bytes in, and a panic when a promise is broken.
//!
//! Owns the oracles. Each takes whatever a fuzzer makes up and is deterministic in it. The targets
//! under `fuzz/` only name these; the tests replay what the fuzzers have found worth keeping.

mod chunked;
mod connection;
#[cfg(test)]
mod corpus;
mod frames;
mod head;
mod hpack;
mod http2;
mod manner;
mod tls;

pub use chunked::chunked;
pub use connection::connection;
pub use frames::frames;
pub use head::head;
pub use hpack::hpack;
pub use http2::http2;
pub use tls::tls;

/// The places at which an input is cut in two: each of them in a short one, and some sixteen of a
/// long one.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    (1..len).step_by(1 + len / 16)
}
