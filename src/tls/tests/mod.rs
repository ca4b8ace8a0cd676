//! Sites and their configurations, held against rustls clients in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod handshake;
mod peers;
