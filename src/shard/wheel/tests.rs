//! The timer wheel against a plain ordered map.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn advance(wheel: &mut Wheel, now: u64) -> Vec<u64> {
    let mut expired = Vec::new();
    wheel.advance(now, &mut expired);
    expired
}

#[test]
fn fires_at_its_tick_and_not_before() {
    for start in [0, 1, 63, 64, 4_095, 1 << 36, u64::MAX - (1 << 20)] {
        for ahead in [1, 2, 63, 64, 65, 4_095, 4_096, 100_000, 1 << 19] {
            let mut wheel = Wheel::new(start);
            wheel.insert(start + ahead, 7);
            assert_eq!(
                advance(&mut wheel, start + ahead - 1),
                [0_u64; 0],
                "{start} + {ahead}"
            );
            assert_eq!(wheel.len(), 1);
            assert_eq!(advance(&mut wheel, start + ahead), [7], "{start} + {ahead}");
            assert_eq!(wheel.len(), 0);
            assert_eq!(wheel.next_deadline(), None);
        }
    }
}

#[test]
fn a_deadline_in_the_past_is_the_next_tick() {
    let mut wheel = Wheel::new(100);
    wheel.insert(100, 1);
    wheel.insert(3, 2);
    assert_eq!(wheel.next_deadline(), Some(101));
    assert_eq!(advance(&mut wheel, 100), [0_u64; 0]);
    assert_eq!(advance(&mut wheel, 101).len(), 2);
}

#[test]
fn long_jumps_fire_in_order() {
    let mut wheel = Wheel::new(0);
    let deadlines = [5, 1, u64::MAX - 1, 1 << 40, 70, 5_000, 64];
    for deadline in deadlines {
        wheel.insert(deadline, deadline);
    }
    let mut sorted = deadlines;
    sorted.sort_unstable();
    assert_eq!(advance(&mut wheel, u64::MAX), sorted);
}

#[test]
fn a_stale_name_cancels_nothing() {
    let mut wheel = Wheel::new(0);
    let first = wheel.insert(10, 1);
    assert!(wheel.cancel(first));
    assert!(!wheel.cancel(first));
    let second = wheel.insert(10, 2);
    assert_eq!(first.index, second.index);
    assert!(!wheel.cancel(first));
    assert_eq!(advance(&mut wheel, 10), [2]);
    assert!(!wheel.cancel(second));
}

#[test]
fn time_does_not_go_back() {
    let mut wheel = Wheel::new(50);
    wheel.insert(60, 1);
    assert_eq!(advance(&mut wheel, 55), [0_u64; 0]);
    assert_eq!(advance(&mut wheel, 20), [0_u64; 0]);
    wheel.insert(30, 2);
    assert_eq!(wheel.next_deadline(), Some(56));
    assert_eq!(advance(&mut wheel, 60), [2, 1]);
}

#[derive(Clone, Debug)]
enum Step {
    Insert { ahead: u64 },
    Cancel(prop::sample::Index),
    Advance { by: u64 },
    AdvanceToNext,
}

/// Spans of every magnitude, so that all levels and their edges are met.
fn span() -> impl Strategy<Value = u64> {
    (0..45_u32, any::<u64>()).prop_map(|(bits, noise)| noise & ((1 << bits) - 1))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => span().prop_map(|ahead| Step::Insert { ahead }),
        2 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        2 => span().prop_map(|by| Step::Advance { by }),
        2 => Just(Step::AdvanceToNext),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_sorted_map(
        start in prop_oneof![Just(0), span()],
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let mut wheel = Wheel::new(start);
        let mut now = start;
        let mut model: BTreeMap<(u64, u64), TimerId> = BTreeMap::new();
        for (key, step) in steps.into_iter().enumerate() {
            let key = key as u64;
            let to = match step {
                Step::Insert { ahead } => {
                    let id = wheel.insert(now + ahead, key);
                    model.insert(((now + ahead).max(now + 1), key), id);
                    None
                }
                Step::Cancel(which) => {
                    if !model.is_empty() {
                        let timer = *which.get(&model.keys().copied().collect::<Vec<_>>());
                        prop_assert!(wheel.cancel(model.remove(&timer).unwrap()));
                    }
                    None
                }
                Step::Advance { by } => Some(now + by),
                Step::AdvanceToNext => wheel.next_deadline(),
            };
            if let Some(to) = to {
                now = to;
                let later = model.split_off(&(now + 1, 0));
                let due: Vec<_> = std::mem::replace(&mut model, later).into_iter().collect();
                let mut expired = advance(&mut wheel, now);
                expired.sort_unstable();
                let mut keys: Vec<_> = due.iter().map(|((_, key), _)| *key).collect();
                keys.sort_unstable();
                prop_assert_eq!(expired, keys);
                for (_, id) in due {
                    prop_assert!(!wheel.cancel(id));
                }
            }
            prop_assert_eq!(wheel.len(), model.len());
            let earliest = model.keys().next().map(|(deadline, _)| *deadline);
            let next = wheel.next_deadline();
            prop_assert_eq!(next.is_some(), earliest.is_some());
            if let (Some(next), Some(earliest)) = (next, earliest) {
                prop_assert!(now < next && next <= earliest);
                if earliest >> SLOT_BITS == now >> SLOT_BITS {
                    prop_assert_eq!(next, earliest);
                }
            }
        }
        // As many entries as were ever set at a time, no more.
        prop_assert!(wheel.timers.len() <= 300);
    }

    /// Sleeping from deadline to deadline reaches a timer in a few steps, however far it is.
    #[test]
    fn a_lone_timer_is_reached_in_as_many_steps_as_levels(start in span(), ahead in span()) {
        let mut wheel = Wheel::new(start);
        wheel.insert(start + ahead, 1);
        let mut steps = 0;
        while let Some(next) = wheel.next_deadline() {
            prop_assert!(steps < LEVELS);
            advance(&mut wheel, next);
            steps += 1;
        }
    }
}
