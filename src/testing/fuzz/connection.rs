//! A whole HTTP/1 connection over the simulated ring: bytes decide what the peer sends and does, how its
//! bytes arrive, and what goes wrong below. Behind the peer's manner comes what it sends.

use std::time::Duration;

use super::manner::{Ending, Manner};
use crate::http::Protocols;
use crate::limits::Limits;
use crate::testing::simulated_shard::SimulatedShard;
use crate::testing::simulated_shard::answers::{Answer, read_answers};
use crate::testing::simulated_shard::application::{Doings, application};

/// Longer than any time-out of a connection.
const LONG: Duration = Duration::from_secs(150);

/// Small ones, so that small inputs reach them.
fn limits() -> Limits {
    let limits = Limits {
        request_line_bytes_max: 512,
        head_bytes_max: 1024,
        field_count_max: 16,
        trailer_bytes_max: 256,
        trailer_count_max: 4,
        body_bytes_max: Some(1000),
        request_buffer_bytes_max: 2048,
        response_buffer_bytes_max: 4096,
        ..Limits::default()
    };
    debug_assert!(limits.validate().is_ok());
    limits
}

/// Runs one connection as `input` says.
///
/// # Panics
///
/// When the shard panics, does not come to rest, leaves anything behind, answers what no client
/// can read, outlives its time-outs, or answers otherwise than it would have if the same bytes had
/// come in one piece and nothing had gone wrong.
pub fn connection(input: &[u8]) {
    let Some((manner, stream)) = Manner::read(input) else {
        return;
    };
    let answers = run(manner, stream);
    if manner.ending == Ending::Finish {
        let plain = run(manner.plain(), stream);
        assert_eq!(verdicts(&answers), verdicts(&plain));
        assert!(answers.iter().all(|answer| answer.complete), "{answers:?}");
    }
}

/// What of the answers must not depend on how the bytes arrive. One thing may: of a body that is
/// both too large and malformed, the handler learns what comes first.
fn verdicts(answers: &[Answer]) -> Vec<(u16, &[u8])> {
    answers
        .iter()
        .map(|answer| match answer.status {
            413 => (400, answer.body.as_slice()),
            status => (status, answer.body.as_slice()),
        })
        .collect()
}

fn run(manner: Manner<'_>, stream: &[u8]) -> Vec<Answer> {
    let doings = Doings::default();
    let application = application(doings.clone());
    let mut server =
        SimulatedShard::speaking(&manner.config, limits(), Protocols::Http1, application);
    let peer = server.connect();
    if manner.reads_late {
        peer.stop_reading();
    }
    manner.send(stream, &peer, &mut server);
    let ending = manner.ending;
    if manner.reads_late && ending != Ending::Silence {
        server.settle();
        peer.resume();
    }
    ending.happen(&peer, &mut server, LONG);
    ending.conclude(&peer, server, &doings, LONG);
    let bytes = peer.received();
    // What a reset or a stop has cut off need not be readable.
    if ending.cuts_off() {
        Vec::new()
    } else {
        read_answers(&bytes)
    }
}
