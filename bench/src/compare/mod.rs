//! `lanner-bench compare`: one mode, all its servers in turns, round by round.
//!
//! Turns are interleaved because a machine drifts (temperature, neighbours, page cache): servers
//! of one round meet nearly the same machine, so that ratios are taken within a round.
#![forbid(unsafe_code)]

mod report;
mod summary;

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::interrupt::Interrupt;
use crate::machine::{self, CoreArgs, Cores};
use crate::mode::{self, Mode};
use crate::peer::Peer;
use crate::server::Server;
use crate::wrk::{Load, Wrk};

use report::Report;

/// How long each server is loaded before it is measured, in seconds.
const WARM_UP: u32 = 1;
/// What a turn takes besides warm-up and measurement; only for the estimate of time left.
const TURN_OVERHEAD: Duration = Duration::from_millis(400);

/// Options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// What to compare: h1 or h1pipe
    #[arg(value_parser = mode::find)]
    mode: &'static Mode,
    /// How many times each server is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How long each measurement takes, after a second of warm-up
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Keep-alive connections [default: 64]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: Option<u32>,
    /// Only these servers, by name [default: all of the mode]
    #[arg(long, value_delimiter = ',')]
    servers: Vec<String>,
    /// Also write every turn and the medians to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    cores: CoreArgs,
}

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

/// Runs the comparison and prints its table. Fails if a server gave a single wrong answer.
pub(crate) fn run(args: &CompareArgs, interrupt: &Interrupt) -> Result<()> {
    let cores = args.cores.choose()?;
    let connections = args.connections.unwrap_or(args.mode.connections);
    machine::allow_connections(connections)?;
    let directory = tempfile::tempdir()?;
    let wrk = Wrk::prepare(args.mode, connections, cores.client, directory.path())?;
    // Created first: a path that cannot be written is not to cost a whole run.
    let json = args
        .json
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("creating {}", path.display())));
    let json = json.transpose()?;

    let mut contenders = Vec::new();
    for peer in chosen_peers(args.mode, &args.servers)? {
        interrupt.check()?;
        contenders.push((peer, peer.obtain()?));
    }
    let turns = measure(args, &contenders, &wrk, cores, interrupt)?;

    let report = Report {
        mode: args.mode.name,
        title: args.mode.title,
        connections,
        rounds: args.rounds,
        seconds: args.seconds,
        machine: machine::description(),
        load_generator: wrk.version(),
        cores,
        servers: summary::of(
            &contenders
                .iter()
                .map(|(peer, _)| peer.name)
                .collect::<Vec<_>>(),
            &turns,
        ),
        turns,
    };
    print!("{}", report.markdown());
    if let Some(file) = json {
        serde_json::to_writer_pretty(file, &report).context("writing the JSON report")?;
    }
    let wrong = report.wrong_turns();
    if !wrong.is_empty() {
        bail!("wrong answers or failed connections:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// The mode's servers that were asked for, in the order of the mode.
fn chosen_peers(mode: &Mode, names: &[String]) -> Result<Vec<&'static Peer>> {
    for name in names {
        ensure!(
            mode.peers.iter().any(|peer| peer.name == name),
            "no server {name:?} in mode {}; there are {}",
            mode.name,
            mode.peers
                .iter()
                .map(|peer| peer.name)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let wanted = |peer: &&Peer| names.is_empty() || names.iter().any(|name| name == peer.name);
    Ok(mode.peers.iter().copied().filter(wanted).collect())
}

fn measure(
    args: &CompareArgs,
    contenders: &[(&'static Peer, PathBuf)],
    wrk: &Wrk,
    cores: Cores,
    interrupt: &Interrupt,
) -> Result<Vec<Turn>> {
    let count = contenders.len() * args.rounds as usize;
    let mut turns = Vec::with_capacity(count);
    let started = Instant::now();
    for round in 1..=args.rounds {
        // Each round starts with another server: none always follows the same one.
        let first = (round as usize - 1) % contenders.len();
        for (peer, program) in contenders.iter().cycle().skip(first).take(contenders.len()) {
            eprint!(
                "[{}/{count}] round {round}, {}: {WARM_UP} s warm-up, {} s; {} left ... ",
                turns.len() + 1,
                peer.name,
                args.seconds,
                minutes(time_left(
                    started.elapsed(),
                    turns.len(),
                    count,
                    args.seconds
                )),
            );
            let server = Server::start(peer, program, args.mode, cores.server, interrupt)?;
            let turn = take_turn(peer.name, round, &server, wrk, args.seconds, interrupt)?;
            eprintln!("{:.2} us/request, {:.0}/s", turn.cpu_us, turn.load.rate());
            turns.push(turn);
        }
    }
    Ok(turns)
}

fn take_turn(
    name: &'static str,
    round: u32,
    server: &Server,
    wrk: &Wrk,
    seconds: u32,
    interrupt: &Interrupt,
) -> Result<Turn> {
    wrk.run(&server.url(), WARM_UP, interrupt)?;
    let before = server.usage()?;
    let clock = Instant::now();
    let load = wrk.run(&server.url(), seconds, interrupt)?;
    let elapsed = clock.elapsed();
    let used = server.usage()?.since(before);
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

/// Time that the turns still to come will take, judged by those done.
fn time_left(elapsed: Duration, done: usize, count: usize, seconds: u32) -> Duration {
    let turn = match u32::try_from(done) {
        Ok(done @ 1..) => elapsed / done,
        _ => Duration::from_secs((WARM_UP + seconds).into()) + TURN_OVERHEAD,
    };
    turn.saturating_mul(u32::try_from(count - done).unwrap_or(u32::MAX))
}

fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn servers_are_chosen_by_name_in_the_order_of_the_mode() {
        let mode = mode::find("h1").unwrap();
        let names = |wanted: &[&str]| -> Vec<&str> {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            let peers = chosen_peers(mode, &wanted).unwrap();
            peers.iter().map(|peer| peer.name).collect()
        };
        assert_eq!(names(&[]).len(), mode.peers.len());
        assert_eq!(names(&["nginx", "floor"]), ["floor", "nginx"]);
        assert!(chosen_peers(mode, &["apache".to_owned()]).is_err());
    }

    #[test]
    fn time_left_follows_the_turns_done() {
        let second = Duration::from_secs(1);
        assert_eq!(time_left(10 * second, 2, 10, 4), 40 * second);
        assert_eq!(minutes(time_left(Duration::ZERO, 0, 10, 4)), "0:54");
    }
}
