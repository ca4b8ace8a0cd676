//! What the counts depend on besides the code: compiler, valgrind, C library, CPU.
//!
//! Owns the questions to the tools. A count is a fact of one compiler; with another it is only news.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The tools by name, in a fixed order.
pub(super) fn describe(root: &Path) -> Result<Vec<(String, String)>> {
    let verbose = first_output(root, "rustc", &["-vV"])?;
    let fact = |name: &str| {
        let line = verbose.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or("unknown").trim().to_owned()
    };
    let rustc = verbose.lines().next().unwrap_or("unknown");
    let valgrind = first_output(root, "valgrind", &["--version"])
        .context("valgrind counts the instructions; install it (Debian: valgrind)")?;
    // Its memcpy is part of every request.
    let libc = first_output(root, "getconf", &["GNU_LIBC_VERSION"])?;
    Ok(vec![
        named("rustc", rustc.trim_start_matches("rustc ")),
        named("target", &fact("host:")),
        named("valgrind", valgrind.trim().trim_start_matches("valgrind-")),
        named("libc", libc.trim()),
        named("cpu", cpu()),
    ])
}

fn named(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn first_output(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .with_context(|| format!("running {program}"))?;
    ensure!(
        output.status.success(),
        "{program} ends with {}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What code that asks the CPU at run time decides by. valgrind shows a program AVX2 where the CPU
/// has it, and nothing newer.
#[cfg(target_arch = "x86_64")]
fn cpu() -> &'static str {
    if std::arch::is_x86_feature_detected!("avx2") {
        "AVX2"
    } else {
        "without AVX2"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu() -> &'static str {
    std::env::consts::ARCH
}
