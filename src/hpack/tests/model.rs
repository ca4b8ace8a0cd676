//! The dynamic table against a list that is as simple as the rules.

use proptest::prelude::*;

use super::super::table::{LINE_OVERHEAD, Table};
use super::Pair;

/// The rules of RFC 7541, 4, word for word: newest first.
#[derive(Default)]
struct Model {
    lines: Vec<(Pair, u32)>,
    size_max: usize,
}

impl Model {
    fn size(&self) -> usize {
        let sizes = self
            .lines
            .iter()
            .map(|((name, value), _)| name.len() + value.len() + 32);
        sizes.sum()
    }

    fn resize(&mut self, size_max: usize) {
        self.size_max = size_max;
        while self.size() > size_max {
            self.lines.pop();
        }
    }

    fn insert(&mut self, line: Pair, note: u32) {
        let size = line.0.len() + line.1.len() + 32;
        while !self.lines.is_empty() && self.size() + size > self.size_max {
            self.lines.pop();
        }
        if size <= self.size_max {
            self.lines.insert(0, (line, note));
        }
    }
}

fn check(table: &Table<u32>, model: &Model) {
    let lines: Vec<Pair> = model.lines.iter().map(|(line, _)| line.clone()).collect();
    assert_eq!(table.lines(), lines);
    assert_eq!(table.size() as usize, model.size());
    assert!(table.size() <= table.size_max());
    let count = lines.len() as u32;
    assert!(table.entry(count).is_none() && table.entry(u32::MAX).is_none());
    for (age, ((name, value), note)) in model.lines.iter().enumerate() {
        let entry = table.entry(age as u32).unwrap();
        assert_eq!(entry.note, *note);
        assert_eq!(entry.size(), entry.text_len() + LINE_OVERHEAD);
        assert!(table.is_line(entry, name, value));
        assert!(table.is_name(entry, &name.to_ascii_uppercase()));
        assert!(table.is_value(entry, value));
        let mut out = Vec::new();
        table.append_name(entry, &mut out);
        assert_eq!(out, *name);
        // One byte of it changed, and one more of it.
        for at in [0, name.len() / 2, name.len().saturating_sub(1)] {
            let mut name = name.clone();
            if let Some(byte) = name.get_mut(at) {
                *byte ^= 0x80;
                assert!(!table.is_line(entry, &name, value));
                assert!(!table.is_name(entry, &name));
            }
        }
        for at in [0, value.len() / 2, value.len().saturating_sub(1)] {
            let mut value = value.clone();
            if let Some(byte) = value.get_mut(at) {
                *byte ^= 0x20;
                assert!(!table.is_line(entry, name, &value));
                assert!(!table.is_value(entry, &value));
            }
        }
        let longer = [value.as_slice(), b"x"].concat();
        assert!(!table.is_line(entry, name, &longer));
        assert!(!table.is_value(entry, &longer));
    }
}

/// A new size, or a line of random text with these lengths.
#[derive(Clone, Debug)]
enum Change {
    Resize(u32),
    Insert(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => prop_oneof![Just(0), 0..700_u32, 600..2500_u32].prop_map(Change::Resize),
        12 => (0..40_usize, 0..60_usize).prop_map(|(name, value)| Change::Insert(name, value)),
        3 => (0..300_usize, 0..900_usize).prop_map(|(name, value)| Change::Insert(name, value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_table_is_the_model(
        size_max in 0..2500_u32,
        changes in prop::collection::vec(change(), 0..80),
    ) {
        let mut table = Table::new(size_max);
        let mut model = Model { size_max: size_max as usize, ..Model::default() };
        let (mut most_text, mut most_lines) = (0, 0);
        prop_assert_eq!(table.rings(), (0, 0));
        let mut byte = 0_u8;
        let mut text = |len| -> Vec<u8> {
            let mut next = || {
                byte = byte.wrapping_mul(5).wrapping_add(1);
                byte
            };
            (0..len).map(|_| next()).collect()
        };
        for (note, change) in changes.into_iter().enumerate() {
            match change {
                Change::Resize(size) => {
                    table.resize(size);
                    model.resize(size as usize);
                }
                Change::Insert(name, value) => {
                    let line = (text(name), text(value));
                    table.insert(&line.0, &line.1, note as u32);
                    model.insert(line, note as u32);
                }
            }
            check(&table, &model);
            // No more memory than the lines have ever filled, rounded up.
            let lines = model.lines.len();
            most_lines = most_lines.max(lines);
            most_text = most_text.max(model.size() - 32 * lines);
            let (text, entries) = table.rings();
            prop_assert!(text <= most_text.next_power_of_two().max(512));
            prop_assert!(entries <= most_lines.next_power_of_two().max(8));
        }
    }
}
