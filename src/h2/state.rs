//! The states of a stream (RFC 9113, 5.1), as a server that pushes nothing sees them.
//!
//! Owns which frame may come or go in which state, what it turns the state into, and whether a
//! frame that must not come ends the stream or the connection. Knows no identifiers, windows or
//! messages; whether HEADERS are a request or its trailers follows from the state.
//!
//! ```text
//!                        ,--------.
//!                        |  idle  |        r: received, s: sent
//!                        `--------'        ES: with END_STREAM
//!               r HEADERS |      | r HEADERS+ES
//!                         v      `-----------.
//!                    ,--------.              |
//!                    |  open  |              |
//!                    `--------'              v
//!      ,------------.  |  |  |  r ES   ,-------------.
//!      | half-closed|<-'  |  `-------->| half-closed |
//!      |  (local)   | s ES|            |  (remote)   |
//!      `------------'     |            `-------------'
//!          |              | RST_STREAM        |
//!          | r ES         | r or s            | s ES
//!          | RST_STREAM   v                   | RST_STREAM
//!          |         ,--------.               |
//!          `-------->| closed |<--------------'
//!                    `--------'
//! ```
//!
//! The reserved states belong to pushed streams and do not exist here. PRIORITY may come in every
//! state and changes none.

use super::error::{ConnectionError, Fault, StreamError, Violation};

/// How a stream came to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Both sides have sent END_STREAM.
    EndOfStream,
    /// The peer has reset it.
    ResetByPeer,
    /// We have reset it.
    ResetByUs {
        /// Whether the peer was not at its end yet: any frame may still be on its way, and is to
        /// be processed as far as it concerns the connection, and otherwise ignored.
        in_flight: bool,
    },
}

/// A frame that we must not send in the state of the stream. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotSendable;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Idle,
    Open,
    HalfClosedLocal,
    HalfClosedRemote,
    Closed(Ending),
}

/// The state of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct StreamState(State);

impl StreamState {
    /// A stream that nothing has been heard of.
    pub(crate) const fn idle() -> Self {
        Self(State::Idle)
    }

    /// Takes HEADERS with all of their CONTINUATION: on an idle stream a request, which opens it,
    /// on any other trailers.
    ///
    /// # Errors
    /// Those of [`receive_trailers`](Self::receive_trailers).
    pub(crate) fn receive_headers(&mut self, end_stream: bool) -> Result<(), Fault> {
        if self.0 != State::Idle {
            return self.receive_trailers(end_stream);
        }
        self.0 = if end_stream {
            State::HalfClosedRemote
        } else {
            State::Open
        };
        Ok(())
    }

    /// Takes HEADERS that are not the first of the stream. They must end it (RFC 9113, 8.1). After
    /// our reset they are to be ignored: look at [`is_ignoring`](Self::is_ignoring) before.
    ///
    /// # Errors
    /// On an idle stream, or one that both sides have ended, for the connection; on one that the
    /// peer has ended or reset, or without END_STREAM, for the stream.
    pub(crate) fn receive_trailers(&mut self, end_stream: bool) -> Result<(), Fault> {
        self.expect_more(Violation::HeadersOnHalfClosed)?;
        if !end_stream {
            if self.is_ignoring() {
                return Ok(());
            }
            return Err(StreamError(Violation::TrailersWithoutEndStream).into());
        }
        self.end_remote();
        Ok(())
    }

    /// Takes a DATA frame. After our reset it is to be ignored, but counts for the window of the
    /// connection: look at [`is_ignoring`](Self::is_ignoring) before.
    ///
    /// # Errors
    /// On an idle stream, or one that both sides have ended, for the connection; on one that the
    /// peer has ended or reset, for the stream.
    pub(crate) fn receive_data(&mut self, end_stream: bool) -> Result<(), Fault> {
        self.expect_more(Violation::DataOnHalfClosed)?;
        if end_stream {
            self.end_remote();
        }
        Ok(())
    }

    /// Takes RST_STREAM. On a closed stream it is late and changes nothing: it must never be
    /// answered with another one (RFC 9113, 5.4.2).
    ///
    /// # Errors
    /// On an idle stream, for the connection (RFC 9113, 6.4).
    pub(crate) fn receive_reset(&mut self) -> Result<(), Fault> {
        match self.0 {
            State::Idle => return Err(ConnectionError(Violation::FrameOnIdleStream).into()),
            State::Open | State::HalfClosedLocal | State::HalfClosedRemote => {
                self.0 = State::Closed(Ending::ResetByPeer);
            }
            State::Closed(_) => {}
        }
        Ok(())
    }

    /// Takes WINDOW_UPDATE, which changes no state. On a closed stream it is late and to be
    /// ignored (RFC 9113, 5.1).
    ///
    /// # Errors
    /// On an idle stream, for the connection.
    pub(crate) fn receive_window_update(self) -> Result<(), Fault> {
        match self.0 {
            State::Idle => Err(ConnectionError(Violation::FrameOnIdleStream).into()),
            _ => Ok(()),
        }
    }

    /// Notes that HEADERS go out: an interim response, the response, or trailers.
    ///
    /// # Errors
    /// When our side has not begun or is at its end.
    pub(crate) fn send_headers(&mut self, end_stream: bool) -> Result<(), NotSendable> {
        self.send(end_stream)
    }

    /// Notes that DATA goes out.
    ///
    /// # Errors
    /// When our side has not begun or is at its end.
    pub(crate) fn send_data(&mut self, end_stream: bool) -> Result<(), NotSendable> {
        self.send(end_stream)
    }

    /// Notes that RST_STREAM goes out. A stream that the peer has reset may be reset too, once, to
    /// answer frames that came all the same; later ones are ignored then.
    ///
    /// # Errors
    /// When there is nothing to reset: the stream is idle, was ended by both sides, or was reset
    /// by us before.
    pub(crate) fn send_reset(&mut self) -> Result<(), NotSendable> {
        let in_flight = match self.0 {
            State::Open | State::HalfClosedLocal | State::Closed(Ending::ResetByPeer) => true,
            State::HalfClosedRemote => false,
            State::Idle | State::Closed(Ending::EndOfStream | Ending::ResetByUs { .. }) => {
                return Err(NotSendable);
            }
        };
        self.0 = State::Closed(Ending::ResetByUs { in_flight });
        Ok(())
    }

    /// Whether nothing has been heard of the stream.
    #[cfg(test)]
    pub(crate) const fn is_idle(self) -> bool {
        matches!(self.0, State::Idle)
    }

    /// Whether the stream is at its end.
    pub(crate) const fn is_closed(self) -> bool {
        matches!(self.0, State::Closed(_))
    }

    /// How the stream ended, if it did.
    #[cfg(test)]
    pub(crate) const fn ending(self) -> Option<Ending> {
        match self.0 {
            State::Closed(ending) => Some(ending),
            _ => None,
        }
    }

    /// Whether we have reset the stream while the peer was sending: whatever comes on it is to be
    /// ignored, but for what it does to the connection's window and to field compression.
    pub(crate) const fn is_ignoring(self) -> bool {
        matches!(self.0, State::Closed(Ending::ResetByUs { in_flight: true }))
    }

    /// Whether the peer may send DATA or trailers.
    pub(crate) const fn can_receive(self) -> bool {
        matches!(self.0, State::Open | State::HalfClosedLocal)
    }

    /// Whether we may send HEADERS or DATA.
    #[cfg(test)]
    pub(crate) const fn can_send(self) -> bool {
        matches!(self.0, State::Open | State::HalfClosedRemote)
    }

    /// Whether DATA or HEADERS of an opened stream may come, or are to be ignored.
    fn expect_more(self, half_closed: Violation) -> Result<(), Fault> {
        match self.0 {
            State::Open | State::HalfClosedLocal => Ok(()),
            State::Idle => Err(ConnectionError(Violation::FrameOnIdleStream).into()),
            State::HalfClosedRemote => Err(StreamError(half_closed).into()),
            State::Closed(Ending::ResetByUs { in_flight: true }) => Ok(()),
            // It has said itself that the stream is dead: one stream is wrong.
            State::Closed(Ending::ResetByPeer) => {
                Err(StreamError(Violation::FrameOnClosedStream).into())
            }
            // It has ended its side and must know, whatever became of the stream since.
            State::Closed(Ending::EndOfStream | Ending::ResetByUs { in_flight: false }) => {
                Err(ConnectionError(Violation::FrameOnClosedStream).into())
            }
        }
    }

    fn end_remote(&mut self) {
        self.0 = match self.0 {
            State::Open => State::HalfClosedRemote,
            State::HalfClosedLocal => State::Closed(Ending::EndOfStream),
            // Nothing is in flight any more once the peer has ended what we have reset.
            State::Closed(Ending::ResetByUs { .. }) => {
                State::Closed(Ending::ResetByUs { in_flight: false })
            }
            other => other,
        };
    }

    fn send(&mut self, end_stream: bool) -> Result<(), NotSendable> {
        self.0 = match (self.0, end_stream) {
            (State::Open, true) => State::HalfClosedLocal,
            (State::HalfClosedRemote, true) => State::Closed(Ending::EndOfStream),
            (State::Open | State::HalfClosedRemote, false) => self.0,
            _ => return Err(NotSendable),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
