//! What loads a server: a program for each protocol, and what it counts and times.
#![forbid(unsafe_code)]

pub(crate) mod h2load;
pub(crate) mod wrk;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::interrupt::Interrupt;
use crate::mode::Protocol;
use crate::process::Running;
use crate::process::usage::Usage;
use crate::stats::median;

use h2load::H2load;
use wrk::Wrk;

/// What a load generator may take beyond its duration to connect and to report.
const SLACK: Duration = Duration::from_secs(30);

/// A load generator, ready to be run against one server after the other.
#[derive(Debug)]
pub(crate) enum Generator {
    /// For HTTP/1.1.
    Wrk(Wrk),
    /// For HTTP/2.
    H2load(H2load),
}

/// What a run counted and timed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Answers received.
    pub(crate) requests: u64,
    /// How long the run took, in microseconds.
    pub(crate) duration_us: u64,
    /// How long answers took; `None` where the generator has no sound figures.
    pub(crate) latency: Option<Latency>,
    /// What went wrong.
    pub(crate) errors: Errors,
    /// Share of the run for which the generator was ready but something else had its core, 0 to 1.
    #[serde(default)]
    pub(crate) client_waited: f64,
}

/// Percentiles of the time from a request to its answer, in microseconds. wrk corrects them for
/// the requests that it did not send while it waited (coordinated omission), h2load does not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// The median.
    pub(crate) p50_us: f64,
    /// What 99% of the answers kept to.
    pub(crate) p99_us: f64,
    /// What 99.9% of the answers kept to.
    pub(crate) p999_us: f64,
}

/// The error counters of a load generator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Errors {
    /// Connections that were not established (wrk).
    pub(crate) connect: u64,
    /// Failed reads, among them an end of input before the answer (wrk).
    pub(crate) read: u64,
    /// Failed writes (wrk).
    pub(crate) write: u64,
    /// Answers with a status of 400 and above; with h2load, of 300 and above.
    pub(crate) status: u64,
    /// Answers that took longer than two seconds (wrk).
    pub(crate) timeout: u64,
    /// Streams that ended without an answer (h2load).
    #[serde(default)]
    pub(crate) stream: u64,
}

impl Latency {
    /// The median of each percentile over several runs; `None` if one of them has none.
    pub(crate) fn median(runs: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        let runs: Vec<Self> = runs.collect::<Option<_>>()?;
        let middle = |percentile: fn(&Self) -> f64| median(runs.iter().map(percentile));
        Some(Self {
            p50_us: middle(|run| run.p50_us),
            p99_us: middle(|run| run.p99_us),
            p999_us: middle(|run| run.p999_us),
        })
    }

    /// The cells of a Markdown table for `latency`, dashes if it is not known.
    pub(crate) fn cells(latency: Option<Self>) -> String {
        match latency {
            Some(Self {
                p50_us,
                p99_us,
                p999_us,
            }) => {
                format!("{p50_us:.0} | {p99_us:.0} | {p999_us:.0}")
            }
            None => "- | - | -".to_owned(),
        }
    }
}

impl Load {
    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 * 1e6 / self.duration_us as f64
    }
}

impl Generator {
    /// Finds the program for `protocol`; what it needs of files goes to `directory`. Each of
    /// `connections` has `in_flight` requests waiting for their answers.
    pub(crate) fn prepare(
        protocol: Protocol,
        connections: u32,
        in_flight: u32,
        core: usize,
        directory: &Path,
    ) -> Result<Self> {
        Ok(match protocol {
            Protocol::Http1 => Self::Wrk(Wrk::prepare(in_flight, connections, core, directory)?),
            Protocol::Http2 => {
                Self::H2load(H2load::prepare(in_flight, connections, core, directory)?)
            }
        })
    }

    /// The program's name and version.
    pub(crate) fn version(&self) -> String {
        match self {
            Self::Wrk(wrk) => wrk.version(),
            Self::H2load(h2load) => h2load.version(),
        }
    }

    /// Loads `url` for `seconds`; the errors that the program counted are in the result.
    pub(crate) fn run(&self, url: &str, seconds: u32, interrupt: &Interrupt) -> Result<Load> {
        match self {
            Self::Wrk(wrk) => wrk.run(url, seconds, interrupt),
            Self::H2load(h2load) => h2load.run(url, seconds, interrupt),
        }
    }

    /// The percentiles that belong to `load`, by a run of its own if the program needs one.
    pub(crate) fn latency(
        &self,
        url: &str,
        load: &Load,
        interrupt: &Interrupt,
    ) -> Result<Option<Latency>> {
        match self {
            Self::Wrk(_) => Ok(load.latency),
            Self::H2load(h2load) => h2load.latency(url, interrupt).map(Some),
        }
    }
}

/// Runs `command` on `core` until it ends by itself, within `seconds` and [`SLACK`]. Answers what
/// it printed, and for how many nanoseconds it was ready but something else had the core.
fn run_to_end(
    command: Command,
    core: usize,
    output: &Path,
    seconds: u32,
    interrupt: &Interrupt,
) -> Result<(String, u64)> {
    let name = command.get_program().to_owned();
    let name = Path::new(&name).file_name().unwrap_or(&name).display();
    let mut running = Running::start(command, core, output)?;
    let limit = Duration::from_secs(seconds.into()) + SLACK;
    let mut usage = Usage::default();
    let ended = interrupt.wait_for(limit, || {
        // The counters of a thread go when it ends, so the last reading with all of them has to
        // do; one that has fallen was taken while the program was ending.
        if let Ok(now) = Usage::of_process(running.id())
            && now.cpu_ns >= usage.cpu_ns
        {
            usage = now;
        }
        running.ended()
    })?;
    match ended {
        Some(status) if status.success() => Ok((running.printed()?, usage.waited_ns)),
        Some(status) => bail!("{name} failed, {status}; {}", running.last_words()),
        None => bail!("{name} did not end; {}", running.last_words()),
    }
}

/// `error` with the end of what the program printed.
fn quoting<T>(result: Result<T>, program: &str, printed: &str) -> Result<T> {
    result.with_context(|| format!("{program} printed:\n{}", printed.trim()))
}
