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
mod plot;
mod process;
mod server;
mod stats;
mod tls;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
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
    /// Run a floor: the least that a correct server could cost
    Floor {
        /// Address to listen on
        #[arg(default_value = "127.0.0.1:5001")]
        address: SocketAddr,
        /// Core to pin to [default: not pinned]
        #[arg(long, value_name = "CPU")]
        core: Option<usize>,
        /// How it waits for its sockets
        #[arg(long, value_enum, default_value_t = floor::Kind::Ring)]
        kind: floor::Kind,
        /// End each connection after its first answer
        #[arg(long)]
        once: bool,
    },
    /// Make a connection for each request; what `compare` runs beside the server
    #[command(hide = true)]
    Connections(load::connections::ConnectionsArgs),
    /// Send requests at a fixed rate; what `compare` runs beside the server
    #[command(hide = true)]
    Paced(load::paced::PacedArgs),
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
        Command::Paced(args) => load::paced::run(&args),
        Command::Floor {
            address,
            core,
            kind,
            once,
        } => {
            if let Some(core) = core {
                machine::pin(core)?;
            }
            match floor::run(kind, address, once)? {}
        }
    }
}
