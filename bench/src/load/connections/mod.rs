//! The load generator that makes a new connection for each request, over TCP or TLS.
//!
//! It is this program itself, in a process of its own on the client's core. `client` is what runs
//! there, `exchange` one connection of it.

mod client;
mod exchange;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{Load, Target, quoting, run_to_end};
use crate::interrupt::Interrupt;
use crate::mode::{Body, Security, Version};

pub(crate) use client::run;

/// The arguments of the process that makes the connections.
#[derive(Debug, Args)]
pub(crate) struct ConnectionsArgs {
    /// Where the server listens
    address: SocketAddr,
    /// How long it is loaded
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// Connections that are open at the same time
    #[arg(long, default_value_t = 16)]
    in_flight: u32,
    /// The version of TLS [default: no TLS]
    #[arg(long, requires = "certificate")]
    tls: Option<Version>,
    /// The server's certificate, which is the only one that will do
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Resume the sessions of earlier connections
    #[arg(long, requires = "tls")]
    resumed: bool,
}

/// The generator, ready to be run against one server after the other.
#[derive(Debug)]
pub(crate) struct Connections {
    program: PathBuf,
    output: PathBuf,
    core: usize,
    in_flight: u32,
    security: Security,
    resumed: bool,
}

impl Connections {
    /// `in_flight` connections are to be open at the same time.
    pub(crate) fn prepare(
        in_flight: u32,
        security: Security,
        resumed: bool,
        core: usize,
        directory: &Path,
    ) -> Result<Self> {
        Ok(Self {
            program: std::env::current_exe().context("finding this program")?,
            output: directory.join("connections.output"),
            core,
            in_flight,
            security,
            resumed,
        })
    }

    /// The name of this program and its version.
    pub(crate) fn version() -> String {
        concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()
    }

    /// Loads `target` for `seconds`; the errors are in the result.
    pub(crate) fn run(
        &self,
        target: Target<'_>,
        seconds: u32,
        interrupt: &Interrupt,
    ) -> Result<Load> {
        ensure!(
            target.body == Body::Small,
            "it asks for nothing but the small answer"
        );
        let mut command = Command::new(&self.program);
        command
            .args(["connections", &target.address.to_string()])
            .args(["--seconds", &seconds.to_string()])
            .args(["--in-flight", &self.in_flight.to_string()]);
        if let (Some(version), Some(certificate)) = (self.security.version(), target.certificate) {
            let version = match version {
                Version::Tls12 => "1.2",
                Version::Tls13 => "1.3",
            };
            command
                .args(["--tls", version, "--certificate"])
                .arg(certificate.chain());
        }
        if self.resumed {
            command.arg("--resumed");
        }
        let (printed, waited_ns) =
            run_to_end(command, self.core, &self.output, seconds, interrupt)?;
        let mut load: Load = quoting(
            serde_json::from_str(printed.lines().last().unwrap_or_default()).map_err(Into::into),
            "the client",
            &printed,
        )?;
        ensure!(load.requests > 0, "not one request was answered: {printed}");
        load.client_waited = waited_ns as f64 / 1e3 / load.duration_us as f64;
        if let (true, Some(handshakes)) = (self.resumed, load.handshakes) {
            ensure!(
                handshakes.full == 0,
                "{} of {} handshakes resumed no session",
                handshakes.full,
                load.requests
            );
        }
        Ok(load)
    }
}
