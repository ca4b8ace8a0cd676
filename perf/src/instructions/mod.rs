//! The gate: counts now against the counts that were last accepted.
//!
//! Owns the order of things and the exit code. A path that has become dearer must be accepted by
//! writing the baseline, in the same commit, where a reviewer sees it.

mod baseline;
mod compare;
mod count;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::baseline::Baseline;
use self::compare::Comparison;

/// What to do with the counts.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Accept the counts: write them to perf/instructions.txt
    #[arg(long)]
    write: bool,
}

/// Counts and compares, or writes the baseline. Fails when a count has changed beyond what is
/// tolerated, unless compiler or tools are others than the baseline's.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let root = root();
    let path = root.join("perf/instructions.txt");
    let now = Baseline {
        tools: toolchain::describe(&root)?,
        counts: count::all(&root)?,
    };
    if options.write {
        let text = now.to_string();
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        println!(
            "{} counts written to perf/instructions.txt",
            now.counts.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let before: Baseline = text.parse().context("perf/instructions.txt")?;
    let comparison = Comparison::new(&before, &now);
    print!("{comparison}");
    Ok(if comparison.fails() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
