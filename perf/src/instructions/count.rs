//! Runs the benchmarks that count, and reads what they print.
//!
//! Owns the command line and the format of gungraun's output. Knows nothing of baselines.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The benchmarks of `benches/` that count instructions. Apart, because a function that has two
/// callers in a program is inlined less than one that has one.
const BENCHMARKS: [&str; 3] = [
    "codec_instructions",
    "part_instructions",
    "request_instructions",
];

/// The part of a summary that is used.
#[derive(Deserialize)]
struct Summary {
    module_path: String,
    id: Option<String>,
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
struct Metric {
    values: Values,
}

/// This run's value; the value of the run before stands beside it. Not all metrics are whole numbers.
#[derive(Deserialize)]
struct Values {
    new: Option<f64>,
}

/// Runs all of them and gives the instructions of each by name.
pub(super) fn all(root: &Path) -> Result<BTreeMap<String, u64>> {
    let mut command = Command::new("cargo");
    command.args(["bench", "--locked", "--quiet", "--features", "testing"]);
    for benchmark in BENCHMARKS {
        command.args(["--bench", benchmark]);
    }
    // Caches are not counted: they would take three times as long and depend on the machine.
    command.args([
        "--",
        "--output-format=json",
        "--callgrind-args=--cache-sim=no",
    ]);
    let output = command
        .current_dir(root)
        .env("PATH", path_with_cargo())
        // Flags of the caller's would make other code than the baseline's.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo bench")?;
    ensure!(
        output.status.success(),
        "cargo bench ends with {}; it needs valgrind and the gungraun-runner of perf/README.md",
        output.status
    );
    let counts = parse(&String::from_utf8_lossy(&output.stdout))?;
    ensure!(!counts.is_empty(), "cargo bench has counted nothing");
    Ok(counts)
}

/// The search path with the folder in which cargo installs programs, where the runner is.
fn path_with_cargo() -> OsString {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(home.map(|home| home.join("bin")));
    env::join_paths(folders).unwrap_or(path)
}

/// The counts in gungraun's output: one summary to a line, and lines of cargo's between them.
fn parse(output: &str) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for line in output.lines().filter(|line| line.starts_with('{')) {
        let summary: Summary = serde_json::from_str(line)
            .with_context(|| format!("gungraun printed what is no summary: {line:.80}"))?;
        let (_, path) = summary
            .module_path
            .split_once("::")
            .unwrap_or(("", &summary.module_path));
        let name = match &summary.id {
            Some(id) => format!("{path}.{id}"),
            None => path.to_owned(),
        };
        let instructions = summary
            .profiles
            .iter()
            .find_map(|profile| profile.data.total.metrics.get("Ir")?.values.new)
            .with_context(|| format!("gungraun printed no instructions of {name}"))?;
        let before = counts.insert(name, instructions as u64);
        ensure!(before.is_none(), "two benchmarks have one name: {line:.80}");
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::parse;

    #[test]
    fn a_count_is_this_runs_and_has_the_name_of_its_benchmark() {
        let output = concat!(
            "\n",
            r#"{"module_path":"codec_instructions::codec::parse_head","id":"minimal","profiles":[{"#,
            r#""data":{"total":{"metrics":{"Ir":{"change":{"diff_pct":"0","factor":"1"},"#,
            r#""values":{"new":539,"old":540}},"L1HitRate":{"values":{"old":99.6}}}}}}],"version":"7"}"#,
            "\nrunning 0 tests\n",
        );
        let counts = parse(output).unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!(counts.get("codec::parse_head.minimal"), Some(&539));
    }

    #[test]
    fn a_summary_without_a_count_is_refused() {
        let line = r#"{"module_path":"a::b","id":null,"profiles":[]}"#;
        assert!(parse(line).is_err());
        assert!(parse("{\"module_path\":").is_err());
    }
}
