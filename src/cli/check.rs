//! `lanner check`: what this machine offers a server and what it lacks, with a cure for each lack.
//!
//! Owns the questions and their judgement. The ring is probed by who may name it; its answer is an
//! argument.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use crate::net::DEFAULT_BACKLOG;
use crate::server::{Cpus, ShardCount, ShellKind, locked_memory_needed};

mod report;
#[cfg(test)]
mod tests;

use report::{Finding, can_run, write_report};

/// The oldest kernel with everything that a ring is asked for (DEFER_TASKRUN).
const KERNEL_MIN: (u32, u32) = (6, 1);

/// Lockable memory; how much is wanted depends on the number of shards.
const LOCKED_MEMORY: Resource = Resource {
    kernel_name: "Max locked memory",
    wanted: 0,
    shell: ("-l", 1024),
    systemd: "LimitMEMLOCK",
    pam: "memlock",
};

/// Open files below which a busy server soon refuses connections, each of which takes one.
const OPEN_FILES: Resource = Resource {
    kernel_name: "Max open files",
    wanted: 65_536,
    shell: ("-n", 1),
    systemd: "LimitNOFILE",
    pam: "nofile",
};

/// Bits in a capability set (capabilities(7)).
const CAP_NET_BIND_SERVICE: u32 = 10;
const CAP_IPC_LOCK: u32 = 14;

/// One thing that a ring can be asked for.
#[derive(Clone, Debug)]
pub(crate) struct RingPart {
    /// The name of an operation or set-up flag.
    pub(crate) name: String,
    /// Whether the kernel has it.
    pub(crate) present: bool,
    /// Whether there is no doing without it.
    pub(crate) needed: bool,
}

/// What probing the ring found, or why no ring can be had: the cause, with its cure, in one line.
pub(crate) type RingProbe = Result<Vec<RingPart>, String>;

/// Writes the report. Success if a server can run here, even if not at its best.
pub(crate) fn run(out: &mut impl Write, ring: &RingProbe) -> io::Result<ExitCode> {
    let machine = Machine {
        root: PathBuf::from("/"),
        cpus: Cpus::discover(),
    };
    let findings = machine.examine(ring);
    write_report(out, &findings)?;
    Ok(if can_run(&findings) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A resource limit and its names.
struct Resource {
    /// In `/proc/self/limits`.
    kernel_name: &'static str,
    /// What it should be at least.
    wanted: u64,
    /// The option of the shell's ulimit, and how many make one of its units.
    shell: (&'static str, u64),
    /// In a systemd unit.
    systemd: &'static str,
    /// In limits.conf(5), and for Docker.
    pam: &'static str,
}

impl Resource {
    /// How to raise it: by the one who starts the server up to the hard limit, beyond that by the
    /// administrator.
    fn cure(&self, hard: u64) -> String {
        let Self {
            wanted,
            systemd,
            pam,
            ..
        } = self;
        let (option, unit) = self.shell;
        let units = wanted / unit;
        if hard >= *wanted {
            return format!(
                "ulimit {option} {units} before the start, or {systemd}={wanted} in a systemd unit"
            );
        }
        format!(
            "{systemd}={wanted} in a systemd unit, --ulimit {pam}={wanted} for Docker, \
             or {pam} {units} in /etc/security/limits.conf"
        )
    }
}

/// The machine under examination: where its `/proc` and `/sys` are, and its CPUs.
struct Machine {
    root: PathBuf,
    cpus: Cpus,
}

impl Machine {
    fn examine(&self, ring: &RingProbe) -> Vec<Finding> {
        let mut findings = vec![self.kernel(), self.io_uring(ring), self.seccomp(ring)];
        findings.extend(ring_parts(ring));
        findings.extend([
            self.locked_memory(),
            self.open_files(),
            self.backlog(),
            self.low_ports(),
            self.shards(),
            self.numa(),
            self.huge_pages(),
        ]);
        findings
    }

    fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    fn number<T: FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// A field of `/proc/self/status`.
    fn status(&self, name: &str) -> Option<String> {
        self.text("proc/self/status")?
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(|value| value.trim().to_owned())
    }

    /// The soft and the hard limit of a resource; `u64::MAX` if there is none.
    fn limits(&self, resource: &Resource) -> Option<(u64, u64)> {
        let limits = self.text("proc/self/limits")?;
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix(resource.kernel_name))?;
        let mut values = line.split_ascii_whitespace().map(|word| match word {
            "unlimited" => Some(u64::MAX),
            number => number.parse().ok(),
        });
        Some((values.next()??, values.next()??))
    }

    fn kernel(&self) -> Finding {
        let (major, minor) = KERNEL_MIN;
        let cure = format!("run Linux {major}.{minor} or newer");
        let Some(release) = self.text("proc/sys/kernel/osrelease") else {
            return Finding::warn("kernel", "the release cannot be read", "mount /proc");
        };
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        let mut next = || numbers.next().and_then(|word| word.parse::<u32>().ok());
        match (next(), next()) {
            (Some(found), Some(minor)) if (found, minor) < KERNEL_MIN => {
                Finding::lack("kernel", format!("{release} is too old"), cure)
            }
            _ => Finding::ok("kernel", release),
        }
    }

    /// The probe has the last word: a sysctl that forbids rings to others may allow them to this
    /// process.
    fn io_uring(&self, ring: &RingProbe) -> Finding {
        let disabled: Option<u32> = self.number("proc/sys/kernel/io_uring_disabled");
        let setting = match disabled {
            None => "no sysctl restricts it".to_owned(),
            Some(value) => format!("kernel.io_uring_disabled = {value}"),
        };
        let Err(cause) = ring else {
            return Finding::ok("io_uring", format!("a ring can be made ({setting})"));
        };
        let cure = match disabled {
            Some(1) => {
                "sysctl -w kernel.io_uring_disabled=0, or join the group of kernel.io_uring_group"
            }
            Some(2..) => "sysctl -w kernel.io_uring_disabled=0",
            _ => cause,
        };
        Finding::lack("io_uring", format!("no ring can be made ({setting})"), cure)
    }

    fn seccomp(&self, ring: &RingProbe) -> Finding {
        let filtered = match self.status("Seccomp").as_deref() {
            None => return Finding::ok("seccomp", "not part of this kernel"),
            Some("0") => return Finding::ok("seccomp", "no filter"),
            Some(_) => "this process runs under a filter",
        };
        if ring.is_ok() {
            return Finding::ok("seccomp", format!("{filtered}, which allows io_uring"));
        }
        Finding::warn(
            "seccomp",
            format!("{filtered}, which may be what forbids io_uring"),
            "allow io_uring_setup, io_uring_enter and io_uring_register in the container's profile \
             (Docker's default forbids them; --security-opt seccomp=FILE sets another one)",
        )
    }

    fn locked_memory(&self) -> Finding {
        let subject = "locked memory";
        let shards = self.cpus.place(ShardCount::Auto).len();
        // With the privilege nothing is counted, but glommio looks at the limit all the same.
        let is_counted = !self.has_capability(CAP_IPC_LOCK);
        let counted = if is_counted { shards } else { 1 };
        let wanted = locked_memory_needed(counted, ShellKind::default());
        match self.limits(&LOCKED_MEMORY) {
            None => Finding::warn(subject, "the limit cannot be read", "mount /proc"),
            Some((soft, hard)) if soft < wanted => Finding::lack(
                subject,
                format!(
                    "{} of the {} that {shards} shards need, counted with what else this user locks",
                    bytes(soft),
                    bytes(wanted)
                ),
                Resource {
                    wanted,
                    ..LOCKED_MEMORY
                }
                .cure(hard),
            ),
            Some((soft, _)) => Finding::ok(
                subject,
                format!("{}; {shards} shards need {}", bytes(soft), bytes(wanted)),
            ),
        }
    }

    /// Whether the process has this capability.
    fn has_capability(&self, bit: u32) -> bool {
        self.status("CapEff")
            .and_then(|set| u64::from_str_radix(&set, 16).ok())
            .is_some_and(|set| set >> bit & 1 == 1)
    }

    fn open_files(&self) -> Finding {
        let subject = "open files";
        match self.limits(&OPEN_FILES) {
            None => Finding::warn(subject, "the limit cannot be read", "mount /proc"),
            Some((soft, hard)) if soft < OPEN_FILES.wanted => Finding::warn(
                subject,
                format!("{soft}, and each connection takes one"),
                OPEN_FILES.cure(hard),
            ),
            Some((u64::MAX, _)) => Finding::ok(subject, "unlimited"),
            Some((soft, _)) => Finding::ok(subject, soft.to_string()),
        }
    }

    fn backlog(&self) -> Finding {
        let wanted = u64::from(DEFAULT_BACKLOG);
        match self.number::<u64>("proc/sys/net/core/somaxconn") {
            Some(limit) if limit < wanted => Finding::warn(
                "backlog",
                format!("{limit} connections may wait for a shard to accept them, not {wanted}"),
                format!("sysctl -w net.core.somaxconn={wanted}"),
            ),
            Some(limit) => Finding::ok(
                "backlog",
                format!("{wanted} (net.core.somaxconn = {limit})"),
            ),
            None => Finding::ok(
                "backlog",
                format!("{wanted} (net.core.somaxconn is not shown)"),
            ),
        }
    }

    fn low_ports(&self) -> Finding {
        let first = self
            .number("proc/sys/net/ipv4/ip_unprivileged_port_start")
            .unwrap_or(1024_u32);
        if self.has_capability(CAP_NET_BIND_SERVICE) {
            return Finding::ok("low ports", "any port can be bound (CAP_NET_BIND_SERVICE)");
        }
        if first <= 80 {
            return Finding::ok("low ports", format!("ports from {first} can be bound"));
        }
        Finding::warn(
            "low ports",
            format!("ports below {first} cannot be bound, 80 among them"),
            "setcap cap_net_bind_service=+ep FILE, AmbientCapabilities=CAP_NET_BIND_SERVICE in a \
             systemd unit, or sysctl -w net.ipv4.ip_unprivileged_port_start=80; ignore this for \
             higher ports",
        )
    }

    fn shards(&self) -> Finding {
        let mask = self.cpus.mask();
        let shards = self.cpus.place(ShardCount::Auto).len();
        let quota = match self.cpus.quota() {
            None => "no quota".to_owned(),
            Some(quota) => format!("a quota of {quota}"),
        };
        let cpus = mask.len();
        let ids = ranges(mask);
        Finding::ok(
            "CPUs",
            format!("{cpus} ({ids}), {quota}: --shards auto is {shards}"),
        )
    }

    fn numa(&self) -> Finding {
        match self.text("sys/devices/system/node/online") {
            None => Finding::ok("NUMA nodes", "not shown by this kernel"),
            Some(nodes) if nodes == "0" => Finding::ok("NUMA nodes", "one"),
            Some(nodes) => Finding::ok(
                "NUMA nodes",
                format!("{nodes}; each shard is pinned, so its memory is that of its node"),
            ),
        }
    }

    fn huge_pages(&self) -> Finding {
        let chosen = self
            .text("sys/kernel/mm/transparent_hugepage/enabled")
            .and_then(|text| {
                let (_, rest) = text.split_once('[')?;
                Some(rest.split_once(']')?.0.to_owned())
            });
        Finding::ok(
            "huge pages",
            match chosen {
                None => "not part of this kernel".to_owned(),
                Some(chosen) => format!("transparent, {chosen}"),
            },
        )
    }
}

/// One finding for all parts of a ring that are there, and one for each that is missing.
fn ring_parts(ring: &RingProbe) -> Vec<Finding> {
    let Ok(parts) = ring else {
        return Vec::new();
    };
    let present: Vec<&str> = parts
        .iter()
        .filter(|part| part.present)
        .map(|part| part.name.as_str())
        .collect();
    let mut findings = vec![Finding::ok("ring", present.join(", "))];
    findings.extend(parts.iter().filter(|part| !part.present).map(|part| {
        let found = format!("no {}", part.name);
        if part.needed {
            Finding::lack(
                "ring",
                found,
                "run a newer kernel: a server cannot do without it",
            )
        } else {
            Finding::warn(
                "ring",
                found,
                "run a newer kernel: a server does without, but slower",
            )
        }
    }));
    findings
}

/// A number of bytes for people.
fn bytes(count: u64) -> String {
    match count {
        u64::MAX => "unlimited".to_owned(),
        count if count >= 1024 * 1024 => format!("{} MiB", count / (1024 * 1024)),
        count => format!("{} KiB", count / 1024),
    }
}

/// Ascending numbers as ranges: `0-3,8`.
fn ranges(numbers: &[usize]) -> String {
    numbers
        .chunk_by(|a, b| a + 1 == *b)
        .filter_map(|run| match (run.first()?, run.last()?) {
            (first, last) if first == last => Some(first.to_string()),
            (first, last) => Some(format!("{first}-{last}")),
        })
        .collect::<Vec<String>>()
        .join(",")
}
