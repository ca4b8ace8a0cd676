//! The Huffman code of strings (RFC 7541, 5.2 and appendix B).
//!
//! Owns the code. It is canonical, so the lengths of its codes say it all: the tables of both
//! directions are made of them at compile time.

mod decode;
mod encode;

pub(super) use decode::decode;
pub(super) use encode::{encode, encoded_len};

/// The symbols: every byte, and the end of the string, which never appears.
const SYMBOLS: usize = 257;

/// The symbol that means the end of the string.
const EOS: u16 = 256;

/// Bits of the longest code.
const CODE_BITS_MAX: usize = 30;

/// The number of bits of each symbol's code.
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, // 0x10
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, // 0x20
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, // 0x30
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // 0x40
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, // 0x50
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, // 0x60
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, // 0xf0
    30, // end of string
];

/// A code as it is sent: its bits are the low ones, the first of them the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Code {
    bits: u32,
    len: u32,
}

/// How many codes each length has.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const COUNTS: [u32; CODE_BITS_MAX + 1] = {
    let mut counts = [0; CODE_BITS_MAX + 1];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        counts[LENGTHS[symbol] as usize] += 1;
        symbol += 1;
    }
    counts
};

/// The first code of each length: codes of one length follow each other, and the next length goes
/// on where they end.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const FIRST_CODES: [u32; CODE_BITS_MAX + 1] = {
    let mut first = [0; CODE_BITS_MAX + 1];
    let mut len = 1;
    while len <= CODE_BITS_MAX {
        first[len] = (first[len - 1] + COUNTS[len - 1]) << 1;
        len += 1;
    }
    // The last code is all ones: the lengths make a complete code.
    assert!(first[CODE_BITS_MAX] + COUNTS[CODE_BITS_MAX] == 1 << CODE_BITS_MAX);
    first
};

/// The code of each symbol; within one length they are in the order of the symbols.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const CODES: [Code; SYMBOLS] = {
    let mut next = FIRST_CODES;
    let mut codes = [Code { bits: 0, len: 0 }; SYMBOLS];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let len = LENGTHS[symbol];
        codes[symbol] = Code {
            bits: next[len as usize],
            len: len as u32,
        };
        next[len as usize] += 1;
        symbol += 1;
    }
    codes
};

/// The codes of the bytes as pairs of bits and length, for tests that read them one by one.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn byte_codes() -> [(u32, u32); 256] {
    let mut codes = CODES.iter();
    [(); 256].map(|()| codes.next().map_or((0, 0), |code| (code.bits, code.len)))
}
