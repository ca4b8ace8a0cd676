//! `lanner-bench`: measures Lanner against the least that a server can cost and against its peers.
//!
//! The commands and how to read what they print are in README.md beside this crate.

mod answer;
mod compare;
mod content;
mod delay;
mod floor;
mod idle;
mod interrupt;
mod load;
mod machine;
mod mode;
mod peer;
mod process;
mod server;
mod stats;
mod tls;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::interrupt::Interrupt;

/// Measures Lanner against the least that a server can cost and against its peers
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure the servers of a mode in turns and print a table
    Compare(compare::CompareArgs),
    /// Hold idle connections: memory for each, and what an active client notices
    Idle(idle::IdleArgs),
    /// Run the floor: the least that a correct server could cost on an own ring
    Floor {
        /// Address to listen on
        #[arg(default_value = "127.0.0.1:5001")]
        address: SocketAddr,
        /// Core to pin to [default: not pinned]
        #[arg(long, value_name = "CPU")]
        core: Option<usize>,
        /// End each connection after its first answer
        #[arg(long)]
        once: bool,
    },
    /// Make a connection for each request; what `compare` runs beside the server
    #[command(hide = true)]
    Connections(load::connections::ConnectionsArgs),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Compare(args) => compare::run(&args, &Interrupt::register()?),
        Command::Idle(args) => idle::run(&args, &Interrupt::register()?),
        Command::Connections(args) => load::connections::run(&args),
        Command::Floor {
            address,
            core,
            once,
        } => {
            if let Some(core) = core {
                machine::pin(core)?;
            }
            let listener = floor::listen(address).with_context(|| format!("binding {address}"))?;
            match floor::serve(&listener, once).context("the ring failed")? {}
        }
    }
}
