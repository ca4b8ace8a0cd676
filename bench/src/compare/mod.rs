//! `lanner-bench compare`: one mode or many, all servers of each in turns, round by round.
//!
//! Turns are interleaved because a machine drifts (temperature, neighbours, page cache): servers
//! of one round meet nearly the same machine, so that ratios are taken within a round.
#![forbid(unsafe_code)]

mod all;
mod latency;
mod memory;
mod outcome;
mod plan;
mod requests;
mod rounds;
mod transfers;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::interrupt::Interrupt;
use crate::machine::CoreArgs;
use crate::mode::{self, Mode, Traffic};
use crate::peer::{self, Peer};

use outcome::{Outcome, Outputs};

/// Options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// What to compare: modes separated by commas, or all; a name that is none lists those there are
    #[arg(value_parser = choose)]
    modes: Choice,
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
    /// Requests per second of latency [default: 70% of what the slowest server takes]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,
    /// Milliseconds that a line between client and server adds to each round trip of download and
    /// upload
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(2..=2000))]
    delay: Option<u32>,
    /// Only these servers, by name [default: all of the mode that are there]
    #[arg(long, value_delimiter = ',')]
    servers: Vec<String>,
    /// Another build of Lanner that takes part under a name of its own; may be repeated
    #[arg(long = "build", value_name = "NAME=PATH", value_parser = peer::other_build)]
    builds: Vec<&'static Peer>,
    /// Also write every turn and the medians to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also draw a plot into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the tables, the figures and the plots of all modes into this directory [default with
    /// several modes: bench-results]
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    cores: CoreArgs,
}

/// Modes, in the order in which they are taken.
#[derive(Debug, Clone)]
struct Choice(Vec<&'static Mode>);

fn choose(names: &str) -> Result<Choice, String> {
    if names == "all" {
        return Ok(Choice(mode::MODES.iter().collect()));
    }
    let modes: Result<_, _> = names.split(',').map(mode::find).collect();
    modes.map(Choice)
}

/// Runs the comparison and prints its tables. Fails if a server gave a single wrong answer.
pub(crate) fn run(args: &CompareArgs, interrupt: &Interrupt) -> Result<()> {
    check_builds(&args.builds)?;
    let [mode] = args.modes.0.as_slice() else {
        return all::run(&args.modes.0, args, interrupt);
    };
    if args.directory.is_some() {
        return all::run(&args.modes.0, args, interrupt);
    }
    check_options(mode, args)?;
    let outputs = Outputs::open(args.json.as_deref(), args.svg.as_deref())?;
    let outcome = measure(mode, args, interrupt)?;
    print!("{}", outcome.markdown);
    outputs.write(&outcome)?;
    if !outcome.failures.is_empty() {
        bail!("not everything was right:\n{}", outcome.failures.join("\n"));
    }
    Ok(())
}

/// Measures one mode.
fn measure(mode: &'static Mode, args: &CompareArgs, interrupt: &Interrupt) -> Result<Outcome> {
    match mode.traffic {
        Traffic::Requests { .. } | Traffic::Connections { .. } => {
            requests::run(mode, args, interrupt)
        }
        Traffic::Transfer(direction) => transfers::run(mode, direction, args, interrupt),
        Traffic::Paced { .. } => latency::run(mode, args, interrupt),
        Traffic::Idle { .. } => memory::run(mode, args, interrupt),
    }
}

/// Fails when two builds have one name.
fn check_builds(builds: &[&Peer]) -> Result<()> {
    for (number, build) in builds.iter().enumerate() {
        let mut others = builds.iter().skip(number + 1);
        ensure!(
            others.all(|other| other.name != build.name),
            "two builds have the name {}",
            build.name
        );
    }
    Ok(())
}

/// Fails on an option that the mode would not heed. With several modes, an option is for those that
/// heed it.
fn check_options(mode: &Mode, args: &CompareArgs) -> Result<()> {
    let heeded: &[&str] = match mode.traffic {
        Traffic::Requests { .. } | Traffic::Connections { .. } => &["--seconds", "--connections"],
        Traffic::Transfer(_) => &["--bytes", "--delay"],
        Traffic::Paced { .. } => &["--seconds", "--connections", "--rate"],
        Traffic::Idle { .. } => &["--connections"],
    };
    let given = [
        ("--seconds", args.seconds.is_some()),
        ("--connections", args.connections.is_some()),
        ("--bytes", args.bytes.is_some()),
        ("--delay", args.delay.is_some()),
        ("--rate", args.rate.is_some()),
    ];
    for (option, given) in given {
        ensure!(
            !given || args.modes.0.len() > 1 || heeded.contains(&option),
            "{option} has no meaning in mode {}",
            mode.name
        );
    }
    Ok(())
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

    fn check(args: &CompareArgs) -> Result<()> {
        args.modes
            .0
            .iter()
            .try_for_each(|mode| check_options(mode, args))
    }

    #[test]
    fn modes_are_one_some_or_all() {
        let names = |line| -> Vec<&str> {
            let args = parsed(line);
            args.modes.0.iter().map(|mode| mode.name).collect()
        };
        assert_eq!(names("c h2"), ["h2"]);
        assert_eq!(names("c resume,h1"), ["resume", "h1"]);
        assert_eq!(names("c all").len(), mode::MODES.len());
        assert!(choose("h1,h9").is_err() && choose("").is_err());
    }

    #[test]
    fn builds_have_names_of_their_own() {
        let args = parsed("c h1 --build before=/bin/true --build after=/bin/true");
        check_builds(&args.builds).unwrap();
        let args = parsed("c h1 --build before=/bin/true --build before=/bin/true");
        let error = check_builds(&args.builds).unwrap_err().to_string();
        assert!(error.contains("before"), "{error}");
        assert!(Line::try_parse_from(["c", "h1", "--build", "floor=/bin/true"]).is_err());
    }

    #[test]
    fn options_of_the_other_kind_are_refused() {
        for line in [
            "c h2 --seconds 1 --connections 2",
            "c handshake --connections 4",
            "c download --bytes 5 --delay 20",
            "c latency --rate 5 --seconds 1",
            "c h1,download --bytes 5 --seconds 1",
        ] {
            check(&parsed(line)).unwrap();
        }
        for line in [
            "c h1 --bytes 5",
            "c h2 --delay 20",
            "c upload --seconds 1",
            "c h1 --rate 5",
            "c memory --seconds 1",
        ] {
            assert!(check(&parsed(line)).is_err(), "{line}");
        }
    }
}
