//! The way back of the window: what handlers have read may be sent again (RFC 9113, 5.2 and 6.9).
//!
//! Owns when the peer learns of it. While it has plenty, it is told in steps of a quarter of a
//! window; when it has little left, of every byte at once. So window is never held back from a peer
//! that needs it, and what keeps the connection's window is only what handlers have not read. How
//! long they may, while others wait for content, is owned here too.

use super::connection::Connection;
use super::error::{ConnectionError, Violation};
use super::frame::encode_window_update;
use super::receive::Reading;
use super::streams::Stream;
use crate::http::{BodyError, BodyState, Exchange, Turn};
use crate::limits::STARVED_BYTES;

impl Connection {
    /// Takes the bytes of a frame out of the connection's window.
    pub(super) fn spend(&mut self, bytes: u32, out: &mut Vec<u8>) -> Result<(), ConnectionError> {
        self.receive_window
            .receive(bytes)
            .map_err(|_| ConnectionError(Violation::FlowControlExceeded))?;
        self.balance(out);
        Ok(())
    }

    /// What is left of the connection's window has become less, or less of the whole.
    pub(super) fn balance(&mut self, out: &mut Vec<u8>) {
        let watched = if self.readers_watched {
            !self.receive_window.is_ample()
        } else {
            self.receive_window.is_low()
        };
        if watched != self.readers_watched {
            self.watch_readers(watched, out);
        }
        self.give_back(0, out);
    }

    /// With little left of the connection's window each read of a handler counts at once, of all
    /// streams; with plenty, a quarter of a stream's window at a time.
    #[inline(never)]
    fn watch_readers(&mut self, watched: bool, out: &mut Vec<u8>) {
        self.readers_watched = watched;
        let step = self.report_step();
        for place in 0..self.streams.len() {
            let Some(slot) = self.streams.slot_at(place) else {
                continue;
            };
            let Some(stream) = self.streams.get(slot) else {
                continue;
            };
            if let Some(exchange) = stream.exchange.clone() {
                exchange.inbound.borrow_mut().report_at(step);
                self.collect(slot, &exchange, out);
            }
        }
    }

    /// How many bytes a handler reads before the connection wants to hear of it.
    pub(super) fn report_step(&self) -> usize {
        if self.readers_watched {
            1
        } else {
            // As much as is announced to the peer at a time.
            self.stream_target as usize / 4
        }
    }

    /// Gives back what the handler of a stream has read since this was last asked.
    pub(super) fn collect(&mut self, slot: u32, exchange: &Exchange, out: &mut Vec<u8>) {
        let Some(stream) = self.streams.get(slot) else {
            return;
        };
        let mut inbound = exchange.inbound.borrow_mut();
        let read = u32::try_from(inbound.take_unreported()).unwrap_or(u32::MAX);
        stream.unreturned = stream.unreturned.saturating_sub(read);
        // What waited in a body that has failed is gone. Its stream gets no more while its handler
        // goes on.
        let lost = match inbound.state() {
            BodyState::Failed(_) if !exchange.is_finished() => {
                std::mem::take(&mut stream.unreturned)
            }
            BodyState::Failed(_) | BodyState::Open | BodyState::Complete => 0,
        };
        drop(inbound);
        self.give_back(read.saturating_add(lost), out);
        self.open_stream_window(slot, read, out);
    }

    /// What has come of a request and will not be read counts as taken: the peer may wait for its
    /// window before it looks at the response.
    pub(super) fn forget_unread(&mut self, slot: u32, out: &mut Vec<u8>) {
        if let Some(stream) = self.streams.get(slot)
            && stream.unreturned > 0
        {
            let unread = std::mem::take(&mut stream.unreturned);
            stream.drained = stream.drained.saturating_add(u64::from(unread));
            self.give_back(unread, out);
            self.open_stream_window(slot, unread, out);
        }
    }

    /// Bytes of the connection's window are used up.
    #[inline]
    pub(super) fn give_back(&mut self, bytes: u32, out: &mut Vec<u8>) {
        if let Some(increment) = self.receive_window.give_back(bytes) {
            encode_window_update(out, 0, increment);
        }
    }

    /// Bytes of a stream's window are used up, maybe none since this was last asked.
    pub(super) fn open_stream_window(&mut self, slot: u32, bytes: u32, out: &mut Vec<u8>) {
        let target = self.stream_target;
        if let Some(stream) = self.streams.get(slot)
            && stream.state.can_receive()
        {
            if bytes > 0 {
                stream.receive_window.raise(target);
            }
            if let Some(increment) = stream.receive_window.give_back(bytes) {
                encode_window_update(out, stream.id, increment);
            }
        }
    }

    /// Whether handlers that wait for content get next to none, because others do not read what
    /// they have: all else has been given back.
    pub(super) fn is_starving(&mut self) -> bool {
        self.is_exhausted()
            && self.streams.iter_mut().any(|stream| {
                stream.state.can_receive()
                    && stream
                        .exchange
                        .as_ref()
                        .is_some_and(|exchange| exchange.inbound.borrow().is_awaited())
            })
    }

    /// Whether the peer can send next to nothing, whatever the stream.
    pub(super) fn is_exhausted(&self) -> bool {
        let owed = match self.reading {
            Reading::Content { left, .. } => left as usize,
            _ => 0,
        };
        self.receive_window.available().saturating_add(owed) < STARVED_BYTES
    }

    /// Handlers that do not read have kept the window from others for too long: the one that holds
    /// most loses it. It alone, because that frees a good part of the window, and because its
    /// handler may be what the others wait for.
    pub(super) fn end_hoarding(&mut self, turn: &mut Turn<'_>) {
        let hoards = |stream: &&mut Stream| stream.unreturned > 0;
        let most = self.streams.iter_mut().filter(hoards);
        let Some(stream) = most.max_by_key(|stream| stream.unreturned) else {
            return;
        };
        if let Some(exchange) = &stream.exchange {
            turn.counters.reject(Violation::UnreadStall.name());
            exchange.inbound.borrow_mut().take_away(BodyError::Unread);
            self.changed.push(stream.id);
        }
    }
}
