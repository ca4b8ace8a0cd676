//! Load that checks every byte of the answers.
//!
//! wrk and h2load count answers; this reads them. It sends a bounded mix of requests to the
//! built-in application of a server on loopback, and ends with 1 on the first wrong byte.

#![forbid(unsafe_code)]

mod client;
mod http2;
mod mix;
mod numbers;

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use hdrhistogram::Histogram;

/// Load over loopback that checks every byte of the answers.
#[derive(Parser)]
#[command(name = "lanner-loadtest", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A bounded mix: keep-alive, pipelines or many streams, echoes of both framings, slow readers,
    /// abrupt ends.
    Smoke {
        /// The server's address, as http://127.0.0.1:5000. It must be on loopback.
        url: String,
        /// How many clients run at once.
        #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
        clients: u16,
        /// How often each client goes through the mix.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        rounds: u32,
        /// Speak HTTP/2, with prior knowledge.
        #[arg(long)]
        http2: bool,
    },
}

fn main() -> ExitCode {
    let Command::Smoke {
        url,
        clients,
        rounds,
        http2,
    } = Cli::parse().command;
    let mix = if http2 { http2::run } else { mix::run };
    match smoke(&url, clients, rounds, mix) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lanner-loadtest: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What one client does: against this address, with this seed, for so many rounds.
type Mix = fn(SocketAddr, u64, u32) -> Result<Histogram<u64>, String>;

fn smoke(url: &str, clients: u16, rounds: u32, mix: Mix) -> Result<(), String> {
    let address = resolve(url)?;
    let began = Instant::now();
    let mut latencies = Histogram::<u64>::new(3).map_err(|error| error.to_string())?;
    let results: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..clients)
            .map(|client| scope.spawn(move || mix(address, u64::from(client), rounds)))
            .collect();
        running.into_iter().map(|thread| thread.join()).collect()
    });
    for result in results {
        let of_one = result.map_err(|_| "a client panicked".to_owned())??;
        latencies.add(&of_one).map_err(|error| error.to_string())?;
    }
    print(&latencies, began.elapsed());
    Ok(())
}

/// The address behind a URL; load is sent to loopback only.
fn resolve(url: &str) -> Result<SocketAddr, String> {
    let host = url
        .strip_prefix("http://")
        .unwrap_or(url)
        .trim_end_matches('/');
    let address = host
        .to_socket_addrs()
        .map_err(|error| format!("{url} is no address: {error}; expected http://127.0.0.1:PORT"))?
        .next()
        .ok_or_else(|| format!("{url} has no address"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "{address} is not on loopback; load is sent nowhere else"
        ))
    }
}

fn print(latencies: &Histogram<u64>, elapsed: Duration) {
    let count = latencies.len();
    println!(
        "{count} answers in {:.1} s, every byte as expected",
        elapsed.as_secs_f64()
    );
    println!("latency in microseconds:");
    for percentile in [50.0, 90.0, 99.0, 99.9, 100.0] {
        println!(
            "  {percentile:>5} %  {:>8}",
            latencies.value_at_percentile(percentile)
        );
    }
}
