//! How long a connection that has said its last is still read (RFC 9112, 9.6).
//!
//! What is read then is forgotten: it is read so that the peer comes to read the last response, which a
//! reset would take from it.

/// Milliseconds for which a peer may be silent behind our FIN before it has sent anything: a few round
/// trips of the slowest path.
pub(crate) const LINGER_FIRST_MS: u64 = 2_000;

/// Milliseconds for which a peer that still sends may pause: lost packets of a bad path are sent again
/// within that time.
pub(crate) const LINGER_PAUSE_MS: u64 = 5_000;

/// Milliseconds for which a peer may send behind our FIN, however slowly.
pub(crate) const LINGER_TIME_MS: u64 = 30_000;

/// Bytes that earn one more second. A peer that sends as fast as its path allows is about to be done
/// and to read; one that trickles holds the connection for nothing.
pub(crate) const LINGER_BYTES_PER_SECOND: u64 = 64 * 1024;

/// Milliseconds for which a peer may send behind our FIN, however fast: by then 200 MB have come at
/// 6 Mbit/s.
pub(crate) const LINGER_TIME_MAX_MS: u64 = 300_000;

const _: () = {
    assert!(LINGER_FIRST_MS <= LINGER_PAUSE_MS && LINGER_PAUSE_MS <= LINGER_TIME_MS);
    assert!(LINGER_TIME_MS <= LINGER_TIME_MAX_MS && LINGER_BYTES_PER_SECOND > 0);
};
