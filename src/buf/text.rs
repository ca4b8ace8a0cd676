//! Bytes as text, quickly where they are ASCII.

/// `bytes` as text when they are UTF-8.
///
/// Nearly all text of a head is short ASCII, for which the general validation takes ten times as
/// many instructions as a look at the high bits.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
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
}
