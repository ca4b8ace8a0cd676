//! The vector code beside the plain code.

#![allow(clippy::indexing_slicing)]

use super::{controls, not_in_paths, not_in_words, plain};

#[test]
fn each_byte_has_the_bit_of_the_plain_code_at_each_place() {
    for byte in 0..=u8::MAX {
        for at in 0..16 {
            for others in [b'a', b'.', b' ', 0, 0x7f, 0xff] {
                let mut block = [others; 16];
                block[at] = byte;
                assert_eq!(controls(&block), plain::controls(&block), "{block:?}");
                assert_eq!(
                    not_in_words(&block),
                    plain::not_in_words(&block),
                    "{block:?}"
                );
                assert_eq!(
                    not_in_paths(&block),
                    plain::not_in_paths(&block),
                    "{block:?}"
                );
            }
        }
    }
}
