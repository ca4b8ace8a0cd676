//! The shard's ring: operations go in, completions come out.
//!
//! Owns the seam that the shard drives ([`Ring`]) and its real implementation ([`Uring`]): set-up
//! with fall-back, the buffer ring, and the memory of every operation until the kernel is done
//! with it. The only place that names io_uring. Must not know connections or protocols: an
//! operation is a descriptor, memory and a [`Token`], nothing more.
//!
//! One of the three places with `unsafe` code. The rule it rests on: memory that the kernel has
//! been told about belongs to the ring until the completion that ends the operation, and is
//! leaked rather than freed if that completion cannot be awaited.

mod api;
mod buffers;
mod enter;
mod errno;
mod flight;
mod held;
mod memory;
mod probe;
mod setup;
mod token;
mod uring;

pub(crate) use api::{Completion, EnterError, LastSend, Payload, Ring, RingFeatures, Wait};
pub use errno::Errno;
pub(crate) use memory::{locked_by_queues, when_unlocked};
pub(crate) use probe::{probe, try_out};
pub(crate) use setup::RingConfig;
pub use setup::SetupError;
pub(crate) use token::{OpKind, Token};
pub(crate) use uring::Uring;

#[cfg(test)]
mod tests;
