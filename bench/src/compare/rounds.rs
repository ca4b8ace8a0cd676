//! The order of turns, and what is said while they are taken.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::plan::{Contender, Plan};
use crate::interrupt::Interrupt;
use crate::peer::Peer;

/// Calls `take` for each server in each round. `expected` is what a turn takes, until one is done;
/// `figures` says what a turn has found. A server whose turn fails is taken out of the plan with all
/// of its turns: the others go on.
pub(super) fn take_turns<T>(
    plan: &mut Plan,
    interrupt: &Interrupt,
    expected: Duration,
    mut take: impl FnMut(&Plan, &'static Peer, &Path, u32) -> Result<T>,
    figures: impl Fn(&T) -> String,
) -> Result<Vec<T>> {
    let servers = plan.contenders.len();
    let count = servers * plan.rounds as usize;
    let mut turns = Vec::with_capacity(count);
    let mut done = 0;
    let started = Instant::now();
    for round in 1..=plan.rounds {
        // Each round starts with another server: none always follows the same one.
        let first = (round as usize - 1) % servers;
        let order: Vec<Contender> = plan.contenders.clone();
        let order = order.iter().cycle().skip(first).take(order.len());
        for (peer, program) in order {
            done += 1;
            eprint!(
                "[{done}/{count}] round {round}, {}; {} left ... ",
                peer.name,
                minutes(time_left(started.elapsed(), done - 1, count, expected)),
            );
            match take(plan, peer, program, round) {
                Ok(turn) => {
                    eprintln!("{}", figures(&turn));
                    turns.push((peer.name, turn));
                }
                Err(error) => {
                    // An error that follows Ctrl-C is not one of the server.
                    interrupt.check()?;
                    eprintln!("failed");
                    plan.leave_out(peer, &error)?;
                    turns.retain(|(name, _)| *name != peer.name);
                }
            }
        }
    }
    Ok(turns.into_iter().map(|(_, turn)| turn).collect())
}

/// Time that the turns still to come will take, judged by those done.
fn time_left(elapsed: Duration, done: usize, count: usize, expected: Duration) -> Duration {
    let turn = match u32::try_from(done) {
        Ok(done @ 1..) => elapsed / done,
        _ => expected,
    };
    turn.saturating_mul(u32::try_from(count.saturating_sub(done)).unwrap_or(u32::MAX))
}

fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::compare::plan::tests::plan;

    /// Three rounds of h2 in which `fails` says who fails when; the names of the turns that are left.
    fn take(fails: impl Fn(&str, u32) -> bool) -> Result<(Vec<&'static str>, Plan)> {
        let interrupt = Interrupt::register().unwrap();
        let mut plan = plan("h2", 3, &interrupt);
        let turns = take_turns(
            &mut plan,
            &interrupt,
            Duration::ZERO,
            |_, peer, _, round| {
                anyhow::ensure!(!fails(peer.name, round), "it broke");
                Ok(peer.name)
            },
            |_| String::new(),
        )?;
        Ok((turns, plan))
    }

    #[test]
    fn each_round_starts_with_another_server() {
        let (turns, plan) = take(|_, _| false).unwrap();
        let count = plan.servers().len();
        let firsts: Vec<&str> = turns.chunks(count).map(|round| round[0]).collect();
        assert_eq!(firsts, plan.servers().get(..3).unwrap());
        assert_eq!(turns.len(), 3 * count);
    }

    #[test]
    fn a_server_that_fails_is_named_and_the_others_go_on() {
        let (turns, plan) = take(|name, round| name == "nginx" && round == 2).unwrap();
        assert!(!turns.contains(&"nginx") && !plan.servers().contains(&"nginx"));
        assert_eq!(turns.len(), 3 * plan.servers().len());
        let failures = plan.conditions(String::new()).failures();
        assert_eq!(failures, ["  nginx: it broke"]);
        assert!(take(|_, _| true).is_err());
    }

    #[test]
    fn time_left_follows_the_turns_done() {
        let second = Duration::from_secs(1);
        assert_eq!(time_left(10 * second, 2, 10, second), 40 * second);
        let expected = Duration::from_millis(5400);
        assert_eq!(minutes(time_left(Duration::ZERO, 0, 10, expected)), "0:54");
    }
}
