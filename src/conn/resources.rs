//! What the connections of a shard share: send blocks, and what TLS needs.
//!
//! Owns the blocks, the sites that https answers with, the buffers for records that come in pieces
//! and how many handshakes may still begin in this turn. Knows no connection.

use super::Blocks;
use super::refusals::Refusals;
use crate::buf::Pool;
use crate::tls::{Sites, record_buffers};

/// What the connections of one shard share.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    pub(super) blocks: Blocks,
    pub(super) tls: Option<TlsResources>,
}

/// What TLS connections share beside.
#[derive(Debug)]
pub(super) struct TlsResources {
    pub(super) sites: Sites,
    /// How often there were others, the first included.
    pub(super) generation: u32,
    /// `None` when there was no memory for them: each record then gets memory of its own.
    pub(super) buffers: Option<Pool>,
    /// Handshakes that may still begin in this turn.
    pub(super) handshakes: u32,
    pub(super) refusals: Refusals,
}

impl Resources {
    /// From now on handshakes are answered with these sites.
    pub(crate) fn set_sites(&mut self, sites: Sites) {
        match &mut self.tls {
            Some(tls) => {
                tls.sites = sites;
                tls.generation = tls.generation.wrapping_add(1);
            }
            None => {
                self.tls = Some(TlsResources {
                    sites,
                    generation: 1,
                    buffers: record_buffers(),
                    handshakes: 0,
                    refusals: Refusals::default(),
                });
            }
        }
    }

    /// Whether the blocks are more than are kept for good.
    #[inline]
    pub(crate) fn has_grown(&self) -> bool {
        self.blocks.have_grown()
    }

    /// Lets go of what was in no use since the last call, and says of how many things.
    pub(crate) fn trim(&mut self) -> usize {
        self.blocks.trim()
    }

    /// A turn begins, in which so many handshakes may begin.
    #[inline]
    pub(crate) fn begin_turn(&mut self, handshakes: u32) {
        if let Some(tls) = &mut self.tls {
            tls.handshakes = handshakes;
        }
    }

    /// Whether a handshake may still begin in this turn.
    pub(crate) fn may_begin_handshake(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.handshakes > 0)
    }

    /// The buffers that records are gathered in.
    pub(super) fn record_buffers(&self) -> Option<&Pool> {
        self.tls.as_ref().and_then(|tls| tls.buffers.as_ref())
    }

    /// Record buffers in use: none when nobody is in the middle of a record.
    #[cfg(test)]
    pub(crate) fn record_buffers_in_use(&self) -> usize {
        self.record_buffers().map_or(0, Pool::in_use)
    }
}
