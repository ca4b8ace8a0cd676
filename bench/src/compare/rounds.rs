//! The order of turns, and what is said while they are taken.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::plan::Plan;
use crate::peer::Peer;

/// Calls `take` for each server in each round. `expected` is what a turn takes, until one is done;
/// `figures` says what a turn has found.
pub(super) fn take_turns<T>(
    plan: &Plan,
    expected: Duration,
    mut take: impl FnMut(&'static Peer, &Path, u32) -> Result<T>,
    figures: impl Fn(&T) -> String,
) -> Result<Vec<T>> {
    let contenders = &plan.contenders;
    let count = contenders.len() * plan.rounds as usize;
    let mut turns = Vec::with_capacity(count);
    let started = Instant::now();
    for round in 1..=plan.rounds {
        // Each round starts with another server: none always follows the same one.
        let first = (round as usize - 1) % contenders.len();
        for (peer, program) in contenders.iter().cycle().skip(first).take(contenders.len()) {
            eprint!(
                "[{}/{count}] round {round}, {}; {} left ... ",
                turns.len() + 1,
                peer.name,
                minutes(time_left(started.elapsed(), turns.len(), count, expected)),
            );
            let turn = take(peer, program, round)?;
            eprintln!("{}", figures(&turn));
            turns.push(turn);
        }
    }
    Ok(turns)
}

/// Time that the turns still to come will take, judged by those done.
fn time_left(elapsed: Duration, done: usize, count: usize, expected: Duration) -> Duration {
    let turn = match u32::try_from(done) {
        Ok(done @ 1..) => elapsed / done,
        _ => expected,
    };
    turn.saturating_mul(u32::try_from(count - done).unwrap_or(u32::MAX))
}

fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_turns_done() {
        let second = Duration::from_secs(1);
        assert_eq!(time_left(10 * second, 2, 10, second), 40 * second);
        let expected = Duration::from_millis(5400);
        assert_eq!(minutes(time_left(Duration::ZERO, 0, 10, expected)), "0:54");
    }
}
