//! The connection's table: what is known of the peer for as long as the connection lasts.
//!
//! Addresses are asked of the kernel when a handler asks for them, so that connections which are
//! not asked about cost no system call.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::{Drain, Features, ServerFeatures, TlsFeature};
use crate::net::PeerAddress;

/// Where a connection's addresses come from: the socket, or a test.
pub(crate) trait AddressSource {
    /// The peer's end, if it can still be told.
    fn remote(&self) -> Option<PeerAddress>;
    /// Our end, if it can still be told.
    fn local(&self) -> Option<PeerAddress>;
}

/// What the connection itself is, made once when it is accepted.
pub(crate) struct ConnectionFacts {
    pub(crate) id: u64,
    pub(crate) addresses: Box<dyn AddressSource>,
    pub(crate) server: Rc<ServerFeatures>,
    pub(crate) drain: Rc<Drain>,
}

/// The connection that a request came on.
#[derive(Clone)]
pub struct Connection(Rc<Inner>);

struct Inner {
    facts: ConnectionFacts,
    remote: OnceCell<Option<PeerAddress>>,
    local: OnceCell<Option<PeerAddress>>,
    tls: OnceCell<Rc<TlsFeature>>,
    items: RefCell<Features>,
}

impl Connection {
    pub(crate) fn new(facts: ConnectionFacts) -> Self {
        Self(Rc::new(Inner {
            facts,
            remote: OnceCell::new(),
            local: OnceCell::new(),
            tls: OnceCell::new(),
            items: RefCell::default(),
        }))
    }

    /// A connection that is none: for servers without sockets.
    #[must_use]
    pub fn detached(server: Rc<ServerFeatures>) -> Self {
        Self::new(ConnectionFacts {
            id: 0,
            addresses: Box::new(Nowhere),
            server,
            drain: Rc::default(),
        })
    }

    /// Tells connections of one process apart.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.facts.id
    }

    /// The peer's address. `None` when the connection was gone before anybody asked.
    #[must_use]
    pub fn remote_address(&self) -> Option<&PeerAddress> {
        self.0
            .remote
            .get_or_init(|| self.0.facts.addresses.remote())
            .as_ref()
    }

    /// The address that the peer connected to.
    #[must_use]
    pub fn local_address(&self) -> Option<&PeerAddress> {
        self.0
            .local
            .get_or_init(|| self.0.facts.addresses.local())
            .as_ref()
    }

    /// What TLS has agreed on with the peer. `None` on a connection in the clear.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFeature> {
        self.0.tls.get().map(Rc::as_ref)
    }

    /// The handshake is done.
    #[inline]
    pub(crate) fn set_tls(&self, tls: &Rc<TlsFeature>) {
        // For every request but the first it is there already.
        self.0.tls.get_or_init(|| Rc::clone(tls));
    }

    /// Values that handlers keep with the connection from one request to the next.
    #[must_use]
    pub fn items(&self) -> &RefCell<Features> {
        &self.0.items
    }

    /// The shut-down of the server, if it comes to that while the connection lasts.
    #[must_use]
    pub fn drain(&self) -> &Drain {
        &self.0.facts.drain
    }

    /// The server's table.
    #[must_use]
    pub fn server(&self) -> &Rc<ServerFeatures> {
        &self.0.facts.server
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

struct Nowhere;

impl AddressSource for Nowhere {
    fn remote(&self) -> Option<PeerAddress> {
        None
    }

    fn local(&self) -> Option<PeerAddress> {
        None
    }
}
