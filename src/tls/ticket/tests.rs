//! Tickets across shards, rotations, sites and damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

const SITE: [u8; FINGERPRINT_BYTES] = [1; FINGERPRINT_BYTES];
const OTHER_SITE: [u8; FINGERPRINT_BYTES] = [2; FINGERPRINT_BYTES];

fn seal(keys: &TicketKeys) -> Vec<u8> {
    keys.ticketer(SITE).unwrap().encrypt(b"a session").unwrap()
}

fn opens(keys: &TicketKeys, ticket: &[u8]) -> bool {
    let opened = keys.ticketer(SITE).unwrap().decrypt(ticket);
    assert!(opened.as_deref().is_none_or(|plain| plain == b"a session"));
    opened.is_some()
}

#[test]
fn a_ticket_opens_on_every_shard() {
    let keys = TicketKeys::generate().unwrap();
    let shards = [(); 3].map(|()| keys.clone());
    let ticket = seal(&keys);
    drop(keys);
    for keys in shards {
        assert!(opens(&keys, &ticket));
    }
}

#[test]
fn a_key_opens_for_one_rotation_more_than_it_seals() {
    let mut keys = TicketKeys::generate().unwrap();
    let first = seal(&keys);
    keys.rotate().unwrap();
    let second = seal(&keys);
    assert!(opens(&keys, &first) && opens(&keys, &second));
    keys.rotate().unwrap();
    assert!(!opens(&keys, &first));
    assert!(opens(&keys, &second));
    keys.rotate().unwrap();
    assert!(!opens(&keys, &second));
}

#[test]
fn the_newest_key_seals() {
    let mut keys = TicketKeys::generate().unwrap();
    let before = seal(&keys);
    keys.rotate().unwrap();
    assert_ne!(before[..KEY_NAME_BYTES], seal(&keys)[..KEY_NAME_BYTES]);
}

#[test]
fn a_ticket_of_another_server_does_not_open() {
    let ticket = seal(&TicketKeys::generate().unwrap());
    assert!(!opens(&TicketKeys::generate().unwrap(), &ticket));
}

#[test]
fn a_ticket_of_another_site_does_not_open() {
    let keys = TicketKeys::generate().unwrap();
    let ticket = seal(&keys);
    assert_eq!(keys.ticketer(OTHER_SITE).unwrap().decrypt(&ticket), None);
}

#[test]
fn a_ticket_opens_unchanged_only() {
    let keys = TicketKeys::generate().unwrap();
    let ticketer = keys.ticketer(SITE).unwrap();
    let ticket = seal(&keys);
    for at in 0..ticket.len() {
        for bit in 0..8 {
            let mut changed = ticket.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(ticketer.decrypt(&changed), None, "bit {bit} of byte {at}");
        }
        assert_eq!(ticketer.decrypt(&ticket[..at]), None, "{at} bytes");
        assert_eq!(ticketer.decrypt(&ticket[at + 1..]), None);
    }
    assert_eq!(ticketer.decrypt(&[&ticket[..], &[0]].concat()), None);
    assert!(opens(&keys, &ticket));
}

#[test]
fn the_same_session_never_looks_the_same() {
    let keys = TicketKeys::generate().unwrap();
    let (one, other) = (seal(&keys), seal(&keys));
    assert_ne!(one[KEY_NAME_BYTES..], other[KEY_NAME_BYTES..]);
}

#[test]
fn sessions_too_large_for_a_hello_get_no_ticket() {
    let ticketer = TicketKeys::generate().unwrap().ticketer(SITE).unwrap();
    let most = TICKET_BYTES_MAX - KEY_NAME_BYTES - NONCE_LEN - TAG_BYTES;
    let ticket = ticketer.encrypt(&vec![0; most]).unwrap();
    assert_eq!(ticket.len(), TICKET_BYTES_MAX);
    assert_eq!(ticketer.decrypt(&ticket), Some(vec![0; most]));
    assert_eq!(ticketer.encrypt(&vec![0; most + 1]), None);
}

#[test]
fn the_lifetime_is_within_what_tls_allows() {
    let ticketer = TicketKeys::generate().unwrap().ticketer(SITE).unwrap();
    assert_eq!(ticketer.lifetime(), 12 * 60 * 60);
}

#[test]
fn keys_do_not_show_in_messages() {
    let keys = TicketKeys::generate().unwrap();
    let ticketer = keys.ticketer(SITE).unwrap();
    assert_eq!(
        format!("{keys:?} {ticketer:?}"),
        "TicketKeys { .. } Ticketer { .. }"
    );
}

proptest! {
    #[test]
    fn garbage_does_not_open(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let keys = TicketKeys::generate().unwrap();
        prop_assert!(!opens(&keys, &bytes));
        // With the right name in front it comes as far as the seal.
        let named = [&keys.newest.name[..], &bytes].concat();
        prop_assert!(!opens(&keys, &named));
    }
}
