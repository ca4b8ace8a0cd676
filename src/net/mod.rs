//! What a server listens on: addresses, listening sockets and the two ends of an accepted
//! connection.
//!
//! Owns set-up and naming of sockets, off the request path. Knows nothing of rings, shards or
//! protocols: it hands out file descriptors that are bound, configured and listening.

#![forbid(unsafe_code)]

mod address;
mod departed;
mod fault;
mod listener;
mod network;
mod peer;
mod steering;
mod unix;

pub use address::{
    AddressError, AddressFault, BoundAddress, BoundPlace, Endpoint, Place, UrlScheme,
};
pub use fault::{BindError, BindFault};
pub(crate) use listener::{BindOptions, BoundListeners, DEFAULT_BACKLOG, Listener, bind};
pub use network::NetworkError;
pub(crate) use network::Networks;
pub use peer::PeerAddress;
pub(crate) use peer::{local_address, peer_address};
pub(crate) use steering::steer_by_cpu;
pub use steering::{Steering, SteeringError};
pub(crate) use unix::UnixSocketFile;
