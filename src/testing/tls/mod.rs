//! The other end of TLS connections: clients in memory.
//!
//! Owns what tests and fuzz targets need to speak TLS with a server that has no socket.

mod client;

pub(crate) use client::{Client, Offer};
