//! Two sets of counts side by side, and the verdict.
//!
//! Owns what is tolerated. Knows nothing of how counts are made.

use std::collections::BTreeSet;
use std::fmt;

use super::baseline::Baseline;

/// Beyond this share of the baseline a count has changed.
const TOLERATED: f64 = 0.02;

/// A change by fewer instructions is none, whatever its share: it is a register that was spilled, and
/// would make the smallest benchmarks fail for what has nothing to do with them.
const SMALLEST_CHANGE: u64 = 5;

/// What has become of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Grew,
    Shrank,
    New,
    Gone,
}

/// A benchmark in either set.
#[derive(Debug)]
struct Row {
    name: String,
    before: Option<u64>,
    now: Option<u64>,
}

/// All benchmarks of both sets.
#[derive(Debug)]
pub(super) struct Comparison {
    rows: Vec<Row>,
    /// Tools that are not the baseline's: name, then, now.
    other_tools: Vec<(String, String, String)>,
}

impl Row {
    fn verdict(&self) -> Verdict {
        let (before, now) = match (self.before, self.now) {
            (Some(before), Some(now)) => (before, now),
            (None, _) => return Verdict::New,
            (_, None) => return Verdict::Gone,
        };
        let tolerated = before as f64 * TOLERATED;
        let changed = before.abs_diff(now) >= SMALLEST_CHANGE;
        match now as f64 - before as f64 {
            change if changed && change > tolerated => Verdict::Grew,
            change if changed && change < -tolerated => Verdict::Shrank,
            _ => Verdict::Same,
        }
    }
}

impl Comparison {
    /// Puts them side by side.
    pub(super) fn new(before: &Baseline, now: &Baseline) -> Self {
        let names: BTreeSet<&String> = before.counts.keys().chain(now.counts.keys()).collect();
        let rows = names.into_iter().map(|name| Row {
            name: name.clone(),
            before: before.counts.get(name).copied(),
            now: now.counts.get(name).copied(),
        });
        let version = |baseline: &Baseline, name: &str| {
            let tool = baseline.tools.iter().find(|(tool, _)| tool == name);
            tool.map_or_else(|| "unnamed".to_owned(), |(_, version)| version.clone())
        };
        let tools: BTreeSet<&String> = before
            .tools
            .iter()
            .chain(&now.tools)
            .map(|t| &t.0)
            .collect();
        let tools = tools
            .into_iter()
            .map(|name| (name.clone(), version(before, name), version(now, name)));
        Self {
            rows: rows.collect(),
            other_tools: tools.filter(|(_, before, now)| before != now).collect(),
        }
    }

    fn count(&self, verdict: Verdict) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.verdict() == verdict).count()
    }

    /// Whether somebody has to do something.
    pub(super) fn fails(&self) -> bool {
        self.other_tools.is_empty() && self.count(Verdict::Same) < self.rows.len()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.len()).max();
        let width = width.unwrap_or(0);
        writeln!(
            f,
            "{:width$}  {:>11}  {:>11}   change",
            "benchmark", "accepted", "now"
        )?;
        for row in &self.rows {
            let number = |count: Option<u64>| count.map_or("-".to_owned(), |n| n.to_string());
            let change = match (row.before, row.now) {
                (Some(before), Some(now)) if before != now => {
                    let share = (now as f64 / before.max(1) as f64 - 1.0) * 100.0;
                    format!("{share:+.2}%")
                }
                (Some(_), Some(_)) => "0".to_owned(),
                _ => String::new(),
            };
            let verdict = match row.verdict() {
                Verdict::Same => "",
                Verdict::Grew => "  GREW",
                Verdict::Shrank => "  shrank",
                Verdict::New => "  new",
                Verdict::Gone => "  gone",
            };
            let (before, now) = (number(row.before), number(row.now));
            writeln!(
                f,
                "{:width$}  {before:>11}  {now:>11}  {change:>7}{verdict}",
                row.name
            )?;
        }
        self.conclude(f)
    }
}

impl Comparison {
    fn conclude(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same = self.count(Verdict::Same);
        writeln!(f, "\n{same} of {} as accepted", self.rows.len())?;
        for (name, before, now) in &self.other_tools {
            writeln!(f, "{name} is {now}, the accepted counts are of {before}")?;
        }
        if !self.other_tools.is_empty() {
            return writeln!(
                f,
                "with other tools the counts are reported and nothing fails"
            );
        }
        if self.count(Verdict::Grew) > 0 {
            writeln!(
                f,
                "a path costs over {}% more than was accepted: make it cheaper, or accept it",
                TOLERATED * 100.0
            )?;
        }
        if self.count(Verdict::Shrank) > 0 {
            writeln!(
                f,
                "a path has become cheaper: accept it, so that it stays so"
            )?;
        }
        if self.count(Verdict::New) + self.count(Verdict::Gone) > 0 {
            writeln!(f, "benchmarks have come or gone: accept that")?;
        }
        if self.fails() {
            writeln!(
                f,
                "to accept: cargo run -p lanner-perf -- instructions --write"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Comparison};

    fn baseline(rustc: &str, counts: &[(&str, u64)]) -> Baseline {
        Baseline {
            tools: vec![("rustc".to_owned(), rustc.to_owned())],
            counts: counts
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }

    #[test]
    fn what_is_tolerated_and_what_is_not() {
        for (before, now, fails) in [
            (1000, 1000, false),
            (1000, 1020, false),
            (1000, 1021, true),
            (1000, 980, false),
            (1000, 979, true),
            // Fewer than five instructions are none.
            (64, 68, false),
            (64, 69, true),
            (0, 4, false),
            (0, 5, true),
        ] {
            let before = baseline("1", &[("a", before)]);
            let now = baseline("1", &[("a", now)]);
            let comparison = Comparison::new(&before, &now);
            assert_eq!(comparison.fails(), fails, "{comparison}");
        }
    }

    #[test]
    fn a_benchmark_that_has_come_or_gone_is_to_be_accepted() {
        let one = baseline("1", &[("a", 1)]);
        let two = baseline("1", &[("a", 1), ("b", 1)]);
        assert!(Comparison::new(&one, &two).fails());
        assert!(Comparison::new(&two, &one).fails());
        assert!(!Comparison::new(&two, &two).fails());
    }

    #[test]
    fn with_another_compiler_nothing_fails_but_all_is_told() {
        let before = baseline("1.95.0", &[("a", 1000), ("b", 1000)]);
        let now = baseline("1.95.1", &[("a", 2000), ("c", 1000)]);
        let comparison = Comparison::new(&before, &now);
        assert!(!comparison.fails());
        let text = comparison.to_string();
        for part in ["+100.00%  GREW", "gone", "new", "rustc is 1.95.1"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
