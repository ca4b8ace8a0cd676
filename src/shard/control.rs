//! What other threads say to a shard, and what it says of itself.

use std::collections::BTreeMap;
use std::sync::mpsc;

use serde::Serialize;

use super::handshakes::TlsSet;
use crate::features::ServerFeatures;

/// A message to a shard, through its inbox.
#[derive(Debug)]
pub(crate) enum Control {
    /// Begin to accept; the server's table is complete.
    Serve(Box<ServerFeatures>),
    /// Stop accepting, let requests finish, then end.
    Drain,
    /// End at once: what is under way is cut off.
    Stop,
    /// Answer handshakes with this set from now on.
    Tls(TlsSet),
    /// Panic.
    #[cfg(test)]
    Fail,
    /// Say how things stand.
    Report(mpsc::Sender<Stats>),
}

/// How things stand on one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// The shard's number.
    pub shard: usize,
    /// Connections accepted since the start.
    pub connections: u64,
    /// Connections open now.
    pub connections_open: usize,
    /// Connections that were closed at once because the limit was reached.
    pub connections_refused: u64,
    /// TLS handshakes completed since the start.
    pub handshakes: u64,
    /// TLS handshakes among them that resumed a session.
    pub handshakes_resumed: u64,
    /// Requests received since the start.
    pub requests: u64,
    /// Requests among them that were answered 503 because there were too many handlers.
    pub requests_refused: u64,
    /// Handlers that are not done.
    pub handlers: usize,
    /// Receive buffers that are neither with the kernel nor on their way back.
    pub buffers_in_use: usize,
    /// Operations that the kernel has not answered yet.
    pub operations: usize,
    /// How often the kernel had more completions than the queue could hold.
    pub completion_overflows: u64,
    /// Peers' mistakes by the name of the violation.
    pub rejected: BTreeMap<String, u64>,
}
