//! `lanner-bench compare`: one mode, all its servers in turns, round by round.
//!
//! Turns are interleaved because a machine drifts (temperature, neighbours, page cache): servers
//! of one round meet nearly the same machine, so that ratios are taken within a round.
#![forbid(unsafe_code)]

mod plan;
mod requests;
mod rounds;
mod transfers;

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::interrupt::Interrupt;
use crate::machine::CoreArgs;
use crate::mode::{self, Mode, Traffic};

/// Options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// What to compare; a name that is none lists those there are
    #[arg(value_parser = mode::find)]
    mode: &'static Mode,
    /// How many times each server is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How long each measurement takes, after a second of warm-up [default: 4]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: Option<u32>,
    /// Connections at the same time [default: that of the mode]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: Option<u32>,
    /// Size of the body of download and upload [default: 1 GiB]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    bytes: Option<u64>,
    /// Milliseconds that a line between client and server adds to each round trip of download and
    /// upload
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(2..=2000))]
    delay: Option<u32>,
    /// Only these servers, by name [default: all of the mode that are there]
    #[arg(long, value_delimiter = ',')]
    servers: Vec<String>,
    /// Also write every turn and the medians to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    cores: CoreArgs,
}

/// Runs the comparison and prints its table. Fails if a server gave a single wrong answer.
pub(crate) fn run(args: &CompareArgs, interrupt: &Interrupt) -> Result<()> {
    check_options(args)?;
    // Created first: a path that cannot be written is not to cost a whole run.
    let json = args
        .json
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("creating {}", path.display())));
    let json = json.transpose()?;
    let failures = match args.mode.traffic {
        Traffic::Requests { .. } | Traffic::Connections { .. } => {
            let report = requests::run(args, interrupt)?;
            print!("{}", report.markdown());
            write_json(json, &report)?;
            report.failures()
        }
        Traffic::Transfer(direction) => {
            let report = transfers::run(direction, args, interrupt)?;
            print!("{}", report.markdown());
            write_json(json, &report)?;
            report.failures()
        }
    };
    if !failures.is_empty() {
        bail!("not everything was right:\n{}", failures.join("\n"));
    }
    Ok(())
}

/// Fails on an option that the mode would not heed.
fn check_options(args: &CompareArgs) -> Result<()> {
    let (kind, unheeded) = match args.mode.traffic {
        Traffic::Requests { .. } | Traffic::Connections { .. } => (
            "many requests",
            [
                ("--bytes", args.bytes.is_some()),
                ("--delay", args.delay.is_some()),
            ],
        ),
        Traffic::Transfer(_) => (
            "one transfer",
            [
                ("--seconds", args.seconds.is_some()),
                ("--connections", args.connections.is_some()),
            ],
        ),
    };
    for (option, given) in unheeded {
        ensure!(
            !given,
            "mode {} measures {kind}: {option} has no meaning there",
            args.mode.name
        );
    }
    Ok(())
}

fn write_json(file: Option<File>, report: &impl Serialize) -> Result<()> {
    match file {
        Some(file) => serde_json::to_writer_pretty(file, report).context("writing the JSON report"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: CompareArgs,
    }

    fn parsed(line: &str) -> CompareArgs {
        Line::parse_from(line.split(' ')).args
    }

    #[test]
    fn options_of_the_other_kind_are_refused() {
        for line in [
            "c h2 --seconds 1 --connections 2",
            "c handshake --connections 4",
            "c download --bytes 5 --delay 20",
        ] {
            check_options(&parsed(line)).unwrap();
        }
        for line in ["c h1 --bytes 5", "c h2 --delay 20", "c upload --seconds 1"] {
            assert!(check_options(&parsed(line)).is_err(), "{line}");
        }
    }
}
