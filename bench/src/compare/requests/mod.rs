//! Requests: processor time for each, rate and latency; on connections that stay, or each on its
//! own.

mod report;
mod summary;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::CompareArgs;
use super::outcome::Outcome;
use super::plan::Plan;
use super::rounds::take_turns;
use crate::content::Content;
use crate::interrupt::Interrupt;
use crate::load::{Generator, Load};
use crate::machine;
use crate::mode::{Body, Mode, Traffic};
use crate::server::Server;

use report::Report;

/// How long each server is loaded before it is measured, in seconds.
const WARM_UP: u32 = 1;
/// Connections for which it is loaded a second longer: they have to be opened first.
const WARM_UP_CONNECTIONS: u32 = 1000;
/// How long it is measured unless the command line says otherwise, in seconds.
const SECONDS: u32 = 4;
/// What a turn takes besides warm-up and measurement; only for the estimate of time left.
const TURN_OVERHEAD: Duration = Duration::from_millis(400);

/// The figures of one server in one round.
#[derive(Debug, Clone, Serialize)]
struct Turn {
    server: &'static str,
    /// From 1.
    round: u32,
    /// Processor time of the server per answer, in microseconds.
    cpu_us: f64,
    /// The part of it in user space.
    user_us: f64,
    /// The part of it in the kernel.
    system_us: f64,
    /// Share of the turn for which the server was ready but something else had its core, 0 to 1.
    waited: f64,
    /// Highest resident memory of the server so far.
    peak_kib: u64,
    #[serde(flatten)]
    load: Load,
}

/// Measures the servers of the mode in turns.
pub(super) fn run(
    mode: &'static Mode,
    args: &CompareArgs,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let (connections, body) = match mode.traffic {
        Traffic::Requests {
            connections, body, ..
        } => (connections, body),
        Traffic::Connections { in_flight, .. } => (in_flight, Body::Small),
        Traffic::Transfer(_) | Traffic::Paced { .. } | Traffic::Idle { .. } => {
            bail!("{} does not measure requests", mode.name)
        }
    };
    let connections = args.connections.unwrap_or(connections);
    let seconds = args.seconds.unwrap_or(SECONDS);
    machine::allow_connections(connections)?;
    let cores = args.cores.choose()?;
    let directory = tempfile::tempdir()?;
    let generator = Generator::prepare(mode, connections, cores.client, directory.path())?;
    generator.check_offer(mode.security, interrupt)?;
    let content = match body {
        Body::Small => Content::create(&[])?,
        Body::Sized(size) => Content::create(&[size])?,
    };
    let mut plan = Plan::prepare(mode, args, cores, content, interrupt)?;
    let warm_up = WARM_UP + connections / WARM_UP_CONNECTIONS;
    let expected = Duration::from_secs((warm_up + seconds).into()) + TURN_OVERHEAD;
    let turns = take_turns(
        &mut plan,
        interrupt,
        expected,
        |plan, peer, program: &Path, round| {
            let server = plan.setting.start(peer, program)?;
            take(
                peer.name,
                round,
                &server,
                body,
                &generator,
                [warm_up, seconds],
                interrupt,
            )
        },
        |turn| format!("{:.2} us/request, {:.0}/s", turn.cpu_us, turn.load.rate()),
    )?;
    let conditions = plan.conditions(generator.version());
    let report = Report {
        connections,
        seconds,
        servers: summary::of(&plan.servers(), conditions.reference, &turns),
        conditions,
        turns,
    };
    report.outcome()
}

fn take(
    name: &'static str,
    round: u32,
    server: &Server<'_>,
    body: Body,
    generator: &Generator,
    [warm_up, seconds]: [u32; 2],
    interrupt: &Interrupt,
) -> Result<Turn> {
    let target = server.target(body);
    generator
        .run(target, warm_up, interrupt)
        .with_context(|| format!("warming {name} up"))?;
    let before = server.usage()?;
    let clock = Instant::now();
    let mut load = generator
        .run(target, seconds, interrupt)
        .with_context(|| format!("measuring {name}"))?;
    let elapsed = clock.elapsed();
    let used = server.usage()?.since(before);
    load.latency = generator.latency(target, &load, interrupt)?;
    let cpu_us = used.cpu_ns as f64 / 1e3 / load.requests as f64;
    Ok(Turn {
        server: name,
        round,
        cpu_us,
        user_us: cpu_us * used.user_share(),
        system_us: cpu_us * (1.0 - used.user_share()),
        waited: used.waited_ns as f64 / elapsed.as_nanos() as f64,
        peak_kib: server.memory()?.peak_kib,
        load,
    })
}
