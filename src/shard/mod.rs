//! One shard: a thread that owns its listeners, its ring, its connections and its handlers.
//!
//! Owns the loop (`driver`), the slabs, the timer wheel, and what handlers get from the shard
//! itself: `sleep`, `timeout`, file reads. Shares nothing with other shards on the request path;
//! others reach it through its inbox. Names neither a wire format nor io_uring.

#![forbid(unsafe_code)]

mod accept;
mod control;
mod driver;
mod ending;
mod files;
mod handshakes;
mod local;
pub(crate) mod shell;
mod sleep;
mod slots;
mod transfer;
mod trim;
mod watch;
mod wheel;

pub(crate) use control::Control;
pub use control::Stats;
pub(crate) use driver::{Clock, Shard, ShardOptions};
pub use files::read_file;
pub(crate) use handshakes::TlsSet;
pub use shell::{NoExecutor, Panicked, Spawned, spawn_local};
pub use sleep::{Elapsed, Sleep, sleep, timeout};
#[cfg(any(test, feature = "testing"))]
pub(crate) use wheel::Wheel;

#[cfg(test)]
mod tests;
