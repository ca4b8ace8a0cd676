//! The schedule against a plain list, and who gets how much.

use proptest::prelude::*;

use super::*;

const fn sequential(urgency: u8) -> Priority {
    Priority {
        urgency,
        incremental: false,
    }
}

const fn incremental(urgency: u8) -> Priority {
    Priority {
        urgency,
        incremental: true,
    }
}

/// The slots of so many turns, each of a whole frame, with nobody done.
fn turns(schedule: &mut Schedule, count: usize) -> Vec<u32> {
    let turn = |schedule: &mut Schedule| {
        let slot = schedule.next().expect("somebody has something to send");
        assert_eq!(schedule.next(), Some(slot), "looking changes nothing");
        schedule.yielded(slot);
        slot
    };
    (0..count).map(|_| turn(schedule)).collect()
}

/// A schedule of streams in slots 0, 1, 2 ... with the identifiers 1, 3, 5 ...
fn schedule(priorities: &[Priority]) -> Schedule {
    let mut schedule = Schedule::new();
    for (slot, priority) in (0..).zip(priorities) {
        schedule.insert(slot, slot * 2 + 1, *priority);
    }
    schedule
}

#[test]
fn nobody_is_next_among_none() {
    let mut schedule = Schedule::new();
    assert_eq!(schedule.next(), None);
    assert!(schedule.is_empty());
    // Slots that were never seen are none's.
    schedule.yielded(3);
    schedule.remove(7);
    schedule.reprioritise(9, incremental(0));
    assert!(!schedule.contains(9) && !schedule.keeps_turn(9));
    schedule.insert(4, 9, sequential(7));
    assert_eq!(schedule.next(), Some(4));
    assert!(schedule.contains(4) && !schedule.contains(3));
    schedule.remove(4);
    assert_eq!(schedule.next(), None);
    assert!(schedule.is_empty());
}

#[test]
fn the_most_urgent_level_goes_first() {
    let mut schedule = schedule(&[
        sequential(7),
        incremental(3),
        sequential(3),
        incremental(0),
        sequential(5),
    ]);
    assert_eq!(turns(&mut schedule, 3), [3, 3, 3]);
    schedule.remove(3);
    assert_eq!(turns(&mut schedule, 3), [2, 1, 2]);
    schedule.remove(1);
    schedule.remove(2);
    assert_eq!(turns(&mut schedule, 2), [4, 4]);
    schedule.remove(4);
    assert_eq!(turns(&mut schedule, 2), [0, 0]);
    schedule.insert(9, 19, sequential(6));
    assert_eq!(turns(&mut schedule, 1), [9]);
}

#[test]
fn sequential_ones_go_one_after_the_other_by_identifier() {
    let mut schedule = Schedule::new();
    for (slot, stream) in [(5, 11), (0, 3), (3, 7), (1, 1), (2, 9), (4, 5)] {
        schedule.insert(slot, stream, sequential(3));
    }
    let mut order = Vec::new();
    while let Some(slot) = schedule.next() {
        assert_eq!(turns(&mut schedule, 3), [slot; 3]);
        order.push(slot);
        schedule.remove(slot);
    }
    assert_eq!(order, [1, 0, 4, 3, 2, 5]);
}

#[test]
fn incremental_ones_take_turns() {
    let mut schedule = schedule(&[incremental(3); 4]);
    assert_eq!(turns(&mut schedule, 9), [0, 1, 2, 3, 0, 1, 2, 3, 0]);
    schedule.remove(2);
    assert_eq!(turns(&mut schedule, 4), [1, 3, 0, 1]);
    // Who comes back goes to the end.
    schedule.insert(2, 5, incremental(3));
    assert_eq!(turns(&mut schedule, 5), [3, 0, 1, 2, 3]);
}

#[test]
fn the_kinds_of_a_level_take_turns() {
    let mut schedule = schedule(&[
        sequential(3),
        incremental(3),
        incremental(3),
        sequential(3),
        incremental(3),
    ]);
    assert_eq!(turns(&mut schedule, 8), [0, 1, 0, 2, 0, 4, 0, 1]);
    // It was the turn of the one that goes, so the other kind is next.
    schedule.remove(0);
    assert_eq!(turns(&mut schedule, 4), [2, 3, 4, 3]);
    schedule.remove(3);
    assert_eq!(turns(&mut schedule, 4), [1, 2, 4, 1]);
}

/// A turn that ends with the stream itself must not go to its own kind again, or a row of short
/// responses would keep the other kind waiting.
#[test]
fn short_responses_do_not_starve_the_other_kind() {
    for short in [sequential(3), incremental(3)] {
        let long = Priority {
            incremental: !short.incremental,
            ..short
        };
        let mut schedule = Schedule::new();
        schedule.insert(0, 1, long);
        let mut order = Vec::new();
        for stream in 0..20 {
            schedule.insert(1 + stream, 3 + stream * 2, short);
        }
        while let Some(slot) = schedule.next() {
            order.push(slot == 0);
            if slot == 0 {
                schedule.yielded(slot);
            } else {
                // With and without the word that the frame has gone.
                if slot.is_multiple_of(2) {
                    schedule.yielded(slot);
                }
                schedule.remove(slot);
            }
            if order.len() == 40 {
                break;
            }
        }
        let first = order.first().copied().unwrap_or(false);
        assert!(order.iter().step_by(2).all(|is_long| *is_long == first));
        assert!(
            order
                .iter()
                .skip(1)
                .step_by(2)
                .all(|is_long| *is_long != first)
        );
    }
}

/// A transmit that has no room left for whoever is next must not cost them their turn.
#[test]
fn looking_without_sending_costs_no_turn() {
    let mut schedule = schedule(&[incremental(3), incremental(3), sequential(3)]);
    let mut sent = [0; 3];
    for _ in 0..60 {
        let slot = schedule.next().expect("all have something");
        if let Some(count) = sent.get_mut(slot as usize) {
            *count += 1;
        }
        schedule.yielded(slot);
        // And here it ends, with a look at the next.
        schedule.next();
    }
    assert_eq!(sent, [15, 15, 30]);
}

#[test]
fn reprioritised_ones_move() {
    let mut schedule = schedule(&[sequential(3), sequential(3), incremental(3)]);
    schedule.reprioritise(1, sequential(2));
    assert_eq!(turns(&mut schedule, 2), [1, 1]);
    schedule.reprioritise(1, sequential(3));
    assert_eq!(schedule.next(), Some(0));
    schedule.reprioritise(0, incremental(3));
    assert_eq!(turns(&mut schedule, 6), [1, 2, 1, 0, 1, 2]);
    // The same again changes nothing, not even the turn.
    schedule.reprioritise(0, incremental(3));
    schedule.reprioritise(1, sequential(3));
    assert_eq!(turns(&mut schedule, 4), [1, 0, 1, 2]);
    // An insertion of one that is there counts as one of these, and moves its stream.
    schedule.insert(1, 3, incremental(3));
    assert_eq!(turns(&mut schedule, 3), [0, 2, 1]);
}

#[test]
fn an_urgency_out_of_range_is_the_least() {
    let mut schedule = schedule(&[sequential(200), sequential(7), sequential(6)]);
    assert_eq!(turns(&mut schedule, 1), [2]);
    schedule.remove(2);
    assert_eq!(turns(&mut schedule, 1), [0]);
    schedule.remove(0);
    assert_eq!(turns(&mut schedule, 1), [1]);
}

/// The rules as a person would write them down.
#[derive(Debug, Default)]
struct Naive {
    /// Slot, identifier, priority, and when it came or had its last turn.
    streams: Vec<(u32, u32, Priority, u64)>,
    /// Which kind goes next, by level.
    incremental_next: [bool; 8],
    time: u64,
}

impl Naive {
    fn next(&self) -> Option<u32> {
        let urgency = self.streams.iter().map(|(_, _, p, _)| p.urgency).min()?;
        let of_kind = |incremental: bool| {
            self.streams
                .iter()
                .filter(move |(_, _, p, _)| p.urgency == urgency && p.incremental == incremental)
        };
        let sequential = of_kind(false).min_by_key(|(_, stream, ..)| *stream);
        let incremental = of_kind(true).min_by_key(|(.., time)| *time);
        let incremental_next = self.incremental_next.get(usize::from(urgency));
        let chosen = if incremental_next.is_some_and(|next| *next) {
            incremental.or(sequential)
        } else {
            sequential.or(incremental)
        };
        chosen.map(|(slot, ..)| *slot)
    }

    /// Only in the level of whoever is next overall is the turn visible; so the others are asked
    /// as if they were alone.
    fn pass_turn(&mut self, slot: u32) {
        let Some((_, _, priority, _)) = self.find(slot) else {
            return;
        };
        let level = Self {
            streams: self
                .streams
                .iter()
                .filter(|(_, _, p, _)| p.urgency == priority.urgency)
                .copied()
                .collect(),
            ..*self
        };
        if level.next() == Some(slot)
            && let Some(next) = self.incremental_next.get_mut(usize::from(priority.urgency))
        {
            *next = !priority.incremental;
        }
    }

    fn find(&self, slot: u32) -> Option<(u32, u32, Priority, u64)> {
        self.streams.iter().find(|(s, ..)| *s == slot).copied()
    }

    fn insert(&mut self, slot: u32, stream: u32, priority: Priority) {
        self.remove(slot);
        self.time += 1;
        self.streams.push((slot, stream, priority, self.time));
    }

    fn remove(&mut self, slot: u32) {
        self.pass_turn(slot);
        self.streams.retain(|(s, ..)| *s != slot);
    }

    fn reprioritise(&mut self, slot: u32, priority: Priority) {
        if let Some((_, stream, before, _)) = self.find(slot)
            && before != priority
        {
            self.streams.retain(|(s, ..)| *s != slot);
            self.time += 1;
            self.streams.push((slot, stream, priority, self.time));
        }
    }

    fn yielded(&mut self, slot: u32) {
        self.pass_turn(slot);
        self.time += 1;
        let now = self.time;
        if let Some((.., time)) = self.streams.iter_mut().find(|(s, ..)| *s == slot) {
            *time = now;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u32, Priority),
    Remove(u32),
    Reprioritise(u32, Priority),
    Yield(u32),
    Turn,
    LastTurn,
}

fn step() -> impl Strategy<Value = Step> {
    let slot = 0_u32..12;
    // Few levels, so that streams meet.
    let priority = (0_u8..3, any::<bool>()).prop_map(|(urgency, incremental)| Priority {
        urgency: urgency * 3,
        incremental,
    });
    prop_oneof![
        4 => (slot.clone(), priority.clone()).prop_map(|(slot, p)| Step::Insert(slot, p)),
        1 => slot.clone().prop_map(Step::Remove),
        2 => (slot.clone(), priority).prop_map(|(slot, p)| Step::Reprioritise(slot, p)),
        1 => slot.prop_map(Step::Yield),
        6 => Just(Step::Turn),
        2 => Just(Step::LastTurn),
    ]
}

proptest! {
    #[test]
    fn agrees_with_the_naive_schedule(
        steps in prop::collection::vec(step(), 0..200),
        ids in Just((0_u32..12).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut schedule = Schedule::new();
        let mut naive = Naive::default();
        for step in steps {
            match step {
                Step::Insert(slot, priority) => {
                    let id = ids.get(slot as usize).map_or(1, |id| id * 2 + 1);
                    schedule.insert(slot, id, priority);
                    naive.insert(slot, id, priority);
                }
                Step::Remove(slot) => {
                    schedule.remove(slot);
                    naive.remove(slot);
                }
                Step::Reprioritise(slot, priority) => {
                    schedule.reprioritise(slot, priority);
                    naive.reprioritise(slot, priority);
                }
                Step::Yield(slot) => {
                    schedule.yielded(slot);
                    naive.yielded(slot);
                }
                Step::Turn | Step::LastTurn => {
                    let slot = schedule.next();
                    prop_assert_eq!(slot, naive.next());
                    if let Some(slot) = slot {
                        let keeps = schedule.keeps_turn(slot);
                        schedule.yielded(slot);
                        prop_assert_eq!(schedule.next() == Some(slot), keeps);
                        naive.yielded(slot);
                        if matches!(step, Step::LastTurn) {
                            schedule.remove(slot);
                            naive.remove(slot);
                        }
                    }
                }
            }
            prop_assert_eq!(schedule.next(), naive.next(), "after {:?}", step);
            prop_assert_eq!(schedule.is_empty(), naive.streams.is_empty());
            for slot in 0..14 {
                prop_assert_eq!(schedule.contains(slot), naive.find(slot).is_some());
            }
        }
    }

    /// While nobody comes or goes, the shares of a level differ by at most a turn, and every
    /// stream that is to be served waits no longer than its round.
    #[test]
    fn shares_are_even(whole in 0_usize..4, parts in 0_usize..6, rounds in 1_usize..5) {
        prop_assume!(whole + parts > 0);
        let kinds: Vec<Priority> = [vec![sequential(3); whole], vec![incremental(3); parts]].concat();
        let mut schedule = schedule(&kinds);
        let per_round = if whole > 0 { parts.max(1) * 2 } else { parts };
        let served = turns(&mut schedule, per_round * rounds);
        let count = |slot: usize| served.iter().filter(|s| **s as usize == slot).count();
        for slot in whole..whole + parts {
            prop_assert_eq!(count(slot), rounds);
        }
        if whole > 0 {
            // The first of them has every turn of its kind; where it is alone, every turn.
            prop_assert_eq!(count(0), if parts > 0 { parts * rounds } else { 2 * rounds });
        }
    }
}
