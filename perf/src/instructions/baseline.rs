//! The file of accepted counts.
//!
//! Owns its format: a line for each tool as `# name: value`, then a line for each benchmark as
//! `name count`, sorted, so that a changed path is one changed line.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result};

/// Counts, and the tools that they were made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Baseline {
    pub(super) tools: Vec<(String, String)>,
    pub(super) counts: BTreeMap<String, u64>,
}

const HEADING: &str = "\
## Instructions by benchmark, as last accepted. Written by
## `cargo run -p lanner-perf -- instructions --write`; see perf/README.md.
";

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADING)?;
        for (name, value) in &self.tools {
            writeln!(f, "# {name}: {value}")?;
        }
        for (name, count) in &self.counts {
            writeln!(f, "{name} {count}")?;
        }
        Ok(())
    }
}

impl FromStr for Baseline {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut baseline = Self {
            tools: Vec::new(),
            counts: BTreeMap::new(),
        };
        for line in text.lines().filter(|line| !line.starts_with("##")) {
            if let Some(tool) = line.strip_prefix("# ") {
                let (name, value) = tool
                    .split_once(": ")
                    .with_context(|| format!("{line}: expected a tool and its version"))?;
                baseline.tools.push((name.to_owned(), value.to_owned()));
            } else if !line.is_empty() {
                let (name, count) = line
                    .split_once(' ')
                    .with_context(|| format!("{line}: expected a name and a count"))?;
                let count = count.parse().with_context(|| line.to_owned())?;
                baseline.counts.insert(name.to_owned(), count);
            }
        }
        Ok(baseline)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Baseline;

    #[test]
    fn what_is_written_is_read_again() {
        let baseline = Baseline {
            tools: vec![("rustc".to_owned(), "1.95.0 (59807616e)".to_owned())],
            counts: [("codec::a.b".to_owned(), 12), ("part::c.d".to_owned(), 0)].into(),
        };
        assert_eq!(baseline.to_string().parse::<Baseline>().unwrap(), baseline);
    }

    #[test]
    fn a_line_that_is_neither_is_refused() {
        for line in ["# rustc", "codec::a.b", "codec::a.b many", "codec::a.b -1"] {
            assert!(line.parse::<Baseline>().is_err(), "{line}");
        }
    }
}
