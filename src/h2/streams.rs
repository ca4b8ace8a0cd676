//! The streams of one connection.
//!
//! Owns their slots, which are used again, and the way from an identifier to a slot. How the latest
//! closed ones ended is in `closed`, what a frame does to a stream is decided elsewhere.

use std::rc::Rc;

use super::closed::ClosedStreams;
use super::flow::FlowWindow;
use super::priority::Priority;
use super::receive_window::ReceiveWindow;
use super::stall::Stall;
use super::state::StreamState;
use crate::http::{Exchange, RateClock};

/// How the response body is framed, once its head is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// The head has not been sent.
    Head,
    /// Nothing is sent of it: HEAD, 204, 304.
    Discard,
    /// So many bytes are still owed.
    Length(u64),
    /// Bytes until the handler is done.
    Open,
    /// END_STREAM or RST_STREAM was sent.
    Done,
}

/// What the response needs to know of its request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RequestFacts {
    /// The method was HEAD.
    pub(super) head: bool,
    /// The method was CONNECT, plain or extended.
    pub(super) connect: bool,
    /// The peer waits for 100 Continue before it sends the body.
    pub(super) awaits_continue: bool,
}

/// A stream that a request has opened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opening {
    pub(super) id: u32,
    pub(super) request: RequestFacts,
    pub(super) priority: Priority,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) state: StreamState,
    /// When it was opened.
    pub(super) since: u64,
    /// Bytes of its content that were read and have earned what comes with them.
    pub(super) credited: u64,
    /// The request and its response, until both are done with.
    pub(super) exchange: Option<Rc<Exchange>>,
    pub(super) request: RequestFacts,
    pub(super) sending: Sending,
    /// What may still be sent to the peer.
    pub(super) send_window: FlowWindow,
    /// What the peer may still send.
    pub(super) receive_window: ReceiveWindow,
    /// Received bytes that were not given back to the connection's window.
    pub(super) unreturned: u32,
    /// Bytes of the body that Content-Length announced and that have not come.
    pub(super) owed: Option<u64>,
    pub(super) rate: RateClock,
    pub(super) priority: Priority,
    /// Whether the response's own wish has been added to it.
    pub(super) prioritised: bool,
    /// Bytes of content that have been sent.
    pub(super) sent: u64,
    /// How long the response has waited for the stream's window.
    pub(super) stall: Stall,
    /// Millisecond until which the unread rest of a request is taken; `u64::MAX` for none.
    pub(super) drain_until: u64,
    /// Bytes that were taken since then.
    pub(super) drained: u64,
}

/// Bytes that a response sends at most while others of its urgency, which come whole too, wait for
/// it. Few are longer, and one that never ends would keep the others waiting for ever (RFC 9218, 10
/// warns of it): most clients give no priorities at all.
const SEQUENTIAL_BYTES_MAX: u64 = 1024 * 1024;

impl Stream {
    /// The stream of a request, which has ended with its head or goes on.
    pub(super) fn new(
        opening: Opening,
        exchange: Rc<Exchange>,
        end_stream: bool,
        send_window: u32,
        receive_window: u32,
    ) -> Self {
        let mut state = StreamState::idle();
        // On an idle stream this cannot fail.
        let _ = state.receive_headers(end_stream);
        Self {
            id: opening.id,
            state,
            since: 0,
            credited: 0,
            exchange: Some(exchange),
            request: opening.request,
            sending: Sending::Head,
            send_window: FlowWindow::new(send_window),
            receive_window: ReceiveWindow::new(receive_window, receive_window),
            unreturned: 0,
            owed: None,
            rate: RateClock::default(),
            priority: opening.priority,
            prioritised: false,
            sent: 0,
            stall: Stall::NONE,
            drain_until: u64::MAX,
            drained: 0,
        }
    }

    /// A stream that was answered without a handler. The rest of its request may come until
    /// `drain_until`; the peer knows of a `window` for it.
    pub(super) fn answered(id: u32, window: u32, drain_until: u64) -> Self {
        let mut state = StreamState::idle();
        // On an idle stream neither can fail.
        let _ = state.receive_headers(false);
        let _ = state.send_headers(true);
        Self {
            id,
            state,
            since: 0,
            credited: 0,
            exchange: None,
            request: RequestFacts::default(),
            sending: Sending::Done,
            send_window: FlowWindow::new(0),
            receive_window: ReceiveWindow::new(window, window),
            unreturned: 0,
            owed: None,
            rate: RateClock::default(),
            priority: Priority::DEFAULT,
            prioritised: false,
            sent: 0,
            stall: Stall::NONE,
            drain_until,
            drained: 0,
        }
    }

    /// Whether what comes of the request is forgotten, because its handler is done.
    pub(super) fn is_unread(&self) -> bool {
        match &self.exchange {
            Some(exchange) => exchange.is_finished(),
            None => self.drain_until < u64::MAX,
        }
    }

    /// Bytes of content that its handler has read since this was last asked.
    pub(super) fn take_read(&mut self) -> u64 {
        let Some(exchange) = &self.exchange else {
            return 0;
        };
        let total = exchange.inbound.borrow().taken_bytes();
        let credited = std::mem::replace(&mut self.credited, total);
        total.saturating_sub(credited)
    }

    /// The priority in which it waits for its turn: a long response shares like one whose parts are
    /// of use.
    pub(super) fn turn(&self) -> Priority {
        Priority {
            incremental: self.priority.incremental || self.sent >= SEQUENTIAL_BYTES_MAX,
            ..self.priority
        }
    }
}

/// The streams of one connection.
#[derive(Debug)]
pub(super) struct Streams {
    slots: Vec<Option<Stream>>,
    free: Vec<u32>,
    /// Identifiers in ascending order with their slots.
    index: Vec<(u32, u32)>,
    pub(super) closed: ClosedStreams,
}

impl Streams {
    /// No stream yet, of at most `open_max` at a time.
    pub(super) fn new(open_max: u32) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: Vec::new(),
            closed: ClosedStreams::new(open_max),
        }
    }

    /// Adds a stream, whose identifier is higher than all before.
    pub(super) fn insert(&mut self, stream: Stream) -> u32 {
        let id = stream.id;
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.slots.get_mut(slot as usize) {
                    *place = Some(stream);
                }
                slot
            }
            None => {
                self.slots.push(Some(stream));
                self.slots.len() as u32 - 1
            }
        };
        self.index.push((id, slot));
        slot
    }

    /// The stream of a slot.
    #[inline]
    pub(super) fn get(&mut self, slot: u32) -> Option<&mut Stream> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The slot of a stream that is not closed, or whose handler still runs.
    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<u32> {
        let (last, slot) = *self.index.last()?;
        if last == id {
            return Some(slot);
        }
        let at = self.index.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.index.get(at).map(|(_, slot)| *slot)
    }

    /// Removes a stream and remembers how it ended.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Stream> {
        let stream = self.slots.get_mut(slot as usize)?.take()?;
        if let Ok(at) = self.index.binary_search_by_key(&stream.id, |(id, _)| *id) {
            self.index.remove(at);
        }
        self.free.push(slot);
        if stream.state.is_ignoring() {
            let window = stream.receive_window.available();
            self.closed.reset(stream.id, window);
        } else {
            self.closed.finished(stream.id);
        }
        Some(stream)
    }

    /// How many streams have slots.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// The slot of the newest stream.
    pub(super) fn newest(&self) -> Option<u32> {
        self.index.last().map(|(_, slot)| *slot)
    }

    /// The slot of the stream at this place in the order of identifiers.
    pub(super) fn slot_at(&self, place: usize) -> Option<u32> {
        self.index.get(place).map(|(_, slot)| *slot)
    }

    /// Panics unless every slot is either free or of one stream.
    #[cfg(all(debug_assertions, any(test, feature = "testing")))]
    pub(super) fn check(&self) {
        assert!(self.index.is_sorted(), "identifiers ascend");
        assert_eq!(self.index.len() + self.free.len(), self.slots.len());
        for (id, slot) in &self.index {
            let stream = self.slots.get(*slot as usize).and_then(Option::as_ref);
            assert_eq!(stream.map(|stream| stream.id), Some(*id));
        }
    }

    /// How many of the streams are such.
    pub(super) fn count(&self, such: impl Fn(u32, &Stream) -> bool) -> usize {
        let slots = self.index.iter().map(|(_, slot)| *slot);
        slots
            .filter(|slot| {
                let stream = self.slots.get(*slot as usize).and_then(Option::as_ref);
                stream.is_some_and(|stream| such(*slot, stream))
            })
            .count()
    }

    /// All streams.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.slots.iter_mut().filter_map(Option::as_mut)
    }
}
