//! The report on transfers: medians of the rounds, a Markdown table, a serialisable value to keep.

use std::fmt::Write;

use anyhow::Result;
use serde::Serialize;

use super::Turn;
use crate::compare::outcome::Outcome;
use crate::compare::plan::{Conditions, Plan};
use crate::load::h2load::H2load;
use crate::machine::DISTURBED;
use crate::plot::{self, Bar, Caption};
use crate::stats::median;

/// All that a comparison found and under which conditions.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    conditions: Conditions,
    bytes: u64,
    delay_ms: Option<u32>,
    servers: Vec<Summary>,
    turns: Vec<Turn>,
}

/// One row. Every figure is the median of the rounds unless it says otherwise.
#[derive(Debug, Serialize)]
struct Summary {
    server: &'static str,
    /// MiB in a second.
    rate: f64,
    /// The highest of all rounds.
    highest_rate: f64,
    /// Processor time of the server, in seconds for each GiB.
    cpu_s: f64,
    /// The part of it in user space, by the share that all rounds together spent there.
    user_s: f64,
    /// The rest of it.
    system_s: f64,
    /// The lowest of all rounds.
    lowest_cpu_s: f64,
    /// Highest minus lowest processor time, as a share of the median.
    spread: f64,
    /// The highest of all rounds.
    peak_kib: u64,
    /// Rate over that of the reference in the same round.
    rate_ratio: f64,
    /// Processor time over that of the reference in the same round.
    cpu_ratio: f64,
    /// The highest share of a turn for which something else had the server's core.
    waited: f64,
    /// The same for the client's core.
    client_waited: f64,
}

impl Report {
    /// Sums up the turns of `plan`.
    pub(super) fn of(
        plan: &Plan,
        client: &H2load,
        bytes: u64,
        delay_ms: Option<u32>,
        turns: Vec<Turn>,
    ) -> Self {
        let conditions = plan.conditions(client.version());
        Self {
            bytes,
            delay_ms,
            servers: summaries(&plan.servers(), conditions.reference, &turns),
            conditions,
            turns,
        }
    }

    pub(super) fn outcome(&self) -> Result<Outcome> {
        let failures = self.conditions.failures();
        Outcome::new(self, self.markdown(), self.plot(), failures)
    }

    fn plot(&self) -> String {
        let caption = Caption {
            title: format!("{}: {}", self.conditions.mode, self.conditions.title),
            subtitle: format!(
                "{} MiB; medians of {} rounds; {}",
                self.bytes as f64 / (1 << 20) as f64,
                self.conditions.rounds,
                self.conditions.machine
            ),
            unit: "seconds of the server's processor time for each GiB".to_owned(),
        };
        let bars: Vec<Bar> = self
            .servers
            .iter()
            .map(|row| {
                let own = self.turns.iter().filter(|turn| turn.server == row.server);
                Bar {
                    name: row.server,
                    value: row.cpu_s,
                    dark: row.user_s,
                    rounds: own.map(|turn| turn.cpu_s).collect(),
                }
            })
            .collect();
        plot::bars(&caption, &["user", "kernel"], &bars)
    }

    /// The conditions, the table and remarks on what disturbed the measurement.
    fn markdown(&self) -> String {
        let delay = self.delay_ms.map_or(String::new(), |delay| {
            format!(" with {delay} ms added to each round trip")
        });
        let base = self.conditions.reference;
        let mib = self.bytes as f64 / (1 << 20) as f64;
        let mut text = self.conditions.head(&format!("{mib} MiB{delay}"), "");
        text.push_str(&format!(
            "| server | MiB/s | highest | CPU s/GiB | user | system | lowest | spread | peak MiB \
             | MiB/s x {base} | CPU x {base} |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        ));
        for row in &self.servers {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {:.0} | {:.0} | {:.3} | {:.3} | {:.3} | {:.3} | {:.0}% | {:.1} | {:.2} | {:.2} |",
                row.server,
                row.rate,
                row.highest_rate,
                row.cpu_s,
                row.user_s,
                row.system_s,
                row.lowest_cpu_s,
                row.spread * 100.0,
                row.peak_kib as f64 / 1024.0,
                row.rate_ratio,
                row.cpu_ratio,
            );
        }
        let disturbed = |row: &&Summary| self.is_disturbed(row);
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

    /// With a delay the line shares the client's core and has it whenever the client waits for it.
    fn is_disturbed(&self, row: &Summary) -> bool {
        row.waited > DISTURBED || (self.delay_ms.is_none() && row.client_waited > DISTURBED)
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
    let all = |figure: fn(&Turn) -> f64| turns.iter().map(move |turn| figure(turn));
    // Within a round, so that what slowed the machine in that round cancels out.
    let ratio = |figure: fn(&Turn) -> f64| {
        median(turns.iter().filter_map(|turn| {
            let other = base.iter().find(|other| other.round == turn.round)?;
            Some(figure(turn) / figure(other))
        }))
    };
    let cpu_s = median(all(|turn| turn.cpu_s));
    let user_share = all(|turn| turn.user_s).sum::<f64>() / all(|turn| turn.cpu_s).sum::<f64>();
    let lowest = all(|turn| turn.cpu_s).fold(f64::INFINITY, f64::min);
    let highest = all(|turn| turn.cpu_s).fold(0.0, f64::max);
    Summary {
        server,
        rate: median(all(Turn::rate)),
        highest_rate: all(Turn::rate).fold(0.0, f64::max),
        cpu_s,
        user_s: cpu_s * user_share,
        system_s: cpu_s * (1.0 - user_share),
        lowest_cpu_s: lowest,
        spread: (highest - lowest) / cpu_s,
        peak_kib: turns.iter().map(|turn| turn.peak_kib).max().unwrap_or(0),
        rate_ratio: ratio(Turn::rate),
        cpu_ratio: ratio(|turn| turn.cpu_s),
        waited: all(|turn| turn.waited).fold(0.0, f64::max),
        client_waited: all(|turn| turn.client_waited).fold(0.0, f64::max),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::compare::plan::tests::conditions;

    fn turn(server: &'static str, round: u32, cpu_s: f64, duration_us: u64) -> Turn {
        Turn {
            server,
            round,
            bytes: 1 << 20,
            duration_us,
            cpu_s,
            user_s: cpu_s / 4.0,
            system_s: cpu_s * 3.0 / 4.0,
            waited: 0.0,
            client_waited: 0.5,
            peak_kib: 2048,
        }
    }

    fn report(delay_ms: Option<u32>) -> Report {
        let turns = vec![
            turn("other", 1, 0.5, 1_000_000),
            turn("h2o", 1, 0.25, 500_000),
            turn("other", 2, 1.0, 2_000_000),
            turn("h2o", 2, 0.5, 1_000_000),
        ];
        Report {
            conditions: conditions("download", "h2o"),
            bytes: 1 << 20,
            delay_ms,
            servers: summaries(&["other", "h2o"], "h2o", &turns),
            turns,
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_to_the_reference() {
        let report = report(None);
        let row = &report.servers[0];
        assert_eq!(
            (row.cpu_s, row.lowest_cpu_s, row.user_s),
            (0.75, 0.5, 0.1875)
        );
        assert_eq!((row.rate, row.highest_rate), (0.75, 1.0));
        assert_eq!((row.cpu_ratio, row.rate_ratio), (2.0, 0.5));
        let base = &report.servers[1];
        assert_eq!((base.cpu_ratio, base.rate_ratio), (1.0, 1.0));
    }

    #[test]
    fn rows_have_as_many_cells_as_the_head() {
        let text = report(None).markdown();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 4);
        assert!(
            rows.iter().all(|row| row.matches('|').count() == 12),
            "{text}"
        );
        assert!(text.contains("1 MiB; medians"), "{text}");
    }

    #[test]
    fn a_line_on_the_client_core_is_no_disturbance() {
        assert!(report(None).markdown().contains("Disturbed"));
        let text = report(Some(20)).markdown();
        assert!(!text.contains("Disturbed"), "{text}");
        assert!(
            text.contains("1 MiB with 20 ms added to each round trip"),
            "{text}"
        );
    }
}
