//! Our codec and two others, block for block, with tables that live on from one to the next.

use std::cell::RefCell;

use proptest::prelude::*;

use super::super::{Encoder, Indexing, huffman, integer};
use super::*;

/// A line to encode.
type Field = (Vec<u8>, Vec<u8>, Indexing);

/// Names in both tables and in neither, alike and different, short and long.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        ":status",
        ":path",
        "Content-Type",
        "content-type",
        "date",
        "accept-encoding",
        "www-authenticate",
        "x",
        "x-a",
        "X-A",
        "x-b",
        "x-name-that-is-longer-than-any-static-name",
        "X-Name-That-Is-Longer-Than-Any-Static-Name",
    ]);
    prop_oneof![
        8 => known.prop_map(|name| name.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..40),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec!["", "200", "302", "/", "text/html", "gzip, deflate"]);
    prop_oneof![
        6 => known.prop_map(|value| value.as_bytes().to_vec()),
        4 => "[a-z0-9 ,;=/.-]{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}

fn indexing() -> impl Strategy<Value = Indexing> {
    prop_oneof![
        4 => Just(Indexing::Incremental),
        1 => Just(Indexing::Without),
        1 => Just(Indexing::Never),
    ]
}

/// Changes of the table's size, and the lines that follow them; one line at least, as one of the
/// oracles refuses a block that has none but updates.
fn block() -> impl Strategy<Value = (Vec<u32>, Vec<Field>)> {
    let size = prop_oneof![Just(0), 0..200_u32, 200..5000_u32];
    let sizes = prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec(size, 1..4),
    ];
    (
        sizes,
        prop::collection::vec((name(), value(), indexing()), 1..12),
    )
}

fn blocks() -> impl Strategy<Value = Vec<(Vec<u32>, Vec<Field>)>> {
    prop::collection::vec(block(), 1..12)
}

fn lower(fields: &[Field]) -> Vec<Pair> {
    fields
        .iter()
        .map(|(name, value, _)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

/// Every decoder, on the other side of one encoder.
struct Decoders {
    ours: Decoder<Mark>,
    loona: loona_hpack::Decoder<'static>,
    httlib: httlib_hpack::Decoder<'static>,
}

impl Decoders {
    fn new() -> Self {
        Self {
            ours: Decoder::new(4096),
            loona: loona_hpack::Decoder::new(),
            httlib: httlib_hpack::Decoder::with_dynamic_size(4096),
        }
    }

    /// What all of them make of a block; they must be of one mind.
    fn decode(&mut self, block: &[u8]) -> Vec<Decoded> {
        let ours = decode(&mut self.ours, block).expect("ours decodes it");
        let theirs = self.loona.decode(block).expect("loona decodes it");
        assert_eq!(pairs(&ours), theirs);
        let mut theirs = Vec::new();
        self.httlib
            .decode(&mut block.to_vec(), &mut theirs)
            .expect("httlib decodes it");
        let theirs: Vec<_> = theirs
            .into_iter()
            .map(|(name, value, flags)| Decoded {
                name,
                value,
                never_indexed: flags & httlib_hpack::Decoder::NEVER_INDEXED != 0,
            })
            .collect();
        assert_eq!(ours, theirs);
        ours
    }
}

fn update(size: u32) -> Vec<u8> {
    let mut out = Vec::new();
    integer::encode::<5>(0x20, size, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_we_encode_is_what_others_decode(blocks in blocks()) {
        let mut encoder = Encoder::new();
        let mut decoders = Decoders::new();
        for (sizes, fields) in blocks {
            for size in &sizes {
                encoder.limit_table(*size);
            }
            let mut block = Vec::new();
            encoder.begin(&mut block);
            for (name, value, indexing) in &fields {
                encoder.field(name, value, *indexing, &mut block);
            }
            let lines = decoders.decode(&block);
            prop_assert_eq!(pairs(&lines), lower(&fields));
            for (line, (_, _, indexing)) in lines.iter().zip(&fields) {
                prop_assert_eq!(line.never_indexed, *indexing == Indexing::Never);
            }
            let table: Vec<Pair> = encoder
                .table_lines()
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect();
            prop_assert_eq!(table, decoders.ours.table_lines());
        }
    }

    #[test]
    fn a_block_that_did_not_change_the_revision_can_be_sent_again(blocks in blocks()) {
        let mut encoder = Encoder::new();
        let mut decoders = Decoders::new();
        for (_, fields) in blocks {
            let mut before = Vec::new();
            for _ in 0..2 {
                let revision = encoder.revision();
                let mut block = Vec::new();
                for (name, value, indexing) in &fields {
                    encoder.field(name, value, *indexing, &mut block);
                }
                let lines = decoders.decode(&block);
                prop_assert_eq!(pairs(&lines), lower(&fields));
                if encoder.revision() == revision {
                    let table = encoder.table_lines();
                    prop_assert_eq!(decoders.decode(&block), lines);
                    prop_assert_eq!(encoder.table_lines(), table);
                }
                before.push(block);
            }
        }
    }

    #[test]
    fn what_loona_encodes_we_decode(blocks in blocks()) {
        let mut encoder = loona_hpack::Encoder::new();
        let mut decoders = Decoders::new();
        for (sizes, fields) in blocks {
            let mut block = Vec::new();
            for size in sizes.iter().take(2).map(|size| (*size).min(4096)) {
                encoder.set_max_table_size(size as usize);
                block.extend(update(size));
            }
            let lines = fields.iter().map(|(name, value, _)| (name.as_slice(), value.as_slice()));
            block.extend(encoder.encode(lines));
            let lines = decoders.decode(&block);
            let sent: Vec<Pair> = fields.into_iter().map(|(name, value, _)| (name, value)).collect();
            prop_assert_eq!(pairs(&lines), sent);
        }
    }

    #[test]
    fn what_httlib_encodes_we_decode(blocks in blocks(), flags in prop::collection::vec(0_u8..32, 12)) {
        let mut encoder = httlib_hpack::Encoder::with_dynamic_size(4096);
        let mut decoders = Decoders::new();
        for (sizes, fields) in blocks {
            let mut block = Vec::new();
            for size in sizes.iter().take(2).map(|size| (*size).min(4096)) {
                encoder.update_max_dynamic_size(size, &mut block).unwrap();
            }
            for ((name, value, _), flags) in fields.iter().zip(&flags) {
                encoder.encode((name.clone(), value.clone(), *flags), &mut block).unwrap();
            }
            let lines = decoders.decode(&block);
            let sent: Vec<Pair> = fields.into_iter().map(|(name, value, _)| (name, value)).collect();
            prop_assert_eq!(pairs(&lines), sent);
        }
    }

    #[test]
    fn what_we_refuse_others_refuse(block in prop::collection::vec(prop_oneof![
        any::<u8>(),
        prop::sample::select(vec![0x82_u8, 0x40, 0x00, 0x01, 0x41, 0x81, 0xbe, 0xff, 0x07, 0x1f, 0x61]),
    ], 0..24)) {
        let ours = decode(&mut Decoder::new(4096), &block);
        let mut loona = loona_hpack::Decoder::new();
        loona.set_max_allowed_table_size(4096);
        let theirs = loona.decode(&block);
        match ours {
            // It refuses a block that ends with an update; we do not mind.
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => prop_assert_eq!(pairs(&lines), theirs.expect("theirs decodes it")),
            // It knows these rules not, or has other bounds.
            Err(
                DecodeError::SizeUpdateLate
                | DecodeError::SizeUpdateRepeated
                | DecodeError::IntegerTooLarge
                | DecodeError::IntegerTooLong,
            ) => {}
            Err(error) => prop_assert!(theirs.is_err(), "{:?}: {:?}", error, theirs),
        }
    }

    #[test]
    fn huffman_code_of_longer_strings(
        text in prop::collection::vec(any::<u8>(), 0..200),
        ascii in "[ -~]{0,200}",
    ) {
        for text in [text.as_slice(), ascii.as_bytes()] {
            check_huffman(text);
        }
    }

    #[test]
    fn huffman_code_that_may_be_wrong(
        code in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff_u8), 0xf0_u8..], 0..24),
    ) {
        check_code(&code);
    }
}

/// Encodes a string as one of the oracles does, and decodes it again, whatever follows it.
fn check_huffman(text: &[u8]) {
    let mut code = b"before".to_vec();
    huffman::encode(text, &mut code);
    let code = code.split_off(6);
    assert_eq!(huffman::encoded_len(text), code.len());
    // An empty name, and the length of the value, come first.
    let mut ours = vec![0, 0];
    integer::encode::<7>(0x80, code.len() as u32, &mut ours);
    ours.extend(&code);
    let mut theirs = Vec::new();
    let flags = httlib_hpack::Encoder::HUFFMAN_VALUE;
    let line = (Vec::new(), text.to_vec(), flags);
    httlib_hpack::Encoder::default()
        .encode(line, &mut theirs)
        .unwrap();
    assert_eq!(ours, theirs, "{text:?}");
    let mut out = b"before".to_vec();
    assert_eq!(huffman::decode(&code, &mut out), Ok(()));
    assert_eq!(out, [b"before", text].concat());
}

thread_local! {
    /// Its tables take longer to make than a string to decode.
    static LOONA: RefCell<loona_hpack::huffman::HuffmanDecoder> =
        RefCell::new(loona_hpack::huffman::HuffmanDecoder::new());
}

/// Decodes what may be Huffman code as the oracle does.
fn check_code(code: &[u8]) {
    let theirs = LOONA.with_borrow_mut(|decoder| decoder.decode(code));
    let mut out = Vec::new();
    let ours = huffman::decode(code, &mut out);
    match &theirs {
        Ok(text) => assert_eq!((ours, &out), (Ok(()), text), "{code:x?}"),
        Err(error) => assert!(ours.is_err(), "{code:x?}: {error:?}, but {out:x?}"),
    }
}

#[test]
fn huffman_code_of_every_short_string() {
    check_huffman(&[]);
    for one in 0..=255 {
        check_huffman(&[one]);
        for other in 0..=255 {
            check_huffman(&[one, other]);
            check_huffman(&[b'e', one, b'{', other, b't']);
        }
    }
}

#[test]
fn every_short_code() {
    check_code(&[]);
    for one in 0..=255 {
        check_code(&[one]);
        for other in 0..=255 {
            check_code(&[one, other]);
            // The last bits of the longest codes, and those behind them.
            check_code(&[0xff, 0xff, one, other]);
            check_code(&[0xff, 0xff, 0xff, one, other]);
        }
    }
}
