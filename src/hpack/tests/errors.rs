//! Every error, and the block that it is found in.

use super::super::{Encoder, Indexing};
use super::*;

/// Blocks for a decoder whose table may have 100 bytes, and what is wrong with each.
const BLOCKS: [(&str, DecodeError); 42] = [
    // Cut off: an integer, a name, a value, the length of a string.
    ("ff", DecodeError::Truncated),
    ("ff80", DecodeError::Truncated),
    ("ff80808080", DecodeError::Truncated),
    ("7f", DecodeError::Truncated),
    ("1f", DecodeError::Truncated),
    ("3f", DecodeError::Truncated),
    ("40", DecodeError::Truncated),
    ("4001", DecodeError::Truncated),
    ("400161", DecodeError::Truncated),
    ("4001610261", DecodeError::Truncated),
    ("417f", DecodeError::Truncated),
    ("41ff", DecodeError::Truncated),
    ("4182ff", DecodeError::Truncated),
    ("047fffffffff0f", DecodeError::IntegerTooLarge),
    ("047f80ffffff0f", DecodeError::Truncated),
    // Integers: 2^32 - 1 is 127 + (2^32 - 128), whose last 7 bits come to 15.
    ("ff80ffffff0f", DecodeError::IndexBeyondTables),
    ("ff81ffffff0f", DecodeError::IntegerTooLarge),
    ("ffffffffff7f", DecodeError::IntegerTooLarge),
    ("ff808080808000", DecodeError::IntegerTooLong),
    ("ffffffffffff01", DecodeError::IntegerTooLong),
    ("3f808080808000", DecodeError::IntegerTooLong),
    // Zeros on top are an integer still, within the bound.
    ("ff8080808000", DecodeError::IndexBeyondTables),
    ("80", DecodeError::IndexZero),
    ("be", DecodeError::IndexBeyondTables),
    ("7f0000", DecodeError::IndexBeyondTables),
    ("0f2f00", DecodeError::IndexBeyondTables),
    ("1f2f00", DecodeError::IndexBeyondTables),
    ("40016100bf", DecodeError::IndexBeyondTables),
    // Huffman code: 30 ones; the same behind `a`, and over the bytes' borders.
    ("0484ffffffff", DecodeError::HuffmanEos),
    ("04851fffffffff", DecodeError::HuffmanEos),
    ("0484fffffffc", DecodeError::HuffmanEos),
    ("0481ff", DecodeError::HuffmanPaddingTooLong),
    ("04821fff", DecodeError::HuffmanPaddingTooLong),
    ("0483ffffff", DecodeError::HuffmanPaddingTooLong),
    ("0484fffffff8", DecodeError::HuffmanPaddingNotOnes),
    ("048118", DecodeError::HuffmanPaddingNotOnes),
    ("04811e", DecodeError::HuffmanPaddingNotOnes),
    ("0481fe", DecodeError::HuffmanPaddingNotOnes),
    ("0482fffe", DecodeError::HuffmanPaddingNotOnes),
    ("8220", DecodeError::SizeUpdateLate),
    ("202020", DecodeError::SizeUpdateRepeated),
    ("3f46", DecodeError::SizeUpdateTooLarge),
];

#[test]
fn each_error_is_found() {
    for (block, error) in BLOCKS {
        let mut decoder = Decoder::with_table(100);
        assert_eq!(decode(&mut decoder, &hex(block)), Err(error), "{block}");
    }
    // Bounds, and what only an acknowledged setting makes an error, have tests of their own.
    let elsewhere =
        |error: &DecodeError| error.is_bound() || *error == DecodeError::SizeUpdateMissing;
    for error in DecodeError::ALL.iter().filter(|error| !elsewhere(error)) {
        let found = BLOCKS.iter().any(|(_, of_block)| of_block == error);
        assert!(found, "no block shows {}", error.name());
    }
}

#[test]
fn names_of_errors_differ_and_say_where_they_come_from() {
    let names: std::collections::BTreeSet<_> =
        DecodeError::ALL.iter().map(|error| error.name()).collect();
    assert_eq!(names.len(), DecodeError::ALL.len());
    assert!(names.iter().all(|name| name.starts_with("hpack_")));
}

#[test]
fn what_is_barely_right_is_no_error() {
    // The largest size, twice; an integer with a zero on top; padding of 7 bits and of none.
    for block in ["3f453f45", "0f8000 00", "0483028a7f", "0481f8"] {
        let lines = decode(&mut Decoder::with_table(100), &hex(block));
        assert!(lines.is_ok(), "{block}: {lines:?}");
    }
}

#[test]
fn a_larger_table_begins_when_the_peer_says_so() {
    let line = [hex("4001 61 7f a1 1e"), vec![b'x'; 4000]].concat();
    let mut decoder = Decoder::new(10_000);
    decode(&mut decoder, &line).unwrap();
    decode(&mut decoder, &line).unwrap();
    assert_eq!(decoder.table_bytes(), 4033);
    decode(&mut decoder, &[hex("3ff14d"), line].concat()).unwrap();
    assert_eq!(decoder.table_bytes(), 2 * 4033);
    let update = decode(&mut decoder, &hex("3ff24d"));
    assert_eq!(update, Err(DecodeError::SizeUpdateTooLarge));
}

#[test]
fn a_smaller_table_begins_when_the_peer_has_heard_of_it() {
    let decoder = |blocks: &[&str]| {
        let mut decoder = Decoder::new(50);
        // It has not when it sends its first requests.
        for block in blocks {
            decode(&mut decoder, &hex(block)).unwrap();
        }
        decoder
    };
    // The initial size, a line that a table of 50 has no room for, and one that it has.
    let before = [
        "3fe11f 4001610f 616161616161616161616161616161",
        "be 40016200",
    ];
    let mut unaware = decoder(&before);
    assert_eq!(decode(&mut unaware, &hex("be bf")).unwrap().len(), 2);
    unaware.acknowledged();
    let cases = [
        ("be", Err(DecodeError::SizeUpdateMissing)),
        ("", Err(DecodeError::SizeUpdateMissing)),
        ("3f14 be", Err(DecodeError::SizeUpdateTooLarge)),
        ("3f13 be", Ok(1)),
        ("20 3f13", Ok(0)),
        ("3f13 bf", Err(DecodeError::IndexBeyondTables)),
    ];
    for (block, lines) in cases {
        let decoded = decode(&mut unaware.clone(), &hex(block));
        assert_eq!(decoded.map(|lines| lines.len()), lines, "{block}");
    }
    // One that has told of a small table before need not do so again.
    let mut aware = decoder(&["3f13 4001610f 616161616161616161616161616161", "40016200"]);
    aware.acknowledged();
    assert_eq!(decode(&mut aware, &hex("be")).unwrap().len(), 1);
    assert_eq!(aware.table_bytes(), 33);
}

#[test]
fn bounds_are_held_and_no_tighter_than_they_say() {
    let bounds = Bounds {
        line_bytes_max: 10,
        lines_max: 3,
        list_bytes_max: 3 * 32 + 25,
    };
    let decode = |block: &str| {
        decode_within(&mut Decoder::new(4096), &hex(block), &bounds).map(|lines| lines.len())
    };
    let cases = [
        // `:method GET` has 10 bytes, `:method POST` 11.
        ("82", Ok(1)),
        ("83", Err(DecodeError::LineTooLong)),
        ("828282", Err(DecodeError::ListTooLarge)),
        // `age` has 3.
        ("829595", Ok(3)),
        ("95959595", Err(DecodeError::TooManyLines)),
        // A value that just fits behind its name, and one that does not; the same in Huffman code.
        ("0f0607 31323334353637", Ok(1)),
        ("0f0608 3132333435363738", Err(DecodeError::LineTooLong)),
        ("0f0685 0000 0000 1f", Ok(1)),
        ("0f0685 0000 0000 00", Err(DecodeError::LineTooLong)),
        // A name that is too long by itself, in each of its forms.
        (
            "000b 6161616161616161616161 00",
            Err(DecodeError::LineTooLong),
        ),
        ("0087 18c6 318c 6318 c7 00", Err(DecodeError::LineTooLong)),
        ("0f00 00", Err(DecodeError::LineTooLong)),
    ];
    for (block, lines) in cases {
        assert_eq!(decode(block), lines, "{block}");
    }
    // A line of the dynamic table is held to bounds that have come down since.
    let mut decoder = Decoder::new(4096);
    assert!(super::decode(&mut decoder, &hex("400b 6161616161616161616161 00")).is_ok());
    for block in ["be", "7e00", "0f2f00"] {
        let lines = decode_within(&mut decoder.clone(), &hex(block), &bounds);
        assert_eq!(lines, Err(DecodeError::LineTooLong), "{block}");
    }
}

#[test]
fn a_small_block_does_not_become_a_large_list() {
    let mut decoder = Decoder::new(4096);
    let mut block = hex("4001 61 7f a1 1e");
    block.extend([b'x'; 4000]);
    block.extend([0xbe; 10_000]);
    let bounds = Bounds {
        list_bytes_max: 32 * 1024,
        ..WIDE
    };
    let mut arena = Vec::new();
    let mut lines = 0;
    let result = decoder.decode(&block, &mut arena, &bounds, |_, _: Line<Mark>| lines += 1);
    assert_eq!(result, Err(DecodeError::ListTooLarge));
    assert!(arena.len() <= 32 * 1024);
    assert_eq!(lines, 8);
}

/// A block with each representation, and with strings of both forms.
fn mixed_block() -> Vec<u8> {
    let mut block = Vec::new();
    let mut encoder = Encoder::new();
    encoder.limit_table(0);
    encoder.limit_table(1000);
    encoder.begin(&mut block);
    encoder.status(200, &mut block);
    encoder.status(302, &mut block);
    for indexing in [Indexing::Incremental, Indexing::Without, Indexing::Never] {
        for name in ["content-type", "X-Custom", "!#$%&"] {
            encoder.field(
                name.as_bytes(),
                b"text/html; charset=utf-8",
                indexing,
                &mut block,
            );
            encoder.field(name.as_bytes(), b"{{{", indexing, &mut block);
        }
    }
    block
}

#[test]
fn a_block_that_is_cut_off_is_an_error_or_has_fewer_lines() {
    let block = mixed_block();
    let whole = decode(&mut Decoder::new(4096), &block).unwrap();
    assert_eq!(whole.len(), 20);
    let mut shorter = 0;
    for end in 0..block.len() {
        match decode(&mut Decoder::new(4096), &block[..end]) {
            Ok(lines) => {
                assert!(lines.len() < whole.len());
                assert_eq!(lines, whole[..lines.len()]);
                shorter += 1;
            }
            Err(error) => assert_eq!(error, DecodeError::Truncated, "{end}"),
        }
    }
    // Nothing, the two updates, and each line but the last.
    assert_eq!(shorter, 3 + 19);
}

#[test]
fn a_block_with_a_wrong_byte_does_no_harm() {
    let block = mixed_block();
    for at in 0..block.len() {
        for wrong in 0..=255 {
            let mut block = block.clone();
            block[at] = wrong;
            let mut decoder = Decoder::with_table(1000);
            let _ = decode(&mut decoder, &block);
            assert!(decoder.table_bytes() <= 1000);
        }
    }
}
