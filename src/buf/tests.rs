//! The ownership of buffers: who holds one, when it comes back, and what no sequence may break.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::ptr::NonNull;

use proptest::prelude::*;

use super::{BufSlice, Pool, PoolError};

#[test]
fn bounds_of_a_pool() {
    assert_eq!(Pool::new(0, 64).unwrap_err(), PoolError::Count);
    assert_eq!(Pool::new(3, 64).unwrap_err(), PoolError::Count);
    assert_eq!(Pool::new(65_536, 64).unwrap_err(), PoolError::Count);
    assert_eq!(Pool::new(4, 0).unwrap_err(), PoolError::Size);
    let pool = Pool::new(1, 64).unwrap();
    assert_eq!((pool.count(), pool.size(), pool.in_use()), (1, 64, 0));
}

#[test]
#[cfg_attr(miri, ignore = "takes Miri minutes")]
fn the_largest_pool_is_possible() {
    let pool = Pool::new(32_768, 1).unwrap();
    assert_eq!(pool.take_returned(|_, _| {}), 32_768);
    assert!(!pool.has_returned());
}

#[test]
fn last_slice_returns_the_buffer() {
    let pool = Pool::new(1, 8).unwrap();
    let mut slice = pool.fill(b"abcdefgh too long").unwrap();
    assert_eq!(&*slice, b"abcdefgh");
    assert!(pool.fill(b"x").is_none());
    let head = slice.split_to(3);
    let middle = slice.slice(1..3).unwrap();
    assert_eq!(
        (&*head, &*slice, &*middle),
        (&b"abc"[..], &b"defgh"[..], &b"ef"[..])
    );
    assert!(slice.slice(2..6).is_none());
    #[expect(clippy::reversed_empty_ranges)]
    let turned = slice.slice(2..1);
    assert!(turned.is_none());
    slice.advance(100);
    assert!(slice.is_empty());
    drop(slice);
    drop(head);
    assert_eq!(pool.in_use(), 1);
    assert!(!pool.has_returned());
    drop(middle);
    assert_eq!(pool.in_use(), 0);
    assert_eq!(&*pool.fill(b"y").unwrap(), b"y");
}

#[test]
fn the_kernel_owns_a_buffer_until_it_is_filled() {
    let pool = Pool::new(2, 4).unwrap();
    let mut taken = Vec::new();
    assert_eq!(
        pool.take_returned(|id, address| taken.push((id, address))),
        2
    );
    assert!(
        pool.fill(b"x").is_none(),
        "no buffer is on the returned list"
    );
    let (id, address) = taken[0];
    // SAFETY: the buffer is with "the kernel", which is this test.
    unsafe { address.as_ptr().write(b'k') };
    // SAFETY: this test does not write to the buffer from here on.
    let slice = unsafe { pool.filled(id, 1) }.unwrap();
    assert_eq!(&*slice, b"k");
    // SAFETY: as above; a second report of one buffer must be refused.
    assert!(unsafe { pool.filled(id, 1) }.is_none());
    // SAFETY: as above; more bytes than a buffer has must be refused.
    assert!(unsafe { pool.filled(taken[1].0, 5) }.is_none());
    // SAFETY: as above; an id beyond the pool must be refused.
    assert!(unsafe { pool.filled(2, 1) }.is_none());
    drop(slice);
    let mut again = Vec::new();
    assert_eq!(pool.take_returned(|id, _| again.push(id)), 1);
    assert_eq!(again, [id]);
}

#[test]
fn scarce_above_three_quarters() {
    let pool = Pool::new(4, 4).unwrap();
    let mut slices: Vec<BufSlice> = (0..3).map(|_| pool.fill(b"x").unwrap()).collect();
    assert!(!pool.is_scarce());
    slices.push(pool.fill(b"x").unwrap());
    assert!(pool.is_scarce());
    slices.pop();
    assert!(!pool.is_scarce());
}

#[test]
fn slices_outlive_the_handle() {
    let pool = Pool::new(1, 4).unwrap();
    let slice = pool.fill(b"late").unwrap();
    drop(pool);
    assert_eq!(&*slice, b"late");
}

#[derive(Clone, Debug)]
enum Step {
    Take,
    Receive(Vec<u8>),
    Clone(prop::sample::Index),
    Slice(prop::sample::Index, usize, usize),
    SplitTo(prop::sample::Index, usize),
    Advance(prop::sample::Index, usize),
    Drop(prop::sample::Index),
}

const SIZE: usize = 8;

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        2 => Just(Step::Take),
        4 => prop::collection::vec(any::<u8>(), 0..=SIZE).prop_map(Step::Receive),
        2 => index().prop_map(Step::Clone),
        2 => (index(), 0..=SIZE, 0..=SIZE).prop_map(|(i, a, b)| Step::Slice(i, a, b)),
        2 => (index(), 0..=SIZE).prop_map(|(i, n)| Step::SplitTo(i, n)),
        1 => (index(), 0..=SIZE).prop_map(|(i, n)| Step::Advance(i, n)),
        6 => index().prop_map(Step::Drop),
    ]
}

/// What the pool should be like: the kernel's buffers, and each slice with what it should read.
struct Model {
    pool: Pool,
    kernel: BTreeMap<u16, NonNull<u8>>,
    slices: Vec<(BufSlice, u16, Vec<u8>)>,
}

impl Model {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Take => {
                let kernel = &mut self.kernel;
                self.pool.take_returned(|id, address| {
                    assert!(kernel.insert(id, address).is_none(), "handed over twice");
                });
            }
            Step::Receive(bytes) => {
                let Some((id, address)) = self.kernel.pop_first() else {
                    return;
                };
                // SAFETY: the buffer is with "the kernel", which is this test, and has `SIZE` bytes.
                unsafe {
                    address.copy_from_nonoverlapping(NonNull::from(&bytes[..]).cast(), bytes.len())
                };
                // SAFETY: this test does not write to it again before it is handed over again.
                let slice = unsafe { self.pool.filled(id, bytes.len()) }.unwrap();
                self.slices.push((slice, id, bytes.clone()));
            }
            _ if self.slices.is_empty() => {}
            Step::Clone(index) => {
                let chosen = index.get(&self.slices);
                let clone = (chosen.0.clone(), chosen.1, chosen.2.clone());
                self.slices.push(clone);
            }
            Step::Slice(index, start, end) => {
                let (slice, id, bytes) = index.get(&self.slices);
                let (part, expected) = (slice.slice(*start..*end), bytes.get(*start..*end));
                assert_eq!(part.as_deref(), expected);
                if let (Some(part), Some(expected)) = (part, expected) {
                    let entry = (part, *id, expected.to_vec());
                    self.slices.push(entry);
                }
            }
            Step::SplitTo(index, n) => {
                let i = index.index(self.slices.len());
                let (slice, id, bytes) = &mut self.slices[i];
                let rest = bytes.split_off((*n).min(bytes.len()));
                let entry = (slice.split_to(*n), *id, std::mem::replace(bytes, rest));
                self.slices.push(entry);
            }
            Step::Advance(index, n) => {
                let i = index.index(self.slices.len());
                let (slice, _, bytes) = &mut self.slices[i];
                slice.advance(*n);
                bytes.drain(..(*n).min(bytes.len()));
            }
            Step::Drop(index) => {
                let i = index.index(self.slices.len());
                self.slices.swap_remove(i);
            }
        }
    }

    fn check(&self) {
        for (slice, _, bytes) in &self.slices {
            assert_eq!(&**slice, &bytes[..]);
            assert_eq!(
                (slice.len(), slice.is_empty()),
                (bytes.len(), bytes.is_empty())
            );
        }
        let mut held: Vec<u16> = self.slices.iter().map(|(_, id, _)| *id).collect();
        held.sort_unstable();
        held.dedup();
        assert_eq!(self.pool.in_use(), held.len());
        let returned = self.pool.count() - held.len() - self.kernel.len();
        assert_eq!(self.pool.has_returned(), returned > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 8 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_buffer_has_one_owner(steps in prop::collection::vec(step(), 0..120)) {
        let pool = Pool::new(4, SIZE as u32).unwrap();
        let mut model = Model { pool, kernel: BTreeMap::new(), slices: Vec::new() };
        for step in &steps {
            model.apply(step);
            model.check();
        }
        model.slices.clear();
        model.check();
        model.apply(&Step::Take);
        prop_assert_eq!(model.kernel.len(), model.pool.count());
    }
}
