//! HTTP/2 (RFC 9113) and its priorities (RFC 9218), sans-IO.
//!
//! Bytes and time come in, bytes and events go out. Owns the syntax of frames (`frame`), what is
//! refused and with which code (`error`), and the pieces a connection is made of: stream states,
//! flow-control windows, the order of DATA, the estimate of the path. Must not know HTTP/1, TLS, a
//! ring, a shard, a clock or a file descriptor.

#![forbid(unsafe_code)]

pub(crate) mod bandwidth;
pub(crate) mod error;
pub(crate) mod flow;
pub(crate) mod frame;
pub(crate) mod priority;
pub(crate) mod schedule;
pub(crate) mod state;
