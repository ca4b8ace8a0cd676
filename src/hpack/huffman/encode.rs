//! Strings into Huffman code.
//!
//! Owns the bits that do not make a byte yet. Whether the code is worth its while is the caller's
//! decision, by [`encoded_len`].

use super::{CODES, Code};

/// The codes of the bytes. A static, so that there is one of it.
static BYTE_CODES: [Code; 256] = {
    let mut codes = [CODES[0]; 256];
    let (bytes, _) = CODES.split_at(256);
    codes.copy_from_slice(bytes);
    codes
};

#[inline]
fn code(byte: u8) -> Code {
    // A byte is always within.
    let none = Code { bits: 0, len: 0 };
    BYTE_CODES.get(usize::from(byte)).copied().unwrap_or(none)
}

/// How many bytes `text` has in Huffman code.
#[inline]
pub(in crate::hpack) fn encoded_len(text: &[u8]) -> usize {
    let bits: u64 = text.iter().map(|byte| u64::from(code(*byte).len)).sum();
    // A code is less than four times as long as its byte, so this fits what the text does.
    bits.div_ceil(8) as usize
}

/// Appends `text` in Huffman code, padded with ones to a whole byte.
pub(in crate::hpack) fn encode(text: &[u8], out: &mut Vec<u8>) {
    let mut pending: u64 = 0;
    let mut count = 0;
    for byte in text {
        let Code { bits, len } = code(*byte);
        // Less than 32 bits are pending and a code has at most 30: 61 together.
        pending = (pending << len) | u64::from(bits);
        count += len;
        if count >= 32 {
            count -= 32;
            out.extend_from_slice(&((pending >> count) as u32).to_be_bytes());
        }
    }
    let padding = (8 - count % 8) % 8;
    pending = (pending << padding) | ((1 << padding) - 1);
    count += padding;
    while count >= 8 {
        count -= 8;
        out.push((pending >> count) as u8);
    }
}
