//! Strings out of Huffman code.
//!
//! Owns the place among the bits of a text. Up to two short codes are taken by one look into
//! a table; the long ones, which text hardly has, are found by their length.

use super::{CODE_BITS_MAX, CODES, COUNTS, EOS, FIRST_CODES, LENGTHS, SYMBOLS};
use crate::hpack::error::DecodeError;

/// Bits by which the table is looked up: two letters or digits as a rule, in 16 KiB.
const LOOK_BITS: u32 = 12;

/// What the next bits mean: one symbol or two, or none when the first code is longer than a look.
///
/// From the low bits on: 8 that say how many bits the codes have, 8 that say how many symbols there
/// are, and the symbols, the first of them below.
#[derive(Clone, Copy, Debug)]
struct Look(u32);

impl Look {
    const NONE: Self = Self(0);

    /// Puts a symbol behind those that are there.
    const fn with(self, symbol: u8, code_len: u8) -> Self {
        let symbol = (symbol as u32) << (16 + 8 * self.count());
        Self((self.0 | symbol) + (1 << 8) + code_len as u32)
    }

    /// The bits of the codes.
    const fn len(self) -> u32 {
        self.0 & 0xff
    }

    /// How many symbols there are.
    const fn count(self) -> usize {
        ((self.0 >> 8) & 0xff) as usize
    }

    /// The symbols; where there are fewer than two, zeros stand for the others.
    const fn symbols(self) -> [u8; 2] {
        let [_, _, first, second] = self.0.to_le_bytes();
        [first, second]
    }
}

/// By the bits turned over, each one a zero: so what is shifted in behind the end of a string is the
/// ones of its padding.
static LOOKS: [Look; 1 << LOOK_BITS] = looks();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn looks() -> [Look; 1 << LOOK_BITS] {
    // The symbol whose code the bits begin with, if the code is no longer than them.
    let mut first: [Option<u8>; 1 << LOOK_BITS] = [None; 1 << LOOK_BITS];
    let mut symbol = 0;
    while symbol < 256 {
        let code = CODES[symbol];
        if code.len <= LOOK_BITS {
            let free = LOOK_BITS - code.len;
            let mut rest = 0;
            while rest < 1 << free {
                first[(code.bits << free | rest) as usize] = Some(symbol as u8);
                rest += 1;
            }
        }
        symbol += 1;
    }
    let mut looks = [Look::NONE; 1 << LOOK_BITS];
    let mut bits = 0;
    while bits < 1 << LOOK_BITS {
        if let Some(one) = first[bits] {
            let len = LENGTHS[one as usize];
            let mut look = Look::NONE.with(one, len);
            // Behind it the bits are shifted in as zeros; a second code counts if it is within.
            let behind = (bits << len) & ((1 << LOOK_BITS) - 1);
            if let Some(two) = first[behind]
                && (len + LENGTHS[two as usize]) as u32 <= LOOK_BITS
            {
                look = look.with(two, LENGTHS[two as usize]);
            }
            looks[!bits & ((1 << LOOK_BITS) - 1)] = look;
        }
        bits += 1;
    }
    looks
}

/// The symbols in the order of their codes.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
static BY_CODE: [u16; SYMBOLS] = {
    let mut sorted = [0; SYMBOLS];
    let mut used = 0;
    let mut len = 1;
    while len <= CODE_BITS_MAX {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == len {
                sorted[used] = symbol as u16;
                used += 1;
            }
            symbol += 1;
        }
        len += 1;
    }
    sorted
};

/// Codes of one length.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The bits of a code.
    len: u32,
    /// The first of them.
    first: u32,
    /// How many there are.
    count: u32,
    /// Where their symbols begin in `BY_CODE`.
    symbols: u32,
}

/// The codes that are longer than a look, shorter ones first. Lengths without a code stay in it:
/// they cost a comparison.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
static LONG_GROUPS: [Group; CODE_BITS_MAX - LOOK_BITS as usize] = {
    let empty = Group {
        len: 0,
        first: 0,
        count: 0,
        symbols: 0,
    };
    let mut groups = [empty; CODE_BITS_MAX - LOOK_BITS as usize];
    let mut symbols = 0;
    let mut len = 1;
    while len <= CODE_BITS_MAX {
        if len > LOOK_BITS as usize {
            groups[len - LOOK_BITS as usize - 1] = Group {
                len: len as u32,
                first: FIRST_CODES[len],
                count: COUNTS[len],
                symbols,
            };
        }
        symbols += COUNTS[len];
        len += 1;
    }
    groups
};

/// Symbols that are put together before they are appended. A look has two at most.
const SYMBOLS_AT_ONCE: usize = 16;

/// The eight bytes from the one at `at` on as a word turned over, with zeros behind the end.
#[inline]
fn word_at(text: &[u8], at: usize) -> u64 {
    match text.get(at..).and_then(<[u8]>::first_chunk) {
        Some(word) => !u64::from_be_bytes(*word),
        None => last_word(text, at),
    }
}

/// [`word_at`] where fewer than eight bytes are left.
#[inline]
fn last_word(text: &[u8], at: usize) -> u64 {
    let gone = 8 * at as u32;
    if let Some(last) = text.last_chunk() {
        // The last eight bytes, of which those before `at` are shifted out.
        let before = 8 * (text.len() - 8) as u32;
        (!u64::from_be_bytes(*last)).checked_shl(gone - before)
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        // Two halves, which may overlap.
        let first = u64::from(!u32::from_be_bytes(*first)) << 32;
        let last = u64::from(!u32::from_be_bytes(*last)) << (8 * (8 - text.len()));
        (first | last).checked_shl(gone)
    } else {
        let short = text
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(!byte));
        // In two steps, as there may be no byte.
        (short << (56 - 8 * text.len()) << 8).checked_shl(gone)
    }
    .unwrap_or(0)
}

/// Takes what looks give while less than `end` bits are gone: appends the symbols, shifts the bits of
/// their codes out, and says how many these were. None are shifted when the first code is longer
/// than a look.
#[inline]
fn take(bits: &mut u64, end: usize, out: &mut Vec<u8>) -> usize {
    let mut symbols = [0; SYMBOLS_AT_ONCE];
    let (mut count, mut len) = (0, 0);
    while len < end
        && let Some([first, second]) = symbols.get_mut(count..).and_then(<[u8]>::first_chunk_mut)
    {
        // The index has as many bits as the table asks for.
        let index = (*bits >> (64 - LOOK_BITS)) as usize;
        let look = LOOKS.get(index).copied().unwrap_or(Look::NONE);
        if look.len() == 0 {
            // A long code comes.
            break;
        }
        [*first, *second] = look.symbols();
        count += look.count();
        *bits <<= look.len();
        len += look.len() as usize;
    }
    // A move of a known size, of which the symbols stay.
    let end = out.len() + count;
    out.extend_from_slice(&symbols);
    out.truncate(end);
    len
}

/// Appends the string that a text stands for. In case of an error some of it has been appended.
pub(in crate::hpack) fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let bits_in_all = text.len() * 8;
    let mut gone = 0;
    loop {
        let left = bits_in_all - gone;
        let mut bits = word_at(text, gone / 8) << (gone % 8);
        let there = 64 - gone % 8;
        // A code that is cut off by the end of the text is completed by the padding, and comes out
        // longer than what is left. Where the text goes on, a look needs all of its bits.
        let end = if left <= there {
            left
        } else {
            there - (LOOK_BITS as usize - 1)
        };
        let mut taken = take(&mut bits, end, out);
        if taken == 0 && left >= 8 {
            let (symbol, len) = long_code(!bits, left)?;
            out.push(symbol);
            bits <<= len;
            taken = len as usize;
        }
        let left = left
            .checked_sub(taken)
            .ok_or(DecodeError::HuffmanPaddingNotOnes)?;
        if left < 8 && bits.leading_zeros() as usize >= left {
            return Ok(());
        }
        gone += taken;
    }
}

/// The symbol whose code is longer than a look, and the length of the code, which is no more than
/// what is left. Otherwise the string is wrong (RFC 7541, 5.2).
#[cold]
fn long_code(bits: u64, left: usize) -> Result<(u8, u32), DecodeError> {
    for group in &LONG_GROUPS {
        let code = (bits >> (64 - group.len)) as u32;
        let position = code.wrapping_sub(group.first);
        if position < group.count {
            let symbol = BY_CODE.get((group.symbols + position) as usize);
            // The end of the string is the one symbol that is no byte.
            let symbol = u8::try_from(symbol.copied().unwrap_or(EOS)).ok();
            return match symbol {
                Some(symbol) if group.len as usize <= left => Ok((symbol, group.len)),
                Some(_) => Err(DecodeError::HuffmanPaddingNotOnes),
                None if group.len as usize <= left => Err(DecodeError::HuffmanEos),
                None => Err(DecodeError::HuffmanPaddingTooLong),
            };
        }
    }
    // Not to be reached: the code is complete.
    Err(DecodeError::HuffmanPaddingNotOnes)
}
