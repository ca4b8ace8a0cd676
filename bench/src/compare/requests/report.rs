//! The report on small requests: a Markdown table to read, a serialisable value to keep.

use std::fmt::Write;

use anyhow::Result;
use serde::Serialize;

use super::Turn;
use super::summary::Summary;
use crate::compare::outcome::Outcome;
use crate::compare::plan::Conditions;
use crate::load::{Errors, Handshakes, Latency};
use crate::machine::DISTURBED;
use crate::plot::{self, Bar, Caption};

/// All that a comparison found and under which conditions.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) conditions: Conditions,
    pub(super) connections: u32,
    pub(super) seconds: u32,
    pub(super) servers: Vec<Summary>,
    pub(super) turns: Vec<Turn>,
}

impl Report {
    pub(super) fn outcome(&self) -> Result<Outcome> {
        Outcome::new(self, self.markdown(), self.plot(), self.failures())
    }

    /// The conditions, the table and remarks on what disturbed the measurement.
    fn markdown(&self) -> String {
        let base = self.conditions.reference;
        let shape = format!("{} connections", self.connections);
        let mut text = self
            .conditions
            .head(&shape, &format!(" of {} s", self.seconds));
        text.push_str(&format!(
            "| server | CPU us/request | user | system | lowest | spread | requests/s | p50 us \
             | p99 us | p99.9 us | peak MiB | x {base} | lowest x {base} |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        ));
        for row in &self.servers {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0}% | {:.0} | {} | {:.1} | {:.2} | {:.2} |",
                row.server,
                row.cpu_us,
                row.user_us,
                row.system_us,
                row.lowest_cpu_us,
                row.spread * 100.0,
                row.rate,
                Latency::cells(row.latency),
                row.peak_kib as f64 / 1024.0,
                row.ratio,
                row.lowest_ratio,
            );
        }
        let disturbed = |row: &&Summary| row.waited.max(row.client_waited) > DISTURBED;
        for row in self.servers.iter().filter(disturbed) {
            let _ = writeln!(
                text,
                "\nDisturbed: while {} was measured, something else had the server's core for up to \
                 {:.0}% of a turn and the load generator's for up to {:.0}%.",
                row.server,
                row.waited * 100.0,
                row.client_waited * 100.0
            );
        }
        text.push_str(&self.handshakes());
        text.push_str(&self.conditions.absences());
        text
    }

    fn plot(&self) -> String {
        let caption = Caption {
            title: format!("{}: {}", self.conditions.mode, self.conditions.title),
            subtitle: format!(
                "{} connections; medians of {} rounds of {} s; {}",
                self.connections, self.conditions.rounds, self.seconds, self.conditions.machine
            ),
            unit: "microseconds of the server's processor time for each request".to_owned(),
        };
        let bars: Vec<Bar> = self
            .servers
            .iter()
            .map(|row| {
                let own = self.turns.iter().filter(|turn| turn.server == row.server);
                Bar {
                    name: row.server,
                    value: row.cpu_us,
                    dark: row.user_us,
                    rounds: own.map(|turn| turn.cpu_us).collect(),
                }
            })
            .collect();
        plot::bars(&caption, &["user", "kernel"], &bars)
    }

    /// What the load generator saw of TLS, where it looked: a line for each server.
    fn handshakes(&self) -> String {
        let mut text = String::new();
        for row in &self.servers {
            let own = self.turns.iter().filter(|turn| turn.server == row.server);
            let seen = own.filter_map(|turn| turn.load.handshakes);
            let total = seen.fold(Handshakes::default(), |sum, one| Handshakes {
                full: sum.full + one.full,
                resumed: sum.resumed + one.resumed,
                tickets: sum.tickets + one.tickets,
                unclean: sum.unclean + one.unclean,
            });
            let count = total.full + total.resumed;
            if count > 0 {
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "\n{}: {} full handshakes, {} resumed; {:.1} tickets for each; {} ended without \
                     close_notify.",
                    row.server,
                    total.full,
                    total.resumed,
                    total.tickets as f64 / count as f64,
                    total.unclean
                );
            }
        }
        text
    }

    /// A line for each server that does not work, and for each turn in which anything but right
    /// answers was seen.
    fn failures(&self) -> Vec<String> {
        let mut failures = self.conditions.failures();
        failures.extend(self.wrong_turns());
        failures
    }

    fn wrong_turns(&self) -> Vec<String> {
        self.turns
            .iter()
            .filter(|turn| turn.load.errors != Errors::default())
            .map(|turn| {
                format!(
                    "  {} in round {}: {:?}",
                    turn.server, turn.round, turn.load.errors
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::compare::plan::tests::conditions;
    use crate::load::Load;

    fn report(errors: Errors, waited: f64) -> Report {
        let load = Load {
            requests: 100_000,
            duration_us: 1_000_000,
            latency: None,
            errors,
            client_waited: 0.0,
            handshakes: None,
        };
        let turns = vec![Turn {
            server: "floor",
            round: 1,
            cpu_us: 6.8,
            user_us: 0.3,
            system_us: 6.5,
            waited,
            peak_kib: 2048,
            load,
        }];
        Report {
            conditions: conditions("h1", "floor"),
            connections: 64,
            seconds: 1,
            servers: super::super::summary::of(&["floor"], "floor", &turns),
            turns,
        }
    }

    #[test]
    fn the_table_has_as_many_cells_in_each_row_and_names_its_base() {
        let text = report(Errors::default(), 0.0).markdown();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 3);
        assert!(
            rows.iter().all(|row| row.matches('|').count() == 14),
            "{text}"
        );
        assert!(text.contains("| x floor | lowest x floor |"), "{text}");
        assert!(!text.contains("Disturbed"), "{text}");
    }

    #[test]
    fn what_was_seen_of_tls_is_told() {
        let mut report = report(Errors::default(), 0.0);
        assert!(!report.markdown().contains("handshakes"));
        for turn in &mut report.turns {
            turn.load.handshakes = Some(Handshakes {
                full: 10,
                resumed: 0,
                tickets: 20,
                unclean: 3,
            });
        }
        let text = report.markdown();
        let line = "floor: 10 full handshakes, 0 resumed; 2.0 tickets for each; 3 ended without";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn disturbance_and_errors_are_told() {
        let errors = Errors {
            status: 3,
            ..Errors::default()
        };
        let report = report(errors, 0.5);
        assert!(report.markdown().contains("Disturbed"));
        assert_eq!(report.failures().len(), 1);
        assert!(
            serde_json::to_string(&report)
                .unwrap()
                .contains("\"status\":3")
        );
    }
}
