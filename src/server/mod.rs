//! A server: endpoints, shards, their life cycle and what is known of them.
//!
//! Owns the builder, the order of start and stop, the signals, and certificates that change. Runs on the caller's thread and
//! talks to shards by message; nothing here is on the request path.

#![forbid(unsafe_code)]

mod builder;
mod certificates;
mod clock;
mod cpus;
mod development;
mod error;
mod launcher;
mod locked_memory;
mod roster;
mod running;
mod secure;
mod signals;

pub(crate) use builder::DEFAULT_URL;
pub use builder::{Server, ShellKind};
pub(crate) use cpus::Cpus;
pub use cpus::{MAX_SHARDS, ShardCount, ShardCountError};
pub use development::DevelopmentError;
pub(crate) use development::{DevelopmentCertificate, NAMES as DEVELOPMENT_NAMES};
pub use error::StartError;
pub(crate) use locked_memory::needed as locked_memory_needed;
pub use running::RunningServer;
