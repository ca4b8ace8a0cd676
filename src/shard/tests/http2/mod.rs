//! HTTP/2 over the simulated ring: time, backpressure and windows, which take a shard to see, and
//! random conversations. What single frames do is shown in `conn/tests`.

mod bounds;
mod conversations;
mod stalls;
mod windows;

use super::*;
use crate::limits::{FloodLimits, Http2Limits};
use crate::testing::http2_peer::{
    ACK, CONTINUATION, END_HEADERS, END_STREAM, Frames, HEADERS, Ledger, Reading,
};
use crate::testing::simulated_shard::application::{EARLY, RESET_CODE, stream_application};

/// A frame that no client may send: it ends the connection.
const PUSH_PROMISE: u8 = 0x5;

/// Error codes (RFC 9113, 7).
const NO_ERROR: u32 = 0x0;
const COMPRESSION_ERROR: u32 = 0x9;
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113, 6.5.2).
const INITIAL_WINDOW: u16 = 0x4;

/// A client that keeps account of what it says, and reads strictly.
struct Client {
    peer: Peer,
    ledger: Ledger,
    reading: Reading,
}

impl Client {
    /// Connects and says hello with these settings.
    fn connect(server: &SimulatedShard, settings: &[(u16, u32)]) -> Self {
        let mut client = Self {
            peer: server.connect(),
            ledger: Ledger::default(),
            reading: Reading::default(),
        };
        client.say(Frames::opening(settings));
        client
    }

    fn say(&mut self, frames: Frames) {
        let bytes = frames.into_bytes();
        self.ledger.say(&bytes);
        self.peer.send(&bytes);
    }

    /// Reads what has come.
    fn read(&mut self) -> &Reading {
        self.reading.read(&self.ledger, &self.peer.received());
        &self.reading
    }

    /// Reads what has come, and answers the PINGs among it.
    fn read_and_answer(&mut self) -> &Reading {
        self.read();
        for opaque in std::mem::take(&mut self.reading.pings) {
            self.say(Frames::new().ping(ACK, opaque));
        }
        &self.reading
    }

    /// The status of a complete response.
    #[track_caller]
    fn status(&mut self, stream: u32) -> u16 {
        let response = &self.read().responses[&stream];
        assert!(response.complete, "{response:?}");
        response.status
    }

    /// The name of the violation that has ended the connection.
    #[track_caller]
    fn violation(&mut self) -> (u32, String) {
        let error = self.read().error().expect("the connection has ended");
        (error.code, error.debug.clone())
    }
}

/// A server of the simulations' application with these limits.
fn serve_streams(limits: Limits) -> SimulatedShard {
    with_limits(limits, stream_application(Doings::default()))
}
