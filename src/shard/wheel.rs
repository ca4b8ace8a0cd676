//! The shard's timers: a hierarchical timing wheel over ticks of one millisecond.
//!
//! Knows numbers only: a deadline is a tick, what it is for is a key of the caller's. It reads no
//! clock and wakes nobody; the driver advances it once a turn and sleeps no longer than
//! [`Wheel::next_deadline`].
//!
//! Level 0 has a slot for each of 64 ticks, level 1 for each of 64 times 64, and so on. A timer is
//! kept on the level of the highest six bits in which its deadline differs from now, in the slot
//! that those bits name. So the slots of a level ahead of now never wrap, the lowest occupied
//! level holds the earliest timer, and whenever time enters a slot its timers move to lower levels
//! or fire. Eleven levels cover all 64 bits of a tick: no deadline is too far to be kept exactly.

#![forbid(unsafe_code)]

const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(SLOT_BITS) as usize;
const NIL: u32 = u32::MAX;

/// A timer of a [`Wheel`]. Names nothing any more once it has fired or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId {
    index: u32,
    generation: u32,
}

/// Timers by deadline. Inserting, cancelling and firing allocate nothing once as many timers as
/// ever are set at a time have been set.
#[derive(Debug)]
pub(crate) struct Wheel {
    now: u64,
    /// No slot with a timer begins before this tick; `u64::MAX` when there is no timer. Kept, for a
    /// shard asks in every turn and nothing is due in nearly all.
    earliest: u64,
    /// Which levels hold any timer.
    levels_occupied: u16,
    levels: Box<[Level; LEVELS]>,
    timers: Vec<Timer>,
    /// First of the unused entries of `timers`, linked by `next`.
    unused: u32,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// Which slots hold any timer.
    occupied: u64,
    /// First timer of each slot.
    heads: [u32; SLOTS],
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    deadline: u64,
    key: u64,
    previous: u32,
    next: u32,
    generation: u32,
    /// Where it is linked; nowhere while unused or between two slots.
    place: Option<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    level: u8,
    slot: u8,
}

impl Wheel {
    /// An empty wheel at tick `now`.
    pub(crate) fn new(now: u64) -> Self {
        let empty = Level {
            occupied: 0,
            heads: [NIL; SLOTS],
        };
        Self {
            now,
            earliest: u64::MAX,
            levels_occupied: 0,
            levels: Box::new([empty; LEVELS]),
            timers: Vec::new(),
            unused: NIL,
            len: 0,
        }
    }

    /// Sets a timer that yields `key` in the first [`advance`](Wheel::advance) to tick `deadline`
    /// or later. A deadline that is not ahead of the wheel's time counts as the next tick.
    pub(crate) fn insert(&mut self, deadline: u64, key: u64) -> TimerId {
        let deadline = deadline.max(self.now.saturating_add(1));
        let index = self.take_unused();
        let mut generation = 0;
        if let Some(timer) = self.timers.get_mut(index as usize) {
            timer.deadline = deadline;
            timer.key = key;
            generation = timer.generation;
        }
        self.link(index, deadline);
        self.len += 1;
        TimerId { index, generation }
    }

    /// Takes a timer back; false if it has fired or was cancelled before.
    pub(crate) fn cancel(&mut self, id: TimerId) -> bool {
        let Some(timer) = self.timers.get(id.index as usize) else {
            return false;
        };
        if timer.generation != id.generation || timer.place.is_none() {
            return false;
        }
        self.unlink(id.index);
        self.retire(id.index);
        true
    }

    /// Moves time on to tick `now` and appends the keys of the timers due by then to `expired`, in
    /// the order of their deadlines (those of one tick in any order). Time never goes back.
    ///
    /// Costs a step for each timer that fires and for each level that one descends, however far
    /// the jump.
    pub(crate) fn advance(&mut self, now: u64, expired: &mut Vec<u64>) {
        if now < self.earliest {
            self.now = self.now.max(now);
            return;
        }
        self.earliest = self.fire(now, expired);
        self.now = self.now.max(now);
    }

    /// Empties the slots that begin by tick `now`, into `expired` or slots of lower levels. Answers
    /// where the next one begins; `u64::MAX` when there is none.
    #[inline(never)]
    fn fire(&mut self, now: u64, expired: &mut Vec<u64>) -> u64 {
        loop {
            let Some((place, start)) = self.earliest_slot() else {
                return u64::MAX;
            };
            if start > now {
                return start;
            }
            self.now = self.now.max(start);
            let mut index = self.take_slot(place);
            while let Some(timer) = self.timers.get_mut(index as usize) {
                let (current, next) = (index, timer.next);
                timer.place = None;
                if timer.deadline <= self.now {
                    expired.push(timer.key);
                    self.retire(current);
                } else {
                    let deadline = timer.deadline;
                    self.link(current, deadline);
                }
                index = next;
            }
        }
    }

    /// The tick by which to advance next; nothing while no timer is set. Exact for timers due
    /// within the current 64 ticks; for later ones it may be early, when they have only to move
    /// to a lower level. Never late.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.earliest_slot().map(|(_, start)| start)
    }

    /// Timers that are set.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The occupied slot that begins first, and the tick at which it begins.
    fn earliest_slot(&self) -> Option<(Place, u64)> {
        let level = self.levels_occupied.trailing_zeros();
        let occupied = self.levels.get(level as usize)?.occupied;
        let slot = occupied.trailing_zeros();
        let shift = level * SLOT_BITS;
        // The bits above the level's are those of now, the bits below it zero.
        let above = self.now.checked_shr(shift + SLOT_BITS).unwrap_or(0);
        let start = (above << SLOT_BITS | u64::from(slot)) << shift;
        let place = Place {
            level: level as u8,
            slot: slot as u8,
        };
        Some((place, start))
    }

    /// Links a timer into the slot that its deadline belongs to as seen from now.
    fn link(&mut self, index: u32, deadline: u64) {
        let differing = (self.now ^ deadline).checked_ilog2().unwrap_or(0);
        let level = differing / SLOT_BITS;
        let slot = deadline >> (level * SLOT_BITS) & (SLOTS as u64 - 1);
        let start = deadline >> (level * SLOT_BITS) << (level * SLOT_BITS);
        self.earliest = self.earliest.min(start);
        let Some(wheel_level) = self.levels.get_mut(level as usize) else {
            return;
        };
        let Some(head) = wheel_level.heads.get_mut(slot as usize) else {
            return;
        };
        let next = std::mem::replace(head, index);
        wheel_level.occupied |= 1 << slot;
        self.levels_occupied |= 1 << level;
        if let Some(second) = self.timers.get_mut(next as usize) {
            second.previous = index;
        }
        if let Some(timer) = self.timers.get_mut(index as usize) {
            timer.previous = NIL;
            timer.next = next;
            timer.place = Some(Place {
                level: level as u8,
                slot: slot as u8,
            });
        }
    }

    /// Takes a timer out of its slot.
    fn unlink(&mut self, index: u32) {
        let Some(timer) = self.timers.get_mut(index as usize) else {
            return;
        };
        let (previous, next) = (timer.previous, timer.next);
        let Some(place) = timer.place.take() else {
            return;
        };
        if let Some(after) = self.timers.get_mut(next as usize) {
            after.previous = previous;
        }
        if let Some(before) = self.timers.get_mut(previous as usize) {
            before.next = next;
        } else if next == NIL {
            self.take_slot(place);
        } else if let Some(head) = self.head(place) {
            *head = next;
        }
    }

    /// Empties a slot and returns the first of its timers.
    fn take_slot(&mut self, place: Place) -> u32 {
        let first = self
            .head(place)
            .map_or(NIL, |head| std::mem::replace(head, NIL));
        if let Some(level) = self.levels.get_mut(usize::from(place.level)) {
            level.occupied &= !(1 << place.slot);
            if level.occupied == 0 {
                self.levels_occupied &= !(1 << place.level);
            }
        }
        first
    }

    fn head(&mut self, place: Place) -> Option<&mut u32> {
        self.levels
            .get_mut(usize::from(place.level))?
            .heads
            .get_mut(usize::from(place.slot))
    }

    /// An entry to set a timer in.
    fn take_unused(&mut self) -> u32 {
        if let Some(timer) = self.timers.get(self.unused as usize) {
            return std::mem::replace(&mut self.unused, timer.next);
        }
        let index = self.timers.len();
        self.timers.push(Timer {
            deadline: 0,
            key: 0,
            previous: NIL,
            next: NIL,
            generation: 0,
            place: None,
        });
        index as u32
    }

    /// Makes an unlinked entry unused, and its name stale.
    fn retire(&mut self, index: u32) {
        if let Some(timer) = self.timers.get_mut(index as usize) {
            timer.generation = timer.generation.wrapping_add(1);
            timer.next = std::mem::replace(&mut self.unused, index);
            self.len -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
