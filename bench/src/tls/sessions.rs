//! The TLS sessions that a client can resume.
//!
//! rustls' own store keeps eight tickets for a server, fewer than connections are under way here.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// Tickets of TLS 1.3 that are kept; the oldest go first.
const TICKETS_MAX: usize = 1024;

/// Sessions of one server: all connections of a client are to the same.
#[derive(Debug)]
pub(crate) struct Sessions(Mutex<Stored>);

#[derive(Debug, Default)]
struct Stored {
    /// May be resumed any number of times (RFC 5077).
    tls12: Option<Tls12ClientSessionValue>,
    /// May be used once each (RFC 8446, appendix C.4).
    tls13: VecDeque<Tls13ClientSessionValue>,
    /// Nothing is given out yet.
    collecting: bool,
}

impl Sessions {
    /// A store that gives nothing out until [`Sessions::open`]. A resumed connection may bring no
    /// more than one ticket for the one it took, so that their number would not grow.
    pub(crate) fn collecting() -> Self {
        Self(Mutex::new(Stored {
            collecting: true,
            ..Stored::default()
        }))
    }

    /// Gives out what there is from now on.
    pub(crate) fn open(&self) {
        self.stored().collecting = false;
    }

    /// Whether so many connections can be resumed at once.
    pub(crate) fn suffice(&self, connections: usize) -> bool {
        let stored = self.stored();
        stored.tls12.is_some() || stored.tls13.len() >= connections
    }

    /// One thread uses it, and what it does cannot fail half-way.
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Sessions {
    // One group is all that is offered, so there is nothing to remember.
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.stored().tls12 = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        let stored = self.stored();
        stored.tls12.clone().filter(|_| !stored.collecting)
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.stored().tls12 = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut stored = self.stored();
        if stored.tls13.len() == TICKETS_MAX {
            stored.tls13.pop_front();
        }
        stored.tls13.push_back(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut stored = self.stored();
        if stored.collecting {
            return None;
        }
        stored.tls13.pop_back()
    }
}
