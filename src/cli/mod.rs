//! The command line: `lanner run`, `lanner check` and `lanner dev-certs`.
//!
//! Owns the arguments, the environment variables behind them and exit codes. Everything that a
//! command does is done by the library.

#![forbid(unsafe_code)]

mod app;
mod arguments;
mod check;
mod dev_certs;
mod page;
mod tls;

/// The built-in application; here so that benchmarks can measure what the command serves.
pub use app::serve as built_in_application;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::http::Protocols;
use crate::journal;
use crate::net::Steering;
use crate::ring;
use crate::server::{Server, ShardCount, StartError};

/// An HTTP server for Linux: io_uring, one shard per core.
#[derive(Parser)]
#[command(name = "lanner", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the built-in application (what `lanner` does without a command).
    Run(RunArgs),
    /// Print what this machine offers a server and what to do about each lack.
    Check,
    /// Show, renew or trust the development certificate, which https on localhost uses.
    DevCerts {
        #[command(subcommand)]
        action: Option<dev_certs::Action>,
    },
}

#[derive(Args)]
struct RunArgs {
    /// Addresses to listen on, separated by ';': http://localhost:5000, https://localhost:5001,
    /// http://*:80, http://127.0.0.1:8080, http://unix:/run/lanner.sock?mode=660,
    /// http://unix:@name.
    #[arg(long, env = "LANNER_URLS", default_value = crate::server::DEFAULT_URL)]
    urls: String,
    /// How many shards to run: a number, or 'auto' for one per CPU that the affinity mask and the
    /// cgroup quota allow.
    #[arg(long, default_value = "auto")]
    shards: ShardCount,
    /// Share TCP addresses with other processes of the same user that ask for it too.
    #[arg(long)]
    reuse_port: bool,
    /// How new TCP connections are spread over the shards: by 'hash', or to the shard of the 'cpu'
    /// that processes their first packet. See docs/SCALING.md.
    #[arg(long, value_enum, default_value_t = SteeringArg::Hash)]
    steering: SteeringArg,
    /// Which protocols to speak: 'http1', 'http2', or 'both', told apart by ALPN, or without TLS
    /// by the first bytes of a connection.
    #[arg(long, value_enum, default_value_t = ProtocolsArg::Both)]
    protocols: ProtocolsArg,
    #[command(flatten)]
    tls: tls::TlsArgs,
}

/// [`Protocols`] as the command line names them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProtocolsArg {
    /// HTTP/1.1 and HTTP/1.0.
    Http1,
    /// HTTP/2; without TLS with prior knowledge.
    Http2,
    /// Both.
    Both,
}

impl From<ProtocolsArg> for Protocols {
    fn from(argument: ProtocolsArg) -> Self {
        match argument {
            ProtocolsArg::Http1 => Self::Http1,
            ProtocolsArg::Http2 => Self::Http2,
            ProtocolsArg::Both => Self::Http1AndHttp2,
        }
    }
}

/// [`Steering`] as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SteeringArg {
    /// By a hash of addresses and ports.
    Hash,
    /// By the receiving CPU.
    Cpu,
}

impl From<SteeringArg> for Steering {
    fn from(argument: SteeringArg) -> Self {
        match argument {
            SteeringArg::Hash => Self::Hash,
            SteeringArg::Cpu => Self::ReceivingCpu,
        }
    }
}

/// Runs the command that the arguments name. The exit code is 0 after an orderly end, 1 when the
/// server cannot start here and now, 2 when arguments or variables make no sense.
#[must_use]
pub fn main() -> ExitCode {
    let (cli, urls_of_environment) = match parse(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        Err(error) => return arguments::refuse(&error, &Cli::command()),
    };
    match cli.command {
        Command::Run(args) => match run(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let variable = if urls_of_environment && matches!(error, StartError::Address(_)) {
                    "the variable LANNER_URLS: "
                } else {
                    ""
                };
                eprintln!("lanner: {variable}{error}");
                ExitCode::from(arguments::exit_code(&error))
            }
        },
        Command::Check => check(),
        Command::DevCerts { action } => dev_certs::run(action.unwrap_or(dev_certs::Action::Show)),
    }
}

/// The arguments, and whether the addresses come from the environment.
fn parse(given: Vec<OsString>) -> Result<(Cli, bool), clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments::with_command(given))?;
    let urls = matches
        .subcommand_matches("run")
        .and_then(|run| run.value_source("urls"));
    let cli = Cli::from_arg_matches(&matches)?;
    Ok((cli, urls == Some(ValueSource::EnvVariable)))
}

fn run(args: &RunArgs) -> Result<(), StartError> {
    journal::report_panics();
    let protocols = args.protocols.into();
    let mut server = Server::new()
        .urls(&args.urls)?
        .shards(args.shards)
        .reuse_port(args.reuse_port)
        .steering(args.steering.into())
        .protocols(protocols);
    if let Some(tls) = args.tls.settings(protocols)? {
        server = server.tls(tls);
    }
    server.run(app::serve)
}

fn check() -> ExitCode {
    let probe = match ring::probe(&ring::RingConfig::default()) {
        Ok(found) => found.shard.map_err(|error| error.to_string()).map(|()| {
            let part = |name: &str, present, needed| check::RingPart {
                name: name.to_owned(),
                present,
                needed,
            };
            let flags = found
                .flags
                .iter()
                .map(|(name, present)| part(name, *present, false));
            let operations = found
                .operations
                .iter()
                .map(|(name, present)| part(name, *present, true));
            let registered = part("registered ring descriptor", found.registered_ring, false);
            flags.chain(operations).chain([registered]).collect()
        }),
        Err(error) => Err(error.to_string()),
    };
    match check::run(&mut io::stdout().lock(), &probe) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lanner: the report cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}
