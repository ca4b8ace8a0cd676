//! The load generator that keeps to a rate whatever the server does, and times answers from when
//! their requests were due.
//!
//! It is this program itself, in a process of its own on the client's core. h2load has `--rps`, but
//! looks at its clock no more often than every 10 ms and then sends all that is due at once: what
//! it times at tens of thousands of requests a second is its own bursts.

mod client;
mod connection;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Load, Target, quoting, run_to_end};
use crate::interrupt::Interrupt;

pub(crate) use client::run;

/// The arguments of the process that sends the requests.
#[derive(Debug, Args)]
pub(crate) struct PacedArgs {
    /// Where the server listens
    address: SocketAddr,
    /// Requests in a second
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long it is loaded
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// Keep-alive connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
}

/// What a run at a fixed rate has counted and timed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct PacedLoad {
    #[serde(flatten)]
    pub(crate) load: Load,
    /// What 99% of the requests kept to between when they were due and when they were sent, in
    /// microseconds: a client that is late itself measures itself.
    pub(crate) late_p99_us: f64,
}

/// The generator, ready to be run against one server after the other.
#[derive(Debug)]
pub(crate) struct Paced {
    program: PathBuf,
    output: PathBuf,
    core: usize,
    connections: u32,
}

impl Paced {
    /// The requests go over so many connections.
    pub(crate) fn prepare(connections: u32, core: usize, directory: &Path) -> Result<Self> {
        Ok(Self {
            program: std::env::current_exe().context("finding this program")?,
            output: directory.join("paced.output"),
            core,
            connections,
        })
    }

    /// Loads `target` for `seconds` at `rate`; the errors are in the result.
    pub(crate) fn run(
        &self,
        target: Target<'_>,
        rate: u32,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<PacedLoad> {
        let mut command = Command::new(&self.program);
        command
            .args(["paced", &target.address.to_string()])
            .args(["--rate", &rate.to_string()])
            .args(["--seconds", &seconds.to_string()])
            .args(["--connections", &self.connections.to_string()]);
        let (printed, waited_ns) =
            run_to_end(command, self.core, &self.output, seconds, interrupt)?;
        let line = printed.lines().last().unwrap_or_default();
        let parsed = serde_json::from_str(line).map_err(Into::into);
        let mut paced: PacedLoad = quoting(parsed, "the client", &printed)?;
        let load = &mut paced.load;
        ensure!(load.requests > 0, "not one request was answered: {printed}");
        load.client_waited = waited_ns as f64 / 1e3 / load.duration_us as f64;
        Ok(paced)
    }
}
