//! Which shard gets a connection: by a hash, or by the CPU on which its first packet is processed.
//!
//! Over loopback that is the CPU of the thread that connects, so pinning it says where a connection
//! must arrive.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::thread;

use crate::support::TestServer;
use crate::support::command::{lanner, output};
use core_affinity::CoreId;
use lanner::{HttpContext, Server, StartError, Steering, SteeringError};

/// Connections from each CPU: by chance a hash puts so many on one of two shards once in 2^31.
const CONNECTIONS: usize = 32;

/// A server of two shards whose handlers name their shard; nothing on a machine with one CPU, where
/// there is no other to connect from.
fn two_shards(steering: Steering) -> Option<TestServer> {
    if core_affinity::get_core_ids().unwrap_or_default().len() < 2 {
        return None;
    }
    let server = Server::new().steering(steering);
    Some(TestServer::sharded(
        server,
        2,
        async |ctx: &mut HttpContext| {
            let shard = ctx.server().shard().to_string();
            ctx.text(&shard)
        },
    ))
}

/// The shards that connections from `cpu` arrive at.
fn shards_from(server: &TestServer, cpu: usize) -> Vec<usize> {
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            assert!(core_affinity::set_for_current(CoreId { id: cpu }));
            let one = || server.connect().get("/").text().parse().unwrap();
            (0..CONNECTIONS).map(|_| one()).collect()
        });
        client.join().unwrap()
    })
}

#[test]
fn a_steered_connection_arrives_at_the_shard_of_the_cpu_that_received_it() {
    let Some(server) = two_shards(Steering::ReceivingCpu) else {
        return;
    };
    let features = server.running.features().clone();
    for shard in features.shards().iter() {
        let arrived = shards_from(&server, shard.cpu.unwrap());
        assert_eq!(arrived, vec![shard.index; CONNECTIONS]);
    }
    server.finish();
}

#[test]
fn the_hash_does_not_care_where_a_connection_comes_from() {
    let Some(server) = two_shards(Steering::Hash) else {
        return;
    };
    let cpu = core_affinity::get_core_ids().unwrap()[0].id;
    let arrived = shards_from(&server, cpu);
    assert!(arrived.contains(&0) && arrived.contains(&1), "{arrived:?}");
    server.finish();
}

#[test]
fn steering_and_a_shared_port_exclude_each_other() {
    let server = Server::new()
        .urls("http://127.0.0.1:0")
        .unwrap()
        .steering(Steering::ReceivingCpu)
        .reuse_port(true);
    let error = server.start(async |ctx: &mut HttpContext| ctx.text("never"));
    assert!(matches!(
        error,
        Err(StartError::Steering(SteeringError::SharedPort))
    ));
    let urls = "http://127.0.0.1:0";
    let mut command = lanner(["run", "--urls", urls, "--steering", "cpu", "--reuse-port"]);
    let ended = output(&mut command);
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(
        (ended.status.code(), ended.stdout.as_slice()),
        (Some(2), [].as_slice())
    );
    assert!(stderr.contains("steered by CPU"), "{stderr}");
}
