//! The other end of TLS connections: clients in memory, and what servers are made with for them.
//!
//! Owns what tests and fuzz targets need to speak TLS with a server that has no socket.

mod client;
mod identity;

pub(crate) use client::{Client, Offer};
pub(crate) use identity::Identity;
