//! Lanner: an HTTP server for Linux, for throughput and tail latency per core.
//!
//! One shard per CPU core owns its listening sockets, an io_uring, its connections and its
//! handlers; nothing is shared between shards on the request path. Handlers are ordinary async
//! code on the shard and may use glommio.
//!
//! ```no_run
//! use lanner::{HttpContext, Server};
//!
//! fn main() -> Result<(), lanner::StartError> {
//!     Server::new()
//!         .urls("http://127.0.0.1:8080")?
//!         .run(async |ctx: &mut HttpContext| ctx.text("Hello, World!"))
//! }
//! ```
//!
//! The way of a byte:
//!
//! ```text
//! kernel -> ring -> shard -> conn -> h1 | h2 -> exchange -> handler
//! kernel <- ring <- shard <- conn <- h1 | h2 <- exchange <- handler
//! ```

#![deny(unsafe_code)]

mod blocking;
#[allow(unsafe_code)]
mod buf;
#[doc(hidden)]
pub mod cli;
mod conn;
pub mod features;
mod h1;
mod h2;
mod hpack;
pub mod http;
mod journal;
mod limits;
mod net;
#[allow(unsafe_code)]
mod ring;
mod server;
mod shard;
#[allow(unsafe_code)]
mod task;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;
mod tls;

pub use blocking::{Blocking, BlockingError, spawn_blocking};
pub use buf::{OutOfMemory, PoolError};
pub use features::TlsVersion;
pub use http::{
    Application, BodyError, Chunk, FieldSection, HandlerError, HttpContext, JsonError, Method,
    Protocols, Query, RequestHead, ResponseError, Status, Upgraded, Version,
};
pub use journal::report_panics;
pub use limits::{DataRate, FloodLimits, Http2Limits, Limits, LimitsError};
pub use net::{
    AddressError, AddressFault, BindError, BindFault, BoundAddress, BoundPlace, Endpoint,
    NetworkError, PeerAddress, Place, Steering, SteeringError, UrlScheme,
};
pub use ring::{Errno, SetupError};
pub use server::{
    DevelopmentError, MAX_SHARDS, RunningServer, Server, ShardCount, ShardCountError, ShellKind,
    StartError,
};
pub use shard::{
    Elapsed, NoExecutor, Panicked, Sleep, Spawned, Stats, read_file, sleep, spawn_local, timeout,
};
pub use tls::{
    CertificateFault, ClientAuthorities, ClientCertificates, FileFault, KeyFault, NameFault,
    RevocationFault, Tls, TlsError, TlsFault, TlsFile, TlsSite,
};
