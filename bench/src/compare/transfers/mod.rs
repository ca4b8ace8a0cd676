//! One long body on one stream: how fast it goes through, and the processor time of the server.

mod report;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::CompareArgs;
use super::outcome::Outcome;
use super::plan::Plan;
use super::rounds::take_turns;
use crate::content::Content;
use crate::delay::Line;
use crate::interrupt::Interrupt;
use crate::load::h2load::{H2load, Transferred};
use crate::mode::{Direction, Mode};
use crate::server::Server;

use report::Report;

/// The size of the body unless the command line says otherwise.
const BYTES: u64 = 1 << 30;
/// The most that goes through before anything is measured, on a connection of its own: the server's
/// memory is there then, and windows start anew.
const WARM_UP_BYTES: u64 = 64 << 20;
/// How long one transfer may take, in seconds: 1 GiB by a window of 64 KiB and 20 ms takes 330.
const LIMIT: u32 = 900;
/// What a turn may take; only for the estimate of time left.
const EXPECTED: Duration = Duration::from_secs(4);

/// The figures of one server in one round.
#[derive(Debug, Clone, Serialize)]
struct Turn {
    server: &'static str,
    /// From 1.
    round: u32,
    /// Bytes of the body.
    bytes: u64,
    /// From the request to the end of the response, in microseconds.
    duration_us: u64,
    /// Processor time of the server, in seconds for each GiB.
    cpu_s: f64,
    /// The part of it in user space.
    user_s: f64,
    /// The part of it in the kernel.
    system_s: f64,
    /// Share of the turn for which the server was ready but something else had its core, 0 to 1.
    waited: f64,
    /// The same for the client; with a delay, the line runs there as well.
    client_waited: f64,
    /// Highest resident memory of the server so far.
    peak_kib: u64,
}

impl Turn {
    /// MiB in a second.
    fn rate(&self) -> f64 {
        self.bytes as f64 / (1 << 20) as f64 / (self.duration_us as f64 / 1e6)
    }
}

/// What is transferred in each turn.
struct Task<'a> {
    direction: Direction,
    bytes: u64,
    client: &'a H2load,
}

/// Measures the servers of the mode in turns.
pub(super) fn run(
    mode: &'static Mode,
    direction: Direction,
    args: &CompareArgs,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let bytes = args.bytes.unwrap_or(BYTES);
    let directory = tempfile::tempdir()?;
    let cores = args.cores.choose()?;
    let client = H2load::prepare(1, 1, cores.client, directory.path())?;
    let content = Content::create(&[bytes, bytes.min(WARM_UP_BYTES)])?;
    let mut plan = Plan::prepare(mode, args, cores, content, interrupt)?;
    let task = Task {
        direction,
        bytes,
        client: &client,
    };
    let one_way = args
        .delay
        .map(|both| Duration::from_millis(both.into()) / 2);
    let turns = take_turns(
        &mut plan,
        interrupt,
        EXPECTED,
        |plan, peer, program: &Path, round| {
            let server = plan.setting.start(peer, program)?;
            let line = one_way
                .map(|one_way| Line::lay(server.address(), one_way, cores.client))
                .transpose()?;
            let address = line.as_ref().map_or(server.address(), Line::address);
            take(
                peer.name,
                round,
                &server,
                &address.to_string(),
                &task,
                interrupt,
            )
        },
        |turn| format!("{:.0} MiB/s, {:.3} s/GiB", turn.rate(), turn.cpu_s),
    )?;
    Report::of(&plan, &client, bytes, args.delay, turns).outcome()
}

fn take(
    name: &'static str,
    round: u32,
    server: &Server<'_>,
    authority: &str,
    task: &Task<'_>,
    interrupt: &Interrupt,
) -> Result<Turn> {
    task.transfer(server, authority, task.bytes.min(WARM_UP_BYTES), interrupt)
        .with_context(|| format!("warming {name} up"))?;
    let before = server.usage()?;
    let clock = Instant::now();
    let done = task
        .transfer(server, authority, task.bytes, interrupt)
        .with_context(|| format!("measuring {name}"))?;
    let elapsed = clock.elapsed();
    let used = server.usage()?.since(before);
    let cpu_s = used.cpu_ns as f64 / 1e9 * (1 << 30) as f64 / task.bytes as f64;
    Ok(Turn {
        server: name,
        round,
        bytes: task.bytes,
        duration_us: done.duration_us,
        cpu_s,
        user_s: cpu_s * used.user_share(),
        system_s: cpu_s * (1.0 - used.user_share()),
        waited: used.waited_ns as f64 / elapsed.as_nanos() as f64,
        client_waited: done.client_waited,
        peak_kib: server.memory()?.peak_kib,
    })
}

impl Task<'_> {
    /// Sends `bytes` the way of this comparison.
    fn transfer(
        &self,
        server: &Server<'_>,
        authority: &str,
        bytes: u64,
        interrupt: &Interrupt,
    ) -> Result<Transferred> {
        match self.direction {
            Direction::Download => {
                let url = format!("http://{authority}/bytes/{bytes}");
                let done = self.client.transfer(&url, None, LIMIT, interrupt)?;
                ensure!(
                    done.received == bytes,
                    "{} bytes came instead of {bytes}",
                    done.received
                );
                Ok(done)
            }
            Direction::Upload => {
                let url = format!("http://{authority}/sink");
                let file = server.content().sized(bytes);
                self.client.transfer(&url, Some(&file), LIMIT, interrupt)
            }
        }
    }
}
