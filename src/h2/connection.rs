//! The state of one HTTP/2 connection (RFC 9113).
//!
//! The shard calls `receive`, `receive_end`, `mark`, `expire` or `drain` as things happen, then
//! `drive` until it answers `Drive::Wait`, then reads `wants_input`, `close` and `deadline`. A drive
//! answers what handlers have for the peer, takes frames until a request is ready, and at last
//! gives the room that is left to the bodies whose turn it is. Nothing here allocates for a small
//! request once the connection is warm.
//!
//! Owns the connection's parts and the order of a drive; what frames do is in `receive` and
//! `open`, what goes out in `transmit` and `response`, how things end in `ending`, and what time
//! does in `timing`. Must not know HTTP/1, TLS, a ring, a shard, a clock or a descriptor.

use std::rc::Rc;

use super::bandwidth::Bandwidth;
use super::bounds::{block_bytes_max, bounds, list_bytes_max};
use super::budget::Budget;
use super::ending::Ending;
use super::field_class::FieldClass;
use super::flow::FlowWindow;
use super::frame::{LocalSettings, RemoteSettings, encode_window_update};
use super::input::Input;
use super::priority::Priority;
use super::receive::{Consumed, OpenBlock, Reading};
use super::receive_window::ReceiveWindow;
use super::response::HeadEncoder;
use super::schedule::Schedule;
use super::shares::Shares;
use super::streams::{Opening, Streams};
use super::timing::Clocks;
use crate::buf::BufSlice;
use crate::hpack::{Bounds, Decoder};
use crate::http::{
    Backlog, BlockRate, Close, ConnectionKey, Drive, Exchange, Linger, Transport, Turn,
};
use crate::limits::{DataRate, WINDOW_FLOOR};

/// One HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) key: ConnectionKey,
    pub(super) id: u64,
    pub(super) transport: Transport,
    pub(super) requests: u64,
    // What comes in.
    pub(super) input: Input,
    pub(super) input_ended: bool,
    pub(super) reading: Reading,
    /// Frames whose heads have been read.
    pub(super) frames: u64,
    /// The field block that is being collected, and its bytes.
    pub(super) open_block: Option<OpenBlock>,
    pub(super) block: Vec<u8>,
    pub(super) decoder: Decoder<FieldClass>,
    /// What a field block of a request may hold.
    pub(super) bounds: Bounds,
    /// The longest HEADERS frame that can be taken.
    pub(super) headers_bytes_max: usize,
    pub(super) receive_window: ReceiveWindow,
    /// Little of it is left: every read of a handler counts at once.
    pub(super) readers_watched: bool,
    /// What the windows of streams are opened to.
    pub(super) stream_target: u32,
    pub(super) bandwidth: Bandwidth,
    pub(super) budget: Budget,
    // The streams.
    /// The request that was dispatched last, until the next drive: it has no slot yet.
    pub(super) dispatched: Option<Rc<Exchange>>,
    /// The stream of the request that came last.
    pub(super) opening: Opening,
    pub(super) streams: Streams,
    /// The highest identifier that the peer has used.
    pub(super) last_stream: u32,
    /// Streams that are closed but whose handlers still run.
    pub(super) abandoned: usize,
    /// Streams that were reset before they were answered.
    pub(super) unanswered: u64,
    /// Priorities that came before their streams (RFC 9218, 7.1).
    pub(super) early_priorities: Vec<(u32, Priority)>,
    /// Streams whose exchanges have something for the connection.
    pub(super) changed: Vec<u32>,
    // What goes out.
    pub(super) greeted: bool,
    /// The peer has acknowledged our SETTINGS.
    pub(super) acknowledged: bool,
    pub(super) remote: RemoteSettings,
    pub(super) encoder: HeadEncoder,
    pub(super) send_window: FlowWindow,
    pub(super) schedule: Schedule,
    pub(super) shares: Shares,
    /// The rate of the block that is being filled.
    pub(super) block_rate: BlockRate,
    // How it ends.
    pub(super) ending: Ending,
    pub(super) close: Close,
    pub(super) linger: Linger,
    pub(super) clocks: Clocks,
    /// Nothing has happened since a drive that has left nothing to do but wait for the peer.
    idle: bool,
}

impl Connection {
    /// A connection whose peer is about to send the preface, of which `backlog` may hold a part.
    pub(crate) fn new(
        key: ConnectionKey,
        id: u64,
        backlog: Backlog,
        transport: Transport,
        turn: &Turn<'_>,
    ) -> Self {
        let limits = &turn.limits.http2;
        Self {
            key,
            id,
            transport,
            requests: 0,
            input: Input::new(backlog),
            input_ended: false,
            reading: Reading::Preface,
            frames: 0,
            open_block: None,
            block: Vec::new(),
            decoder: Decoder::new(limits.header_table_bytes),
            bounds: bounds(turn.limits),
            headers_bytes_max: block_bytes_max(turn.limits).min(limits.frame_bytes_max as usize),
            receive_window: ReceiveWindow::new(WINDOW_FLOOR, limits.connection_window),
            readers_watched: false,
            stream_target: limits.stream_window,
            bandwidth: Bandwidth::new(limits.stream_window, limits.window_max),
            budget: Budget::default(),
            dispatched: None,
            opening: Opening::default(),
            streams: Streams::new(limits.streams_max),
            last_stream: 0,
            abandoned: 0,
            unanswered: 0,
            early_priorities: Vec::new(),
            changed: Vec::new(),
            greeted: false,
            acknowledged: false,
            remote: RemoteSettings::default(),
            encoder: HeadEncoder::new(),
            send_window: FlowWindow::new(WINDOW_FLOOR),
            schedule: Schedule::new(),
            shares: Shares::WHOLE,
            block_rate: BlockRate::default(),
            // The server may have begun to shut down while the preface was on its way.
            ending: if turn.draining {
                Ending::Asked
            } else {
                Ending::No
            },
            close: Close::No,
            linger: Linger::default(),
            clocks: Clocks::new(turn),
            idle: false,
        }
    }

    /// The peer may name another scheme than the connection's.
    pub(crate) fn trust_schemes(&mut self) {
        self.transport.is_gateway = true;
    }

    /// Whether a drive would do nothing, as after nearly every send when there are no other streams.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.idle
    }

    /// There is something to do for a drive.
    #[inline]
    pub(super) fn wake(&mut self) {
        self.idle = false;
    }

    /// Takes received bytes.
    pub(crate) fn receive(&mut self, bytes: BufSlice) {
        self.wake();
        self.input.push(bytes);
        self.clocks.heard = u64::MAX;
    }

    /// Takes received bytes that lie in no receive buffer.
    pub(crate) fn receive_copied(&mut self, bytes: &[u8]) {
        self.wake();
        self.input.push_copied(bytes);
        self.clocks.heard = u64::MAX;
    }

    /// Input has ended, and not because the peer has said so. Each stream that has not ended is
    /// incomplete either way.
    pub(crate) fn receive_truncated(&mut self) {
        self.receive_end();
    }

    /// The peer has finished sending. What it has sent is still answered.
    pub(crate) fn receive_end(&mut self) {
        self.wake();
        self.input_ended = true;
    }

    /// Whether an exchange is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.streams.len() > 0 || self.dispatched.is_some()
    }

    /// The exchange of this stream has something for the connection.
    pub(crate) fn mark(&mut self, stream: u32) {
        self.wake();
        self.changed.push(stream);
    }

    /// Goes on as far as possible: appends what is to be sent to `out` and answers whether a
    /// request is ready for the application.
    #[inline(never)]
    pub(crate) fn drive(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> Drive {
        self.answer_dispatched(turn, out);
        if self.changed.is_empty()
            && self.close == Close::No
            && !is_full(out, turn)
            && let Some(exchange) = self.take_plain_request(turn, out)
        {
            return Drive::Dispatch(exchange);
        }
        self.drive_any(turn, out)
    }

    /// [`drive`](Self::drive) but for the requests and responses that are as nearly all are. A
    /// function of its own, so that the way of these keeps its values in registers.
    #[inline(never)]
    fn drive_any(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> Drive {
        #[cfg(all(debug_assertions, any(test, feature = "testing")))]
        let rest = self.idle.then(|| self.rest(out));
        loop {
            self.transmit_changed(turn, out);
            if self.close != Close::No {
                self.forget_input(turn.now);
                break;
            }
            if is_full(out, turn) {
                break;
            }
            match self.consume(turn, out) {
                Ok(Consumed::Dispatch(exchange)) => return Drive::Dispatch(exchange),
                Ok(Consumed::Some) => {}
                Ok(Consumed::Nothing) => break,
                Err(error) => self.fail(error, turn, out),
            }
        }
        if self.close == Close::No {
            self.transmit_bodies(turn, out);
            self.settle_shares(turn);
            self.end_when_done(turn, out);
        }
        self.input.settle();
        self.update_clocks(turn, out);
        // Without streams nothing else than what resets this can give a drive anything to do.
        self.idle = self.streams.len() == 0
            && self.input.is_empty()
            && self.open_block.is_none()
            && !self.input_ended
            && self.ending == Ending::No
            && self.close == Close::No
            && !is_full(out, turn);
        #[cfg(all(debug_assertions, any(test, feature = "testing")))]
        if self.close == Close::No {
            self.check(is_full(out, turn));
        }
        #[cfg(all(debug_assertions, any(test, feature = "testing")))]
        assert!(
            rest.is_none_or(|rest| rest == self.rest(out)),
            "an idle connection had something to do"
        );
        Drive::Wait
    }

    /// The connection broke: nothing more can be sent or received.
    pub(crate) fn sever(&mut self, turn: &mut Turn<'_>) {
        self.wake();
        self.close = Close::Reset;
        self.input = Input::default();
        self.sever_streams(turn);
    }

    /// Whether more input can be taken.
    pub(crate) fn wants_input(&self, turn: &Turn<'_>) -> bool {
        // A frame that is taken whole must have room, whatever the limit.
        let needed = match self.reading {
            Reading::Payload(head) => head.length as usize,
            _ => 0,
        };
        let max = turn.limits.request_buffer_bytes_max.max(needed);
        !self.input_ended && (self.close != Close::No || self.input.len() < max)
    }

    /// The lowest rate at which the peer must take what was appended since this was last asked.
    pub(crate) fn take_block_rate(&mut self, turn: &Turn<'_>) -> Option<DataRate> {
        self.block_rate.take(turn.limits.response_rate_min)
    }

    /// How the connection wants to end.
    pub(crate) fn close(&self) -> Close {
        self.close
    }

    /// The server's part of the preface (RFC 9113, 3.4). It waits for the client's, which may
    /// turn out to be another protocol.
    pub(super) fn greet(&mut self, turn: &Turn<'_>, out: &mut Vec<u8>) {
        self.greeted = true;
        let limits = &turn.limits.http2;
        LocalSettings {
            header_table_size: limits.header_table_bytes,
            max_concurrent_streams: Some(limits.streams_max),
            initial_window_size: limits.stream_window,
            max_frame_size: limits.frame_bytes_max,
            max_header_list_size: u32::try_from(list_bytes_max(turn.limits)).ok(),
            enable_connect_protocol: true,
            no_rfc7540_priorities: true,
        }
        .encode(out);
        if let Some(increment) = self.receive_window.open() {
            encode_window_update(out, 0, increment);
        }
    }

    /// Streams that count against the limit of concurrent ones.
    pub(super) fn open_streams(&self) -> usize {
        self.streams.len().saturating_sub(self.abandoned)
    }

    /// Severs what all handlers wait for.
    pub(super) fn sever_streams(&mut self, turn: &mut Turn<'_>) {
        self.keep_dispatched(turn);
        while let Some(slot) = self.streams.newest() {
            if let Some(stream) = self.streams.remove(slot)
                && let Some(exchange) = stream.exchange
            {
                exchange.sever();
                turn.exchanges.give(exchange, turn.limits);
            }
        }
        self.abandoned = 0;
        self.changed.clear();
        self.schedule = Schedule::new();
    }
}

/// Whether so much waits for the peer that no further frame is looked at for now.
pub(super) fn is_full(out: &[u8], turn: &Turn<'_>) -> bool {
    out.len() >= turn.limits.response_buffer_bytes_max.max(1)
}
