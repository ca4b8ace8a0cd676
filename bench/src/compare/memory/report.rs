//! The report on idle connections.

use std::fmt::Write;

use anyhow::Result;
use serde::Serialize;

use super::Turn;
use crate::compare::outcome::Outcome;
use crate::compare::plan::{Conditions, Plan};
use crate::plot::{self, Bar, Caption};
use crate::stats::median;

/// All that a comparison found and under which conditions.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    conditions: Conditions,
    connections: u32,
    servers: Vec<Summary>,
    turns: Vec<Turn>,
}

/// One row. Every figure is the median of the rounds unless it says otherwise.
#[derive(Debug, Serialize)]
struct Summary {
    server: &'static str,
    /// Bytes of anonymous memory for each connection.
    anonymous: f64,
    /// Bytes of resident memory for each connection.
    resident: f64,
    /// Highest minus lowest anonymous memory of a connection, as a share of the median.
    spread: f64,
    /// The whole server before, in KiB of anonymous memory.
    before_kib: f64,
    /// The whole server with the connections.
    after_kib: f64,
    /// Anonymous memory for a connection over that of the reference.
    ratio: f64,
}

impl Report {
    pub(super) fn of(
        plan: &Plan,
        connections: u32,
        load_generator: String,
        turns: Vec<Turn>,
    ) -> Self {
        let conditions = plan.conditions(load_generator);
        Self {
            connections,
            servers: summaries(&plan.servers(), conditions.reference, &turns),
            conditions,
            turns,
        }
    }

    pub(super) fn outcome(&self) -> Result<Outcome> {
        let failures = self.conditions.failures();
        Outcome::new(self, self.markdown(), self.plot(), failures)
    }

    fn markdown(&self) -> String {
        let base = self.conditions.reference;
        let shape = format!("{} connections", self.connections);
        let mut text = self.conditions.head(&shape, "");
        text.push_str(&format!(
            "| server | bytes/connection | resident | spread | before KiB | after KiB | x {base} |\n\
             |---|--:|--:|--:|--:|--:|--:|\n"
        ));
        for row in &self.servers {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {:.0} | {:.0} | {:.0}% | {:.0} | {:.0} | {:.2} |",
                row.server,
                row.anonymous,
                row.resident,
                row.spread * 100.0,
                row.before_kib,
                row.after_kib,
                row.ratio,
            );
        }
        text.push_str(&self.conditions.absences());
        text
    }

    fn plot(&self) -> String {
        let caption = Caption {
            title: format!("{}: {}", self.conditions.mode, self.conditions.title),
            subtitle: format!(
                "{} connections; medians of {} rounds; {}",
                self.connections, self.conditions.rounds, self.conditions.machine
            ),
            unit: "bytes of anonymous memory for each connection".to_owned(),
        };
        let bars: Vec<Bar> = self
            .servers
            .iter()
            .map(|row| Bar {
                name: row.server,
                value: row.anonymous,
                dark: row.anonymous,
                rounds: self
                    .turns
                    .iter()
                    .filter(|turn| turn.server == row.server)
                    .map(Turn::anonymous)
                    .collect(),
            })
            .collect();
        plot::bars(&caption, &["anonymous"], &bars)
    }
}

fn summaries(servers: &[&'static str], reference: &str, turns: &[Turn]) -> Vec<Summary> {
    let middle = |name: &str, figure: fn(&Turn) -> f64| {
        let own = turns.iter().filter(|turn| turn.server == name);
        median(own.map(figure))
    };
    let base = middle(reference, Turn::anonymous);
    servers
        .iter()
        .map(|server| {
            let own = turns.iter().filter(|turn| turn.server == *server);
            let mut each: Vec<f64> = own.map(Turn::anonymous).collect();
            each.sort_by(f64::total_cmp);
            let anonymous = median(each.iter().copied());
            let range = each.last().zip(each.first()).map(|(high, low)| high - low);
            Summary {
                server,
                anonymous,
                resident: middle(server, Turn::resident),
                spread: range.unwrap_or(f64::NAN) / anonymous,
                before_kib: middle(server, |turn| turn.before.anonymous_kib as f64),
                after_kib: middle(server, |turn| turn.after.anonymous_kib as f64),
                ratio: anonymous / base,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::compare::plan::tests::conditions;
    use crate::process::usage::Memory;

    fn turn(server: &'static str, round: u32, growth_kib: u64) -> Turn {
        let memory = |kib| Memory {
            peak_kib: kib,
            anonymous_kib: kib,
            resident_kib: kib,
        };
        Turn {
            server,
            round,
            connections: 1024,
            before: memory(100),
            after: memory(100 + growth_kib),
        }
    }

    #[test]
    fn memory_is_told_for_each_connection_and_related_to_the_reference() {
        let turns = vec![
            turn("lanner", 1, 800),
            turn("hyper", 1, 4000),
            turn("lanner", 2, 1200),
            turn("hyper", 2, 4000),
        ];
        let report = Report {
            conditions: conditions("memory", "hyper"),
            connections: 1024,
            servers: summaries(&["lanner", "hyper"], "hyper", &turns),
            turns,
        };
        let row = &report.servers[0];
        assert_eq!((row.anonymous, row.resident), (1000.0, 1000.0));
        assert_eq!((row.spread, row.ratio), (0.4, 0.25));
        assert_eq!((row.before_kib, row.after_kib), (100.0, 1100.0));
        let text = report.markdown();
        assert!(
            text.contains("| lanner | 1000 | 1000 | 40% | 100 | 1100 | 0.25 |"),
            "{text}"
        );
        assert!(report.plot().contains("bytes of anonymous memory"));
    }
}
