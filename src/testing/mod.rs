//! What tests, benchmarks and fuzz targets need of the inside: a simulated network, clock and
//! ring, and entry points to the codec and to whole connections.
//!
//! Compiled for tests and with the feature `testing` only; never part of a server.

#![forbid(unsafe_code)]

pub mod codec;
pub mod frames;
pub mod fuzz;
#[cfg(test)]
pub(crate) mod http2;
// Its frames are for tests; the fuzz target needs only some of them.
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod http2_peer;
pub mod in_memory;
pub mod parts;
// Its faults and files are for tests; fuzz targets need only some of them.
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod sim;
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod simulated_shard;
// Its ways to end are for tests; fuzz targets need only some of them.
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) mod tls;
