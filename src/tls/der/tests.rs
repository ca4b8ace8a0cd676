//! Lengths, times and damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

fn seconds(tag: u8, text: &str) -> Option<u64> {
    let bytes = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let time = Reader::new(&bytes).time()?;
    Some(
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
}

#[test]
fn times_are_those_of_rfc_5280() {
    for (tag, text, expected) in [
        (UTC_TIME, "700101000000Z", Some(0)),
        (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
        (UTC_TIME, "500101000000Z", Some(0)),
        (UTC_TIME, "991231235959Z", Some(946_684_799)),
        (UTC_TIME, "000229120000Z", Some(951_825_600)),
        (GENERALIZED_TIME, "20000301000000Z", Some(951_868_800)),
        (GENERALIZED_TIME, "20261124182703Z", Some(1_795_544_823)),
        (GENERALIZED_TIME, "21000228235959Z", Some(4_107_542_399)),
        (GENERALIZED_TIME, "21000301000000Z", Some(4_107_542_400)),
        (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
        (GENERALIZED_TIME, "00000101000000Z", None),
        (UTC_TIME, "7001010000Z", None),
        (UTC_TIME, "700101000000+0100", None),
        (UTC_TIME, "701301000000Z", None),
        (UTC_TIME, "700100000000Z", None),
        (UTC_TIME, "700101240000Z", None),
        (UTC_TIME, "7001010000x0Z", None),
        (GENERALIZED_TIME, "20261124182703.5Z", None),
        (GENERALIZED_TIME, "", None),
        (INTEGER, "700101000000Z", None),
    ] {
        assert_eq!(seconds(tag, text), expected, "{text}");
    }
}

#[test]
fn lengths_stay_inside() {
    for (bytes, is_whole) in [
        (&[0x30, 0][..], true),
        (&[0x30, 2, 1, 2], true),
        (&[0x30, 0x81, 2, 1, 2], true),
        (&[0x30, 0x84, 0, 0, 0, 1, 9], true),
        (&[], false),
        (&[0x30], false),
        (&[0x30, 1], false),
        (&[0x30, 0x80, 0, 0], false),
        (&[0x30, 0x81], false),
        (&[0x30, 0x85, 0, 0, 0, 0, 0], false),
        (&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], false),
    ] {
        let mut reader = Reader::new(bytes);
        let element = reader.element();
        assert_eq!(element.is_some(), is_whole, "{bytes:?}");
        assert!(element.is_none_or(|element| element.whole == bytes));
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut reader = Reader::new(&bytes);
        while let Some(element) = reader.element() {
            let _ = Reader::new(element.whole).time();
        }
    }
}
