//! A ring without a kernel: a simulated network and clock that a test drives.
//!
//! Owns sockets, listeners, files and time as a shard sees them through its ring, and a peer's
//! view of each connection. The same seed and the same calls give the same run, faults included.
//! Knows the ring's seam and the real pool, nothing of what drives the ring.

#![forbid(unsafe_code)]

mod fault;
mod net;
mod progress;
mod ring;
mod socket;
mod world;

pub(crate) use fault::Faults;
pub(crate) use net::{Peer, SimConfig, SimNet};
pub(crate) use ring::SimRing;

#[cfg(test)]
mod tests;
