//! Frames that carry no message: SETTINGS, PING, WINDOW_UPDATE, RST_STREAM, GOAWAY and priorities
//! (RFC 9113, 6.3 to 6.9; RFC 9218, 7.1).
//!
//! Owns what each of them does to the connection and its streams. All of them cost a peer little,
//! so all of them are counted.

use super::bandwidth::PROBE;
use super::budget::Cheap;
use super::closed::Closed;
use super::connection::Connection;
use super::ending::{Ending, SHUTDOWN_PING};
use super::error::{ConnectionError, Fault, StreamError, Violation};
use super::frame::{
    FrameHead, Kind, encode_ping, encode_settings_ack, goaway, ping, priority, priority_update,
    rst_stream, window_update,
};
use super::priority::Priority;
use super::timing::PROBE_PING;
use crate::http::Turn;
use crate::limits::{EARLY_PRIORITIES_MAX, RESET_COUNTED_MS};

impl Connection {
    /// Takes a frame whose payload has arrived and that is no part of a field block.
    pub(super) fn take_frame(
        &mut self,
        head: FrameHead,
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let length = head.length as usize;
        let payload = self.input.peek(length).unwrap_or_default();
        let payload = payload.get(..length).unwrap_or_default();
        match head.kind {
            Kind::Settings if head.has(FrameHead::ACK) => {
                // We have sent one.
                if std::mem::replace(&mut self.acknowledged, true) {
                    self.charge(Cheap::Unwanted, turn)?;
                }
                self.decoder.acknowledged();
            }
            Kind::Settings => {
                let before = self.remote;
                let smallest_table = self.remote.apply(payload)?;
                self.charge(Cheap::Settings, turn)?;
                self.encoder.limit_table(smallest_table);
                self.take_settings(before.initial_window_size, turn)?;
                encode_settings_ack(out);
            }
            Kind::Ping => {
                let opaque = ping::parse(payload)?;
                let expected = head.has(FrameHead::ACK) && self.take_ping_answer(opaque, turn, out);
                // Answers that we have asked for are as many as our questions.
                if !expected {
                    self.charge(Cheap::Ping, turn)?;
                }
                if !head.has(FrameHead::ACK) {
                    encode_ping(out, true, opaque);
                }
            }
            Kind::WindowUpdate => {
                let increment = window_update::parse(head, payload)?;
                self.charge(Cheap::WindowUpdate, turn)?;
                self.take_window_update(head.stream, increment, turn)?;
            }
            Kind::RstStream => {
                rst_stream::parse(payload)?;
                self.take_reset(head.stream, turn, out)?;
            }
            Kind::Priority => {
                priority::parse(head, payload)?;
                self.charge(Cheap::Priority, turn)?;
            }
            Kind::PriorityUpdate => {
                let (stream, value) = priority_update::parse(payload)?;
                let priority = Priority::parse(value);
                self.charge(Cheap::Priority, turn)?;
                self.take_priority(stream, priority);
            }
            // The client is about to leave: it opens no stream any more.
            Kind::GoAway => {
                goaway::parse(payload)?;
                if matches!(self.ending, Ending::Last(_)) {
                    self.charge(Cheap::Unwanted, turn)?;
                }
                self.peer_leaves(out);
            }
            Kind::Data | Kind::Headers | Kind::Continuation | Kind::PushPromise | Kind::Unknown => {
            }
        }
        Ok(())
    }

    /// Acts on the peer's settings (RFC 9113, 6.5.2 and 6.9.2).
    fn take_settings(
        &mut self,
        window_before: u32,
        turn: &Turn<'_>,
    ) -> Result<(), ConnectionError> {
        self.encoder.limit_table(self.remote.header_table_size);
        let delta = i64::from(self.remote.initial_window_size) - i64::from(window_before);
        if delta == 0 {
            return Ok(());
        }
        let mut awake = Vec::new();
        for stream in self.streams.iter_mut() {
            stream
                .send_window
                .shift(delta)
                .map_err(|_| ConnectionError(Violation::WindowOverflow))?;
            if stream.stall.is_running() && stream.send_window.available() > 0 {
                awake.push(stream.id);
            }
        }
        awake.into_iter().for_each(|stream| self.feed(stream, turn));
        Ok(())
    }

    /// Acts on the answer to a PING of ours, and says whether it is one.
    fn take_ping_answer(
        &mut self,
        opaque: [u8; 8],
        turn: &mut Turn<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        match opaque {
            PROBE if self.bandwidth.is_probing() => {
                if let Some(window) = self.bandwidth.probe_answered() {
                    self.stream_target = self.stream_target.max(window);
                    self.receive_window.raise(window);
                    self.balance(out);
                }
                true
            }
            SHUTDOWN_PING if self.ending == Ending::Announced => {
                self.last_goaway(turn, out);
                true
            }
            PROBE_PING if self.clocks.ping_sent < u64::MAX => {
                self.clocks.ping_sent = u64::MAX;
                true
            }
            _ => false,
        }
    }

    fn take_window_update(
        &mut self,
        id: u32,
        increment: u32,
        turn: &Turn<'_>,
    ) -> Result<(), Fault> {
        if id == 0 {
            return self
                .send_window
                .grow(increment)
                .map_err(|_| ConnectionError(Violation::WindowOverflow).into());
        }
        let Some(slot) = self.streams.find(id) else {
            return self.check_was_open(id).map_err(Fault::from);
        };
        let Some(stream) = self.streams.get(slot) else {
            return Ok(());
        };
        stream.state.receive_window_update()?;
        if stream.state.is_closed() {
            return Ok(());
        }
        stream
            .send_window
            .grow(increment)
            .map_err(|_| StreamError(Violation::WindowOverflow))?;
        if stream.stall.is_running() && stream.send_window.available() > 0 {
            self.feed(id, turn);
        }
        Ok(())
    }

    /// A stream that had no window has some.
    fn feed(&mut self, id: u32, turn: &Turn<'_>) {
        if let Some(slot) = self.streams.find(id)
            && let Some(stream) = self.streams.get(slot)
        {
            stream.stall.end(turn.now);
            self.schedule.insert(slot, id, stream.turn());
        }
    }

    fn take_reset(&mut self, id: u32, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Some(slot) = self.streams.find(id) else {
            self.check_was_open(id)?;
            if self.streams.closed.how(id) == Some(Closed::ResetByUs) {
                // Both have reset it. Nothing of it can be on its way any more.
                self.streams.closed.forget_reset(id);
            } else {
                self.charge(Cheap::Unwanted, turn)?;
            }
            return Ok(());
        };
        let Some(stream) = self.streams.get(slot) else {
            return Ok(());
        };
        if stream.state.is_closed() {
            self.charge(Cheap::Unwanted, turn)?;
            return Ok(());
        }
        stream.state.receive_reset()?;
        // One that has been answered costs nothing: the peer only spares us the rest of its request.
        // Neither does one that was waited for: the limit of streams bounds how many of these there
        // are.
        let waited = turn.now.saturating_sub(stream.since);
        if stream.exchange.is_some() && waited < RESET_COUNTED_MS {
            self.charge(Cheap::Reset, turn)?;
        }
        self.abandon(slot, turn, out);
        Ok(())
    }

    fn take_priority(&mut self, id: u32, priority: Priority) {
        if let Some(slot) = self.streams.find(id) {
            if let Some(stream) = self.streams.get(slot) {
                stream.priority = priority;
                if self.schedule.contains(slot) {
                    self.schedule.reprioritise(slot, stream.turn());
                }
            }
            return;
        }
        if id <= self.last_stream {
            return;
        }
        let last_stream = self.last_stream;
        self.early_priorities
            .retain(|(early, _)| *early != id && *early > last_stream);
        if self.early_priorities.len() < EARLY_PRIORITIES_MAX {
            self.early_priorities.push((id, priority));
        }
    }
}
