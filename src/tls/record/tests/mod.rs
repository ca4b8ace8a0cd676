//! Records: every version and suite both ways, every byte that matters, every bound.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use rustls::ConnectionTrafficSecrets as Secrets;
use rustls::crypto::cipher::{AeadKey, Iv};

use super::*;

/// Versions and suites, by number.
const KINDS: usize = 6;

fn secrets(kind: usize) -> (Version, Secrets) {
    let long = || AeadKey::from([7; 32]);
    let iv = || Iv::copy(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2]);
    let version = [Version::Tls12, Version::Tls13][kind % 2];
    let secrets = match kind / 2 {
        0 => Secrets::Aes256Gcm {
            key: long(),
            iv: iv(),
        },
        1 => Secrets::Chacha20Poly1305 {
            key: long(),
            iv: iv(),
        },
        _ => Secrets::Aes256Gcm {
            key: AeadKey::from([1; 32]),
            iv: iv(),
        },
    };
    (version, secrets)
}

fn pair(kind: usize, sequence: u64) -> (Sealer, Opener) {
    let (version, secrets) = secrets(kind);
    (
        Sealer::new(version, sequence, &secrets).unwrap(),
        Opener::new(version, sequence, &secrets).unwrap(),
    )
}

#[test]
fn what_is_sealed_is_opened() {
    for kind in 0..KINDS {
        let (mut sealer, mut opener) = pair(kind, 0);
        for (content, length) in [
            (ContentType::ApplicationData, 0),
            (ContentType::ApplicationData, 1),
            (ContentType::Alert, 2),
            (ContentType::ApplicationData, PLAINTEXT_MAX),
            (ContentType::Handshake, 5),
        ] {
            let plain: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut out = b"before".to_vec();
            sealer.seal(content, &plain, &mut out).unwrap();
            let record = &mut out[6..];
            assert_eq!(record_length(record), Ok(Some(record.len())));
            let (opened, range) = opener.open(record).unwrap();
            assert_eq!((opened, &record[range]), (content, &plain[..]), "{kind}");
        }
    }
}

#[test]
fn no_byte_of_a_record_may_change() {
    for kind in 0..KINDS {
        let (mut sealer, _) = pair(kind, 3);
        let mut sealed = Vec::new();
        sealer
            .seal(ContentType::ApplicationData, b"content", &mut sealed)
            .unwrap();
        for at in 0..sealed.len() {
            let mut record = sealed.clone();
            record[at] ^= 1;
            // Version and length are not what the peer is judged by here.
            let opened = pair(kind, 3).1.open(&mut record);
            let unseen = matches!(at, 1..=4) && kind % 2 == 0;
            assert!(opened.is_err() || unseen, "{kind}: byte {at}");
        }
        assert!(pair(kind, 3).1.open(&mut sealed.clone()).is_ok());
        assert!(pair(kind, 4).1.open(&mut sealed).is_err(), "another number");
    }
}

#[test]
fn short_records_are_errors() {
    for kind in 0..KINDS {
        for length in 0..40 {
            let mut record = vec![0x17, 3, 3, 0, 0];
            record.resize(5 + length, 0);
            assert!(pair(kind, 0).1.open(&mut record).is_err());
            assert!(pair(kind, 0).1.open(&mut record[..length.min(4)]).is_err());
        }
    }
}

#[test]
fn padding_is_taken_off_and_may_not_be_all() {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    // As a peer would seal it that pads its records (RFC 8446, 5.4).
    let seal = |inner: &[u8]| {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
        let nonce = Nonce::assume_unique_for_key([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2]);
        let [high, low] = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let header = [23, 3, 3, high, low];
        let mut body = inner.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut body)
            .unwrap();
        [&header[..], &body].concat()
    };
    let open = |inner: &[u8]| {
        let mut record = seal(inner);
        let opened = pair(1, 0).1.open(&mut record);
        opened.map(|(content, range)| (content, record[range].to_vec()))
    };
    assert_eq!(
        open(b"abc\x17\0\0\0"),
        Ok((ContentType::ApplicationData, b"abc".to_vec()))
    );
    assert_eq!(open(b"\x17"), Ok((ContentType::ApplicationData, vec![])));
    assert_eq!(open(b"\0\0\0"), Err(Fault::RecordOfPadding));
    assert_eq!(open(b""), Err(Fault::RecordOfPadding));
    assert_eq!(open(b"abc\x63"), Err(Fault::UnknownContentType));
    let mut long = vec![1; PLAINTEXT_MAX];
    long.push(23);
    assert!(open(&long).is_ok());
    long.insert(0, 1);
    assert_eq!(open(&long), Err(Fault::RecordOverflow));
}

#[test]
fn keys_end() {
    // AES-GCM under either version; ChaCha20-Poly1305 goes on. Only who seals is bound by it.
    for (kind, last) in [(0, true), (1, true), (2, false), (3, false)] {
        let (mut sealer, mut opener) = pair(kind, (1 << 24) - 1);
        let mut out = Vec::new();
        sealer
            .seal(ContentType::ApplicationData, b"x", &mut out)
            .unwrap();
        opener.open(&mut out.clone()).unwrap();
        let length = out.len();
        let sealed = sealer.seal(ContentType::ApplicationData, b"x", &mut out);
        assert_eq!(sealed.is_err(), last, "{kind}");
        assert_eq!(out.len() == length, last, "nothing is left of what failed");
        assert_eq!(opener.records_left() == 0, last);
        let mut record = out[..length].to_vec();
        assert_eq!(opener.open(&mut record), Err(Fault::BadRecordMac));
    }
    // Numbers never come again (RFC 8446, 5.3).
    for kind in 0..KINDS {
        let (mut sealer, mut opener) = pair(kind, u64::MAX);
        let sealed = sealer.seal(ContentType::ApplicationData, b"x", &mut Vec::new());
        assert_eq!(sealed, Err(Fault::KeyExhausted));
        assert_eq!(opener.open(&mut [23, 3, 3, 0, 0]), Err(Fault::KeyExhausted));
    }
    let (mut sealer, _) = pair(1, 0);
    let mut out = Vec::new();
    let long = vec![0; PLAINTEXT_MAX + 1];
    let sealed = sealer.seal(ContentType::ApplicationData, &long, &mut out);
    assert_eq!((sealed, out.len()), (Err(Fault::RecordOverflow), 0));
}

#[test]
fn headers() {
    assert_eq!(record_length(b""), Ok(None));
    assert_eq!(record_length(b"\x17\x03\x03\x00"), Ok(None));
    assert_eq!(record_length(b"\x17\x03\x03\x41\x00"), Ok(Some(5 + 0x4100)));
    assert_eq!(
        record_length(b"\x17\x03\x03\x41\x01"),
        Err(Fault::RecordOverflow)
    );
    assert_eq!(record_length(b"\x13"), Err(Fault::UnknownContentType));
    assert_eq!(record_length(b"\x18\x03"), Err(Fault::UnknownContentType));
    assert_eq!(record_length(b"\x17\x02"), Err(Fault::RecordVersion));
    assert_eq!(RECORD_MAX, 16_645);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(kind in 0..KINDS, mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = record_length(&bytes);
        let _ = pair(kind, 0).1.open(&mut bytes);
    }
}
