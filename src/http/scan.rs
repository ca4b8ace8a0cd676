//! How far a text consists of bytes of one kind: of a token, of a field value, of a plain target.
//!
//! Owns the search, a block at a time: here is where most bytes of a head are looked at. A search
//! knows the whole text that it is in the end of, so that a whole block is there for the last bytes too.

#[cfg(test)]
mod tests;

use super::field::is_token_byte;
use crate::buf::block::{self, Block};

/// What of `rest`, with which `text` ends, begins with its first byte that is no `tchar` (RFC 9110,
/// 5.6.2); empty when there is none.
#[inline(always)]
pub(crate) fn from_token_end<'a>(text: &'a [u8], mut rest: &'a [u8]) -> &'a [u8] {
    loop {
        // What a token may hold besides letters, digits and hyphens is rare.
        match from_first(text, rest, block::not_in_words, |byte| !is_token_byte(byte)) {
            [byte, behind @ ..] if is_token_byte(*byte) => rest = behind,
            from_end => return from_end,
        }
    }
}

/// What of `rest`, with which `text` ends, begins with its first byte that may not stand in a field
/// value: any control character but HTAB (RFC 9110, 5.5). Bytes from 0x80 are opaque and pass. Empty
/// when there is none.
#[inline(always)]
pub(crate) fn from_value_end<'a>(text: &'a [u8], mut rest: &'a [u8]) -> &'a [u8] {
    loop {
        match from_first(text, rest, block::controls, |byte| byte.is_ascii_control()) {
            [b'\t', behind @ ..] => rest = behind,
            from_end => return from_end,
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

/// What of `rest`, with which `text` ends, begins with its first byte that says something in a target
/// or may not stand in one at all; `target` knows which. Empty when there is none.
#[inline(always)]
pub(crate) fn from_target_mark<'a>(text: &'a [u8], rest: &'a [u8]) -> &'a [u8] {
    from_first(text, rest, block::not_in_paths, is_target_mark)
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

/// What of `rest`, with which `text` ends, begins with its first byte that is marked: by its bit in a
/// block, by `is_marked` where `text` is shorter than one.
#[inline(always)]
fn from_first<'a>(
    text: &'a [u8],
    mut rest: &'a [u8],
    marks: impl Fn(&Block) -> u32,
    is_marked: impl Fn(u8) -> bool,
) -> &'a [u8] {
    while let Some((block, behind)) = rest.split_first_chunk() {
        let marked = marks(block);
        if marked != 0 {
            return rest
                .get(marked.trailing_zeros() as usize..)
                .unwrap_or_default();
        }
        rest = behind;
    }
    from_first_in_rest(text, rest, marks, is_marked)
}

/// [`from_first`] where less than a block is left: in the block that ends with `text`, of which the
/// first bytes have been looked at.
#[inline(always)]
fn from_first_in_rest<'a>(
    text: &'a [u8],
    rest: &'a [u8],
    marks: impl Fn(&Block) -> u32,
    is_marked: impl Fn(u8) -> bool,
) -> &'a [u8] {
    let first = match text.last_chunk::<{ size_of::<Block>() }>() {
        Some(block) => (marks(block) >> (block.len() - rest.len())).trailing_zeros() as usize,
        None => rest.iter().take_while(|byte| !is_marked(**byte)).count(),
    };
    rest.get(first..).unwrap_or_default()
}
