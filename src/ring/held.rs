//! Memory that the kernel works on.
//!
//! Owns the buffers of sends and reads and the paths of opens from submission to the completion
//! that ends them, each with the token it belongs to. Knows nothing of submission: it is given
//! memory and asked for it back by key.

#![forbid(unsafe_code)]

use std::ffi::CString;

use super::Token;

/// Memory of one operation. Its heap part never moves while it is here.
#[derive(Debug)]
pub(super) enum Memory {
    /// What a send reads from.
    Send(Vec<u8>),
    /// What a read writes to, behind the vector's length.
    Read(Vec<u8>),
    /// What an open reads its path from.
    Open(CString),
}

#[derive(Debug)]
enum Slot {
    Vacant { next: Option<u32> },
    Held { token: Token, memory: Memory },
}

/// A slab of operations. Allocates only when more are in flight than ever before.
#[derive(Debug, Default)]
pub(super) struct Held {
    slots: Vec<Slot>,
    vacant: Option<u32>,
}

impl Held {
    /// Room for `count` operations at once before it allocates.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            slots: Vec::with_capacity(count),
            vacant: None,
        }
    }

    /// Keeps `memory` until [`Held::take`] is called with the key that this returns.
    pub(super) fn keep(&mut self, token: Token, memory: Memory) -> u32 {
        let held = Slot::Held { token, memory };
        if let Some(key) = self.vacant
            && let Some(slot) = self.slots.get_mut(key as usize)
            && let Slot::Vacant { next } = *slot
        {
            self.vacant = next;
            *slot = held;
            return key;
        }
        // 2^32 operations would need hundreds of gigabytes for their slots alone.
        let key = self.slots.len() as u32;
        self.slots.push(held);
        key
    }

    /// The memory kept under `key`, once.
    pub(super) fn take(&mut self, key: u32) -> Option<(Token, Memory)> {
        let slot = self.slots.get_mut(key as usize)?;
        if matches!(slot, Slot::Vacant { .. }) {
            return None;
        }
        match std::mem::replace(slot, Slot::Vacant { next: self.vacant }) {
            Slot::Held { token, memory } => {
                self.vacant = Some(key);
                Some((token, memory))
            }
            Slot::Vacant { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ring::OpKind;

    #[test]
    fn keys_are_reused_and_good_once() {
        let token = |slot| Token::new(OpKind::Send, 1, slot);
        let mut held = Held::with_capacity(2);
        let a = held.keep(token(1), Memory::Send(vec![1]));
        let b = held.keep(token(2), Memory::Read(vec![2]));
        assert_ne!(a, b);
        assert_eq!(held.take(a).unwrap().0, token(1));
        assert!(held.take(a).is_none());
        assert!(held.take(99).is_none());
        let c = held.keep(token(3), Memory::Send(vec![3]));
        assert_eq!(c, a);
        assert_eq!(held.take(b).unwrap().0, token(2));
        assert_eq!(held.take(c).unwrap().0, token(3));
        assert_eq!(held.slots.len(), 2);
    }
}
