//! The server's table: facts that hold for as long as the server runs, the same on every shard.
//!
//! It is complete before the first connection is accepted and never changes afterwards.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::task::Contained;

/// The addresses as they were really bound.
///
/// Readable from any thread once the server has started; nobody but the server can change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ServerAddresses(Arc<[String]>);

impl ServerAddresses {
    pub(crate) fn new(addresses: Vec<String>) -> Self {
        Self(addresses.into())
    }

    /// One text per address, as `http://127.0.0.1:5000`.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What one shard is and what its ring was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShardFacts {
    /// The shard's number, from 0.
    pub index: usize,
    /// The CPU that it is pinned to, if it is.
    pub cpu: Option<usize>,
    /// What runs its tasks: `glommio` or `thread`.
    pub shell: &'static str,
    /// The addresses that it has bound for itself.
    pub addresses: Vec<String>,
    /// Set-up flags that the kernel granted.
    pub ring_flags: Vec<String>,
    /// Entries of the submission queue.
    pub sq_entries: u32,
    /// Entries of the completion queue.
    pub cq_entries: u32,
    /// Receive buffers in the shard's pool.
    pub buffers: u32,
    /// Bytes of each receive buffer.
    pub buffer_bytes: u32,
}

/// The shards of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Shards(Arc<[ShardFacts]>);

impl Shards {
    pub(crate) fn new(shards: Vec<ShardFacts>) -> Self {
        Self(shards.into())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// One entry per shard, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &ShardFacts> {
        self.0.iter()
    }
}

/// Everything that a request can learn of its server.
#[derive(Clone, Default)]
pub struct ServerFeatures {
    addresses: ServerAddresses,
    shards: Shards,
    shard: usize,
    others: Vec<(TypeId, Contained<Arc<dyn Any + Send + Sync>>)>,
}

impl ServerFeatures {
    /// The same table as seen from shard `index`.
    pub(crate) fn on_shard(&self, index: usize) -> Self {
        Self {
            shard: index,
            ..self.clone()
        }
    }

    /// Adds a feature of the application's own; one of each type.
    #[must_use]
    pub fn with<F: Send + Sync + 'static>(mut self, feature: F) -> Self {
        self.others.retain(|(id, _)| *id != TypeId::of::<F>());
        let feature: Arc<dyn Any + Send + Sync> = Arc::new(feature);
        self.others
            .push((TypeId::of::<F>(), Contained::new(feature)));
        self
    }

    /// The addresses as bound.
    #[must_use]
    pub fn addresses(&self) -> &ServerAddresses {
        &self.addresses
    }

    /// The shards.
    #[must_use]
    pub fn shards(&self) -> &Shards {
        &self.shards
    }

    /// The number of the shard that serves this request.
    #[must_use]
    pub fn shard(&self) -> usize {
        self.shard
    }

    /// The feature of type `F`.
    #[must_use]
    pub fn get<F: 'static>(&self) -> Option<&F> {
        let known: [&dyn Any; 2] = [&self.addresses, &self.shards];
        known
            .into_iter()
            .find_map(|slot| slot.downcast_ref())
            .or_else(|| {
                let wanted = TypeId::of::<F>();
                let (_, value) = self.others.iter().find(|(id, _)| *id == wanted)?;
                value.downcast_ref()
            })
    }

    pub(crate) fn with_facts(mut self, addresses: ServerAddresses, shards: Shards) -> Self {
        self.addresses = addresses;
        self.shards = shards;
        self
    }
}

impl fmt::Debug for ServerFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerFeatures")
            .field("addresses", &self.addresses)
            .field("shards", &self.shards)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}
