//! Whose DATA goes next (RFC 9218, 10).
//!
//! Owns the order of the streams that have something to send and may send it. Knows slots and
//! identifiers only; what a stream has, and what windows allow, is the caller's business, who puts
//! a stream in when both are there and takes it out when one is not.
//!
//! The most urgent level goes first, always. Within a level, responses that are of no use in parts
//! go one after the other, in the order of their requests; incremental ones share, a frame each.
//! Where a level has both kinds they take turns, so that neither starves: the first of the one kind
//! sends a frame, then the next of the other.
//!
//! The streams of each kind are a list linked through their slots: nothing is allocated once as
//! many slots as ever have been seen.

use super::priority::Priority;

const LEVELS: usize = 8;
const NIL: u32 = u32::MAX;

/// Streams in the order of their turns. A turn is at most one frame.
#[derive(Debug)]
pub(crate) struct Schedule {
    levels: [Level; LEVELS],
    /// Which levels have any stream, the most urgent in the lowest bit.
    occupied: u8,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// In the order of stream identifiers.
    sequential: List,
    /// In the order of their turns.
    incremental: List,
    /// Which kind goes next, where there are both.
    incremental_next: bool,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    stream: u32,
    priority: Priority,
    listed: bool,
    previous: u32,
    next: u32,
}

impl List {
    const EMPTY: Self = Self {
        first: NIL,
        last: NIL,
    };

    const fn is_empty(self) -> bool {
        self.first == NIL
    }
}

impl Level {
    const EMPTY: Self = Self {
        sequential: List::EMPTY,
        incremental: List::EMPTY,
        incremental_next: false,
    };

    /// The slot whose turn it is; [`NIL`] in an empty level.
    const fn front(&self) -> u32 {
        let incremental =
            self.sequential.is_empty() || (self.incremental_next && !self.incremental.is_empty());
        if incremental {
            self.incremental.first
        } else {
            self.sequential.first
        }
    }

    const fn is_empty(&self) -> bool {
        self.sequential.is_empty() && self.incremental.is_empty()
    }

    const fn list(&mut self, incremental: bool) -> &mut List {
        if incremental {
            &mut self.incremental
        } else {
            &mut self.sequential
        }
    }
}

impl Node {
    const UNUSED: Self = Self {
        stream: 0,
        priority: Priority::DEFAULT,
        listed: false,
        previous: NIL,
        next: NIL,
    };
}

impl Schedule {
    /// A schedule without streams.
    pub(crate) const fn new() -> Self {
        Self {
            levels: [Level::EMPTY; LEVELS],
            occupied: 0,
            nodes: Vec::new(),
        }
    }

    /// Puts the stream in `slot` behind those of its kind that are there: incremental ones in the
    /// order in which they came, others in that of their identifiers. A stream that is there
    /// already takes the new priority.
    ///
    /// Takes constant time for a stream that is incremental or newer than the others of its
    /// level, which nearly all are, and else a step for each newer one.
    pub(crate) fn insert(&mut self, slot: u32, stream: u32, priority: Priority) {
        debug_assert!(slot != NIL, "no slot has this number");
        let slots = (slot as usize).saturating_add(1);
        if self.nodes.len() < slots {
            self.nodes.resize(slots, Node::UNUSED);
        }
        self.remove(slot);
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            node.stream = stream;
            node.priority = priority;
        }
        self.link(slot);
    }

    /// Takes the stream in `slot` out, if it is there: it has nothing to send, or must not. If it
    /// was its turn, the turn is over.
    pub(crate) fn remove(&mut self, slot: u32) {
        self.pass_turn(slot);
        self.unlink(slot);
    }

    /// Whether the stream in `slot` is there.
    pub(crate) fn contains(&self, slot: u32) -> bool {
        self.nodes
            .get(slot as usize)
            .is_some_and(|node| node.listed)
    }

    /// Whether no stream is there.
    pub(crate) const fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// Gives the stream in `slot` another priority, if it is there. Among incremental ones it
    /// goes to the back, unless nothing changes.
    pub(crate) fn reprioritise(&mut self, slot: u32, priority: Priority) {
        let Some(node) = self.nodes.get_mut(slot as usize) else {
            return;
        };
        if !node.listed || node.priority == priority {
            return;
        }
        self.unlink(slot);
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            node.priority = priority;
        }
        self.link(slot);
    }

    /// The slot of the stream whose turn it is. It stays its turn until
    /// [`yielded`](Self::yielded) or [`remove`](Self::remove).
    pub(crate) fn next(&self) -> Option<u32> {
        let urgency = self.occupied.trailing_zeros();
        let level = self.levels.get(urgency as usize)?;
        Some(level.front()).filter(|slot| *slot != NIL)
    }

    /// Whether the stream in `slot`, whose turn it is, will have the next turn too, unless others
    /// come.
    pub(crate) fn keeps_turn(&self, slot: u32) -> bool {
        let Some(node) = self.nodes.get(slot as usize).filter(|node| node.listed) else {
            return false;
        };
        let Some(level) = self.levels.get(level_of(node.priority)) else {
            return false;
        };
        if node.priority.incremental {
            node.next == NIL && node.previous == NIL && level.sequential.first == NIL
        } else {
            level.incremental.first == NIL
        }
    }

    /// Ends the turn of the stream in `slot`: it has sent a frame. If it has no more to send,
    /// [`remove`](Self::remove) is all it takes.
    pub(crate) fn yielded(&mut self, slot: u32) {
        self.pass_turn(slot);
        let Some(node) = self.nodes.get(slot as usize).filter(|node| node.listed) else {
            return;
        };
        if node.priority.incremental && node.next != NIL {
            self.unlink(slot);
            self.link(slot);
        }
    }

    /// If it is the turn of `slot` in its level, the other kind goes next.
    fn pass_turn(&mut self, slot: u32) {
        let Some(node) = self.nodes.get(slot as usize).filter(|node| node.listed) else {
            return;
        };
        let incremental = node.priority.incremental;
        if let Some(level) = self.levels.get_mut(level_of(node.priority))
            && level.front() == slot
        {
            level.incremental_next = !incremental;
        }
    }

    /// Links a node that is not listed at its place.
    fn link(&mut self, slot: u32) {
        let Some(Node {
            stream, priority, ..
        }) = self.nodes.get(slot as usize).copied()
        else {
            return;
        };
        let index = level_of(priority);
        let Some(level) = self.levels.get_mut(index) else {
            return;
        };
        let list = level.list(priority.incremental);
        // The node that it goes behind.
        let mut previous = list.last;
        if !priority.incremental {
            while let Some(node) = self.nodes.get(previous as usize)
                && node.stream > stream
            {
                previous = node.previous;
            }
        }
        let next = match self.nodes.get_mut(previous as usize) {
            Some(node) => std::mem::replace(&mut node.next, slot),
            None => std::mem::replace(&mut list.first, slot),
        };
        match self.nodes.get_mut(next as usize) {
            Some(node) => node.previous = slot,
            None => list.last = slot,
        }
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            node.previous = previous;
            node.next = next;
            node.listed = true;
        }
        self.occupied |= 1 << index;
    }

    /// Unlinks a node, if it is listed.
    fn unlink(&mut self, slot: u32) {
        let Some(node) = self.nodes.get_mut(slot as usize).filter(|node| node.listed) else {
            return;
        };
        node.listed = false;
        let Node {
            priority,
            previous,
            next,
            ..
        } = *node;
        let index = level_of(priority);
        let Some(level) = self.levels.get_mut(index) else {
            return;
        };
        let list = level.list(priority.incremental);
        match self.nodes.get_mut(previous as usize) {
            Some(node) => node.next = next,
            None => list.first = next,
        }
        match self.nodes.get_mut(next as usize) {
            Some(node) => node.previous = previous,
            None => list.last = previous,
        }
        if level.is_empty() {
            self.occupied &= !(1 << index);
        }
    }
}

/// The index of a priority's level. An urgency beyond the last, which none has, counts as that.
const fn level_of(priority: Priority) -> usize {
    let last = LEVELS - 1;
    let urgency = priority.urgency as usize;
    if urgency < last { urgency } else { last }
}

#[cfg(test)]
mod tests;
