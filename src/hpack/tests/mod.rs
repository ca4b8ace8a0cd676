//! What the codec is held to: the examples of RFC 7541, each error, and properties that no example
//! shows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod appendix_c;
mod encoding;
mod errors;
mod model;
mod oracles;

use super::{Bounds, DecodeError, Decoder, Line, STATIC_LINES, STATIC_LINES_COUNT, Verdict};

/// A line as text that may be anything.
type Pair = (Vec<u8>, Vec<u8>);

/// A verdict that tells whether a line is the one that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u32);

impl Mark {
    const fn on(name: &[u8], value: &[u8]) -> Self {
        let mut hash = 0x811c_9dc5_u32;
        let mut part = 0;
        while part < 2 {
            let text = if part == 0 { name } else { value };
            let mut at = 0;
            while at < text.len() {
                hash = (hash ^ text[at] as u32).wrapping_mul(0x0100_0193);
                at += 1;
            }
            hash = (hash ^ 0x100).wrapping_mul(0x0100_0193);
            part += 1;
        }
        Self(hash)
    }
}

impl Verdict for Mark {
    const STATIC: [Self; STATIC_LINES_COUNT] = {
        let mut marks = [Self(0); STATIC_LINES_COUNT];
        let mut at = 0;
        while at < STATIC_LINES_COUNT {
            let (name, value) = STATIC_LINES[at];
            marks[at] = Self::on(name.as_bytes(), value.as_bytes());
            at += 1;
        }
        marks
    };

    fn of(name: &[u8], value: &[u8]) -> Self {
        Self::on(name, value)
    }
}

/// Bounds that no test passes by accident.
const WIDE: Bounds = Bounds {
    line_bytes_max: 1 << 20,
    lines_max: 1 << 20,
    list_bytes_max: 1 << 24,
};

/// A line as it was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decoded {
    name: Vec<u8>,
    value: Vec<u8>,
    never_indexed: bool,
}

/// Decodes a block, and holds each line's verdict to its text. The arena is not empty before.
fn decode(decoder: &mut Decoder<Mark>, block: &[u8]) -> Result<Vec<Decoded>, DecodeError> {
    decode_within(decoder, block, &WIDE)
}

fn decode_within(
    decoder: &mut Decoder<Mark>,
    block: &[u8],
    bounds: &Bounds,
) -> Result<Vec<Decoded>, DecodeError> {
    let mut arena = b"before".to_vec();
    let mut lines = Vec::new();
    decoder.decode(block, &mut arena, bounds, |arena, line| {
        let text = &arena[line.start as usize..];
        let (name, value) = text.split_at(line.name_len as usize);
        assert_eq!(value.len(), line.value_len as usize, "nothing behind it");
        assert_eq!(line.verdict, Mark::on(name, value));
        lines.push(Decoded {
            name: name.to_vec(),
            value: value.to_vec(),
            never_indexed: line.never_indexed,
        });
        // Every other line is taken out again: the table must not depend on the arena.
        if lines.len() % 2 == 0 {
            arena.truncate(line.start as usize);
        }
    })?;
    assert!(arena.starts_with(b"before"));
    Ok(lines)
}

/// The text of lines.
fn pairs(lines: &[Decoded]) -> Vec<Pair> {
    lines
        .iter()
        .map(|line| (line.name.clone(), line.value.clone()))
        .collect()
}

fn pair(name: &str, value: &str) -> Pair {
    (name.as_bytes().to_vec(), value.as_bytes().to_vec())
}

/// Bytes written as hexadecimal digits, with spaces where they help.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap() as u8)
        .collect();
    assert!(digits.len().is_multiple_of(2), "{text}");
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
