//! `lanner-bench idle`: what a mass of idle keep-alive connections costs, in memory and to the
//! one client that is active meanwhile.
#![forbid(unsafe_code)]

mod held;
mod pairs;

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;

use crate::content::Content;
use crate::interrupt::Interrupt;
use crate::load::Errors;
use crate::load::wrk::Wrk;
use crate::machine::{self, CoreArgs};
use crate::mode::{self, Body};
use crate::peer::{self, Peer};
use crate::process::usage::Memory;
use crate::server::{Server, Setting};

pub(crate) use held::hold;
use pairs::{Pair, Sample};

/// Seconds of load before anything is measured.
const WARM_UP: u32 = 1;

/// Options of `idle`.
#[derive(Debug, Args)]
pub(crate) struct IdleArgs {
    /// Idle connections; each has had one request answered
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=28_000))]
    connections: u32,
    /// Pairs of measurements of the active client, without and with the idle connections
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(2..=1000))]
    rounds: u32,
    /// How long each measurement takes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Over TLS
    #[arg(long)]
    tls: bool,
    /// The server; a name that is none lists those there are
    #[arg(long, default_value = "lanner", value_parser = find_peer)]
    server: &'static Peer,
    #[command(flatten)]
    cores: CoreArgs,
}

fn find_peer(name: &str) -> Result<&'static Peer, String> {
    let found = peer::HTTP1.iter().find(|peer| peer.name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = peer::HTTP1.iter().map(|peer| peer.name).collect();
        format!("the servers are {}", names.join(", "))
    })
}

/// Measures and prints; fails if a connection or an answer was lost.
pub(crate) fn run(args: &IdleArgs, interrupt: &Interrupt) -> Result<()> {
    let cores = args.cores.choose()?;
    machine::allow_connections(args.connections)?;
    let mode = mode::find(if args.tls { "h1tls" } else { "h1" }).map_err(anyhow::Error::msg)?;
    let (peer, directory) = (args.server, tempfile::tempdir()?);
    ensure!(
        mode.peers.iter().any(|other| other.name == peer.name),
        "{} speaks no TLS",
        peer.name
    );
    let wrk = Wrk::prepare(1, 1, mode.security, cores.client, directory.path())?;
    let program = peer.obtain()?;
    let setting = Setting::new(mode, Content::create(&[])?, cores.server, interrupt)?;
    let start = || setting.start(peer, &program);
    let servers = [start()?, start()?];
    // The idle connections are the client's side: they stay off the servers' core.
    machine::pin(cores.client)?;
    let bench = Bench {
        args,
        wrk,
        interrupt,
    };
    let (pairs, growth) = bench.measure(&servers)?;
    print_memory(args, growth);
    print!("{}", pairs::report(&pairs));
    Ok(())
}

/// One active client, and what it is measured with.
struct Bench<'a> {
    args: &'a IdleArgs,
    wrk: Wrk,
    interrupt: &'a Interrupt,
}

impl Bench<'_> {
    /// Measures all pairs, and the memory of a server before and with the idle connections.
    ///
    /// Two servers of the same kind run side by side, so that a pair takes no longer than its two
    /// measurements. They change parts after half of the pairs: what one process has over another,
    /// as where its memory lies, then cancels out.
    fn measure(&self, servers: &[Server<'_>; 2]) -> Result<(Vec<Pair>, [Memory; 2])> {
        let [first, second] = servers;
        let half = self.args.rounds.div_ceil(2);
        let (mut pairs, growth) = self.half(first, second, half)?;
        let (more, _) = self.half(second, first, self.args.rounds - half)?;
        pairs.extend(more);
        Ok((pairs, growth))
    }

    /// Measures `count` pairs, with the idle connections on `crowded`.
    fn half(
        &self,
        alone: &Server<'_>,
        crowded: &Server<'_>,
        count: u32,
    ) -> Result<(Vec<Pair>, [Memory; 2])> {
        for server in [alone, crowded] {
            self.wrk
                .run(server.target(Body::Small), WARM_UP, self.interrupt)?;
        }
        let before = crowded.memory()?;
        let idle = hold(crowded, self.args.connections, self.interrupt)?;
        let growth = [before, crowded.memory()?];
        let mut pairs = Vec::new();
        for number in 1..=count {
            eprint!("[{number}/{count}] one active client: ");
            // Neither way always comes first.
            let pair = if number.is_multiple_of(2) {
                let alone = self.sample(alone)?;
                let among = self.sample(crowded)?;
                Pair { alone, among }
            } else {
                let among = self.sample(crowded)?;
                let alone = self.sample(alone)?;
                Pair { alone, among }
            };
            eprintln!(
                "{:.2} us/request alone, {:.2} among {} idle connections{}",
                pair.alone.cpu_us,
                pair.among.cpu_us,
                idle.len(),
                if pair.is_calm() { "" } else { ", disturbed" }
            );
            pairs.push(pair);
        }
        idle.ensure_held()?;
        Ok((pairs, growth))
    }

    fn sample(&self, server: &Server<'_>) -> Result<Sample> {
        let before = server.usage()?;
        let clock = Instant::now();
        let load = self.wrk.run(
            server.target(Body::Small),
            self.args.seconds,
            self.interrupt,
        )?;
        let elapsed = clock.elapsed();
        let used = server.usage()?.since(before);
        ensure!(
            load.errors == Errors::default(),
            "the active client saw {:?}",
            load.errors
        );
        Ok(Sample {
            cpu_us: used.cpu_ns as f64 / 1e3 / load.requests as f64,
            server_waited: used.waited_ns as f64 / elapsed.as_nanos() as f64,
            load,
        })
    }
}

fn print_memory(args: &IdleArgs, [before, after]: [Memory; 2]) {
    let each = |before: u64, after: u64| {
        (after as f64 - before as f64) * 1024.0 / f64::from(args.connections)
    };
    println!(
        "\n{}: {:.0} bytes of anonymous memory per idle connection{} ({} -> {} KiB for {}), \
         {:.0} bytes resident\n",
        args.server.name,
        each(before.anonymous_kib, after.anonymous_kib),
        if args.tls { " over TLS" } else { "" },
        before.anonymous_kib,
        after.anonymous_kib,
        args.connections,
        each(before.resident_kib, after.resident_kib),
    );
}
