//! `compare all`: mode after mode, unattended.
//!
//! A mode that fails is written down and the next one is taken; only Ctrl-C ends the run.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::outcome::Folder;
use super::{CompareArgs, check_options, measure};
use crate::interrupt::Interrupt;
use crate::machine;
use crate::mode::Mode;

/// Where the results go unless the command line says otherwise.
const DIRECTORY: &str = "bench-results";

/// Runs `modes` and writes what they came to after each of them.
pub(super) fn run(
    modes: &[&'static Mode],
    args: &CompareArgs,
    interrupt: &Interrupt,
) -> Result<()> {
    ensure!(
        args.json.is_none() && args.svg.is_none(),
        "several modes write into a directory: --directory"
    );
    for mode in modes {
        check_options(mode, args)?;
    }
    machine::require_programs()?;
    let directory = args.directory.as_deref().unwrap_or(Path::new(DIRECTORY));
    let title = format!("{}, {}", env!("CARGO_PKG_NAME"), machine::description());
    let mut folder = Folder::create(directory, title)?;
    let started = Instant::now();
    let mut failures = Vec::new();
    for (number, mode) in modes.iter().enumerate() {
        interrupt.check()?;
        eprintln!(
            "\n== {} ({} of {}); {}",
            mode.name,
            number + 1,
            modes.len(),
            left(started.elapsed(), number, modes.len())
        );
        let outcome = measure(mode, args, interrupt);
        // An error that follows Ctrl-C is not one of the mode.
        interrupt.check()?;
        folder.add(mode.name, &outcome)?;
        match outcome {
            Ok(outcome) => {
                print!("{}", outcome.markdown);
                let of_mode = |line: String| format!("{}: {}", mode.name, line.trim());
                failures.extend(outcome.failures.into_iter().map(of_mode));
            }
            Err(error) => {
                eprintln!("{} is not measured: {error:#}", mode.name);
                failures.push(format!("{}: {error:#}", mode.name));
            }
        }
    }
    eprintln!("\nwritten to {}", directory.display());
    if !failures.is_empty() {
        bail!("not everything was right:\n{}", failures.join("\n"));
    }
    Ok(())
}

/// How long the modes still to come will take, judged by those done.
fn left(elapsed: Duration, done: usize, count: usize) -> String {
    if done == 0 {
        return "the time left is known after the first".to_owned();
    }
    let left = elapsed.as_secs() * (count - done) as u64 / done as u64;
    format!("about {} minutes left", left.div_ceil(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_modes_done() {
        let minute = Duration::from_secs(60);
        assert_eq!(left(2 * minute, 1, 4), "about 6 minutes left");
        assert_eq!(left(9 * minute, 3, 4), "about 3 minutes left");
        assert!(left(Duration::ZERO, 0, 4).contains("first"));
    }
}
