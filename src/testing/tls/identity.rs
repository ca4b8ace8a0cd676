//! What a server is made with that outlives its connections.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;

use super::Offer;
use crate::http::Protocols;
#[cfg(test)]
use crate::tls::GeneratedSite;
use crate::tls::{Material, Sites, TicketKeys};

/// A certificate made on the spot for `localhost`, and ticket keys.
pub(crate) struct Identity {
    material: Arc<Material>,
    tickets: TicketKeys,
    certificate: CertificateDer<'static>,
}

impl Identity {
    /// One whose only site speaks these protocols.
    pub(crate) fn new(protocols: Protocols) -> Self {
        Self::of(Material::generated(&["localhost"], protocols))
    }

    /// One with these sites, and a certificate for these names.
    #[cfg(test)]
    pub(crate) fn of_sites(names: &[&str], sites: &[GeneratedSite]) -> Self {
        Self::of(Material::generated_sites(names, sites))
    }

    fn of(made: Option<(Material, CertificateDer<'static>)>) -> Self {
        let (material, certificate) = made.expect("a certificate can be made");
        Self {
            material: Arc::new(material),
            tickets: TicketKeys::generate().expect("there is randomness"),
            certificate,
        }
    }

    /// The sites of a shard.
    pub(crate) fn sites(&self) -> Sites {
        let sites = self.material.sites(&self.tickets);
        sites.expect("what was generated can be used")
    }

    /// The configuration of clients that trust it.
    pub(crate) fn config(&self, offer: Offer<'_>) -> Arc<ClientConfig> {
        offer.config(&self.certificate)
    }
}
