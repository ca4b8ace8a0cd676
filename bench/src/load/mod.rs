//! What loads a server: a program for each protocol, and what it counts and times.
#![forbid(unsafe_code)]

pub(crate) mod connections;
pub(crate) mod h2load;
pub(crate) mod paced;
pub(crate) mod wrk;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::interrupt::Interrupt;
use crate::mode::{Body, Mode, Protocol, Security, Traffic};
use crate::process::Running;
use crate::process::usage::Usage;
use crate::stats::median;

use crate::tls;
use crate::tls::certificate::Certificate;

use connections::Connections;
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
    /// For a connection per request.
    Connections(Connections),
}

/// What a generator asks for, and of whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    /// What it is asked for.
    pub(crate) body: Body,
    /// The certificate of the server, if it speaks TLS.
    pub(crate) certificate: Option<&'a Certificate>,
}

impl Target<'_> {
    /// The URL by the server's address.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{}", self.address, self.body.path())
    }

    /// The URL by the name in the certificate, if there is one, for clients that send what stands
    /// there as the name of the server (RFC 6066, section 3, which forbids addresses).
    pub(crate) fn url_by_name(&self) -> String {
        let url = self.url();
        match self.certificate {
            Some(_) => url.replacen(&self.address.ip().to_string(), tls::NAME, 1),
            None => url,
        }
    }
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
    /// Of a generator that makes TLS connections and looks at them.
    #[serde(default)]
    pub(crate) handshakes: Option<Handshakes>,
}

/// How the TLS connections of a run began and ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handshakes {
    /// Those with a certificate.
    pub(crate) full: u64,
    /// Those that went on with an earlier session.
    pub(crate) resumed: u64,
    /// Session tickets that were received.
    pub(crate) tickets: u64,
    /// Connections that the server ended without close_notify (RFC 8446, section 6.1).
    pub(crate) unclean: u64,
}

/// Percentiles of the time from a request to its answer, in microseconds. wrk corrects them for
/// the requests that it did not send while it waited (coordinated omission); at a fixed rate time
/// counts from when they were due; the others do neither.
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
    /// Violations of TLS, and answers that are none (connection per request).
    #[serde(default)]
    pub(crate) protocol: u64,
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
    /// Finds the program for the requests of `mode`; what it needs of files goes to `directory`.
    pub(crate) fn prepare(
        mode: &Mode,
        connections: u32,
        core: usize,
        directory: &Path,
    ) -> Result<Self> {
        let security = mode.security;
        Ok(match (mode.traffic, mode.protocol) {
            (Traffic::Requests { in_flight, .. }, Protocol::Http1) => Self::Wrk(Wrk::prepare(
                in_flight,
                connections,
                security,
                core,
                directory,
            )?),
            (Traffic::Requests { in_flight, .. }, Protocol::Http2) => {
                let h2load = H2load::prepare(in_flight, connections, core, directory)?;
                Self::H2load(h2load)
            }
            (Traffic::Connections { resumed, .. }, Protocol::Http1) => Self::Connections(
                Connections::prepare(connections, security, resumed, core, directory)?,
            ),
            (Traffic::Connections { .. }, Protocol::Http2)
            | (Traffic::Transfer(_) | Traffic::Paced { .. } | Traffic::Idle { .. }, _) => {
                bail!("nothing loads a server so")
            }
        })
    }

    /// The program's name and version.
    pub(crate) fn version(&self) -> String {
        match self {
            Self::Wrk(wrk) => wrk.version(),
            Self::H2load(h2load) => h2load.version(),
            Self::Connections(_) => Connections::version(),
        }
    }

    /// Fails if the program would leave a choice of cryptography to a server of `security`.
    pub(crate) fn check_offer(&self, security: Security, interrupt: &Interrupt) -> Result<()> {
        match (self, security) {
            // The others are our own, or say what was negotiated.
            (Self::Wrk(wrk), Security::Tls(version)) => {
                let offer = wrk.offer(interrupt).context("what wrk offers")?;
                offer.expect(version).context("what wrk offers")
            }
            _ => Ok(()),
        }
    }

    /// Loads `target` for `seconds`; the errors that the program counted are in the result.
    pub(crate) fn run(
        &self,
        target: Target<'_>,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<Load> {
        match self {
            Self::Wrk(wrk) => wrk.run(target, seconds, interrupt),
            Self::H2load(h2load) => h2load.run(target, seconds, interrupt),
            Self::Connections(connections) => connections.run(target, seconds, interrupt),
        }
    }

    /// The percentiles that belong to `load`, by a run of its own if the program needs one.
    pub(crate) fn latency(
        &self,
        target: Target<'_>,
        load: &Load,
        interrupt: &Interrupt,
    ) -> Result<Option<Latency>> {
        match self {
            Self::Wrk(_) | Self::Connections(_) => Ok(load.latency),
            Self::H2load(h2load) => h2load.latency(target, interrupt).map(Some),
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
