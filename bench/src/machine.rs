//! What this machine offers to a measurement: cores, descriptors, names for the report.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// Share of a measurement from which on something else on one of its cores is worth a remark.
pub(crate) const DISTURBED: f64 = 0.05;
/// Descriptors a process uses besides its connections.
const SPARE_DESCRIPTORS: u64 = 128;

/// Which core serves and which one loads.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct CoreArgs {
    /// Core the server is pinned to [default: the last one this process may use]
    #[arg(long, value_name = "CPU")]
    server_core: Option<usize>,
    /// Core the load generator is pinned to [default: the first one this process may use]
    #[arg(long, value_name = "CPU")]
    client_core: Option<usize>,
}

/// The two cores of a measurement. They differ: load on the server's core would be its cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Cores {
    /// Core of the server.
    pub(crate) server: usize,
    /// Core of the load generator.
    pub(crate) client: usize,
}

impl CoreArgs {
    /// Picks the cores from those in this process' affinity mask.
    pub(crate) fn choose(self) -> Result<Cores> {
        let mask = sched_getaffinity(None).context("reading the affinity mask")?;
        let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&c| mask.is_set(c)).collect();
        let (Some(&first), Some(&last)) = (allowed.first(), allowed.last()) else {
            bail!("the affinity mask is empty");
        };
        let cores = Cores {
            server: self.server_core.unwrap_or(last),
            client: self.client_core.unwrap_or(first),
        };
        ensure!(
            cores.server != cores.client,
            "the server and the load generator need a core each, but both would run on core {}",
            cores.server
        );
        for core in [cores.server, cores.client] {
            ensure!(
                allowed.contains(&core),
                "core {core} is not in the affinity mask"
            );
        }
        Ok(cores)
    }
}

/// Pins the calling thread to `core`; the processes it starts inherit that.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut mask = CpuSet::new();
    mask.set(core);
    sched_setaffinity(None, &mask).with_context(|| format!("pinning to core {core}"))
}

/// Raises the soft limit of descriptors to the hard one, for this process and those it starts,
/// and fails if `connections` of them do not fit: both ends of a connection hold one.
pub(crate) fn allow_connections(connections: u32) -> Result<()> {
    let needed = u64::from(connections) + SPARE_DESCRIPTORS;
    let hard = getrlimit(Resource::Nofile).maximum;
    if let Some(hard) = hard {
        ensure!(
            hard >= needed,
            "{connections} connections need {needed} descriptors in the server and as many in the \
             load generator, each a process of its own; the hard limit is {hard} per process \
             (raise it: `ulimit -Hn {needed}` as root, or LimitNOFILE=)"
        );
    }
    let limit = Rlimit {
        current: hard.or(Some(needed)),
        maximum: hard,
    };
    setrlimit(Resource::Nofile, limit).context("raising the limit of descriptors")
}

/// Where `program` is in PATH; the error names the package that has it.
pub(crate) fn installed(program: &str, package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Administrators' directories are often missing from a user's PATH; nginx lives there.
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .with_context(|| {
            format!("{program} is not installed; on Debian and Ubuntu: apt-get install {package}")
        })
}

/// Programs that `compare all` cannot do without, and the packages that have them. Servers are not
/// among them: one that is missing is named in the tables.
const PROGRAMS: [(&str, &str); 3] = [
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("curl", "curl"),
];
/// All packages of Debian that a complete run uses.
const PACKAGES: &str = "wrk nghttp2-client nghttp2-server curl nginx-light h2o haproxy";

/// Fails if a load generator is missing, with all that has to be installed.
pub(crate) fn require_programs() -> Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, package)| installed(program, package).is_err())
        .map(|(program, _)| *program)
        .collect();
    ensure!(
        missing.is_empty(),
        "{} cannot be found; on Debian and Ubuntu: apt-get install {PACKAGES}",
        missing.join(", ")
    );
    Ok(())
}

/// The first line that `program arguments` prints, on either stream: its version, mostly.
pub(crate) fn first_line(program: &PathBuf, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return String::new();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// Kernel release and processor name.
pub(crate) fn description() -> String {
    let kernel = rustix::system::uname();
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, name)| name.trim());
    format!("Linux {}, {processor}", kernel.release().to_string_lossy())
}
