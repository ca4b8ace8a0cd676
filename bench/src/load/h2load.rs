//! The load generator for HTTP/2: h2load of nghttp2, whose report is text and whose log has a line
//! for each answer.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Errors, Latency, Load, Target, quoting, run_to_end};
use crate::interrupt::Interrupt;
use crate::machine;
use crate::stats::percentile;

/// Answers of the run that percentiles are taken from: a hundred beyond the p99.9, and a log of a
/// few MiB.
const SAMPLE: u32 = 100_000;
/// Share of that run that is left out at its begin, where connections are being opened.
const SETTLING: usize = 10;
/// What it offers over TLS, and what it has to report then: the choice that all servers have.
const CHOICE: [&str; 2] = ["--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519"];
const CHOSEN: [(&str, &str); 4] = [
    ("TLS Protocol: ", "TLSv1.3"),
    ("Cipher: ", "TLS_AES_128_GCM_SHA256"),
    ("Server Temp Key: ", "X25519 253 bits"),
    ("Application protocol: ", "h2"),
];

/// h2load, ready to be run against one server after the other.
#[derive(Debug)]
pub(crate) struct H2load {
    program: PathBuf,
    log: PathBuf,
    output: PathBuf,
    core: usize,
    connections: u32,
    streams: u32,
}

/// One long body that has gone through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transferred {
    /// From the request to the end of the response, in microseconds.
    pub(crate) duration_us: u64,
    /// Bytes of the response's body.
    pub(crate) received: u64,
    /// Share of the time for which h2load was ready but something else had its core, 0 to 1.
    pub(crate) client_waited: f64,
}

/// What h2load reports at its end.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    started: u64,
    done: u64,
    errors: Errors,
    body_bytes: u64,
}

/// A line of h2load's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    status: i32,
    duration_us: u64,
}

impl H2load {
    /// Finds h2load; its log will be in `directory`.
    pub(crate) fn prepare(
        streams: u32,
        connections: u32,
        core: usize,
        directory: &Path,
    ) -> Result<Self> {
        Ok(Self {
            program: machine::installed("h2load", "nghttp2-client")?,
            log: directory.join("h2load.log"),
            output: directory.join("h2load.output"),
            core,
            connections,
            streams,
        })
    }

    /// h2load's name and version as it prints them.
    pub(crate) fn version(&self) -> String {
        machine::first_line(&self.program, &["--version"])
    }

    /// Loads `target` for `seconds`; the errors that h2load counted are in the result.
    pub(crate) fn run(
        &self,
        target: Target<'_>,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<Load> {
        let url = target.url();
        let mut command = self.command();
        command.args(["--duration", &seconds.to_string(), &url]);
        let (summary, waited_ns) = self.finish(command, &url, seconds, interrupt)?;
        ensure!(summary.done > 0, "not one request was answered");
        // The body of an answer may be there when its end is not, so the last ones may count or not.
        let each = target.body.size();
        let bodies = summary.done * each..=summary.started.max(summary.done) * each;
        ensure!(
            summary.errors != Errors::default() || bodies.contains(&summary.body_bytes),
            "{} answers of {each} bytes are not {} bytes",
            summary.done,
            summary.body_bytes
        );
        Ok(Load {
            requests: summary.done,
            // It counts for exactly this long, whatever it takes to open and close connections.
            duration_us: u64::from(seconds) * 1_000_000,
            latency: None,
            errors: summary.errors,
            client_waited: waited_ns as f64 / 1e9 / f64::from(seconds),
            handshakes: None,
        })
    }

    /// How long answers of `target` take, by a run of [`SAMPLE`] requests that are logged: h2load
    /// itself prints no percentiles.
    pub(crate) fn latency(&self, target: Target<'_>, interrupt: &Interrupt) -> Result<Latency> {
        let requests = SAMPLE.max(self.connections * self.streams * 2);
        let requests = ["--requests", &requests.to_string()];
        let (summary, rows, _) = self.logged(&requests, &target.url(), 0, interrupt)?;
        ensure!(summary.errors == Errors::default(), "{:?}", summary.errors);
        percentiles(&rows).context("h2load's log is empty")
    }

    /// Fetches `url` once, or posts the file `upload` to it, and waits for `seconds` at most.
    pub(crate) fn transfer(
        &self,
        url: &str,
        upload: Option<&Path>,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<Transferred> {
        let mut arguments = vec!["--requests", "1"];
        if let Some(file) = upload {
            let file = file.to_str().context("the directory is not UTF-8")?;
            arguments.extend(["--data", file]);
        }
        let (summary, rows, waited_ns) = self.logged(&arguments, url, seconds, interrupt)?;
        let &[row] = rows.as_slice() else {
            bail!("h2load logged {} answers to one request", rows.len());
        };
        ensure!(
            row.status == 200 && summary.done == 1 && summary.errors == Errors::default(),
            "the status is {}, and {:?}",
            row.status,
            summary.errors
        );
        let duration_us = row.duration_us.max(1);
        Ok(Transferred {
            duration_us,
            received: summary.body_bytes,
            client_waited: waited_ns as f64 / 1e3 / duration_us as f64,
        })
    }

    /// The program with what all runs have in common. Its windows are 1 GiB by default, so that
    /// it is always the server that flow control depends on.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--threads", "1", "--clients", &self.connections.to_string()])
            .args(["--max-concurrent-streams", &self.streams.to_string()])
            .args(CHOICE);
        command
    }

    fn logged(
        &self,
        arguments: &[&str],
        url: &str,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<(Summary, Vec<Row>, u64)> {
        // It appends to a log that is there.
        if self.log.exists() {
            fs::remove_file(&self.log).context("removing the last log")?;
        }
        let mut command = self.command();
        command
            .arg("--log-file")
            .arg(&self.log)
            .args(arguments)
            .arg(url);
        let (summary, waited_ns) = self.finish(command, url, seconds, interrupt)?;
        let log = fs::read_to_string(&self.log).context("reading h2load's log")?;
        let rows: Option<Vec<Row>> = log.lines().map(Row::parse).collect();
        Ok((
            summary,
            rows.context("h2load's log is not as expected")?,
            waited_ns,
        ))
    }

    fn finish(
        &self,
        command: Command,
        url: &str,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<(Summary, u64)> {
        let (printed, waited_ns) =
            run_to_end(command, self.core, &self.output, seconds, interrupt)?;
        if url.starts_with("https:") {
            quoting(expect_choice(&printed), "h2load", &printed)?;
        }
        let summary = Summary::parse(&printed).context("it has no summary");
        Ok((quoting(summary, "h2load", &printed)?, waited_ns))
    }
}

impl Summary {
    fn parse(printed: &str) -> Option<Self> {
        let requests = line_of(printed, "requests: ")?;
        let codes = line_of(printed, "status codes: ")?;
        let other = |class| counted(codes, class);
        Some(Self {
            started: counted(requests, "started")?,
            done: counted(requests, "done")?,
            errors: Errors {
                status: other("3xx")? + other("4xx")? + other("5xx")?,
                // Among the failed are those with such a status, those errored and timed out.
                stream: counted(requests, "failed")?,
                ..Errors::default()
            },
            body_bytes: body_bytes(line_of(printed, "traffic: ")?)?,
        })
    }
}

impl Row {
    /// Start, status and duration, separated by tabs; more columns may follow.
    fn parse(line: &str) -> Option<Self> {
        let mut columns = line.split('\t').skip(1);
        Some(Self {
            status: columns.next()?.parse().ok()?,
            duration_us: columns.next()?.parse().ok()?,
        })
    }
}

/// Fails unless it says that the choice was taken that is offered.
fn expect_choice(printed: &str) -> Result<()> {
    for (what, chosen) in CHOSEN {
        let reported = line_of(printed, what).with_context(|| format!("it has no {what}"))?;
        ensure!(reported == chosen, "{what}{reported}, not {chosen}");
    }
    Ok(())
}

fn line_of<'a>(printed: &'a str, start: &str) -> Option<&'a str> {
    printed.lines().find_map(|line| line.strip_prefix(start))
}

/// The number before `what` in a line of `12 this, 34 that`.
fn counted(line: &str, what: &str) -> Option<u64> {
    line.split(", ")
        .find_map(|part| part.strip_suffix(what)?.trim_end().parse().ok())
}

/// The exact number of the last part of `1.2MB (1258291) total, ..., 1.0MB (1048576) data`.
fn body_bytes(traffic: &str) -> Option<u64> {
    let data = traffic.strip_suffix(" data")?;
    let (_, exact) = data.rsplit_once('(')?;
    exact.strip_suffix(')')?.parse().ok()
}

/// The percentiles of the rows behind the first tenth.
fn percentiles(rows: &[Row]) -> Option<Latency> {
    let settled = rows.get(rows.len() / SETTLING..)?;
    let mut times: Vec<u64> = settled.iter().map(|row| row.duration_us).collect();
    times.sort_unstable();
    let at = |share| percentile(&times, share).map(|time| time as f64);
    Some(Latency {
        p50_us: at(0.5)?,
        p99_us: at(0.99)?,
        p999_us: at(0.999)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const REPORT: &str = "starting benchmark...
progress: 100% of clients started
finished in 1.01s, 150496.00 req/s, 5.89MB/s
requests: 150496 total, 150752 started, 150496 done, 150490 succeeded, 6 failed, 2 errored, 0 timeout
status codes: 150490 2xx, 1 3xx, 2 4xx, 3 5xx
traffic: 5.89MB (6171296) total, 1.44MB (1505728) headers (space savings 93.50%), 1.87MB (1956448) data
                     min         max         mean         sd        +/- sd
";

    #[test]
    fn the_report_is_read_exactly() {
        let expected = Summary {
            started: 150_752,
            done: 150_496,
            errors: Errors {
                status: 6,
                stream: 6,
                ..Errors::default()
            },
            body_bytes: 1_956_448,
        };
        assert_eq!(Summary::parse(REPORT), Some(expected));
        for line in ["requests: ", "status codes: ", "traffic: "] {
            assert_eq!(Summary::parse(&REPORT.replace(line, "other: ")), None);
        }
    }

    #[test]
    fn what_tls_has_come_to_must_be_what_is_offered() {
        let right: String = CHOSEN.map(|(what, is)| format!("{what}{is}\n")).concat();
        expect_choice(&right).unwrap();
        assert!(expect_choice(&right.replace("X25519", "ECDH P-256")).is_err());
        assert!(expect_choice(REPORT).is_err());
    }

    #[test]
    fn a_row_of_the_log_may_have_further_columns() {
        let row = Row {
            status: -1,
            duration_us: 4556,
        };
        assert_eq!(Row::parse("1795532518455574\t-1\t4556"), Some(row));
        assert_eq!(Row::parse("1795532518455574\t-1\t4556\tmore"), Some(row));
        assert_eq!(Row::parse("1795532518455574\t200"), None);
    }

    #[test]
    fn percentiles_leave_the_begin_out() {
        let rows: Vec<Row> = (0..1100)
            .map(|number| Row {
                status: 200,
                // The first hundred are the slowest.
                duration_us: if number < 110 { 9_999 } else { number - 110 },
            })
            .collect();
        let latency = percentiles(&rows).unwrap();
        assert_eq!(
            (latency.p50_us, latency.p99_us, latency.p999_us),
            (495.0, 980.0, 989.0)
        );
        assert_eq!(percentiles(&[]), None);
    }
}
