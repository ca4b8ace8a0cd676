//! What time does to a connection: time-outs, probes, age.
//!
//! Owns the moments that deadlines count from. Reads no clock: a turn brings the time.

use super::connection::{Connection, is_full};
use super::ending::Ending;
use super::error::{ConnectionError, ErrorCode, Violation};
use super::frame::encode_ping;
use super::receive::Reading;
use super::stall::Stall;
use crate::http::{BodyError, Close, Turn, after};

/// A PING that asks whether the peer is still there.
pub(super) const PROBE_PING: [u8; 8] = [0; 8];

/// Moments in milliseconds; `u64::MAX` for what has not happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// When the connection began.
    born: u64,
    /// Since when no stream is open.
    pub(super) idle_since: u64,
    /// Since when a frame is incomplete, and which: the preface and the head behind it are 0.
    partial_since: u64,
    partial: u64,
    /// When the last bytes came; `u64::MAX` while that is to be noted.
    pub(super) heard: u64,
    /// When the peer was asked whether it is still there.
    pub(super) ping_sent: u64,
    /// Until when the answer to the first GOAWAY is waited for.
    pub(super) goaway_until: u64,
    /// How long bodies have waited for the connection's window.
    pub(super) blocked: Stall,
    /// Since when handlers wait for content that the peer has no window for.
    starving_since: u64,
    pub(super) deadline: u64,
}

impl Clocks {
    pub(super) fn new(turn: &Turn<'_>) -> Self {
        Self {
            born: turn.now,
            idle_since: turn.now,
            partial_since: turn.now,
            partial: 0,
            heard: turn.now,
            ping_sent: u64::MAX,
            goaway_until: u64::MAX,
            blocked: Stall::NONE,
            starving_since: u64::MAX,
            deadline: after(turn.now, turn.limits.head_timeout),
        }
    }
}

/// The millisecond that lies `timeout` after a moment, if there was one.
fn since(moment: u64, timeout: std::time::Duration) -> u64 {
    if moment == u64::MAX {
        u64::MAX
    } else {
        after(moment, timeout)
    }
}

impl Connection {
    /// The millisecond at which `expire` is due; `u64::MAX` for none.
    pub(crate) fn deadline(&self) -> u64 {
        self.clocks.deadline
    }

    /// Notes what has begun or ended with this drive. While there is no room for answers nothing is
    /// read, and the peer is not waited for.
    pub(super) fn update_clocks(&mut self, turn: &Turn<'_>, out: &[u8]) {
        let now = turn.now;
        let reads = !is_full(out, turn);
        if self.clocks.heard == u64::MAX {
            self.clocks.heard = now;
            self.clocks.ping_sent = u64::MAX;
        }
        let waits_for_rest = match self.reading {
            Reading::Head => !self.input.is_empty(),
            Reading::Content { .. } => false,
            Reading::Preface
            | Reading::FirstHead
            | Reading::Payload(_)
            | Reading::DataPadding(_)
            | Reading::Skip(_) => true,
        };
        // Bytes of one frame do not count as progress, or a byte a second would do.
        let partial = self.frames + u64::from(self.reading == Reading::Head);
        if !waits_for_rest || !reads {
            self.clocks.partial_since = u64::MAX;
        } else if self.clocks.partial_since == u64::MAX || self.clocks.partial != partial {
            self.clocks.partial_since = now;
        }
        self.clocks.partial = partial;
        if let Some(block) = &mut self.open_block {
            block.since = if reads {
                block.since.min(now)
            } else {
                u64::MAX
            };
        }
        if self.open_streams() > 0 {
            self.clocks.idle_since = u64::MAX;
        } else {
            self.clocks.idle_since = self.clocks.idle_since.min(now);
        }
        if self.send_window.available() == 0 && !self.schedule.is_empty() {
            self.clocks
                .blocked
                .begin(now, turn.limits.response_rate_min);
        } else {
            self.clocks.blocked.end(now);
        }
        self.clocks.starving_since = if self.is_starving() {
            self.clocks.starving_since.min(now)
        } else {
            u64::MAX
        };
        self.clocks.deadline = self.next_deadline(turn);
    }

    fn next_deadline(&mut self, turn: &Turn<'_>) -> u64 {
        let (limits, clocks) = (turn.limits, self.clocks);
        if self.close != Close::No {
            return self.closing_deadline();
        }
        let block_since = self.open_block.map_or(u64::MAX, |block| block.since);
        let mut deadline = since(clocks.partial_since.min(block_since), limits.head_timeout)
            .min(since(clocks.idle_since, limits.keep_alive_timeout))
            .min(clocks.goaway_until)
            .min(since(
                clocks.starving_since,
                limits.http2.unread_stall_timeout,
            ))
            .min(clocks.blocked.deadline(limits.http2.window_stall_timeout));
        if let Some(interval) = limits.http2.ping_interval
            && self.greeted
        {
            deadline = deadline.min(if clocks.ping_sent == u64::MAX {
                after(clocks.heard, interval)
            } else {
                after(clocks.ping_sent, limits.http2.ping_timeout)
            });
        }
        if let Some(age) = limits.http2.connection_age_max
            && self.ending == Ending::No
        {
            deadline = deadline.min(after(clocks.born, age));
        }
        let stall = limits.http2.window_stall_timeout;
        for place in 0..self.streams.len() {
            deadline = deadline
                .min(self.body_deadline(place, turn.now))
                .min(self.stream_deadline(place, stall));
        }
        deadline
    }

    fn stream_deadline(&mut self, place: usize, stall: std::time::Duration) -> u64 {
        let stream = self
            .streams
            .slot_at(place)
            .and_then(|slot| self.streams.get(slot));
        stream.map_or(u64::MAX, |stream| {
            stream.stall.deadline(stall).min(stream.drain_until)
        })
    }

    /// When the body of a stream is too slow if nothing more comes. The peer is not waited for
    /// while it has next to no window, unless it has begun a frame that it owes the rest of.
    fn body_deadline(&mut self, place: usize, now: u64) -> u64 {
        let may_send = !self.is_exhausted();
        let owed = match self.reading {
            Reading::Content { stream, .. } => stream,
            _ => 0,
        };
        let Some(stream) = self
            .streams
            .slot_at(place)
            .and_then(|slot| self.streams.get(slot))
        else {
            return u64::MAX;
        };
        let Some(exchange) = stream
            .exchange
            .as_ref()
            .filter(|_| stream.state.can_receive())
        else {
            return u64::MAX;
        };
        let counts = exchange.inbound.borrow().is_awaited()
            && !exchange.outbound().borrow().upgraded
            && (stream.id == owed || may_send && stream.receive_window.available() > 0);
        let rate = exchange.body_rate.rate().filter(|_| counts);
        stream.rate.deadline(now, rate)
    }

    /// A deadline has passed.
    pub(crate) fn expire(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        self.wake();
        let (limits, now) = (turn.limits, turn.now);
        let clocks = self.clocks;
        if self.close != Close::No {
            if self.closing_deadline() <= now {
                // What is still to be sent has a deadline of its own.
                self.close = Close::Now;
            }
            return;
        }
        let block_since = self.open_block.map_or(u64::MAX, |block| block.since);
        if since(clocks.partial_since.min(block_since), limits.head_timeout) <= now {
            if self.greeted {
                self.fail(ConnectionError(Violation::HeadTimeout), turn, out);
            } else {
                turn.counters.reject(Violation::HeadTimeout.name());
                self.enter_closing(Close::Now, turn);
            }
            return;
        }
        if clocks.goaway_until <= now {
            self.clocks.goaway_until = u64::MAX;
            self.last_goaway(turn, out);
        }
        if since(clocks.idle_since, limits.keep_alive_timeout) <= now {
            self.peer_leaves(out);
            self.enter_closing(Close::Linger, turn);
            return;
        }
        if limits
            .http2
            .connection_age_max
            .is_some_and(|age| after(clocks.born, age) <= now)
        {
            self.drain();
        }
        if since(clocks.starving_since, limits.http2.unread_stall_timeout) <= now {
            self.clocks.starving_since = u64::MAX;
            self.end_hoarding(turn);
        }
        if self.expire_ping(turn, out) {
            self.expire_streams(turn, out);
        }
    }

    /// Asks a silent peer for a sign of life, and says whether the connection goes on.
    fn expire_ping(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) -> bool {
        let limits = &turn.limits.http2;
        let Some(interval) = limits.ping_interval else {
            return true;
        };
        if since(self.clocks.ping_sent, limits.ping_timeout) <= turn.now {
            self.fail(ConnectionError(Violation::KeepAliveTimeout), turn, out);
            return false;
        }
        if self.clocks.ping_sent == u64::MAX
            && self.greeted
            && after(self.clocks.heard, interval) <= turn.now
        {
            encode_ping(out, false, PROBE_PING);
            self.clocks.ping_sent = turn.now;
        }
        true
    }

    fn expire_streams(&mut self, turn: &mut Turn<'_>, out: &mut Vec<u8>) {
        let (stall, now) = (turn.limits.http2.window_stall_timeout, turn.now);
        let blocked = self.clocks.blocked.deadline(stall) <= now;
        for place in (0..self.streams.len()).rev() {
            if self.body_deadline(place, now) <= now {
                self.fail_slow_body(place, turn);
            }
            let Some(slot) = self.streams.slot_at(place) else {
                continue;
            };
            let waits = blocked && self.schedule.contains(slot);
            let Some(stream) = self.streams.get(slot) else {
                continue;
            };
            if stream.drain_until <= now {
                self.reset_stream(slot, ErrorCode::NoError.code(), turn, out);
            } else if waits || stream.stall.deadline(stall) <= now {
                turn.counters.reject(Violation::WindowStall.name());
                self.reset_stream(slot, Violation::WindowStall.code().code(), turn, out);
            }
        }
        if blocked {
            self.clocks.blocked = Stall::NONE;
        }
    }

    fn fail_slow_body(&mut self, place: usize, turn: &mut Turn<'_>) {
        let slot = self.streams.slot_at(place);
        if let Some(stream) = slot.and_then(|slot| self.streams.get(slot))
            && let Some(exchange) = &stream.exchange
        {
            turn.counters.reject(Violation::BodyTimeout.name());
            exchange.inbound.borrow_mut().fail(BodyError::TooSlow);
            self.changed.push(stream.id);
        }
    }
}
