//! Bytes as text, quickly where they are ASCII.

/// `bytes` as text when they are UTF-8.
///
/// Nearly all text of a head is short ASCII, for which the general validation takes ten times as
/// many instructions as a look at the high bits.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if is_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes).ok()
}

/// Whether all bytes are ASCII. Most texts have 8 to 16 bytes: two words, maybe with bytes in
/// common.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            (u64::from_le_bytes(*first) | u64::from_le_bytes(*last)) & HIGH == 0
        }
        _ => bytes.is_ascii(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::text;

    #[test]
    fn is_text_exactly_when_the_standard_library_says_so() {
        let samples: [&[u8]; 7] = [
            b"",
            b"/plaintext",
            b"a\x7fb",
            b"\xc3\xa9",
            b"/\xff",
            b"\xc3",
            b"\xed\xa0\x80",
        ];
        for bytes in samples {
            assert_eq!(text(bytes), std::str::from_utf8(bytes).ok());
        }
    }

    #[test]
    fn a_high_bit_is_seen_wherever_it_is() {
        for length in 0..40 {
            let mut bytes = vec![b'a'; length];
            assert!(text(&bytes).is_some());
            for at in 0..length {
                bytes[at] = 0x80;
                assert_eq!(text(&bytes), None, "{at} of {length}");
                bytes[at] = b'a';
            }
        }
    }
}
