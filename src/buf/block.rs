//! Sixteen bytes looked at together, quickly where the processor can.
//!
//! Owns the vector code, for which every x86-64 processor has the instructions; others run plain
//! code, which the tests hold the vector code against. Each function answers a bit for each byte,
//! the first byte's lowest. What the bytes mean is for who asks.

#[cfg(test)]
mod tests;

/// Bytes that are looked at together.
pub(crate) type Block = [u8; 16];

/// Control characters of ASCII, HTAB and DEL among them.
#[inline(always)]
pub(crate) fn controls(block: &Block) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2, which is all that is asked for.
    return unsafe { vector::controls(block) };
    #[cfg(not(target_arch = "x86_64"))]
    plain::controls(block)
}

/// What is no letter of ASCII, digit or hyphen.
#[inline(always)]
pub(crate) fn not_in_words(block: &Block) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2, which is all that is asked for.
    return unsafe { vector::not_in_words(block) };
    #[cfg(not(target_arch = "x86_64"))]
    plain::not_in_words(block)
}

/// What is not visible in ASCII, and `#`, `%`, `.`, `?`, `\`.
#[inline(always)]
pub(crate) fn not_in_paths(block: &Block) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2, which is all that is asked for.
    return unsafe { vector::not_in_paths(block) };
    #[cfg(not(target_arch = "x86_64"))]
    plain::not_in_paths(block)
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_max_epu8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set_epi64x, _mm_set1_epi8, _mm_sub_epi8,
    };

    use super::Block;

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn controls(block: &Block) -> u32 {
        let bytes = load(block);
        bits(_mm_or_si128(at_most(bytes, 0x1f), is(bytes, 0x7f)))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn not_in_words(block: &Block) -> u32 {
        let bytes = load(block);
        let lower = _mm_or_si128(bytes, every(0x20));
        let letter = at_most(_mm_sub_epi8(lower, every(b'a')), 25);
        let digit = at_most(_mm_sub_epi8(bytes, every(b'0')), 9);
        let hyphen = is(bytes, b'-');
        bits(_mm_or_si128(_mm_or_si128(letter, digit), hyphen)) ^ 0xffff
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn not_in_paths(block: &Block) -> u32 {
        let bytes = load(block);
        let from_delete = _mm_cmpeq_epi8(_mm_max_epu8(bytes, every(0x7f)), bytes);
        let invisible = _mm_or_si128(at_most(bytes, b' '), from_delete);
        let refused = _mm_or_si128(is(bytes, b'#'), is(bytes, b'\\'));
        let dots = _mm_or_si128(is(bytes, b'.'), is(bytes, b'?'));
        let telling = _mm_or_si128(is(bytes, b'%'), dots);
        bits(_mm_or_si128(invisible, _mm_or_si128(refused, telling)))
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(block: &Block) -> __m128i {
        let number = u128::from_le_bytes(*block);
        _mm_set_epi64x((number >> 64) as i64, number as i64)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn every(byte: u8) -> __m128i {
        _mm_set1_epi8(byte.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn is(bytes: __m128i, byte: u8) -> __m128i {
        _mm_cmpeq_epi8(bytes, every(byte))
    }

    /// As unsigned numbers, for which there is no comparison but by way of the lesser.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn at_most(bytes: __m128i, byte: u8) -> __m128i {
        _mm_cmpeq_epi8(_mm_min_epu8(bytes, every(byte)), bytes)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn bits(bytes: __m128i) -> u32 {
        _mm_movemask_epi8(bytes).cast_unsigned()
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod plain {
    use super::Block;

    pub(super) fn controls(block: &Block) -> u32 {
        bits(block, |byte| byte.is_ascii_control())
    }

    pub(super) fn not_in_words(block: &Block) -> u32 {
        bits(block, |byte| {
            !(byte.is_ascii_alphanumeric() || byte == b'-')
        })
    }

    pub(super) fn not_in_paths(block: &Block) -> u32 {
        bits(block, |byte| {
            !byte.is_ascii_graphic() || matches!(byte, b'#' | b'%' | b'.' | b'?' | b'\\')
        })
    }

    #[inline(always)]
    fn bits(block: &Block, is_marked: impl Fn(u8) -> bool) -> u32 {
        block
            .iter()
            .rev()
            .fold(0, |bits, byte| bits << 1 | u32::from(is_marked(*byte)))
    }
}
