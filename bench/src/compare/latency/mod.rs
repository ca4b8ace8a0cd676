//! Latency at a fixed rate: what a client sees of servers that all have the same to do.
//!
//! How much each server can take is measured first; the rate is a share of what the slowest takes,
//! so that none is overloaded and all have the same load.

mod report;

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
use crate::load::paced::{Paced, PacedLoad};
use crate::load::wrk::Wrk;
use crate::machine;
use crate::mode::{Body, Mode, Traffic};

use report::Report;

/// Seconds of load before anything is measured.
const WARM_UP: u32 = 1;
/// How long it is measured unless the command line says otherwise, in seconds.
const SECONDS: u32 = 4;
/// The share of what the slowest server takes.
const SHARE: f64 = 0.7;
/// What a turn takes besides; only for the estimate of time left.
const TURN_OVERHEAD: Duration = Duration::from_millis(400);

/// The figures of one server in one round.
#[derive(Debug, Clone, Serialize)]
struct Turn {
    server: &'static str,
    /// From 1.
    round: u32,
    /// Processor time of the server per answer, in microseconds.
    cpu_us: f64,
    /// Share of the turn for which the server was ready but something else had its core, 0 to 1.
    waited: f64,
    #[serde(flatten)]
    paced: PacedLoad,
}

/// What a server takes at most.
#[derive(Debug, Clone, Copy, Serialize)]
struct Saturation {
    server: &'static str,
    /// Answers per second with all connections busy.
    rate: f64,
}

/// Measures the servers of `mode` in turns.
pub(super) fn run(
    mode: &'static Mode,
    args: &CompareArgs,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let Traffic::Paced { connections } = mode.traffic else {
        bail!("{} has no rate", mode.name);
    };
    let connections = args.connections.unwrap_or(connections);
    let seconds = args.seconds.unwrap_or(SECONDS);
    machine::allow_connections(connections)?;
    let cores = args.cores.choose()?;
    let directory = tempfile::tempdir()?;
    let wrk = Wrk::prepare(
        1,
        connections,
        mode.security,
        cores.client,
        directory.path(),
    )?;
    let paced = Paced::prepare(connections, cores.client, directory.path())?;
    let content = Content::create(&[])?;
    let mut plan = Plan::prepare(mode, args, cores, content, interrupt)?;
    let saturations = match args.rate {
        Some(_) => Vec::new(),
        None => saturations(&plan, &wrk, seconds, interrupt)?,
    };
    let slowest = saturations
        .iter()
        .map(|one| one.rate)
        .fold(f64::INFINITY, f64::min);
    let rate = args.rate.unwrap_or((slowest * SHARE) as u32).max(1);
    let turns = take_turns(
        &mut plan,
        interrupt,
        Duration::from_secs((WARM_UP + seconds).into()) + TURN_OVERHEAD,
        |plan, peer, program: &Path, round| {
            let server = plan.setting.start(peer, program)?;
            let target = server.target(Body::Small);
            paced
                .run(target, rate, WARM_UP, interrupt)
                .with_context(|| format!("warming {} up", peer.name))?;
            let before = server.usage()?;
            let clock = Instant::now();
            let paced = paced
                .run(target, rate, seconds, interrupt)
                .with_context(|| format!("measuring {}", peer.name))?;
            let elapsed = clock.elapsed();
            let used = server.usage()?.since(before);
            Ok(Turn {
                server: peer.name,
                round,
                cpu_us: used.cpu_ns as f64 / 1e3 / paced.load.requests as f64,
                waited: used.waited_ns as f64 / elapsed.as_nanos() as f64,
                paced,
            })
        },
        |turn| {
            let latency = turn.paced.load.latency;
            let p99_us = latency.map_or(f64::NAN, |latency| latency.p99_us);
            format!("p99 {p99_us:.0} us")
        },
    )?;
    Report::of(&plan, connections, seconds, rate, saturations, turns).outcome()
}

/// Loads each server once with all connections busy.
fn saturations(
    plan: &Plan,
    wrk: &Wrk,
    seconds: u32,
    interrupt: &Interrupt,
) -> Result<Vec<Saturation>> {
    let mut saturations = Vec::new();
    for (peer, program) in &plan.contenders {
        let server = plan.setting.start(peer, program)?;
        let target = server.target(Body::Small);
        wrk.run(target, WARM_UP, interrupt)?;
        let rate = wrk.run(target, seconds, interrupt)?.rate();
        eprintln!("{} takes {rate:.0} requests/s at most", peer.name);
        saturations.push(Saturation {
            server: peer.name,
            rate,
        });
    }
    Ok(saturations)
}
