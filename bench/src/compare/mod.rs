//! `lanner-bench compare`: one mode, all its servers in turns, round by round.
//!
//! Turns are interleaved because a machine drifts (temperature, neighbours, page cache): servers
//! of one round meet nearly the same machine, so that ratios are taken within a round.
#![forbid(unsafe_code)]

mod requests;
mod rounds;
mod transfers;

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::interrupt::Interrupt;
use crate::machine::{CoreArgs, Cores};
use crate::mode::{self, Mode, Traffic};
use crate::peer::Peer;

/// Options of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// What to compare: h1, h1pipe, h2, h2x1, download or upload
    #[arg(value_parser = mode::find)]
    mode: &'static Mode,
    /// How many times each server is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How long each measurement takes, after a second of warm-up [default: 4]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: Option<u32>,
    /// Keep-alive connections [default: 64; h2: 8]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: Option<u32>,
    /// Size of the body of download and upload [default: 1 GiB]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    bytes: Option<u64>,
    /// Milliseconds that a line between client and server adds to each round trip of download and
    /// upload
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(2..=2000))]
    delay: Option<u32>,
    /// Only these servers, by name [default: all of the mode]
    #[arg(long, value_delimiter = ',')]
    servers: Vec<String>,
    /// Also write every turn and the medians to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    cores: CoreArgs,
}

/// A server and its program.
type Contender = (&'static Peer, PathBuf);

/// What every kind of comparison is told.
struct Plan {
    mode: &'static Mode,
    contenders: Vec<Contender>,
    rounds: u32,
    cores: Cores,
}

impl Plan {
    /// The servers' names, in the order of the table.
    fn servers(&self) -> Vec<&'static str> {
        self.contenders.iter().map(|(peer, _)| peer.name).collect()
    }

    /// The server that the others are related to: that of the mode, or the first if that one was
    /// not asked for.
    fn reference(&self) -> &'static str {
        let servers = self.servers();
        if servers.contains(&self.mode.reference) {
            return self.mode.reference;
        }
        servers.first().copied().unwrap_or_default()
    }
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
    let mut plan = Plan {
        mode: args.mode,
        contenders: Vec::new(),
        rounds: args.rounds,
        cores: args.cores.choose()?,
    };
    for peer in chosen_peers(args.mode, &args.servers)? {
        interrupt.check()?;
        plan.contenders.push((peer, peer.obtain()?));
    }
    match args.mode.traffic {
        Traffic::Requests { .. } => {
            let report = requests::run(&plan, args, interrupt)?;
            print!("{}", report.markdown());
            write_json(json, &report)?;
            let wrong = report.wrong_turns();
            if !wrong.is_empty() {
                bail!("wrong answers or failed connections:\n{}", wrong.join("\n"));
            }
        }
        Traffic::Transfer(direction) => {
            let report = transfers::run(&plan, direction, args, interrupt)?;
            print!("{}", report.markdown());
            write_json(json, &report)?;
        }
    }
    Ok(())
}

/// Fails on an option that the mode would not heed.
fn check_options(args: &CompareArgs) -> Result<()> {
    let (kind, unheeded) = match args.mode.traffic {
        Traffic::Requests { .. } => (
            "small requests",
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
    fn the_reference_is_that_of_the_mode_or_the_first_there_is() {
        let plan = |names: &[&str]| {
            let mode = mode::find("h2").unwrap();
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let peers = chosen_peers(mode, &names).unwrap();
            Plan {
                mode,
                contenders: peers
                    .into_iter()
                    .map(|peer| (peer, PathBuf::new()))
                    .collect(),
                rounds: 1,
                cores: Cores {
                    server: 1,
                    client: 0,
                },
            }
        };
        assert_eq!(plan(&[]).reference(), "h2o");
        assert_eq!(plan(&["nginx", "hyper"]).reference(), "hyper");
    }

    #[test]
    fn options_of_the_other_kind_are_refused() {
        for line in [
            "c h2 --seconds 1 --connections 2",
            "c download --bytes 5 --delay 20",
        ] {
            check_options(&parsed(line)).unwrap();
        }
        for line in ["c h1 --bytes 5", "c h2 --delay 20", "c upload --seconds 1"] {
            assert!(check_options(&parsed(line)).is_err(), "{line}");
        }
    }
}
