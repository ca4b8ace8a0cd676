//! `lanner-perf`: what the scripts beside this crate need besides `perf` itself.
//!
//! Owns the gate of instruction counts and what is made of recordings. README.md in this folder says which question each command and
//! each script answers.

#![forbid(unsafe_code)]

mod crowd;
mod flame;
mod instructions;
mod off_cpu;
mod samples;
mod shared;
mod spread;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

/// Where the server's time goes, and whether it has become more
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count the instructions of the hot paths and compare them with perf/instructions.txt
    Instructions(instructions::Options),
    /// Draw a flame graph of the samples that `perf script` prints, read from standard input, and
    /// print the functions that take most
    Flame(Picture),
    /// Say where a thread was while it did not run, by the scheduler's tracepoints as `perf script`
    /// prints them, and draw a flame graph of where it slept
    OffCpu {
        /// The thread
        #[arg(long)]
        thread: u64,
        #[command(flatten)]
        picture: Picture,
    },
    /// Say which cache lines two shards share, by valgrind's trace of benches/two_shards.rs, read from
    /// standard input; fails if there are any
    Shared,
    /// Open many connections to a server on this machine and say which shards have them
    Crowd(crowd::Options),
    /// Simulate how unevenly a hash spreads connections over shards
    Spread,
}

/// Where a picture goes.
#[derive(Debug, clap::Args)]
struct Picture {
    /// File to write the picture to, as SVG
    #[arg(long)]
    svg: PathBuf,
    /// What stands above it
    #[arg(long)]
    title: String,
    /// Leave out the innermost function, as where all samples are of one
    #[arg(long)]
    callers: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lanner-perf: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Instructions(options) => return instructions::run(options),
        Command::Flame(picture) => flame(picture),
        Command::OffCpu { thread, picture } => off_cpu(*thread, picture),
        Command::Shared => shared(),
        Command::Crowd(options) => crowd::run(options),
        Command::Spread => {
            print!("{}", spread::table());
            Ok(())
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

fn flame(picture: &Picture) -> Result<()> {
    let mut flames = flame::Flames::default();
    let from = usize::from(picture.callers);
    samples::read(io::stdin().lock(), |sample| {
        flames.add(sample.frames.get(from..).unwrap_or_default(), 1.0);
    })?;
    print!("{}", flames.table());
    let svg = flames.svg(&picture.title, |samples| format!("{samples} samples"));
    write(picture, &svg)
}

fn off_cpu(thread: u64, picture: &Picture) -> Result<()> {
    let mut life = off_cpu::Life::new(thread);
    samples::read(io::stdin().lock(), |sample| life.add(sample))?;
    print!("{life}");
    let svg = life
        .sleeping
        .svg(&picture.title, |seconds| format!("{seconds:.3} s"));
    write(picture, &svg)
}

fn shared() -> Result<()> {
    let trace = shared::Trace::read(io::stdin().lock())?;
    print!("{trace}");
    ensure!(trace.is_whole(), "the trace is cut off");
    ensure!(trace.shared().is_empty(), "two shards share memory");
    Ok(())
}

fn write(picture: &Picture, svg: &str) -> Result<()> {
    let path = picture.svg.display();
    fs::write(&picture.svg, svg).with_context(|| format!("writing {path}"))?;
    println!("\nflame graph: {path}");
    Ok(())
}
