//! Memory of idle connections: what each server keeps for one that has had a request answered.

mod report;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::CompareArgs;
use super::outcome::Outcome;
use super::plan::Plan;
use super::rounds::take_turns;
use crate::content::Content;
use crate::idle;
use crate::interrupt::Interrupt;
use crate::load::wrk::Wrk;
use crate::machine;
use crate::mode::{Body, Mode, Traffic};
use crate::process::usage::Memory;

use report::Report;

/// Seconds of load before the memory is first read: what a server sets up once is there then.
const WARM_UP: u32 = 1;
/// What a turn may take; only for the estimate of time left.
const EXPECTED: Duration = Duration::from_secs(8);

/// The figures of one server in one round, before and with the connections.
#[derive(Debug, Clone, Serialize)]
struct Turn {
    server: &'static str,
    /// From 1.
    round: u32,
    connections: u32,
    before: Memory,
    after: Memory,
}

impl Turn {
    /// Bytes of anonymous memory for each connection.
    fn anonymous(&self) -> f64 {
        self.each(self.before.anonymous_kib, self.after.anonymous_kib)
    }

    /// Bytes of resident memory for each connection.
    fn resident(&self) -> f64 {
        self.each(self.before.resident_kib, self.after.resident_kib)
    }

    fn each(&self, before: u64, after: u64) -> f64 {
        (after as f64 - before as f64) * 1024.0 / f64::from(self.connections)
    }
}

/// Measures the servers of `mode` in turns.
pub(super) fn run(
    mode: &'static Mode,
    args: &CompareArgs,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let Traffic::Idle { connections } = mode.traffic else {
        bail!("{} has no idle connections", mode.name);
    };
    let connections = args.connections.unwrap_or(connections);
    machine::allow_connections(connections)?;
    let cores = args.cores.choose()?;
    let directory = tempfile::tempdir()?;
    let wrk = Wrk::prepare(1, 1, mode.security, cores.client, directory.path())?;
    let content = Content::create(&[])?;
    let mut plan = Plan::prepare(mode, args, cores, content, interrupt)?;
    let turns = take_turns(
        &mut plan,
        interrupt,
        EXPECTED,
        |plan, peer, program: &Path, round| {
            let server = plan.setting.start(peer, program)?;
            wrk.run(server.target(Body::Small), WARM_UP, interrupt)
                .with_context(|| format!("warming {} up", peer.name))?;
            let before = server.memory()?;
            let held = idle::hold(&server, connections, interrupt)
                .with_context(|| format!("measuring {}", peer.name))?;
            let after = server.memory()?;
            held.ensure_held()
                .with_context(|| format!("measuring {}", peer.name))?;
            Ok(Turn {
                server: peer.name,
                round,
                connections,
                before,
                after,
            })
        },
        |turn| format!("{:.0} bytes/connection", turn.anonymous()),
    )?;
    Report::of(&plan, connections, wrk.version(), turns).outcome()
}
