//! The load generator for HTTP/1.1: wrk with a script that prints its summary as JSON.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::{Load, Target, quoting, run_to_end};
use crate::interrupt::Interrupt;
use crate::machine;
use crate::mode::{Security, Version};
use crate::process::Running;
use crate::tls::offer::{Listener, Offer};

/// Starts the line that the script prints among wrk's own report.
const MARK: &str = "summary-json ";

/// wrk, ready to be run against one server after the other.
#[derive(Debug)]
pub(crate) struct Wrk {
    program: PathBuf,
    script: PathBuf,
    /// The settings of OpenSSL, which wrk has no options for.
    openssl: Option<PathBuf>,
    output: PathBuf,
    core: usize,
    connections: u32,
}

impl Wrk {
    /// Finds wrk and writes its script for so many requests in a pipeline to `directory`.
    pub(crate) fn prepare(
        pipeline: u32,
        connections: u32,
        security: Security,
        core: usize,
        directory: &Path,
    ) -> Result<Self> {
        let script = directory.join("wrk.lua");
        std::fs::write(&script, script_text(pipeline)).context("writing wrk's script")?;
        let openssl = match security.version() {
            Some(version) => {
                let path = directory.join("openssl.cnf");
                std::fs::write(&path, openssl_text(version)).context("writing OpenSSL's")?;
                Some(path)
            }
            None => None,
        };
        Ok(Self {
            program: machine::installed("wrk", "wrk")?,
            script,
            openssl,
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

    /// Loads `target` for `seconds`; the errors that wrk counted are in the result.
    pub(crate) fn run(
        &self,
        target: Target<'_>,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<Load> {
        let command = self.command(self.connections, seconds, &target.url_by_name());
        let (printed, waited_ns) =
            run_to_end(command, self.core, &self.output, seconds, interrupt)?;
        let (mut load, bytes) = quoting(parse(&printed), "wrk", &printed)?;
        // wrk looks at no body: that they were all there is known by their sum alone.
        ensure!(
            bytes >= load.requests * target.body.size(),
            "{} answers of {} bytes are not {bytes} bytes",
            load.requests,
            target.body.size()
        );
        load.client_waited = waited_ns as f64 / 1e3 / load.duration_us as f64;
        Ok(load)
    }

    /// What it offers to a server in its TLS handshake.
    pub(crate) fn offer(&self, interrupt: &Interrupt) -> Result<Offer> {
        let listener = Listener::open()?;
        let port = listener.address()?.port();
        let command = self.command(1, 1, &format!("https://127.0.0.1:{port}/"));
        let _running = Running::start(command, self.core, &self.output)?;
        listener.offer(interrupt)
    }

    fn command(&self, connections: u32, seconds: u32, url: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--threads", "1", "--connections", &connections.to_string()])
            .args(["--duration", &format!("{seconds}s")])
            .arg("--script")
            .arg(&self.script)
            .arg(url);
        if let Some(openssl) = &self.openssl {
            command.env("OPENSSL_CONF", openssl);
        }
        command
    }
}

/// The configuration (config(5ssl)) that leaves one choice to the server.
fn openssl_text(version: Version) -> String {
    let choice = match version {
        Version::Tls12 => "MaxProtocol = TLSv1.2\nCipherString = ECDHE-ECDSA-AES128-GCM-SHA256",
        Version::Tls13 => "MinProtocol = TLSv1.3\nCiphersuites = TLS_AES_128_GCM_SHA256",
    };
    format!(
        "openssl_conf = settings
[settings]
ssl_conf = modules
[modules]
system_default = client
[client]
{choice}
Groups = X25519
"
    )
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
   io.write(string.format('{MARK}{{\"requests\":%d,\"bytes\":%d,\"duration_us\":%d,\"latency\":%s,'
      .. '\"errors\":{{\"connect\":%d,\"read\":%d,\"write\":%d,\"status\":%d,\"timeout\":%d}}}}\\n',
      summary.requests, summary.bytes, summary.duration, percentiles, errors.connect, errors.read,
      errors.write, errors.status, errors.timeout))
end
"
    )
}

/// What the script prints: the load, and all bytes that were received, heads among them.
#[derive(Debug, Deserialize)]
struct Summary {
    bytes: u64,
    #[serde(flatten)]
    load: Load,
}

fn parse(output: &str) -> Result<(Load, u64)> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix(MARK))
        .context("it has no summary")?;
    let Summary { load, bytes } = serde_json::from_str(line)?;
    if load.requests == 0 || load.duration_us == 0 {
        bail!("not one request was answered: {line}");
    }
    Ok((load, bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const LINE: &str = r#"summary-json {"requests":4000,"bytes":400000,"duration_us":2000000,"latency":{"p50_us":1,"p99_us":2,"p999_us":3},"errors":{"connect":0,"read":1,"write":0,"status":7,"timeout":0}}"#;

    #[test]
    fn the_summary_is_found_among_other_lines() {
        let (load, bytes) = parse(&format!("Running 4s test\n{LINE}\nRequests/sec: 1\n")).unwrap();
        assert_eq!(bytes, 400_000);
        assert_eq!(load.rate(), 2000.0);
        assert_eq!(load.latency.unwrap().p999_us, 3.0);
        assert_eq!((load.errors.read, load.errors.status), (1, 7));
    }

    #[test]
    fn pipelined_runs_have_no_percentiles() {
        let start = LINE.find("{\"p50_us\"").unwrap();
        let end = LINE.find(",\"errors\"").unwrap();
        let (load, _) = parse(&LINE.replace(&LINE[start..end], "null")).unwrap();
        assert_eq!(load.latency, None);
    }

    #[test]
    fn a_run_without_requests_is_an_error() {
        assert!(parse("Running 4s test\n").is_err());
        assert!(parse(&LINE.replace(":4000,", ":0,")).is_err());
    }
}
