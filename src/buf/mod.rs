//! The receive buffers of one shard and the slices that lend them out.
//!
//! Owns the memory that the kernel fills and the record of who holds each buffer: the kernel, the
//! pool's returned list, or slices. Must not know what the bytes mean, nor how the kernel is told
//! about buffers: `ring` takes returned buffers from here and reports filled ones.
//!
//! One of the three places with `unsafe` code. The rule it rests on: memory of a buffer is read
//! only while slices hold it, and then nobody writes to it. `text`, `block` and `heap` lie here for
//! their `unsafe` too; they look at bytes of any kind, and what these mean is for who asks.

pub(crate) mod block;
mod heap;
mod pool;
mod region;
mod slice;
mod text;

pub(crate) use heap::release_heap;
pub(crate) use pool::Pool;
pub use pool::PoolError;
pub use region::OutOfMemory;
pub(crate) use region::Region;
pub(crate) use slice::BufSlice;
pub(crate) use text::text;

#[cfg(test)]
mod tests;
