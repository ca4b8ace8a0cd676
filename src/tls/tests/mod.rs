//! Files, sites and their configurations, held against rustls clients in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod authority;
mod client_certificates;
mod folder;
mod forged;
mod handshake;
mod operator;
mod peers;
mod refusals;
mod resumption;
mod warnings;
