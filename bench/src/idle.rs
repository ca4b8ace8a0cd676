//! `lanner-bench idle`: what a mass of idle keep-alive connections costs, in memory and to the
//! one client that is active meanwhile.
#![forbid(unsafe_code)]

use std::io;
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::content::Content;
use crate::interrupt::Interrupt;
use crate::load::wrk::Wrk;
use crate::load::{Errors, Latency, Load};
use crate::machine::{self, CoreArgs, DISTURBED};
use crate::mode;
use crate::peer::{self, Peer};
use crate::process::usage::Memory;
use crate::server::Server;
use crate::stats::median;

/// Connections between two checks for Ctrl-C.
const BATCH: u32 = 256;
/// Seconds of load before anything is measured.
const WARM_UP: u32 = 1;

/// Options of `idle`.
#[derive(Debug, Args)]
pub(crate) struct IdleArgs {
    /// Idle connections; each has had one request answered
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=28_000))]
    connections: u32,
    /// How many times the active client is measured without and with the idle connections
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long the active client is measured each time
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// The server: lanner, floor, hyper or nginx
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
    let mode = mode::find("h1").map_err(anyhow::Error::msg)?;
    let directory = tempfile::tempdir()?;
    let wrk = Wrk::prepare(1, 1, cores.client, directory.path())?;
    let program = args.server.obtain()?;
    let content = Content::create(&[])?;
    let server = Server::start(
        args.server,
        &program,
        mode,
        &content,
        cores.server,
        interrupt,
    )?;
    // The idle connections are the client's side: they stay off the server's core.
    machine::pin(cores.client)?;

    wrk.run(&server.url(), WARM_UP, interrupt)?;
    let before = server.memory()?;
    let mut growth = None;
    let (mut alone, mut among) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        eprint!("[{round}/{}] one active client alone ... ", args.rounds);
        alone.push(active(&wrk, &server, args.seconds, interrupt)?);
        eprint!("{} idle connections ... ", args.connections);
        let idle = open_idle(&server, args.connections, interrupt)?;
        // Only the first time: later rounds find the memory that the first one left behind.
        if growth.is_none() {
            growth = Some((before, server.memory()?));
        }
        among.push(active(&wrk, &server, args.seconds, interrupt)?);
        ensure_held(&idle)?;
        eprintln!("held");
    }
    if let Some((before, after)) = growth {
        print_memory(args, before, after);
    }
    println!(
        "| one active client | requests/s | p50 us | p99 us | p99.9 us |\n|---|--:|--:|--:|--:|"
    );
    print_row("alone", &alone);
    print_row("among the idle", &among);
    let loads = alone.iter().chain(&among);
    let waited = loads.map(|load| load.client_waited).fold(0.0, f64::max);
    if waited > DISTURBED {
        println!(
            "\nDisturbed: something else had the active client's core for up to {:.0}% of the time.",
            waited * 100.0
        );
    }
    Ok(())
}

fn active(wrk: &Wrk, server: &Server, seconds: u32, interrupt: &Interrupt) -> Result<Load> {
    let load = wrk.run(&server.url(), seconds, interrupt)?;
    ensure!(
        load.errors == Errors::default(),
        "the active client saw {:?}",
        load.errors
    );
    Ok(load)
}

/// Opens the connections one after the other; each sends a request and reads its answer.
fn open_idle(server: &Server, count: u32, interrupt: &Interrupt) -> Result<Vec<TcpStream>> {
    let mut idle = Vec::new();
    for number in 0..count {
        if number.is_multiple_of(BATCH) {
            interrupt.check()?;
        }
        let mut stream = TcpStream::connect(server.address())
            .with_context(|| format!("opening idle connection {number}"))?;
        server
            .ask(&mut stream)
            .with_context(|| format!("idle connection {number}"))?;
        idle.push(stream);
    }
    Ok(idle)
}

/// Fails if the server has closed any of the connections or sent more on it.
fn ensure_held(idle: &[TcpStream]) -> Result<()> {
    let held = |stream: &&TcpStream| {
        stream.set_nonblocking(true).is_ok()
            && stream
                .peek(&mut [0])
                .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    };
    let count = idle.iter().filter(held).count();
    ensure!(
        count == idle.len(),
        "the server closed {} of {} idle connections",
        idle.len() - count,
        idle.len()
    );
    Ok(())
}

fn print_memory(args: &IdleArgs, before: Memory, after: Memory) {
    let each = |before: u64, after: u64| {
        (after as f64 - before as f64) * 1024.0 / f64::from(args.connections)
    };
    println!(
        "\n{}: {:.0} bytes of anonymous memory per idle connection ({} -> {} KiB for {}), \
         {:.0} bytes resident\n",
        args.server.name,
        each(before.anonymous_kib, after.anonymous_kib),
        before.anonymous_kib,
        after.anonymous_kib,
        args.connections,
        each(before.resident_kib, after.resident_kib),
    );
}

fn print_row(name: &str, loads: &[Load]) {
    let rate = median(loads.iter().map(Load::rate));
    let latency = Latency::median(loads.iter().map(|load| load.latency));
    println!("| {name} | {rate:.0} | {} |", Latency::cells(latency));
}
