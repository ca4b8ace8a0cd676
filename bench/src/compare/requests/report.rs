//! The report on small requests: a Markdown table to read, a serialisable value to keep.

use std::fmt::Write;

use serde::Serialize;

use super::Turn;
use super::summary::Summary;
use crate::load::{Errors, Latency};
use crate::machine::{Cores, DISTURBED};

/// All that a comparison found and under which conditions.
#[derive(Debug, Serialize)]
pub(in crate::compare) struct Report {
    pub(super) mode: &'static str,
    pub(super) title: &'static str,
    pub(super) connections: u32,
    pub(super) rounds: u32,
    pub(super) seconds: u32,
    pub(super) machine: String,
    pub(super) load_generator: String,
    pub(super) cores: Cores,
    pub(super) reference: &'static str,
    pub(super) servers: Vec<Summary>,
    pub(super) turns: Vec<Turn>,
}

impl Report {
    /// The conditions, the table and remarks on what disturbed the measurement.
    pub(in crate::compare) fn markdown(&self) -> String {
        let base = self.reference;
        let mut text = format!(
            "\n**{}** ({}), {} connections; medians of {} rounds of {} s.\n\
             {}; server on core {}, {} on core {}.\n\n\
             | server | CPU us/request | user | system | lowest | spread | requests/s | p50 us \
             | p99 us | p99.9 us | peak MiB | x {base} | lowest x {base} |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
            self.mode,
            self.title,
            self.connections,
            self.rounds,
            self.seconds,
            self.machine,
            self.cores.server,
            self.load_generator,
            self.cores.client,
        );
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
        text
    }

    /// A line for each turn in which anything but right answers was seen.
    pub(in crate::compare) fn wrong_turns(&self) -> Vec<String> {
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
    use crate::load::Load;

    fn report(errors: Errors, waited: f64) -> Report {
        let load = Load {
            requests: 100_000,
            duration_us: 1_000_000,
            latency: None,
            errors,
            client_waited: 0.0,
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
            mode: "h1",
            title: "a title",
            connections: 64,
            rounds: 1,
            seconds: 1,
            machine: "a machine".to_owned(),
            load_generator: "wrk".to_owned(),
            cores: Cores {
                server: 1,
                client: 0,
            },
            reference: "floor",
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
    fn disturbance_and_errors_are_told() {
        let errors = Errors {
            status: 3,
            ..Errors::default()
        };
        let report = report(errors, 0.5);
        assert!(report.markdown().contains("Disturbed"));
        assert_eq!(report.wrong_turns().len(), 1);
        assert!(
            serde_json::to_string(&report)
                .unwrap()
                .contains("\"status\":3")
        );
    }
}
