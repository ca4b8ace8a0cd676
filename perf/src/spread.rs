//! How unevenly a hash spreads connections over shards: what chance alone does.
//!
//! Owns the simulation, with a generator of its own so that its table is the same each time.

use std::fmt::Write;

/// Trials for each cell.
const TRIALS: usize = 2_000;

const CONNECTIONS: [usize; 6] = [8, 64, 256, 1_024, 10_000, 100_000];
const SHARDS: [usize; 5] = [2, 4, 8, 16, 64];

/// How many times the mean the fullest has. Zero of nothing.
pub(crate) fn imbalance(counts: &[usize]) -> f64 {
    let sum: usize = counts.iter().sum();
    let most = counts.iter().max().copied().unwrap_or(0);
    if sum == 0 {
        return 0.0;
    }
    most as f64 * counts.len() as f64 / sum as f64
}

/// The table, as Markdown: for connections and shards the median and the 99th percentile.
pub(crate) fn table() -> String {
    let mut text = String::from("| connections |");
    for shards in SHARDS {
        // Writing to a string cannot fail.
        let _ = write!(text, " {shards} shards |");
    }
    let _ = writeln!(text, "\n|--:|{}", "--:|".repeat(SHARDS.len()));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for connections in CONNECTIONS {
        let _ = write!(text, "| {connections} |");
        for shards in SHARDS {
            let (median, rare) = trials(connections, shards, &mut random);
            let _ = write!(text, " {median:.2} / {rare:.2} |");
        }
        text.push('\n');
    }
    text
}

fn trials(connections: usize, shards: usize, random: &mut Random) -> (f64, f64) {
    // The larger the numbers the less they scatter, and the longer a trial takes.
    let trials = if connections > 10_000 {
        TRIALS / 10
    } else {
        TRIALS
    };
    let mut results: Vec<f64> = (0..trials)
        .map(|_| {
            let mut counts = vec![0; shards];
            for _ in 0..connections {
                if let Some(count) = counts.get_mut(random.below(shards)) {
                    *count += 1;
                }
            }
            imbalance(&counts)
        })
        .collect();
    results.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (results.len() as f64 * share) as usize;
        results.get(index).copied().unwrap_or(0.0)
    };
    (at(0.5), at(0.99))
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^= value >> 31;
        // As the kernel does it: the high half of a product instead of a remainder.
        (((value >> 32) * bound as u64) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, imbalance, trials};

    #[test]
    fn imbalance_is_the_fullest_over_the_mean() {
        for (counts, expected) in [
            (vec![], 0.0),
            (vec![0, 0], 0.0),
            (vec![5, 5], 1.0),
            (vec![3, 1], 1.5),
            (vec![4, 0, 0, 0], 4.0),
        ] {
            assert!((imbalance(&counts) - expected).abs() < 1e-9, "{counts:?}");
        }
    }

    #[test]
    fn more_connections_are_spread_more_evenly() {
        let mut random = Random(1);
        let few = trials(64, 8, &mut random);
        let many = trials(10_000, 8, &mut random);
        assert!(few.0 > many.0 && few.1 > many.1);
        assert!(few.1 >= few.0 && many.0 > 1.0);
    }
}
