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
pub(in crate::hpack) fn encoded_len(text: &[u8]) -> usize {
    let bits: usize = text.iter().map(|byte| code(*byte).len as usize).sum();
    bits.div_ceil(8)
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
    // What is left, at the top of a word whose other bits are ones.
    let word = ((pending << 32 | u64::from(u32::MAX)) >> count) as u32;
    let end = out.len() + count.div_ceil(8) as usize;
    out.extend_from_slice(&word.to_be_bytes());
    out.truncate(end);
}
