//! HTTP/2 (RFC 9113) and its priorities (RFC 9218), sans-IO.
//!
//! Bytes and time come in, bytes and events go out. Owns the syntax of frames (`frame`), what is
//! refused and with which code (`error`), the pieces a connection is made of (stream states,
//! flow-control windows, the order of DATA, the estimate of the path), and the state of one
//! connection (`connection`). Must not know HTTP/1, TLS, a ring, a shard, a clock or a file
//! descriptor.

#![forbid(unsafe_code)]

pub(crate) mod bandwidth;
mod bodies;
mod bounds;
mod budget;
#[cfg(test)]
mod census;
mod closed;
mod connection;
mod content;
mod control;
mod credit;
mod ending;
pub(crate) mod error;
mod field_class;
pub(crate) mod flow;
pub(crate) mod frame;
mod input;
#[cfg(all(debug_assertions, any(test, feature = "testing")))]
mod invariants;
mod open;
mod plain;
pub(crate) mod priority;
mod receive;
mod receive_window;
mod request;
mod response;
pub(crate) mod schedule;
mod shares;
mod stall;
pub(crate) mod state;
mod streams;
mod timing;
mod trailers;
mod transmit;

#[cfg(test)]
pub(crate) use census::Census;
pub(crate) use connection::Connection;
