//! Machines on which there is no ring, or too little memory for it: one line says so.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use crate::support::command::{lanner, output};
use crate::support::seccomp::{IO_URING, forbid, limit};

/// The one line of a start that must fail, with its exit code of 1.
#[track_caller]
fn refusal(command: &mut Command) -> String {
    let output = output(command);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("lanner: "), "{stderr}");
    stderr
}

#[test]
fn a_filter_that_forbids_any_call_of_the_ring_is_named_in_one_line() {
    let all: Vec<u32> = IO_URING.iter().map(|(_, number)| *number).collect();
    let mut cases: Vec<(&str, &[u32])> = vec![("all", &all)];
    for (name, number) in &IO_URING {
        cases.push((name, std::slice::from_ref(number)));
    }
    for (name, calls) in cases {
        for (errno, cause) in [
            (libc::EPERM, "io_uring is forbidden: "),
            (libc::ENOSYS, "no io_uring here: "),
        ] {
            let mut run = lanner(["run", "--urls", "http://127.0.0.1:0", "--shards", "1"]);
            forbid(&mut run, calls, errno);
            let line = refusal(&mut run);
            assert!(line.contains(cause), "{name}, {errno}: {line}");

            let mut check = lanner(["check"]);
            forbid(&mut check, calls, errno);
            let output = output(&mut check);
            let report = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(1), "{name}, {errno}: {report}");
            assert!(
                report.contains("LACK  io_uring"),
                "{name}, {errno}: {report}"
            );
        }
    }
}

#[test]
fn too_little_locked_memory_is_told_with_what_the_shards_need() {
    for (shards, needed) in [("1", 512), ("2", 648)] {
        let mut run = lanner(["run", "--urls", "http://127.0.0.1:0", "--shards", shards]);
        // glommio looks at the limit even where a privilege lifts it.
        limit(&mut run, libc::RLIMIT_MEMLOCK, 64 << 10);
        let line = refusal(&mut run);
        let told = format!("{shards} shards lock {needed} KiB of memory, and the limit is 64 KiB");
        assert!(line.contains(&told), "{line}");
    }
}
