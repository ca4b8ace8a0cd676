//! The examples of RFC 7541, appendix C, both ways.

use super::super::integer;
use super::super::{Encoder, Indexing};
use super::*;

/// A block of an example, its lines, and the table behind it.
struct Example {
    block: &'static str,
    lines: &'static [(&'static str, &'static str)],
    table: &'static [(&'static str, &'static str)],
    table_bytes: u32,
}

fn texts(lines: &[(&str, &str)]) -> Vec<Pair> {
    lines
        .iter()
        .map(|(name, value)| pair(name, value))
        .collect()
}

fn check_decoding(table_bytes_max: u32, examples: &[Example]) {
    let mut decoder = Decoder::with_table(table_bytes_max);
    for example in examples {
        let lines = decode(&mut decoder, &hex(example.block)).unwrap();
        assert_eq!(pairs(&lines), texts(example.lines), "{}", example.block);
        assert_eq!(decoder.table_lines(), texts(example.table));
        assert_eq!(decoder.table_bytes(), example.table_bytes);
    }
}

/// Encodes the lines as the examples do, everything with indexing.
fn check_encoding(encoder: &mut Encoder, examples: &[Example]) {
    for example in examples {
        let mut block = Vec::new();
        encoder.begin(&mut block);
        for (name, value) in example.lines {
            let name = name.to_ascii_uppercase();
            encoder.field(
                name.as_bytes(),
                value.as_bytes(),
                Indexing::Incremental,
                &mut block,
            );
        }
        assert_eq!(block, hex(example.block), "{:?}", example.lines);
    }
}

#[test]
fn c1_integers() {
    let mut out = Vec::new();
    integer::encode::<5>(0b1110_0000, 10, &mut out);
    integer::encode::<5>(0b1010_0000, 1337, &mut out);
    assert_eq!(out, [0b1110_1010, 0b1011_1111, 154, 10]);
    let mut rest = &out[1..];
    assert_eq!(integer::decode::<5>(out[0], &mut rest), Ok(10));
    let first = rest[0];
    rest = &rest[1..];
    assert_eq!(integer::decode::<5>(first, &mut rest), Ok(1337));
    assert!(rest.is_empty());
    // 42 from a byte's first bit is beyond the prefixes in use: 7 bits show the same.
    assert_eq!(integer::decode::<7>(42, &mut rest), Ok(42));
}

#[test]
fn c2_representations() {
    let cases = [
        (
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            ("custom-key", "custom-header"),
            55,
            false,
        ),
        (
            "040c 2f73 616d 706c 652f 7061 7468",
            (":path", "/sample/path"),
            0,
            false,
        ),
        (
            "1008 7061 7373 776f 7264 0673 6563 7265 74",
            ("password", "secret"),
            0,
            true,
        ),
        ("82", (":method", "GET"), 0, false),
    ];
    for (block, (name, value), table_bytes, never_indexed) in cases {
        let mut decoder = Decoder::new(4096);
        let lines = decode(&mut decoder, &hex(block)).unwrap();
        assert_eq!(pairs(&lines), [pair(name, value)]);
        assert_eq!(lines[0].never_indexed, never_indexed);
        assert_eq!(decoder.table_bytes(), table_bytes);
    }
}

const AUTHORITY: (&str, &str) = (":authority", "www.example.com");
const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");
const CUSTOM: (&str, &str) = ("custom-key", "custom-value");

const REQUESTS: [&[(&str, &str)]; 3] = [
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        AUTHORITY,
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        AUTHORITY,
        NO_CACHE,
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/index.html"),
        AUTHORITY,
        CUSTOM,
    ],
];

const fn requests(blocks: [&'static str; 3]) -> [Example; 3] {
    [
        Example {
            block: blocks[0],
            lines: REQUESTS[0],
            table: &[AUTHORITY],
            table_bytes: 57,
        },
        Example {
            block: blocks[1],
            lines: REQUESTS[1],
            table: &[NO_CACHE, AUTHORITY],
            table_bytes: 110,
        },
        Example {
            block: blocks[2],
            lines: REQUESTS[2],
            table: &[CUSTOM, NO_CACHE, AUTHORITY],
            table_bytes: 164,
        },
    ]
}

#[test]
fn c3_requests_without_huffman_code() {
    let blocks = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    check_decoding(4096, &requests(blocks));
}

#[test]
fn c4_requests_with_huffman_code() {
    let examples = requests([
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ]);
    check_decoding(4096, &examples);
    check_encoding(&mut Encoder::new(), &examples);
}

const PRIVATE: (&str, &str) = ("cache-control", "private");
const DATE_21: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:21 GMT");
const DATE_22: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:22 GMT");
const LOCATION: (&str, &str) = ("location", "https://www.example.com");
const GZIP: (&str, &str) = ("content-encoding", "gzip");
const COOKIE: (&str, &str) = (
    "set-cookie",
    "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
);

const fn responses(blocks: [&'static str; 3]) -> [Example; 3] {
    [
        Example {
            block: blocks[0],
            lines: &[(":status", "302"), PRIVATE, DATE_21, LOCATION],
            table: &[LOCATION, DATE_21, PRIVATE, (":status", "302")],
            table_bytes: 222,
        },
        Example {
            block: blocks[1],
            lines: &[(":status", "307"), PRIVATE, DATE_21, LOCATION],
            table: &[(":status", "307"), LOCATION, DATE_21, PRIVATE],
            table_bytes: 222,
        },
        Example {
            block: blocks[2],
            lines: &[(":status", "200"), PRIVATE, DATE_22, LOCATION, GZIP, COOKIE],
            table: &[COOKIE, GZIP, DATE_22],
            table_bytes: 215,
        },
    ]
}

const PLAIN_RESPONSES: [&str; 3] = [
    "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a
     3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04
     677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49
     553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
];

const HUFFMAN_RESPONSES: [&str; 3] = [
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
     919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
     821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed
     4ee5 b106 3d50 07",
];

#[test]
fn c5_responses_without_huffman_code() {
    check_decoding(256, &responses(PLAIN_RESPONSES));
}

#[test]
fn c6_responses_with_huffman_code() {
    check_decoding(256, &responses(HUFFMAN_RESPONSES));
    let mut encoder = Encoder::new();
    encoder.limit_table(256);
    let mut update = Vec::new();
    encoder.begin(&mut update);
    assert_eq!(update, hex("3fe101"));
    // 307 is as long in Huffman code as it is in plain, and we send it plain.
    let [first, _, third] = HUFFMAN_RESPONSES;
    check_encoding(&mut encoder, &responses([first, PLAIN_RESPONSES[1], third]));
}
