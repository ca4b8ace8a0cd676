//! TLS: the only place that names rustls and AWS-LC.
//!
//! Owns what an operator says about TLS (`settings`), the files behind it (`material`), the sites
//! that each shard makes from them (`sites`), session tickets, and the look at a ClientHello that
//! decides which site answers. Like the other protocols it knows no descriptor and no ring.
//!
//! Nothing here is shared between shards. A [`Material`] is read once, off the request path, and
//! only looked at afterwards; each shard makes its own [`Sites`] from it: its own configurations,
//! keys, verifiers and ticket keys. An `Arc` that two shards clone would make every handshake of
//! one write a cache line that the other needs; a key in use has such counts inside of it, and a
//! session cache would have a lock.

#![forbid(unsafe_code)]

mod aside;
mod chain;
mod cleartext;
mod client_auth;
mod config;
mod der;
mod error;
mod fault;
mod findings;
mod gather;
mod handshake;
mod hello;
mod key_update;
mod material;
mod name;
mod negotiation;
mod ocsp;
mod pace;
mod pem;
mod policy;
mod receive;
mod record;
mod refusal;
mod session;
mod settings;
mod sites;
mod summary;
mod ticket;
mod transcript;
mod warning;
mod witness;
mod x509;

pub use error::{
    CertificateFault, FileFault, KeyFault, RevocationFault, TlsError, TlsFault, TlsFile,
};
pub(crate) use fault::Fault;
pub(crate) use gather::{Plain, record_buffers};
pub(crate) use handshake::{Done, Handshake, Progress};
#[cfg(test)]
pub(crate) use material::GeneratedSite;
pub(crate) use material::Material;
pub use name::NameFault;
pub(crate) use policy::Scope;
pub(crate) use refusal::ClientRefusal;
pub(crate) use session::Session;
pub use settings::{ClientAuthorities, ClientCertificates, Tls, TlsSite};
pub(crate) use sites::Sites;
pub(crate) use summary::CertificateSummary;
pub(crate) use ticket::{NoRandomness, TICKET_ROTATION, TicketKeys};
pub(crate) use warning::TlsWarning;

#[cfg(test)]
mod tests;
