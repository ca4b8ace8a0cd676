//! The report on latency at a fixed rate.

use std::fmt::Write;

use anyhow::Result;
use serde::Serialize;

use super::{SHARE, Saturation, Turn};
use crate::compare::outcome::Outcome;
use crate::compare::plan::{Conditions, Plan};
use crate::load::{Errors, Latency, connections::Connections};
use crate::machine::DISTURBED;
use crate::plot::{self, Caption, Marks};
use crate::stats::median;

/// All that a comparison found and under which conditions.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    conditions: Conditions,
    connections: u32,
    seconds: u32,
    /// Requests that were due in a second.
    rate: u32,
    saturations: Vec<Saturation>,
    servers: Vec<Summary>,
    turns: Vec<Turn>,
}

/// One row. Every figure is the median of the rounds unless it says otherwise.
#[derive(Debug, Serialize)]
struct Summary {
    server: &'static str,
    latency: Option<Latency>,
    /// The lowest of all rounds, in microseconds: what a busy machine disturbs least.
    lowest_p99_us: f64,
    /// The p99 over that of the reference in the same round.
    p99_ratio: f64,
    /// Processor time of the server per answer, in microseconds.
    cpu_us: f64,
    /// Answers per second.
    rate: f64,
    /// See [`crate::load::paced::PacedLoad`]; the highest of all rounds.
    late_p99_us: f64,
    /// The highest share of a turn for which something else had the server's core.
    waited: f64,
    /// The highest share of a turn for which something else had the client's core.
    client_waited: f64,
}

impl Report {
    pub(super) fn of(
        plan: &Plan,
        connections: u32,
        seconds: u32,
        rate: u32,
        saturations: Vec<Saturation>,
        turns: Vec<Turn>,
    ) -> Self {
        let conditions = plan.conditions(Connections::version());
        Self {
            connections,
            seconds,
            rate,
            saturations,
            servers: summaries(&plan.servers(), conditions.reference, &turns),
            conditions,
            turns,
        }
    }

    pub(super) fn outcome(&self) -> Result<Outcome> {
        Outcome::new(self, self.markdown(), self.plot(), self.failures())
    }

    fn markdown(&self) -> String {
        let base = self.conditions.reference;
        let shape = format!("{} connections, {}", self.connections, self.origin());
        let mut text = self
            .conditions
            .head(&shape, &format!(" of {} s", self.seconds));
        text.push_str(&format!(
            "| server | p50 us | p99 us | p99.9 us | lowest p99 | p99 x {base} | CPU us/request \
             | requests/s | at most | client late p99 us |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
        ));
        for row in &self.servers {
            let saturation = self.saturations.iter().find(|one| one.server == row.server);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.2} | {:.2} | {:.0} | {} | {:.0} |",
                row.server,
                Latency::cells(row.latency),
                row.lowest_p99_us,
                row.p99_ratio,
                row.cpu_us,
                row.rate,
                saturation.map_or("-".to_owned(), |one| format!("{:.0}", one.rate)),
                row.late_p99_us,
            );
        }
        let disturbed = |row: &&Summary| row.waited.max(row.client_waited) > DISTURBED;
        for row in self.servers.iter().filter(disturbed) {
            let _ = writeln!(
                text,
                "\nDisturbed: while {} was measured, something else had the server's core for up to \
                 {:.0}% of a turn and the client's for up to {:.0}%.",
                row.server,
                row.waited * 100.0,
                row.client_waited * 100.0
            );
        }
        text.push_str(&self.conditions.absences());
        text
    }

    /// Where the rate comes from.
    fn origin(&self) -> String {
        let slowest = self
            .saturations
            .iter()
            .min_by(|a, b| a.rate.total_cmp(&b.rate));
        match slowest {
            Some(slowest) => format!(
                "{} requests/s: {:.0}% of what {} takes",
                self.rate,
                SHARE * 100.0,
                slowest.server
            ),
            None => format!("{} requests/s", self.rate),
        }
    }

    fn plot(&self) -> String {
        let caption = Caption {
            title: format!("{}: {}", self.conditions.mode, self.conditions.title),
            subtitle: format!("{} connections, {}", self.connections, self.origin()),
            unit: "microseconds from when a request was due to its answer".to_owned(),
        };
        let marks: Vec<Marks> = self
            .servers
            .iter()
            .filter_map(|row| {
                let latency = row.latency?;
                Some(Marks {
                    name: row.server,
                    values: [latency.p50_us, latency.p99_us, latency.p999_us],
                })
            })
            .collect();
        plot::percentiles(&caption, ["p50", "p99", "p99.9"], &marks)
    }

    fn failures(&self) -> Vec<String> {
        let mut failures = self.conditions.failures();
        let wrong = self.turns.iter().filter_map(|turn| {
            let errors = turn.paced.load.errors;
            let line = || format!("  {} in round {}: {errors:?}", turn.server, turn.round);
            (errors != Errors::default()).then(line)
        });
        failures.extend(wrong);
        failures
    }
}

fn summaries(servers: &[&'static str], reference: &str, turns: &[Turn]) -> Vec<Summary> {
    let of = |name: &str| -> Vec<&Turn> { turns.iter().filter(|t| t.server == name).collect() };
    let base = of(reference);
    servers
        .iter()
        .map(|server| summarise(server, &of(server), &base))
        .collect()
}

fn summarise(server: &'static str, turns: &[&Turn], base: &[&Turn]) -> Summary {
    let p99 = |turn: &Turn| {
        let latency = turn.paced.load.latency;
        latency.map_or(f64::NAN, |latency| latency.p99_us)
    };
    // Within a round, so that what slowed the machine in that round cancels out.
    let ratios = turns.iter().filter_map(|turn| {
        let other = base.iter().find(|other| other.round == turn.round)?;
        Some(p99(turn) / p99(other))
    });
    let highest = |figure: fn(&Turn) -> f64| turns.iter().map(|t| figure(t)).fold(0.0, f64::max);
    Summary {
        server,
        latency: Latency::median(turns.iter().map(|turn| turn.paced.load.latency)),
        lowest_p99_us: turns
            .iter()
            .map(|turn| p99(turn))
            .fold(f64::INFINITY, f64::min),
        p99_ratio: median(ratios),
        cpu_us: median(turns.iter().map(|turn| turn.cpu_us)),
        rate: median(turns.iter().map(|turn| turn.paced.load.rate())),
        late_p99_us: highest(|turn| turn.paced.late_p99_us),
        waited: highest(|turn| turn.waited),
        client_waited: highest(|turn| turn.paced.load.client_waited),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::compare::plan::tests::conditions;
    use crate::load::Load;
    use crate::load::paced::PacedLoad;

    fn turn(server: &'static str, round: u32, p99_us: f64) -> Turn {
        let load = Load {
            requests: 1000,
            duration_us: 1_000_000,
            latency: Some(Latency {
                p50_us: p99_us / 4.0,
                p99_us,
                p999_us: p99_us * 3.0,
            }),
            errors: Errors::default(),
            client_waited: 0.0,
            handshakes: None,
        };
        Turn {
            server,
            round,
            cpu_us: 9.0,
            waited: 0.0,
            paced: PacedLoad {
                load,
                late_p99_us: 3.0,
            },
        }
    }

    fn report() -> Report {
        let turns = vec![
            turn("hyper", 1, 100.0),
            turn("lanner", 1, 50.0),
            turn("hyper", 2, 400.0),
            turn("lanner", 2, 200.0),
        ];
        Report {
            conditions: conditions("latency", "hyper"),
            connections: 64,
            seconds: 1,
            rate: 700,
            saturations: vec![Saturation {
                server: "hyper",
                rate: 1000.0,
            }],
            servers: summaries(&["lanner", "hyper"], "hyper", &turns),
            turns,
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let report = report();
        let row = &report.servers[0];
        assert_eq!((row.p99_ratio, row.lowest_p99_us), (0.5, 50.0));
        assert_eq!(row.latency.map(|latency| latency.p99_us), Some(125.0));
        assert!(report.failures().is_empty());
    }

    #[test]
    fn rows_have_as_many_cells_as_the_head_and_the_rate_its_origin() {
        let text = report().markdown();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 4);
        assert!(
            rows.iter().all(|row| row.matches('|').count() == 11),
            "{text}"
        );
        assert!(
            text.contains("700 requests/s: 70% of what hyper takes"),
            "{text}"
        );
        assert!(report().plot().contains(">lanner</text>"));
    }
}
