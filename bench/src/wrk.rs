//! The load generator for HTTP/1.1: wrk with a script that prints its summary as JSON.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::interrupt::Interrupt;
use crate::machine;
use crate::mode::Mode;
use crate::process::Running;
use crate::process::usage::Usage;
use crate::stats::median;

/// Starts the line that the script prints among wrk's own report.
const MARK: &str = "summary-json ";
/// What wrk may take beyond its duration to connect and to report.
const SLACK: Duration = Duration::from_secs(30);

/// wrk, ready to be run against one server after the other.
#[derive(Debug)]
pub(crate) struct Wrk {
    program: PathBuf,
    script: PathBuf,
    output: PathBuf,
    core: usize,
    connections: u32,
}

/// What a run of wrk counted and timed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Answers received.
    pub(crate) requests: u64,
    /// How long the run took, in microseconds.
    pub(crate) duration_us: u64,
    /// How long answers took; `None` with pipelining, see [`script_text`].
    pub(crate) latency: Option<Latency>,
    /// What went wrong.
    pub(crate) errors: Errors,
    /// Share of the run for which wrk was ready but something else had its core, 0 to 1.
    #[serde(default)]
    pub(crate) client_waited: f64,
}

/// Percentiles of the time from a request to its answer, in microseconds, corrected by wrk for
/// the requests that it did not send while it waited (coordinated omission).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// The median.
    pub(crate) p50_us: f64,
    /// What 99% of the answers kept to.
    pub(crate) p99_us: f64,
    /// What 99.9% of the answers kept to.
    pub(crate) p999_us: f64,
}

/// wrk's error counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Errors {
    /// Connections that were not established.
    pub(crate) connect: u64,
    /// Failed reads, among them an end of input before the answer.
    pub(crate) read: u64,
    /// Failed writes.
    pub(crate) write: u64,
    /// Answers with a status of 400 and above.
    pub(crate) status: u64,
    /// Answers that took longer than two seconds.
    pub(crate) timeout: u64,
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

impl Wrk {
    /// Finds wrk and writes its script for `mode` to `directory`.
    pub(crate) fn prepare(
        mode: &Mode,
        connections: u32,
        core: usize,
        directory: &Path,
    ) -> Result<Self> {
        let script = directory.join("wrk.lua");
        std::fs::write(&script, script_text(mode.pipeline)).context("writing wrk's script")?;
        Ok(Self {
            program: machine::installed("wrk", "wrk")?,
            script,
            output: directory.join("wrk.output"),
            core,
            connections,
        })
    }

    /// wrk's version as it prints it.
    pub(crate) fn version(&self) -> String {
        let line = machine::first_line(&self.program, &["-v"]);
        line.split(" Copyright")
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// Loads `url` for `seconds`; the errors that wrk counted are in the result.
    pub(crate) fn run(&self, url: &str, seconds: u32, interrupt: &Interrupt) -> Result<Load> {
        let mut command = Command::new(&self.program);
        command
            .args([
                "--threads",
                "1",
                "--connections",
                &self.connections.to_string(),
            ])
            .args(["--duration", &format!("{seconds}s")])
            .arg("--script")
            .arg(&self.script)
            .arg(url);
        let mut running = Running::start(command, self.core, &self.output)?;
        let limit = Duration::from_secs(seconds.into()) + SLACK;
        let mut usage = Usage::default();
        let ended = interrupt.wait_for(limit, || {
            // The counters of a thread go when it ends, so the last reading with all of them has to
            // do; one that has fallen was taken while wrk was ending.
            if let Ok(now) = Usage::of_process(running.id())
                && now.cpu_ns >= usage.cpu_ns
            {
                usage = now;
            }
            running.ended()
        })?;
        match ended {
            Some(status) if status.success() => {
                let mut load = parse(&running.printed()?)
                    .with_context(|| format!("no summary from wrk; {}", running.last_words()))?;
                load.client_waited = usage.waited_ns as f64 / 1e3 / load.duration_us as f64;
                Ok(load)
            }
            Some(status) => bail!("wrk failed, {status}; {}", running.last_words()),
            None => bail!("wrk did not end; {}", running.last_words()),
        }
    }
}

/// The script. Only pipelining makes requests in it: wrk is faster with those that no script makes.
///
/// With pipelining there are no percentiles. wrk takes one time per batch, but corrects for
/// coordinated omission by the interval between single answers: of sixteen, most samples are then
/// invented, some below the lowest real one, and its percentiles are wrong (up to 0 for the p99).
fn script_text(pipeline: u32) -> String {
    let (request, latency) = if pipeline > 1 {
        let request = format!(
            "local batch
init = function(arguments)
   batch = string.rep(wrk.format(), {pipeline})
end
request = function() return batch end
"
        );
        (request, "'null'")
    } else {
        let latency = "string.format('{\"p50_us\":%d,\"p99_us\":%d,\"p999_us\":%d}',
      latency:percentile(50), latency:percentile(99), latency:percentile(99.9))";
        (String::new(), latency)
    };
    format!(
        "{request}done = function(summary, latency, _)
   local errors = summary.errors
   local percentiles = {latency}
   io.write(string.format('{MARK}{{\"requests\":%d,\"duration_us\":%d,\"latency\":%s,'
      .. '\"errors\":{{\"connect\":%d,\"read\":%d,\"write\":%d,\"status\":%d,\"timeout\":%d}}}}\\n',
      summary.requests, summary.duration, percentiles, errors.connect, errors.read,
      errors.write, errors.status, errors.timeout))
end
"
    )
}

fn parse(output: &str) -> Result<Load> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix(MARK))
        .context("the line is missing")?;
    let load: Load = serde_json::from_str(line)?;
    if load.requests == 0 || load.duration_us == 0 {
        bail!("not one request was answered: {line}");
    }
    Ok(load)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const LINE: &str = r#"summary-json {"requests":4000,"duration_us":2000000,"latency":{"p50_us":1,"p99_us":2,"p999_us":3},"errors":{"connect":0,"read":1,"write":0,"status":7,"timeout":0}}"#;

    #[test]
    fn the_summary_is_found_among_other_lines() {
        let load = parse(&format!("Running 4s test\n{LINE}\nRequests/sec: 1\n")).unwrap();
        assert_eq!(load.rate(), 2000.0);
        assert_eq!(load.latency.unwrap().p999_us, 3.0);
        assert_eq!((load.errors.read, load.errors.status), (1, 7));
    }

    #[test]
    fn pipelined_runs_have_no_percentiles() {
        let start = LINE.find("{\"p50_us\"").unwrap();
        let end = LINE.find(",\"errors\"").unwrap();
        let load = parse(&LINE.replace(&LINE[start..end], "null")).unwrap();
        assert_eq!(load.latency, None);
    }

    #[test]
    fn a_run_without_requests_is_an_error() {
        assert!(parse("Running 4s test\n").is_err());
        assert!(parse(&LINE.replace("4000", "0")).is_err());
    }
}
