//! Medians and spread of the rounds, per server.

use serde::Serialize;

use super::Turn;
use crate::load::Latency;
use crate::stats::median;

/// One row of the report. Every figure is the median of the rounds unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) server: &'static str,
    /// Processor time per answer, in microseconds.
    pub(super) cpu_us: f64,
    /// The part of it in user space, by the share that all rounds together spent there: the
    /// share of a single round rests on few timer ticks.
    pub(super) user_us: f64,
    /// The rest of it.
    pub(super) system_us: f64,
    /// The lowest processor time of any round.
    pub(super) lowest_cpu_us: f64,
    /// Highest minus lowest processor time, as a share of the median.
    pub(super) spread: f64,
    /// Answers per second.
    pub(super) rate: f64,
    /// `None` if the load generator has no sound figures.
    pub(super) latency: Option<Latency>,
    /// The highest of all rounds.
    pub(super) peak_kib: u64,
    /// Processor time per answer over that of the reference in the same round.
    pub(super) ratio: f64,
    /// The lowest processor time over the lowest of the reference: what a busy machine
    /// disturbs least.
    pub(super) lowest_ratio: f64,
    /// The highest share of a turn for which something else had the server's core.
    pub(super) waited: f64,
    /// The highest share of a turn for which something else had the load generator's core.
    pub(super) client_waited: f64,
}

/// Sums up the turns of each of `servers`; the ratios are to `reference`, one of them.
pub(super) fn of(servers: &[&'static str], reference: &str, turns: &[Turn]) -> Vec<Summary> {
    let base: Vec<&Turn> = turns
        .iter()
        .filter(|turn| turn.server == reference)
        .collect();
    servers
        .iter()
        .map(|server| {
            let own: Vec<&Turn> = turns.iter().filter(|turn| turn.server == *server).collect();
            summarise(server, &own, &base)
        })
        .collect()
}

fn summarise(server: &'static str, turns: &[&Turn], base: &[&Turn]) -> Summary {
    let middle = |figure: fn(&Turn) -> f64| median(turns.iter().map(|turn| figure(turn)));
    let cpu_us = middle(|turn| turn.cpu_us);
    let lowest = extreme(turns, f64::min);
    let total = |figure: fn(&Turn) -> f64| turns.iter().map(|turn| figure(turn)).sum::<f64>();
    let user_share = total(|turn| turn.user_us) / total(|turn| turn.cpu_us);
    // Within a round, so that what slowed the machine in that round cancels out.
    let ratios = turns.iter().filter_map(|turn| {
        let other = base.iter().find(|other| other.round == turn.round)?;
        Some(turn.cpu_us / other.cpu_us)
    });
    Summary {
        server,
        cpu_us,
        user_us: cpu_us * user_share,
        system_us: cpu_us * (1.0 - user_share),
        lowest_cpu_us: lowest,
        spread: (extreme(turns, f64::max) - lowest) / cpu_us,
        rate: middle(|turn| turn.load.rate()),
        latency: Latency::median(turns.iter().map(|turn| turn.load.latency)),
        peak_kib: turns.iter().map(|turn| turn.peak_kib).max().unwrap_or(0),
        ratio: median(ratios),
        lowest_ratio: lowest / extreme(base, f64::min),
        waited: turns.iter().map(|turn| turn.waited).fold(0.0, f64::max),
        client_waited: turns
            .iter()
            .map(|turn| turn.load.client_waited)
            .fold(0.0, f64::max),
    }
}

/// The lowest or highest processor time per answer of `turns`, as `pick` chooses.
fn extreme(turns: &[&Turn], pick: fn(f64, f64) -> f64) -> f64 {
    let times = turns.iter().map(|turn| turn.cpu_us);
    times.reduce(pick).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::load::{Errors, Load};

    fn turn(server: &'static str, round: u32, cpu_us: f64) -> Turn {
        Turn {
            server,
            round,
            cpu_us,
            user_us: 0.0,
            system_us: cpu_us,
            waited: 0.0,
            peak_kib: u64::from(round),
            load: Load {
                requests: 1000,
                duration_us: 1_000_000,
                latency: None,
                errors: Errors::default(),
                client_waited: 0.0,
                handshakes: None,
            },
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine was twice as slow in round 2: the ratio does not see it, the spread does.
        let turns = [
            turn("floor", 1, 5.0),
            turn("other", 1, 6.0),
            turn("other", 2, 12.0),
            turn("floor", 2, 10.0),
        ];
        let rows = of(&["floor", "other"], "floor", &turns);
        assert_eq!(rows[0].ratio, 1.0);
        assert!((rows[1].ratio - 1.2).abs() < 1e-9);
        assert_eq!((rows[1].cpu_us, rows[1].lowest_cpu_us), (9.0, 6.0));
        assert!((rows[1].spread - 6.0 / 9.0).abs() < 1e-9);
        assert!((rows[1].lowest_ratio - 1.2).abs() < 1e-9);
        assert_eq!((rows[1].rate, rows[1].peak_kib), (1000.0, 2));
    }
}
