//! What tests, benchmarks and fuzz targets need of the inside: a simulated network, clock and
//! ring, and entry points to the codec and to whole connections.
//!
//! Compiled for tests and with the feature `testing` only; never part of a server.

#![forbid(unsafe_code)]

pub mod codec;
pub(crate) mod sim;
