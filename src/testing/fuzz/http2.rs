//! A whole HTTP/2 connection over the simulated ring: bytes decide what the peer sends behind the
//! preface and does, how its bytes arrive, and what goes wrong below.
//!
//! Behind the peer's manner come the bytes that it sends, or with one bit of the manner a script of
//! frames. The other bit says whether the port speaks nothing but HTTP/2.

mod outcome;
mod script;

use std::time::Duration;

use script::Script;

use super::manner::{Ending, Manner};
use crate::http::Protocols;
use crate::limits::{FloodLimits, Http2Limits, Limits};
use crate::testing::http2_peer::{Frames, Ledger, Reading, read};
use crate::testing::sim::Peer;
use crate::testing::simulated_shard::SimulatedShard;
use crate::testing::simulated_shard::application::{Doings, stream_application};

/// Longer than all time-outs of a connection, one after the other: a stream without window, then
/// silence.
const LONG: Duration = Duration::from_secs(300);

/// Small ones, so that small inputs reach them. Each bit of the seed of the dice chooses one that
/// only some servers have.
fn limits(seed: u64) -> Limits {
    let chosen = |bit: u32| seed >> bit & 1 == 1;
    let seconds = Duration::from_secs;
    let limits = Limits {
        request_line_bytes_max: 512,
        head_bytes_max: 1024,
        field_count_max: 16,
        trailer_bytes_max: 256,
        trailer_count_max: 4,
        body_bytes_max: Some(100_000),
        request_buffer_bytes_max: 2048,
        response_buffer_bytes_max: if chosen(1) { 300 } else { 4096 },
        http2: Http2Limits {
            streams_max: 8,
            field_bytes_max: 512,
            header_table_bytes: if chosen(2) { 0 } else { 4096 },
            ping_interval: chosen(3).then_some(seconds(10)),
            connection_age_max: chosen(4).then_some(seconds(20)),
            requests_max: chosen(5).then_some(3),
            connection_window: CONNECTION_WINDOW,
            stream_window: 65_535,
            window_max: 262_144,
            floods: FloodLimits {
                resets_max: 10,
                settings_max: 10,
                pings_max: 10,
                priorities_max: 10,
                empty_data_max: 10,
                window_updates_max: 20,
                tiny_data_max: 50,
                unwanted_max: 10,
            },
            ..Http2Limits::default()
        },
        ..Limits::default()
    };
    debug_assert!(limits.validate().is_ok());
    limits
}

/// What all streams together may have sent that handlers have not read.
const CONNECTION_WINDOW: u32 = 100_000;

/// Runs one connection as `input` says.
///
/// # Panics
///
/// When the shard panics, does not come to rest, leaves anything behind, sends what no client may
/// be sent, outlives its time-outs, keeps flow-control window for itself, or answers otherwise than
/// it would have if the same frames had come in one piece and nothing had gone wrong.
pub fn http2(input: &[u8]) {
    let Some((manner, rest)) = Manner::read(input) else {
        return;
    };
    let [_, is_script] = manner.choices;
    let conversation = if is_script {
        script::read(rest)
    } else {
        Script::raw(rest)
    };
    let mut ledger = Ledger::default();
    ledger.say(&conversation.bytes());
    let limits = limits(manner.config.seed);
    let reading = run(manner, &conversation, &ledger, &limits);
    // Which request is the last one depends on how they come.
    if manner.ending == Ending::Finish && limits.http2.requests_max.is_none() {
        let plain = run(manner.plain(), &conversation.plain(), &ledger, &limits);
        outcome::compare(&ledger, &reading, &plain);
    }
}

fn run(manner: Manner<'_>, script: &Script, ledger: &Ledger, limits: &Limits) -> Reading {
    let doings = Doings::default();
    let [only, _] = manner.choices;
    let protocols = if only {
        Protocols::Http2
    } else {
        Protocols::default()
    };
    let application = stream_application(doings.clone());
    let mut server =
        SimulatedShard::speaking(&manner.config, limits.clone(), protocols, application);
    let peer = server.connect();
    if manner.reads_late {
        peer.stop_reading();
    }
    send(manner, script, &peer, &mut server);
    let ending = manner.ending;
    if manner.reads_late && ending != Ending::Silence {
        server.settle();
        peer.resume();
    }
    ending.happen(&peer, &mut server, LONG);
    let mut bytes = peer.received();
    if ending == Ending::Finish && !peer.is_closed() {
        outcome::check_rest(ledger, &read(ledger, &bytes), CONNECTION_WINDOW);
    }
    ending.conclude(&peer, server, &doings, LONG);
    bytes.extend(peer.received());
    let reading = read(ledger, &bytes);
    // What a reset or a stop has cut off need not be complete.
    assert!(ending.cuts_off() || reading.is_whole(), "{reading:?}");
    reading
}

fn send(manner: Manner<'_>, script: &Script, peer: &Peer, server: &mut SimulatedShard) {
    peer.send(Frames::preface());
    for piece in script.pieces() {
        manner.send(&piece.bytes, peer, server);
        piece.behind.happen(server);
    }
}
