//! Small requests: processor time for each, rate and latency.

mod report;
mod summary;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;

use super::rounds::take_turns;
use super::{CompareArgs, Plan};
use crate::content::Content;
use crate::interrupt::Interrupt;
use crate::load::{Generator, Load};
use crate::machine;
use crate::mode::Traffic;
use crate::server::Server;

use report::Report;

/// How long each server is loaded before it is measured, in seconds.
const WARM_UP: u32 = 1;
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

/// Measures the servers of `plan` in turns.
pub(super) fn run(plan: &Plan, args: &CompareArgs, interrupt: &Interrupt) -> Result<Report> {
    let Traffic::Requests {
        connections,
        in_flight,
    } = plan.mode.traffic
    else {
        bail!("{} does not measure requests", plan.mode.name);
    };
    let connections = args.connections.unwrap_or(connections);
    let seconds = args.seconds.unwrap_or(SECONDS);
    machine::allow_connections(connections)?;
    let directory = tempfile::tempdir()?;
    let generator = Generator::prepare(
        plan.mode.protocol,
        connections,
        in_flight,
        plan.cores.client,
        directory.path(),
    )?;
    let content = Content::create(&[])?;
    let expected = Duration::from_secs((WARM_UP + seconds).into()) + TURN_OVERHEAD;
    let turns = take_turns(
        plan,
        expected,
        |peer, program: &Path, round| {
            let core = plan.cores.server;
            let server = Server::start(peer, program, plan.mode, &content, core, interrupt)?;
            take(peer.name, round, &server, &generator, seconds, interrupt)
        },
        |turn| format!("{:.2} us/request, {:.0}/s", turn.cpu_us, turn.load.rate()),
    )?;
    Ok(Report {
        mode: plan.mode.name,
        title: plan.mode.title,
        connections,
        rounds: plan.rounds,
        seconds,
        machine: machine::description(),
        load_generator: generator.version(),
        cores: plan.cores,
        reference: plan.reference(),
        servers: summary::of(&plan.servers(), plan.reference(), &turns),
        turns,
    })
}

fn take(
    name: &'static str,
    round: u32,
    server: &Server,
    generator: &Generator,
    seconds: u32,
    interrupt: &Interrupt,
) -> Result<Turn> {
    let url = server.url();
    generator.run(&url, WARM_UP, interrupt)?;
    let before = server.usage()?;
    let clock = Instant::now();
    let mut load = generator.run(&url, seconds, interrupt)?;
    let elapsed = clock.elapsed();
    let used = server.usage()?.since(before);
    load.latency = generator.latency(&url, &load, interrupt)?;
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
