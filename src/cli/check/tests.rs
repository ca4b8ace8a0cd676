//! The report over machines made of files, each with one shortcoming.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicU32, Ordering};

use super::report::Verdict;
use super::*;

/// A made-up machine: one on which everything is as it should be, but for what a test changes.
struct Fake(PathBuf);

impl Fake {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "lanner-check-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let fake = Self(std::env::temp_dir().join(name));
        fake.with("proc/sys/kernel/osrelease", "6.18.1-arch\n")
            .with("proc/sys/kernel/io_uring_disabled", "0\n")
            .with("proc/sys/net/core/somaxconn", "4096\n")
            .with("proc/sys/net/ipv4/ip_unprivileged_port_start", "80\n")
            .with(
                "proc/self/status",
                "Name:\tx\nSeccomp:\t0\nCapEff:\t0000000000000000\n",
            )
            .with(
                "proc/self/limits",
                &limits("unlimited", "unlimited", "100000", "100000"),
            )
            .with("sys/devices/system/node/online", "0\n")
            .with(
                "sys/kernel/mm/transparent_hugepage/enabled",
                "always [madvise] never\n",
            )
    }

    fn with(self, path: &str, text: &str) -> Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn examine(&self, ring: &RingProbe) -> Vec<Finding> {
        let machine = Machine {
            root: self.0.clone(),
            cpus: Cpus::discover(),
        };
        machine.examine(ring)
    }

    /// The one finding on a subject, and whether a server can run.
    fn finding(&self, subject: &str, ring: &RingProbe) -> (Finding, bool) {
        let mut findings = self.examine(ring);
        let able = can_run(&findings);
        let at = findings
            .iter()
            .position(|it| it.subject == subject)
            .unwrap();
        (findings.swap_remove(at), able)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn limits(memlock: &str, memlock_hard: &str, files: &str, files_hard: &str) -> String {
    format!(
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max open files            {files:<20} {files_hard:<20} files     \n\
         Max locked memory         {memlock:<20} {memlock_hard:<20} bytes     \n"
    )
}

fn part(name: &str, present: bool, needed: bool) -> RingPart {
    RingPart {
        name: name.to_owned(),
        present,
        needed,
    }
}

fn working_ring() -> RingProbe {
    Ok(vec![
        part("SINGLE_ISSUER", true, false),
        part("send", true, true),
    ])
}

fn report(findings: &[Finding]) -> String {
    let mut out = Vec::new();
    write_report(&mut out, findings).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_good_machine_has_nothing_to_do() {
    let findings = Fake::new().examine(&working_ring());
    for finding in &findings {
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
        assert_eq!(finding.cure, "");
    }
    let report = report(&findings);
    assert!(
        report.contains("OK    kernel         6.18.1-arch\n"),
        "{report}"
    );
    assert!(
        report.contains("OK    ring           SINGLE_ISSUER, send\n"),
        "{report}"
    );
    assert!(report.ends_with("\nLanner can run here.\n"), "{report}");
}

#[test]
fn every_shortcoming_is_judged_and_has_a_cure() {
    use Verdict::{Lack, Warn};
    let shards = Cpus::discover().place(ShardCount::Auto).len();
    let kib = locked_memory_needed(shards, ShellKind::default()) / 1024;
    let (for_pam, for_shell) = (format!("memlock {kib}"), format!("ulimit -l {kib}"));
    let no_ring: RingProbe = Err("the kernel refused; do this".to_owned());
    let table = [
        (
            "proc/sys/kernel/osrelease",
            "5.15.0-91",
            "kernel",
            true,
            Lack,
            "6.1",
        ),
        (
            "proc/sys/kernel/osrelease",
            "6.0.19",
            "kernel",
            true,
            Lack,
            "6.1",
        ),
        (
            "proc/sys/kernel/io_uring_disabled",
            "1",
            "io_uring",
            false,
            Lack,
            "io_uring_group",
        ),
        (
            "proc/sys/kernel/io_uring_disabled",
            "2",
            "io_uring",
            false,
            Lack,
            "kernel.io_uring_disabled=0",
        ),
        (
            "proc/sys/kernel/io_uring_disabled",
            "0",
            "io_uring",
            false,
            Lack,
            "the kernel refused; do this",
        ),
        (
            "proc/self/status",
            "Seccomp:\t2\n",
            "seccomp",
            false,
            Warn,
            "io_uring_setup",
        ),
        (
            "proc/self/limits",
            &limits("65536", "65536", "100000", "100000"),
            "locked memory",
            true,
            Lack,
            &for_pam,
        ),
        (
            "proc/self/limits",
            &limits("65536", "unlimited", "100000", "100000"),
            "locked memory",
            true,
            Lack,
            &for_shell,
        ),
        (
            "proc/self/limits",
            &limits("unlimited", "unlimited", "1024", "524288"),
            "open files",
            true,
            Warn,
            "ulimit -n 65536",
        ),
        (
            "proc/self/limits",
            &limits("unlimited", "unlimited", "1024", "4096"),
            "open files",
            true,
            Warn,
            "LimitNOFILE=65536",
        ),
        (
            "proc/self/limits",
            "",
            "open files",
            true,
            Warn,
            "mount /proc",
        ),
        (
            "proc/sys/net/core/somaxconn",
            "128",
            "backlog",
            true,
            Warn,
            "net.core.somaxconn=512",
        ),
        (
            "proc/sys/net/ipv4/ip_unprivileged_port_start",
            "1024",
            "low ports",
            true,
            Warn,
            "cap_net_bind_service",
        ),
    ];
    for (path, text, subject, ring_works, verdict, cure) in table {
        let ring = if ring_works {
            working_ring()
        } else {
            no_ring.clone()
        };
        let (finding, able) = Fake::new().with(path, text).finding(subject, &ring);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.cure.contains(cure), "{finding:?}");
        assert_eq!(able, ring_works && verdict != Lack, "{finding:?}");
    }
}

#[test]
fn what_the_process_may_do_counts_for_more_than_the_settings() {
    let fake = Fake::new()
        .with("proc/sys/kernel/io_uring_disabled", "1")
        .with("proc/sys/net/ipv4/ip_unprivileged_port_start", "1024")
        .with(
            "proc/self/status",
            "Seccomp:\t2\nCapEff:\t0000000000000400\n",
        );
    for finding in fake.examine(&working_ring()) {
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    }
}

#[test]
fn a_missing_part_of_the_ring_is_a_lack_only_if_it_is_needed() {
    for (needed, verdict) in [(true, Verdict::Lack), (false, Verdict::Warn)] {
        let ring = Ok(vec![
            part("recv", true, true),
            part("accept", false, needed),
        ]);
        let findings = Fake::new().examine(&ring);
        let missing = findings.iter().find(|it| it.found == "no accept").unwrap();
        assert_eq!(missing.verdict, verdict);
        assert_eq!(can_run(&findings), !needed);
        let closing = if needed {
            "one thing is lacking.\n"
        } else {
            "Lanner can run here.\n"
        };
        assert!(report(&findings).ends_with(closing));
    }
}

#[test]
fn a_machine_that_shows_nothing_is_given_the_benefit_of_the_doubt() {
    let empty = Fake(std::env::temp_dir().join("lanner-check-nothing-there"));
    assert!(can_run(&empty.examine(&working_ring())));
}

#[test]
fn long_findings_are_wrapped_under_their_column() {
    let long = "word ".repeat(30);
    let report = report(&[Finding::lack("subject", long.clone(), long)]);
    let body: Vec<&str> = report.lines().skip(2).take(6).collect();
    assert!(body[0].starts_with("LACK  subject        word"), "{report}");
    assert!(body[1].starts_with("                     word"), "{report}");
    assert!(
        body[2].starts_with("                     -> word"),
        "{report}"
    );
    assert!(report.lines().all(|line| line.len() <= 100), "{report}");
}

#[test]
fn numbers_are_shown_as_ranges() {
    let table: [(&[usize], &str); 4] = [
        (&[], ""),
        (&[3], "3"),
        (&[0, 1], "0-1"),
        (&[0, 1, 2, 5, 8, 9], "0-2,5,8-9"),
    ];
    for (numbers, expected) in table {
        assert_eq!(ranges(numbers), expected);
    }
}
