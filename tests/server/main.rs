//! The running server over real sockets: one program for all of it, so that it is linked once.
//!
//! Each module below owns one subject and says which. A test that needs a process of its own (an
//! allocator, process-wide state) starts one, or stands in another program beside this one.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod abrupt_ends;
mod addresses;
mod backpressure;
mod blocking;
mod builtin_application;
mod command_check;
mod command_dev_certs;
mod command_run;
mod connection_limit;
mod custom_server;
mod early_answers;
mod examples;
mod expectation;
mod features;
mod glommio_in_handlers;
mod handler_faults;
mod http2;
mod http2_clients;
mod interim_responses;
mod memory;
mod no_ring;
mod other_protocols;
mod outputs;
mod overload;
mod peer_faults;
mod persistence;
mod rejections;
mod request_body;
mod response_fields;
mod response_framing;
mod restart;
mod schemes;
mod shard_ends;
mod shard_services;
mod shorthand;
mod shutdown;
mod steering;
mod targets;
mod timeouts;
mod tls_reload;
mod unread_body;
mod upgrade;
mod user_code;
