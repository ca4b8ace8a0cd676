//! Properties of the codec over generated input.

use proptest::prelude::*;

use super::events;
use crate::h1::Reject;
use crate::h1::encode::{CHUNK_END, encode_chunk_head, encode_last_chunk};
use crate::h1::head::{Parse, parse, parse_by_record};
use crate::h1::scan::HeadScan;
use crate::http::{FieldSection, RequestHead, TargetForm};
use crate::limits::Limits;

/// Pieces that heads are made of, good and bad, so that generated heads are near-misses.
fn head_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        30 => prop::sample::select(vec![
            "GET ", "POST ", "CONNECT ", "OPTIONS ", "X ", "/", "/a%20b", "/../c", "?q", "*",
            "http://h", "h:80", " HTTP/1.1\r\n", " HTTP/1.0\r\n", " HTTP/1.2\r\n", " HTTP/1.10\r\n", "Host: h\r\n",
            "Host: h:80\r\n", "Host:\r\n", "Content-Length: 5\r\n", "Content-Length: 0\r\n",
            "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: ,\r\n", "Connection: close\r\n", "a: b\r\n", "a:\t \r\n", "a: b", "Host: h",
            "Upgrade: x\r\nConnection: upgrade\r\n", "Expect: 100-continue\r\n", "\r\n", "\r\n\r\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        3 => prop::sample::select(vec![
            "\r", "\n", " ", "\t", ":", "\0", "a b: c\r\n", "a : b\r\n", " fold\r\n", ": x\r\n",
            "\u{e9}", "\x7f", "%", "\\", "PRI * HTTP/2.0\r\n", "a: \u{1}\r\n", "\x16\x03",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ]
}

/// A request line and field lines with pieces strewn in.
fn head() -> impl Strategy<Value = Vec<u8>> {
    let strewn = || prop::collection::vec(head_piece(), 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![
        strewn(),
        strewn().prop_map(|middle: Vec<u8>| {
            [
                b"GET / HTTP/1.1\r\nHost: h\r\n".as_slice(),
                &middle,
                b"\r\n\r\n",
            ]
            .concat()
        }),
        (strewn(), strewn()).prop_map(|(target, lines): (Vec<u8>, Vec<u8>)| {
            [
                b"GET /".as_slice(),
                &target,
                b" HTTP/1.1\r\n",
                &lines,
                b"\r\n",
            ]
            .concat()
        }),
    ]
}

/// Cuts `input` at these places, taken modulo its length.
fn cut<'a>(input: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places
        .iter()
        .map(|place| place % (input.len() + 1))
        .collect();
    places.extend([0, input.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| &input[pair[0]..pair[1]])
        .collect()
}

/// An accepted head with the version HTTP/1.1, if it has a later one.
fn as_http11(input: &[u8]) -> Vec<u8> {
    let mut input = input.to_vec();
    // Neither method nor target can hold a space.
    let version = input.windows(8).position(|part| part == b" HTTP/1.");
    if let Some(digit) = version.and_then(|at| input.get_mut(at + 8)) {
        *digit = (*digit).min(b'1');
    }
    input
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_split_of_a_head_does_not_matter(
        input in head(),
        places in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let whole = events::of_head(&[&input]);
        prop_assert_eq!(&whole, &events::of_head(&cut(&input, &places)));
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(&whole, &events::of_head(&bytes));
    }

    #[test]
    fn what_is_accepted_is_what_the_reference_accepts(input in head()) {
        let mut head = RequestHead::default();
        let parsed = parse(&input, &mut HeadScan::default(), &Limits::default(), &mut head);
        let Ok(Parse::Complete { consumed, .. }) = parsed else {
            // The diagnosis finds what the fast parser refused.
            prop_assert_ne!(parsed, Err(Reject::MalformedHead));
            return Ok(());
        };
        head.attach_copied(&input[..consumed]);
        let mut lines = [httparse::EMPTY_HEADER; 100];
        let mut reference = httparse::Request::new(&mut lines);
        // It knows no later minor version.
        let known = as_http11(&input);
        prop_assert_eq!(reference.parse(&known), Ok(httparse::Status::Complete(consumed)));
        prop_assert_eq!(reference.method, Some(head.method_text()));
        prop_assert_eq!(reference.path, Some(head.target()));
        let is_absolute = head.target_form() == TargetForm::Absolute;
        let compared = |name: &str, value| {
            let replaced = is_absolute && name.eq_ignore_ascii_case("host");
            (name.to_owned(), if replaced { b"".as_slice() } else { value })
        };
        prop_assert!(
            head.fields().map(|line| compared(line.name, line.value))
                .eq(reference.headers.iter().map(|line| compared(line.name, line.value)))
        );
        // And stricter than it: each LF ends a CRLF, and none is left over.
        let ends = |text: &[u8]| input[..consumed].windows(text.len()).filter(|w| *w == text).count();
        prop_assert_eq!(ends(b"\n"), ends(b"\r\n"));
        prop_assert_eq!(ends(b"\r"), ends(b"\r\n"));
    }

    #[test]
    fn the_plain_way_makes_no_difference(input in head()) {
        let (mut head, mut recorded) = (RequestHead::default(), RequestHead::default());
        let limits = Limits::default();
        let parsed = parse(&input, &mut HeadScan::default(), &limits, &mut head);
        prop_assert_eq!(parsed, parse_by_record(&input, &limits, &mut recorded));
        let Ok(Parse::Complete { consumed, .. }) = parsed else {
            return Ok(());
        };
        head.attach_copied(&input[..consumed]);
        recorded.attach_copied(&input[..consumed]);
        prop_assert_eq!((head.method(), head.version()), (recorded.method(), recorded.version()));
        prop_assert_eq!((head.target(), head.path()), (recorded.target(), recorded.path()));
        prop_assert_eq!((head.query(), head.authority()), (recorded.query(), recorded.authority()));
        prop_assert!(head.fields().eq(recorded.fields()));
    }

    #[test]
    fn the_split_of_a_chunked_body_does_not_matter(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "0", "1", "a", "5", "\r\n", "\r\n", "\r\n", "hello", "x", ";", ";a", "=b", "=\"q\"",
            " ", "\r", "\n", "t: v\r\n", "Host: h\r\n", "0\r\n", "0\r\n\r\n", "1\r\nx\r\n",
        ]), 0..12),
        places in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let input = pieces.concat().into_bytes();
        let whole = events::of_chunked_body(&[&input]);
        prop_assert_eq!(&whole, &events::of_chunked_body(&cut(&input, &places)));
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(&whole, &events::of_chunked_body(&bytes));
    }

    #[test]
    fn what_is_encoded_is_decoded(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..600), 0..5),
        trailer in prop::option::of("[ -~]{0,20}"),
        places in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut sent = FieldSection::new();
        if let Some(value) = &trailer {
            sent.append("x-digest", value).unwrap();
        }
        let mut wire = Vec::new();
        for chunk in &chunks {
            encode_chunk_head(&mut wire, chunk.len());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(CHUNK_END);
        }
        encode_last_chunk(&mut wire, &sent);
        let (mut received, mut data) = (FieldSection::new(), Vec::new());
        let end = events::decode(&cut(&wire, &places), &mut received, &mut data);
        prop_assert_eq!(end, Ok(Some(wire.len())));
        prop_assert_eq!(data, chunks.concat());
        prop_assert!(received.iter().eq(sent.iter()));
    }
}
