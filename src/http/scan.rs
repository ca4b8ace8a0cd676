//! How far a text consists of bytes of one kind: of a token, of a field value, of a plain target.
//!
//! Owns the search, a block at a time and byte by byte behind the last one: here is where most
//! bytes of a head are looked at.

#[cfg(test)]
mod tests;

use super::field::is_token_byte;
use crate::buf::block::{self, Block};

/// How many bytes at the front of `text` are `tchar`s (RFC 9110, 5.6.2).
#[inline(always)]
pub(crate) fn token_length(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        // What a token may hold besides letters, digits and hyphens is rare.
        match from_first(rest, block::not_in_words, |byte| !is_token_byte(byte)) {
            [byte, behind @ ..] if is_token_byte(*byte) => rest = behind,
            from_end => return text.len() - from_end.len(),
        }
    }
}

/// How many bytes at the front of `text` may stand in a field value: no control character but HTAB
/// (RFC 9110, 5.5). Bytes from 0x80 are opaque and pass.
#[inline(always)]
pub(crate) fn value_length(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        match from_first(rest, block::controls, |byte| byte.is_ascii_control()) {
            [b'\t', behind @ ..] => rest = behind,
            from_end => return text.len() - from_end.len(),
        }
    }
}

/// Whether all bytes of `text` may stand in a field value; no, too, for some that hold HTAB.
#[inline(always)]
pub(crate) fn is_plain_value(text: &[u8]) -> bool {
    is_free_of(text, block::controls, |byte| byte.is_ascii_control())
}

/// Whether no byte of `text` says something in a target or may not stand in one at all.
#[inline(always)]
pub(crate) fn is_plain_target(text: &[u8]) -> bool {
    is_free_of(text, block::not_in_paths, is_target_mark)
}

/// What of `text` begins with its first byte that says something in a target or may not stand in
/// one at all; `target` knows which.
#[inline(always)]
pub(crate) fn from_target_mark(text: &[u8]) -> &[u8] {
    from_first(text, block::not_in_paths, is_target_mark)
}

#[inline(always)]
fn is_target_mark(byte: u8) -> bool {
    !byte.is_ascii_graphic() || matches!(byte, b'#' | b'%' | b'.' | b'?' | b'\\')
}

/// Whether no byte of `text` is marked: by its bit in blocks, which may overlap, by `is_marked` in
/// what is shorter than half of one. Where it does not matter which byte it is, this is faster than
/// to look for the first.
#[inline(always)]
fn is_free_of(text: &[u8], marks: impl Fn(&Block) -> u32, is_marked: impl Fn(u8) -> bool) -> bool {
    if let Some(last) = text.last_chunk() {
        let mut rest = text;
        while let Some((block, behind)) = rest.split_first_chunk() {
            if marks(block) != 0 {
                return false;
            }
            rest = behind;
        }
        return rest.is_empty() || marks(last) == 0;
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let halves = [u64::from_le_bytes(*first), u64::from_le_bytes(*last)];
        let [first, last] = halves.map(u128::from);
        return marks(&(first | last << 64).to_le_bytes()) == 0;
    }
    !text.iter().any(|byte| is_marked(*byte))
}

/// What of `text` begins with its first byte that is marked: by its bit in whole blocks, by
/// `is_marked` behind the last one.
#[inline(always)]
fn from_first(text: &[u8], marks: impl Fn(&Block) -> u32, is_marked: impl Fn(u8) -> bool) -> &[u8] {
    let mut rest = text;
    while let Some((block, behind)) = rest.split_first_chunk() {
        let marked = marks(block);
        if marked != 0 {
            let first = marked.trailing_zeros() as usize;
            return rest.get(first..).unwrap_or_default();
        }
        rest = behind;
    }
    while let [byte, behind @ ..] = rest
        && !is_marked(*byte)
    {
        rest = behind;
    }
    rest
}
