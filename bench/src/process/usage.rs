//! What a process group has used, from /proc: processor time and memory.
//!
//! Total time comes from `schedstat`, in nanoseconds per thread. The kernel tells user from system
//! time by the timer tick on most machines, so `stat` gives only the share of each; the shares of
//! a few seconds are good to a few per cent of the total.
#![forbid(unsafe_code)]

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

/// Counters since the start of the processes; subtract two readings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// Time on a processor, in nanoseconds.
    pub(crate) cpu_ns: u64,
    /// Time spent ready to run while something else ran, in nanoseconds.
    pub(crate) waited_ns: u64,
    /// Time in user space, in clock ticks.
    user_ticks: u64,
    /// Time in the kernel, in clock ticks.
    system_ticks: u64,
}

impl Usage {
    /// Reads the counters of all processes in `group`.
    pub(crate) fn of_group(group: u32) -> Result<Self> {
        let mut total = Self::default();
        let members = members(group)?;
        ensure!(!members.is_empty(), "process {group} has ended");
        for member in members {
            total.user_ticks += member.user_ticks;
            total.system_ticks += member.system_ticks;
            total.add_threads(member.id)?;
        }
        Ok(total)
    }

    /// Reads the nanosecond counters of the single process `id`, which is cheaper.
    pub(crate) fn of_process(id: u32) -> Result<Self> {
        let mut total = Self::default();
        total.add_threads(id)?;
        Ok(total)
    }

    fn add_threads(&mut self, id: u32) -> Result<()> {
        for task in fs::read_dir(format!("/proc/{id}/task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat")).context(
                "reading schedstat: the kernel lacks CONFIG_SCHED_INFO, or a thread ended",
            )?;
            let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
            let (Some(Ok(ran)), Some(Ok(waited))) = (fields.next(), fields.next()) else {
                bail!("unexpected schedstat: {text:?}");
            };
            self.cpu_ns += ran;
            self.waited_ns += waited;
        }
        Ok(())
    }

    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            waited_ns: self.waited_ns.saturating_sub(earlier.waited_ns),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(earlier.system_ticks),
        }
    }

    /// Share of the processor time that was spent in user space, 0 to 1.
    pub(crate) fn user_share(self) -> f64 {
        let total = self.user_ticks + self.system_ticks;
        if total == 0 {
            return 0.0;
        }
        self.user_ticks as f64 / total as f64
    }
}

/// One live process of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Process identifier.
    pub(crate) id: u32,
    user_ticks: u64,
    system_ticks: u64,
}

/// The processes in `group` that have not ended.
pub(crate) fn members(group: u32) -> Result<Vec<Member>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("reading /proc")? {
        // Processes come and go while the directory is read: one that cannot be read is not ours.
        let Ok(text) = fs::read_to_string(entry?.path().join("stat")) else {
            continue;
        };
        found.extend(parse_stat(&text, group));
    }
    Ok(found)
}

/// Parses a line of /proc/PID/stat (proc_pid_stat(5)) if it is a live process of `group`.
fn parse_stat(text: &str, group: u32) -> Option<Member> {
    // The command name in parentheses may hold spaces and parentheses itself.
    let (start, rest) = text.rsplit_once(')')?;
    let (id, _) = start.split_once(' ')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let process_group: u32 = fields.nth(1)?.parse().ok()?;
    if state == "Z" || process_group != group {
        return None;
    }
    let user_ticks = fields.nth(8)?.parse().ok()?;
    let system_ticks = fields.next()?.parse().ok()?;
    Some(Member {
        id: id.parse().ok()?,
        user_ticks,
        system_ticks,
    })
}

/// Memory of a process group, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    /// Highest resident size so far, summed over the processes (`VmHWM`). What a master shares
    /// with its worker counts twice.
    pub(crate) peak_kib: u64,
    /// Memory that only these processes have and that no file backs (`Anonymous`).
    pub(crate) anonymous_kib: u64,
    /// Resident memory (`Rss`).
    pub(crate) resident_kib: u64,
}

impl Memory {
    /// Reads the sizes of all processes in `group`.
    pub(crate) fn of_group(group: u32) -> Result<Self> {
        let mut total = Self::default();
        for member in members(group)? {
            let status = fs::read_to_string(format!("/proc/{}/status", member.id))?;
            let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", member.id))
                .context("reading smaps_rollup")?;
            total.peak_kib += kib(&status, "VmHWM:").context("no VmHWM in status")?;
            total.anonymous_kib += kib(&rollup, "Anonymous:").context("no Anonymous in smaps")?;
            total.resident_kib += kib(&rollup, "Rss:").context("no Rss in smaps_rollup")?;
        }
        Ok(total)
    }
}

/// The value of the line `name` in a file of `Name:  123 kB` lines.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const STAT: &str = "41 (a (b) c) S 1 40 40 0 -1 4194560 9 8 7 6 250 750 3 2 20 0 1 0 5 6 7";

    #[test]
    fn stat_is_parsed_behind_any_command_name() {
        let member = parse_stat(STAT, 40).unwrap();
        assert_eq!(
            (member.id, member.user_ticks, member.system_ticks),
            (41, 250, 750)
        );
    }

    #[test]
    fn other_groups_and_zombies_do_not_count() {
        assert_eq!(parse_stat(STAT, 41), None);
        assert_eq!(parse_stat(&STAT.replace(") S ", ") Z "), 40), None);
    }

    #[test]
    fn time_and_memory_of_a_live_group_are_above_zero() {
        let group = rustix::process::getpgrp()
            .as_raw_nonzero()
            .get()
            .unsigned_abs();
        assert!(Usage::of_group(group).unwrap().cpu_ns > 0);
        let memory = Memory::of_group(group).unwrap();
        assert!(memory.anonymous_kib > 0 && memory.peak_kib >= memory.anonymous_kib);
    }

    #[test]
    fn sizes_are_found_by_their_whole_name() {
        let text = "Rss:     12 kB\nAnonymous:    345 kB\nLazyFree: 0 kB\n";
        assert_eq!(kib(text, "Anonymous:"), Some(345));
        assert_eq!(kib(text, "VmHWM:"), None);
    }
}
