//! Responses made by hand, good and bad.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

const BIT_STRING: u8 = 0x03;
const GENERALIZED_TIME: u8 = 0x18;
const GOOD: u8 = 0x80;
const REVOKED: u8 = 0xa1;
const UNKNOWN: u8 = 0x82;

fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, high, low], content.as_slice()].concat()
}

/// The serial number that the test authority gives the certificate of this name.
fn serial_of(name: &str) -> Vec<u8> {
    [&[1], name.as_bytes()].concat()
}

fn single(name: &str, status: u8, this_update: &str, next_update: Option<&str>) -> Vec<u8> {
    let time = |text: &str| element(GENERALIZED_TIME, &[text.as_bytes()]);
    let algorithm = element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[&[1, 2, 3]])]);
    let hash = element(OCTET_STRING, &[&[7; 20]]);
    let serial = element(INTEGER, &[&serial_of(name)]);
    let next = next_update.map(|text| element(context(0), &[&time(text)]));
    element(
        SEQUENCE,
        &[
            &element(SEQUENCE, &[&algorithm, &hash, &hash, &serial]),
            &element(status, &[]),
            &time(this_update),
            &next.unwrap_or_default(),
        ],
    )
}

fn of(singles: &[Vec<u8>], status: u8) -> Vec<u8> {
    let responder = element(context(2), &[&element(OCTET_STRING, &[&[9; 20]])]);
    let produced = element(GENERALIZED_TIME, &[b"20260101000000Z"]);
    let singles = element(SEQUENCE, &[&singles.concat()]);
    let data = element(SEQUENCE, &[&responder, &produced, &singles]);
    let algorithm = element(SEQUENCE, &[]);
    let basic = element(
        SEQUENCE,
        &[&data, &algorithm, &element(BIT_STRING, &[&[0; 9]])],
    );
    let typed = element(
        SEQUENCE,
        &[
            &element(OBJECT_IDENTIFIER, &[BASIC_RESPONSE]),
            &element(OCTET_STRING, &[&basic]),
        ],
    );
    element(
        SEQUENCE,
        &[
            &element(ENUMERATED, &[&[status]]),
            &element(context(0), &[&typed]),
        ],
    )
}

/// A response that says good of the certificate with this name.
pub(in crate::tls) fn response(
    name: &str,
    this_update: &str,
    next_update: Option<&str>,
) -> Vec<u8> {
    of(&[single(name, GOOD, this_update, next_update)], 0)
}

const NOW: SystemTime = SystemTime::UNIX_EPOCH;
/// 2026-07-01 00:00:00.
const JULY: Duration = Duration::from_secs(1_782_864_000);

fn verdict(der: &[u8]) -> Result<SystemTime, OcspFault> {
    check(der, &serial_of("a.example"), NOW + JULY)
}

#[test]
fn a_response_is_sent_while_it_counts() {
    let say = |status, this, next| of(&[single("a.example", status, this, next)], 0);
    let (june, july, august) = ("20260601000000Z", "20260701000000Z", "20260801000000Z");
    let until = Ok(NOW + JULY + Duration::from_secs(31 * 24 * 60 * 60));
    let other = single("b.example", GOOD, june, Some(august));
    let this = single("a.example", GOOD, june, Some(august));
    for (der, expected) in [
        (say(GOOD, june, Some(august)), until),
        (say(GOOD, july, Some(august)), until),
        (say(GOOD, "20260701000500Z", Some(august)), until),
        (
            say(GOOD, "20260701000501Z", Some(august)),
            Err(OcspFault::TooEarly),
        ),
        (say(GOOD, june, Some(july)), Err(OcspFault::Stale)),
        (say(GOOD, june, None), Err(OcspFault::Stale)),
        (say(REVOKED, june, Some(august)), Err(OcspFault::NotGood)),
        (say(UNKNOWN, june, Some(august)), Err(OcspFault::NotGood)),
        (say(GOOD, "june", Some(august)), Err(OcspFault::NoResponse)),
        (of(&[other.clone(), this.clone()], 0), until),
        (of(&[other], 0), Err(OcspFault::OtherCertificate)),
        (of(&[], 0), Err(OcspFault::OtherCertificate)),
        // tryLater.
        (of(&[this], 3), Err(OcspFault::NoResponse)),
        (
            b"-----BEGIN OCSP RESPONSE-----".to_vec(),
            Err(OcspFault::NoResponse),
        ),
        (Vec::new(), Err(OcspFault::NoResponse)),
    ] {
        assert_eq!(verdict(&der), expected);
    }
}

#[test]
fn cut_off_responses_are_none() {
    let whole = response("a.example", "20260601000000Z", Some("20260801000000Z"));
    assert!(verdict(&whole).is_ok());
    for end in 0..whole.len() {
        assert_eq!(verdict(&whole[..end]), Err(OcspFault::NoResponse));
    }
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(verdict(&longer), Err(OcspFault::NoResponse));
}

proptest! {
    #[test]
    fn damage_does_not_make_it_panic(at: prop::sample::Index, byte: u8) {
        let mut der = response("a.example", "20260601000000Z", Some("20260801000000Z"));
        let at = at.index(der.len());
        der[at] = byte;
        let _ = verdict(&der);
    }
}
