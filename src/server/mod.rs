//! A server: endpoints, shards, their life cycle and what is known of them.
//!
//! Owns the builder, the order of start and stop, and the signals. Runs on the caller's thread and
//! talks to shards by message; nothing here is on the request path.

#![forbid(unsafe_code)]

mod builder;
mod clock;
mod cpus;
mod error;
mod running;
mod signals;

pub(crate) use builder::DEFAULT_URL;
pub use builder::{Server, ShellKind};
pub(crate) use cpus::Cpus;
pub use cpus::{MAX_SHARDS, ShardCount, ShardCountError};
pub use error::StartError;
pub use running::RunningServer;
