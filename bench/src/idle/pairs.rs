//! Pairs of measurements of the same client, alone and among idle connections, and what they say
//! together.
//!
//! A machine that does other things as well is slow for a while and fast again. Two measurements
//! that follow each other mostly see the same machine, so they are compared with each other first,
//! and only then is the middle of the comparisons taken. Measures nothing itself.

use std::fmt::Write;

use crate::load::{Latency, Load};
use crate::machine::DISTURBED;
use crate::stats::median;

/// One measurement of the active client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Processor time of the server per answer, in microseconds.
    pub(super) cpu_us: f64,
    /// Share of the time for which something else had the server's core, 0 to 1.
    pub(super) server_waited: f64,
    /// What the client saw.
    pub(super) load: Load,
}

/// Two measurements, one right after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) alone: Sample,
    pub(super) among: Sample,
}

impl Sample {
    fn waited(&self) -> f64 {
        self.server_waited.max(self.load.client_waited)
    }

    /// A percentile of the latency; not a number where the load has none.
    fn latency(&self, percentile: fn(&Latency) -> f64) -> f64 {
        self.load.latency.as_ref().map_or(f64::NAN, percentile)
    }
}

impl Pair {
    /// Whether nothing else was on either core for long.
    pub(super) fn is_calm(&self) -> bool {
        self.waited() <= DISTURBED
    }

    /// The larger share of either measurement for which something else had a core.
    pub(super) fn waited(&self) -> f64 {
        self.alone.waited().max(self.among.waited())
    }
}

/// A figure of a sample, as a column of the table.
type Figure = (&'static str, fn(&Sample) -> f64);

const FIGURES: [Figure; 5] = [
    ("CPU us/request", |sample| sample.cpu_us),
    ("requests/s", |sample| sample.load.rate()),
    ("p50 us", |sample| sample.latency(|latency| latency.p50_us)),
    ("p99 us", |sample| sample.latency(|latency| latency.p99_us)),
    ("p99.9 us", |sample| {
        sample.latency(|latency| latency.p999_us)
    }),
];

/// Calm pairs that are enough to do without the others.
const ENOUGH: usize = 10;

/// The table, and how far it can be believed.
pub(super) fn report(pairs: &[Pair]) -> String {
    let calm: Vec<Pair> = pairs.iter().copied().filter(Pair::is_calm).collect();
    let disturbed = pairs.len() - calm.len();
    if disturbed == 0 {
        return table(pairs);
    }
    let waited = pairs.iter().map(Pair::waited).fold(0.0, f64::max) * 100.0;
    let enough = calm.len() >= ENOUGH;
    let told = if enough {
        "they are not in the table"
    } else {
        "they are in the table, for the others are too few"
    };
    format!(
        "{}\nDisturbed: in {disturbed} of {} pairs something else had a core for up to {waited:.0}% of \
         the time; {told}.\n",
        table(if enough { &calm } else { pairs }),
        pairs.len()
    )
}

/// Medians of both kinds of measurement, and of what the idle connections change in a pair.
fn table(pairs: &[Pair]) -> String {
    let mut text = String::from(
        "| the active client | alone | among the idle | change | middle half | higher in |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for (name, figure) in FIGURES {
        let middle = |of: fn(&Pair) -> &Sample| median(pairs.iter().map(|pair| figure(of(pair))));
        let mut changes: Vec<f64> = pairs
            .iter()
            .map(|pair| figure(&pair.among) / figure(&pair.alone) - 1.0)
            .collect();
        changes.sort_by(f64::total_cmp);
        // A quarter of the pairs lies below the one, a quarter above the other.
        let quarter = changes.len() / 4;
        let low = changes.get(quarter).copied().unwrap_or(f64::NAN) * 100.0;
        let high = changes.iter().rev().nth(quarter).copied();
        let high = high.unwrap_or(f64::NAN) * 100.0;
        let higher = changes.iter().filter(|change| **change > 0.0).count();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {:+.1}% | {low:+.1}% to {high:+.1}% | {higher} of {} |",
            cell(middle(|pair| &pair.alone)),
            cell(middle(|pair| &pair.among)),
            median(changes.iter().copied()) * 100.0,
            pairs.len()
        );
    }
    text
}

/// A value with the digits that mean something.
fn cell(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::load::Errors;

    fn sample(cpu_us: f64, waited: f64) -> Sample {
        Sample {
            cpu_us,
            server_waited: waited,
            load: Load {
                requests: 1000,
                duration_us: 1_000_000,
                latency: Some(Latency {
                    p50_us: cpu_us,
                    p99_us: cpu_us * 2.0,
                    p999_us: cpu_us * 300.0,
                }),
                errors: Errors::default(),
                client_waited: 0.0,
                handshakes: None,
            },
        }
    }

    fn pair(alone: f64, among: f64) -> Pair {
        Pair {
            alone: sample(alone, 0.0),
            among: sample(among, 0.0),
        }
    }

    #[test]
    fn changes_are_taken_within_a_pair() {
        // The machine was twice as slow for the second pair: the medians see it, the change does not.
        let text = table(&[
            pair(10.0, 9.0),
            pair(20.0, 19.8),
            pair(10.0, 10.1),
            pair(10.0, 10.1),
            pair(10.0, 30.0),
        ]);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 2 + FIGURES.len());
        assert_eq!(
            rows[2],
            "| CPU us/request | 10.00 | 10.10 | +1.0% | -1.0% to +1.0% | 3 of 5 |"
        );
        assert_eq!(
            rows[3],
            "| requests/s | 1000 | 1000 | +0.0% | +0.0% to +0.0% | 0 of 5 |"
        );
        assert!(rows[6].starts_with("| p99.9 us | 3000 | 3030 |"), "{text}");
    }

    #[test]
    fn disturbed_pairs_count_only_while_calm_ones_are_few() {
        let disturbed = Pair {
            alone: sample(10.0, 0.5),
            among: sample(20.0, 0.0),
        };
        let mut pairs = vec![pair(10.0, 10.0); ENOUGH];
        assert!(!report(&pairs).contains("Disturbed"));
        pairs.push(disturbed);
        let text = report(&pairs);
        assert!(
            text.contains("| 0 of 10 |") && text.contains("1 of 11 pairs"),
            "{text}"
        );
        pairs.swap_remove(0);
        let text = report(&pairs[..ENOUGH]);
        assert!(
            text.contains("| 1 of 10 |") && text.contains("up to 50%"),
            "{text}"
        );
    }

    #[test]
    fn a_pair_is_calm_if_both_of_its_samples_are() {
        assert!(pair(1.0, 1.0).is_calm());
        let disturbed = sample(1.0, DISTURBED * 2.0);
        for pair in [
            Pair {
                alone: disturbed,
                ..pair(1.0, 1.0)
            },
            Pair {
                among: disturbed,
                ..pair(1.0, 1.0)
            },
        ] {
            assert!(!pair.is_calm());
            assert_eq!(pair.waited(), DISTURBED * 2.0);
        }
    }
}
