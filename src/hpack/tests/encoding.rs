//! What the encoder chooses, and what it tells of its table.

use super::super::{Encoder, Indexing, StaticName};
use super::*;

/// What one line becomes.
fn field(encoder: &mut Encoder, name: &str, value: &str, indexing: Indexing) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.field(name.as_bytes(), value.as_bytes(), indexing, &mut out);
    out
}

fn begin(encoder: &mut Encoder) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.begin(&mut out);
    out
}

#[test]
fn every_static_name_and_line_is_found() {
    for (place, (name, value)) in STATIC_LINES.iter().enumerate() {
        let mut encoder = Encoder::new();
        for indexing in [Indexing::Incremental, Indexing::Without] {
            let block = field(&mut encoder, &name.to_ascii_uppercase(), value, indexing);
            assert_eq!(block, [0x80 | (place as u8 + 1)], "{name}: {value}");
        }
        // With another value, the first line of that name.
        let first = STATIC_LINES
            .iter()
            .position(|line| line.0 == *name)
            .unwrap() as u8
            + 1;
        let block = field(&mut encoder, name, "{}", Indexing::Without);
        let lines = decode(&mut Decoder::new(4096), &block).unwrap();
        assert_eq!(pairs(&lines), [pair(name, "{}")]);
        let name_index = if first < 15 { block[0] } else { 15 + block[1] };
        assert_eq!(name_index, first, "{name}");
    }
}

#[test]
fn a_secret_is_never_indexed_even_if_the_table_has_it() {
    let mut encoder = Encoder::new();
    let known = field(&mut encoder, "authorization", "{}", Indexing::Incremental);
    assert_eq!(known, hex("57 02 7b7d"));
    assert_eq!(
        field(&mut encoder, "authorization", "{}", Indexing::Incremental),
        hex("be")
    );
    assert_eq!(
        field(&mut encoder, "authorization", "{}", Indexing::Never),
        hex("1f08 02 7b7d")
    );
    assert_eq!(
        field(&mut encoder, ":status", "200", Indexing::Never)[0],
        0x18
    );
    field(&mut encoder, "x-key", "{}", Indexing::Incremental);
    assert_eq!(
        field(&mut encoder, "x-key", "{}", Indexing::Never),
        hex("1f2f 02 7b7d")
    );
    let block = field(&mut encoder, "x-other", "{}", Indexing::Never);
    let lines = decode(&mut Decoder::new(4096), &block).unwrap();
    assert!(lines[0].never_indexed);
}

#[test]
fn the_newest_line_with_the_name_lends_it() {
    let mut encoder = Encoder::new();
    for value in ["{1", "{2", "{3"] {
        field(&mut encoder, "x-key", value, Indexing::Incremental);
    }
    assert_eq!(
        field(&mut encoder, "X-Key", "{4", Indexing::Without),
        hex("0f2f 02 7b34")
    );
    assert_eq!(
        field(&mut encoder, "X-Key", "{1", Indexing::Without),
        hex("c0")
    );
    // Another name of the same length with the same ends lies in the same bucket.
    let other = field(&mut encoder, "x-Hey", "{1", Indexing::Incremental);
    assert_eq!(other[0], 0x40);
    assert_eq!(
        field(&mut encoder, "x-key", "{3", Indexing::Incremental),
        hex("bf")
    );
    assert_eq!(
        field(&mut encoder, "x-hey", "{1", Indexing::Incremental),
        hex("be")
    );
}

#[test]
fn a_known_name_is_the_same_as_one_that_is_looked_for() {
    const DATE: StaticName = StaticName::of("date");
    const LENGTH: StaticName = StaticName::of("content-length");
    let known = |encoder: &mut Encoder, name, value: &str, indexing| {
        let mut out = Vec::new();
        encoder.known(name, value.as_bytes(), indexing, &mut out);
        out
    };
    let (mut one, mut other) = (Encoder::new(), Encoder::new());
    for (value, indexing) in [
        ("{1", Indexing::Incremental),
        ("{1", Indexing::Incremental),
        ("{2", Indexing::Incremental),
        ("{3", Indexing::Without),
        ("{2", Indexing::Never),
        ("", Indexing::Incremental),
    ] {
        for (name, text) in [(DATE, "Date"), (LENGTH, "CONTENT-length")] {
            let block = known(&mut one, name, value, indexing);
            assert_eq!(
                block,
                field(&mut other, text, value, indexing),
                "{text}: {value}"
            );
        }
    }
    // They find each other's lines.
    assert_eq!(
        field(&mut one, "Date", "{1", Indexing::Incremental).len(),
        1
    );
    assert_eq!(
        known(&mut other, DATE, "{1", Indexing::Incremental).len(),
        1
    );
}

#[test]
fn names_of_any_length_are_sent_in_lower_case() {
    for len in [0, 1, 2, 31, 32, 33, 34, 200] {
        let name = "X^".repeat(len).split_off(len);
        let mut encoder = Encoder::new();
        let mut decoder = Decoder::new(4096);
        for (length_of_block, case) in [(None, name.clone()), (Some(1), name.to_uppercase())] {
            let block = field(&mut encoder, &case, "{}", Indexing::Incremental);
            assert!(length_of_block.is_none_or(|length| length == block.len()));
            let lines = decode(&mut decoder, &block).unwrap();
            assert_eq!(pairs(&lines), [pair(&name.to_lowercase(), "{}")]);
        }
    }
}

#[test]
fn statuses_are_one_byte_or_five() {
    for code in 100..1000 {
        let mut block = Vec::new();
        Encoder::new().status(code, &mut block);
        let lines = decode(&mut Decoder::new(4096), &block).unwrap();
        assert_eq!(pairs(&lines), [pair(":status", &code.to_string())]);
        let is_static = [200, 204, 206, 304, 400, 404, 500].contains(&code);
        assert_eq!(block.len(), if is_static { 1 } else { 5 });
    }
}

#[test]
fn a_change_of_the_tables_size_opens_the_next_block() {
    let mut encoder = Encoder::new();
    assert_eq!(begin(&mut encoder), b"");
    // More than we use, and what we use already: nothing to tell.
    for peer_max in [65_536, 4096, u32::MAX] {
        encoder.limit_table(peer_max);
        assert_eq!(begin(&mut encoder), b"", "{peer_max}");
    }
    let cases: [(&[u32], &str); 6] = [
        (&[0], "20"),
        (&[100], "3f45"),
        // The smallest in between is told, then the last.
        (&[50, 0, 70, 30], "20 3e"),
        (&[100, 30, 30], "3e"),
        (&[0, 4096], "20 3fe11f"),
        (&[65_536, 0, 65_536], "20 3fe11f"),
    ];
    for (limits, block) in cases {
        for limit in limits {
            encoder.limit_table(*limit);
        }
        assert_eq!(begin(&mut encoder), hex(block), "{limits:?}");
        assert_eq!(begin(&mut encoder), b"", "told once");
    }
}

#[test]
fn a_smaller_table_forgets_its_oldest_lines() {
    let mut encoder = Encoder::new();
    for value in ["{1", "{2", "{3"] {
        field(&mut encoder, "x-key", value, Indexing::Incremental);
    }
    encoder.limit_table(80);
    assert_eq!(
        field(&mut encoder, "x-key", "{3", Indexing::Without),
        hex("be")
    );
    assert_eq!(
        field(&mut encoder, "x-key", "{2", Indexing::Without),
        hex("bf")
    );
    assert_eq!(
        field(&mut encoder, "x-key", "{1", Indexing::Without),
        hex("0f2f 02 7b31")
    );
    encoder.limit_table(0);
    assert_eq!(
        field(&mut encoder, "x-key", "{3", Indexing::Incremental)[0],
        0
    );
}

#[test]
fn a_line_that_would_take_most_of_the_table_stays_out_of_it() {
    let mut encoder = Encoder::new();
    let value = "{".repeat(2048 - 32 - 3);
    assert_eq!(
        field(&mut encoder, "age", &value, Indexing::Incremental)[0],
        0x40 | 21
    );
    let value = "{".repeat(2048 - 32 - 2);
    assert_eq!(
        field(&mut encoder, "age", &value, Indexing::Incremental)[..2],
        [15, 6]
    );
}

#[test]
fn the_revision_changes_with_the_table_and_only_then() {
    let mut encoder = Encoder::new();
    let mut before = encoder.revision();
    let mut changed = |encoder: &Encoder| {
        let after = encoder.revision();
        std::mem::replace(&mut before, after) != after
    };
    field(&mut encoder, "age", "1", Indexing::Without);
    field(&mut encoder, "age", "1", Indexing::Never);
    encoder.status(200, &mut Vec::new());
    encoder.status(418, &mut Vec::new());
    encoder.limit_table(5000);
    begin(&mut encoder);
    assert!(!changed(&encoder));
    field(&mut encoder, "age", "1", Indexing::Incremental);
    assert!(changed(&encoder));
    field(&mut encoder, "age", "1", Indexing::Incremental);
    assert!(!changed(&encoder));
    encoder.limit_table(100);
    assert!(changed(&encoder));
    // The block that tells of it is not one to send again; the next one may be.
    begin(&mut encoder);
    assert!(changed(&encoder));
    begin(&mut encoder);
    assert!(!changed(&encoder));
}
