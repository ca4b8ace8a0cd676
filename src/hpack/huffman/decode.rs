//! Strings out of Huffman code.
//!
//! Owns the bits that have not made a symbol yet. Up to two short codes are taken by one look into
//! a table; the long ones, which text hardly has, are found by their length.

use super::{CODE_BITS_MAX, CODES, COUNTS, EOS, FIRST_CODES, LENGTHS, SYMBOLS};
use crate::hpack::error::DecodeError;

/// Bits by which the table is looked up: two of the common letters in 8 KiB.
const LOOK_BITS: u32 = 11;

/// Bits of the shortest code.
const CODE_BITS_MIN: usize = 5;

/// What the next bits mean.
#[derive(Clone, Copy, Debug)]
struct Look {
    symbols: [u8; 2],
    /// How many of these there are; 0 when the first code is longer than the look.
    count: u8,
    /// The bits of their codes.
    len: u8,
}

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
    let none = Look {
        symbols: [0; 2],
        count: 0,
        len: 0,
    };
    let mut looks = [none; 1 << LOOK_BITS];
    let mut bits = 0;
    while bits < 1 << LOOK_BITS {
        if let Some(one) = first[bits] {
            let look = &mut looks[bits];
            look.symbols[0] = one;
            look.count = 1;
            look.len = LENGTHS[one as usize];
            // Behind it the bits are shifted in as zeros; a second code counts if it is within.
            let behind = (bits << look.len) & ((1 << LOOK_BITS) - 1);
            if let Some(two) = first[behind]
                && (look.len + LENGTHS[two as usize]) as u32 <= LOOK_BITS
            {
                look.symbols[1] = two;
                look.count = 2;
                look.len += LENGTHS[two as usize];
            }
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

/// The bits that have been read and not used: the first of them is the highest.
struct Bits<'a> {
    held: u64,
    /// How many are held; those below are zeros.
    count: u32,
    rest: &'a [u8],
}

impl Bits<'_> {
    /// Reads on, so that at least 32 bits are held as long as there are as many.
    #[inline]
    fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some((word, rest)) = self.rest.split_first_chunk::<4>() {
            self.held |= u64::from(u32::from_be_bytes(*word)) << (32 - self.count);
            self.count += 32;
            self.rest = rest;
            return;
        }
        while let Some((byte, rest)) = self.rest.split_first() {
            self.held |= u64::from(*byte) << (56 - self.count);
            self.count += 8;
            self.rest = rest;
        }
    }

    #[inline]
    fn look(&self) -> Look {
        let none = Look {
            symbols: [0; 2],
            count: 0,
            len: 0,
        };
        // The index has as many bits as the table asks for.
        let index = (self.held >> (64 - LOOK_BITS)) as usize;
        LOOKS.get(index).copied().unwrap_or(none)
    }

    #[inline]
    fn skip(&mut self, len: u32) {
        self.held <<= len;
        self.count -= len;
    }

    /// Takes one symbol, whatever the length of its code; `None` at the end of the string.
    #[cold]
    fn symbol(&mut self) -> Result<Option<u8>, DecodeError> {
        let look = self.look();
        if look.count > 0 {
            let [symbol, _] = look.symbols;
            let len = u32::from(LENGTHS.get(usize::from(symbol)).copied().unwrap_or(0));
            if len > self.count {
                return Ok(None);
            }
            self.skip(len);
            return Ok(Some(symbol));
        }
        for group in &LONG_GROUPS {
            let code = (self.held >> (64 - group.len)) as u32;
            let position = code.wrapping_sub(group.first);
            if position < group.count {
                if group.len > self.count {
                    return Ok(None);
                }
                let symbol = BY_CODE.get((group.symbols + position) as usize);
                // The end of the string is the one symbol that is no byte.
                let symbol = symbol.copied().unwrap_or(EOS);
                let symbol = u8::try_from(symbol).map_err(|_| DecodeError::HuffmanEos)?;
                self.skip(group.len);
                return Ok(Some(symbol));
            }
        }
        Ok(None)
    }

    /// Judges what is left when no code fits any more (RFC 7541, 5.2).
    fn finish(&self) -> Result<(), DecodeError> {
        if self.held.leading_ones() < self.count {
            Err(DecodeError::HuffmanPaddingNotOnes)
        } else if self.count > 7 {
            Err(DecodeError::HuffmanPaddingTooLong)
        } else {
            Ok(())
        }
    }
}

/// Appends the string that `encoded` stands for. In case of an error some of it has been appended.
pub(in crate::hpack) fn decode(encoded: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let start = out.len();
    // The looks write two bytes, though only one may count.
    out.resize(start + encoded.len() * 8 / CODE_BITS_MIN + 2, 0);
    let mut free = out.get_mut(start..).unwrap_or_default();
    let room = free.len();
    let mut bits = Bits {
        held: 0,
        count: 0,
        rest: encoded,
    };
    let end = loop {
        bits.refill();
        let look = bits.look();
        let (symbols, used) = if look.count > 0 && u32::from(look.len) <= bits.count {
            bits.skip(u32::from(look.len));
            (look.symbols, usize::from(look.count))
        } else {
            match bits.symbol() {
                Ok(Some(symbol)) => ([symbol, 0], 1),
                Ok(None) => break bits.finish(),
                Err(error) => break Err(error),
            }
        };
        if let Some(slot) = free.first_chunk_mut() {
            *slot = symbols;
        }
        free = free.get_mut(used..).unwrap_or_default();
    };
    let written = room - free.len();
    out.truncate(start + written);
    end
}
