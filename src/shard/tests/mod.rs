//! Tests of a shard as a whole, over the simulated ring: what peers, files, other threads and a
//! kernel that has its moods see of it. Each ends with nothing left behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod accepting;
mod backpressure;
mod ending;
mod exchanges;
mod http2;
mod kernel;
mod lingering;
mod local;
mod overload;
mod peers;
mod scenario;
mod short;
mod stale;
mod streams;
mod tls;

use std::time::Duration;

use crate::http::{Application, HttpContext};
use crate::limits::Limits;
use crate::testing::sim::{Faults, Peer, SimConfig};
use crate::testing::simulated_shard::SimulatedShard;
use crate::testing::simulated_shard::answers::{Answer, read_answers};
use crate::testing::simulated_shard::application::{Doings, LARGE_BYTES, NAP, application, large};

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A server of the simulations' application on a well-behaved kernel.
fn server() -> SimulatedShard {
    serve(application(Doings::default()))
}

fn serve(application: impl Application + 'static) -> SimulatedShard {
    with_limits(Limits::default(), application)
}

fn with_limits(limits: Limits, application: impl Application + 'static) -> SimulatedShard {
    SimulatedShard::new(&SimConfig::default(), limits, application)
}

fn with_faults(faults: Faults) -> SimulatedShard {
    let config = SimConfig {
        faults,
        ..SimConfig::default()
    };
    SimulatedShard::new(&config, Limits::default(), application(Doings::default()))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// What the peer was answered since this was last called.
fn answers(peer: &Peer) -> Vec<Answer> {
    read_answers(&peer.received())
}

/// The same, of answers that are all a complete 200, as text.
fn texts(peer: &Peer) -> Vec<String> {
    answers(peer)
        .into_iter()
        .map(|answer| {
            assert!(answer.status == 200 && answer.complete, "{answer:?}");
            String::from_utf8(answer.body).unwrap()
        })
        .collect()
}

fn statuses(peer: &Peer) -> Vec<u16> {
    answers(peer).iter().map(|answer| answer.status).collect()
}

/// Shows that the server still serves.
#[track_caller]
fn assert_alive(server: &mut SimulatedShard) {
    let peer = server.connect();
    peer.send(post("/", "alive"));
    server.settle();
    assert_eq!(texts(&peer), ["alive"]);
    peer.finish();
    server.settle();
    assert!(peer.saw_fin());
}

/// Every fault of the kernel alone, often enough that a conversation meets it.
fn each_fault() -> impl Iterator<Item = Faults> {
    let changes: [fn(&mut Faults); 6] = [
        |faults| faults.end_multishot = 100,
        |faults| faults.short_send = 100,
        |faults| faults.split_receive = 100,
        |faults| faults.no_buffers = 50,
        |faults| faults.delay = 90,
        |faults| faults.interrupt = 90,
    ];
    changes.into_iter().map(|change| {
        let mut faults = Faults::NONE;
        change(&mut faults);
        faults
    })
}
