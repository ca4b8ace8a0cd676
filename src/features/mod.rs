//! The feature table: what a server offers to a request, found by type.
//!
//! Three tables answer a look-up, in this order: the request's (fixed slots for the features that
//! every Lanner server has, a short list for what handlers set), the connection's, the server's.
//! Owns the slots and their reset; must not know a protocol or a socket. A custom server needs
//! [`RequestFeature`] and [`ResponseFeature`] at least.

#![forbid(unsafe_code)]

mod callbacks;
mod connection;
mod drain;
mod lifetime;
mod list;
mod request;
mod response;
mod server;
mod tls;
mod waiters;

pub use crate::net::PeerAddress;
pub use connection::Connection;
pub(crate) use connection::{AddressSource, ConnectionFacts};
pub use drain::Drain;
pub use lifetime::RequestLifetime;
pub use list::Features;
pub use request::{
    MaxRequestBodySize, MinRequestBodyDataRate, ReadOnly, RequestBodyDetection, RequestFeature,
    RequestIdentifier, RequestTrailers,
};
pub use response::{MinResponseDataRate, ResponseFeature, ResponseTrailers, Upgrade};
pub use server::{ServerAddresses, ServerFeatures, ShardFacts, Shards};
pub use tls::{TlsFeature, TlsVersion};
