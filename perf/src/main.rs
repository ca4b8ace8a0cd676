//! `lanner-perf`: what the scripts beside this crate need besides `perf` itself.
//!
//! Owns the gate of instruction counts. README.md in this folder says which question each command and
//! each script answers.

#![forbid(unsafe_code)]

mod instructions;

use std::process::ExitCode;

use anyhow::Result;
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
        Command::Instructions(options) => instructions::run(options),
    }
}
