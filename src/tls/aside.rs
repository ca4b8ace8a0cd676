//! What passes between us and rustls beside its interface, while it works on one connection.
//!
//! rustls calls what a configuration is made of (hashes, verifiers, the log of secrets) without saying
//! for which connection. It works on one at a time and on this thread, so what it is told and what it
//! tells lies here from the call to its end. Owns nothing longer than that.

use std::cell::Cell;

use rustls::KeyLog;
use zeroize::Zeroizing;

use super::refusal::ClientRefusal;

/// Bytes of the longest secret: a digest of SHA-384.
const SECRET_BYTES_MAX: usize = 48;

thread_local! {
    static HIDDEN: Cell<Option<usize>> = const { Cell::new(None) };
    static REFUSAL: Cell<Option<Box<ClientRefusal>>> = const { Cell::new(None) };
    static SECRET: Cell<Option<TrafficSecret>> = const { Cell::new(None) };
}

/// What rustls has told in one call.
pub(super) struct Told {
    /// The secret of our direction, once the handshake of TLS 1.3 has come to it.
    pub(super) secret: Option<TrafficSecret>,
    /// The client's certificate that was refused.
    pub(super) refusal: Option<Box<ClientRefusal>>,
}

/// Lets rustls work on one connection. `hidden` is where in its ClientHello a server name stands that
/// rustls must not see (see `transcript`).
pub(super) fn listen<T>(hidden: Option<usize>, work: impl FnOnce() -> T) -> (T, Told) {
    HIDDEN.set(hidden);
    let done = work();
    HIDDEN.set(None);
    let told = Told {
        secret: SECRET.take(),
        refusal: REFUSAL.take(),
    };
    (done, told)
}

/// Where in the ClientHello of the connection that is worked on a server name is hidden.
pub(super) fn hidden() -> Option<usize> {
    HIDDEN.get()
}

/// A certificate of the client of the connection that is worked on is refused.
pub(super) fn refused(refusal: ClientRefusal) {
    REFUSAL.set(Some(Box::new(refusal)));
}

/// The secret that our records are protected under once the server has finished (RFC 8446, 7.1).
/// Overwritten when dropped.
pub(super) struct TrafficSecret {
    bytes: Zeroizing<[u8; SECRET_BYTES_MAX]>,
    length: usize,
}

impl TrafficSecret {
    fn of(secret: &[u8]) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES_MAX]);
        bytes.get_mut(..secret.len())?.copy_from_slice(secret);
        Some(Self {
            bytes,
            length: secret.len(),
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Hears of that secret, and of no other. rustls has no other way to let us seal an alert of ours while
/// it has the keys. Nothing is written anywhere.
#[derive(Debug)]
pub(super) struct OwnSecret;

impl KeyLog for OwnSecret {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        if self.will_log(label) {
            SECRET.set(TrafficSecret::of(secret));
        }
    }

    fn will_log(&self, label: &str) -> bool {
        label == "SERVER_TRAFFIC_SECRET_0"
    }
}
