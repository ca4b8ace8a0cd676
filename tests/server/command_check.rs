//! `lanner check`: the report on this machine, on which the tests run and so a server can.

#![allow(clippy::unwrap_used)]

use crate::support::command::{lanner, output};

#[test]
fn reports_what_this_machine_offers() {
    let output = output(&mut lanner(["check"]));
    let report = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(output.stderr.is_empty());
    let subjects = [
        "kernel",
        "io_uring",
        "ring",
        "seccomp",
        "locked memory",
        "open files",
        "backlog",
        "CPUs",
        "NUMA",
    ];
    for subject in subjects {
        let found = report.lines().any(|line| {
            ["OK", "WARN"].into_iter().any(|verdict| {
                line.strip_prefix(verdict)
                    .is_some_and(|rest| rest.trim_start().starts_with(subject))
            })
        });
        assert!(found, "{subject}: {report}");
    }
    assert!(report.ends_with("\nLanner can run here.\n"), "{report}");
    assert!(
        report.lines().all(|line| line.chars().count() <= 100),
        "a line is too long to read: {report}"
    );
}
