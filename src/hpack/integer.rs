//! Integers with a prefix (RFC 7541, 5.1).
//!
//! Owns their two forms and the bounds of the longer one. What the bits before the prefix mean is
//! the business of the representation.

use super::error::DecodeError;

/// Bytes behind the prefix that an integer of 32 bits can need, 7 bits in each.
///
/// Zeros may be put on top of a small integer, so this is a bound on the encoding as well as on
/// the value.
const CONTINUATION_BYTES_MAX: usize = 5;

/// Reads an integer whose prefix is the low `PREFIX_BITS` of `first`, and which goes on in `input`
/// if it must. What it takes of the input is taken off.
#[inline(always)]
pub(super) fn decode<const PREFIX_BITS: u32>(
    first: u8,
    input: &mut &[u8],
) -> Result<u32, DecodeError> {
    let mask = prefix_mask::<PREFIX_BITS>();
    let prefix = first & mask;
    if prefix < mask {
        return Ok(u32::from(prefix));
    }
    let (value, rest) = continuation(u32::from(prefix), input)?;
    *input = rest;
    Ok(value)
}

/// The bytes behind a full prefix, and what follows them.
#[cold]
#[inline(never)]
fn continuation(prefix: u32, input: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    let mut value = u64::from(prefix);
    let mut rest = input;
    for position in 0..CONTINUATION_BYTES_MAX {
        let (byte, behind) = rest.split_first().ok_or(DecodeError::Truncated)?;
        rest = behind;
        // At most 7 bits shifted by 28: far from the end of 64.
        value += u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| DecodeError::IntegerTooLarge)?;
            return Ok((value, rest));
        }
    }
    Err(DecodeError::IntegerTooLong)
}

/// Appends an integer behind the bits of `pattern`, which leaves the low `PREFIX_BITS` free.
#[inline]
pub(super) fn encode<const PREFIX_BITS: u32>(pattern: u8, value: u32, out: &mut Vec<u8>) {
    let mask = prefix_mask::<PREFIX_BITS>();
    if value < u32::from(mask) {
        // Less than the mask, which is a byte.
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | mask);
    let mut rest = value - u32::from(mask);
    while rest >= 0x80 {
        out.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

const fn prefix_mask<const PREFIX_BITS: u32>() -> u8 {
    const { assert!(PREFIX_BITS >= 4 && PREFIX_BITS <= 7) };
    (1 << PREFIX_BITS) - 1
}
