//! What a driven protocol core answers to whoever drives it.
//!
//! Owns the two words that every protocol shares with the connection around it. Knows no protocol.

use std::rc::Rc;

use super::Exchange;

/// What the shard does next with a driven connection.
#[derive(Debug)]
pub(crate) enum Drive {
    /// Run the application over this exchange, then drive again.
    Dispatch(Rc<Exchange>),
    /// Nothing more until something happens.
    Wait,
    /// It has work that is kept for a later turn, so that others are served meanwhile.
    Postponed,
    /// The peer has begun to speak HTTP/2 (RFC 9113, 3.4); no byte of it was consumed.
    Http2,
}

/// How the connection wants to end, once its output is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// It stays open.
    No,
    /// Send FIN, then read and forget until the peer closes too, so that the last response is not
    /// lost to a reset (RFC 9112, 9.6; RFC 9113, 5.4.1).
    Linger,
    /// The peer has said that nothing more comes, and what it has sent is read: there is nobody to
    /// wait for (RFC 9112, 9.6). As `Linger` if more has come all the same.
    Agreed,
    /// Close at once, in order.
    Now,
    /// Close at once and visibly broken, whatever is still to be sent: the response could not be
    /// completed, or nobody takes it.
    Reset,
}
