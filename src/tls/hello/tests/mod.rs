//! ClientHellos made by hand, by rustls and by OpenSSL, in one piece and in all others.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod told;

use std::sync::Arc;

use proptest::prelude::*;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::extensions::extension::{self as kind, SERVER_NAME as EXTENSION_SERVER_NAME};
use super::*;
use crate::tls::record::{HEADER_BYTES, PLAINTEXT_MAX};

const CONTENT_HANDSHAKE: u8 = 22;

const NAME_HOST: u8 = 0;

/// A vector with a length of `digits` bytes.
fn vector(digits: usize, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    [&length[length.len() - digits..], content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, content)].concat()
}

fn host(name: &[u8]) -> Vec<u8> {
    [&[NAME_HOST][..], &vector(2, name)].concat()
}

/// A server name extension with this list.
fn names(list: &[u8]) -> Vec<u8> {
    extension(EXTENSION_SERVER_NAME, &vector(2, list))
}

/// The body of a ClientHello up to its extensions, as a client that sends GREASE (RFC 8701) does.
fn start() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend(vector(1, &[9; 32]));
    body.extend(vector(2, &[0x0a, 0x0a, 0x13, 0x01, 0x13, 0x02]));
    body.extend(vector(1, &[0]));
    body
}

fn message(body: &[u8]) -> Vec<u8> {
    [&[HANDSHAKE_CLIENT_HELLO][..], &vector(3, body)].concat()
}

/// A whole message with these extensions.
fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    message(&[start(), vector(2, &extensions.concat())].concat())
}

fn record(fragment: &[u8]) -> Vec<u8> {
    [&[CONTENT_HANDSHAKE, 3, 1][..], &vector(2, fragment)].concat()
}

/// The message in records of at most `size` bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    message.chunks(size).flat_map(record).collect()
}

/// All that is in `bytes`, looked at once.
fn read(bytes: &[u8]) -> Hello {
    Scan::default().read(bytes)
}

/// A whole hello.
#[track_caller]
fn asked(bytes: &[u8]) -> Asked {
    match read(bytes) {
        Hello::Complete(asked) => asked,
        other => panic!("{other:?}"),
    }
}

/// That a hello asks for this name, and in what it was read whole.
#[track_caller]
fn assert_asks(hello: Hello, name: Option<&str>) {
    let Hello::Complete(asked) = hello else {
        panic!("{hello:?}");
    };
    let found = asked.server_name.as_ref().map(ServerName::as_str);
    assert_eq!(found, name);
    assert_eq!(asked.unfit, None);
}

/// Reads the bytes as they come in one by one, and answers the first verdict, which stays the same
/// whatever follows.
fn byte_by_byte(bytes: &[u8]) -> Hello {
    let mut first = Hello::Partial;
    let mut scan = Scan::default();
    for end in 0..=bytes.len() {
        let verdict = scan.read(&bytes[..end]);
        assert_eq!(verdict, read(&bytes[..end]), "{end} bytes at once");
        if first == Hello::Partial {
            first = verdict;
        }
        assert_eq!(verdict, first, "after {end} bytes");
    }
    first
}

const GREASE: u16 = 0x3a3a;

#[test]
fn the_name_is_found_wherever_it_stands() {
    let name = names(&host(b"www.Example.COM"));
    let grease = extension(GREASE, &[]);
    let alpn = extension(16, &vector(2, b"\x02h2"));
    let shares = extension(51, &vector(2, &[0x5a; 1216]));
    let padding = extension(21, &[0; 300]);
    let found = Some("www.example.com");
    for (extensions, expected) in [
        (vec![name.clone()], found),
        (vec![grease.clone(), name.clone(), alpn.clone()], found),
        (
            vec![grease.clone(), shares, alpn.clone(), name, padding],
            found,
        ),
        (vec![alpn, grease], None),
        (vec![], None),
        // Whatever is behind a name of another type means nothing to us.
        (vec![names(&[host(b"a"), vec![7, 7]].concat())], Some("a")),
    ] {
        let message = hello(&extensions);
        assert_asks(read(&record(&message)), expected);
        assert_asks(byte_by_byte(&record(&message)), expected);
    }
    // TLS 1.2 without extensions.
    assert_asks(byte_by_byte(&record(&message(&start()))), None);
}

#[test]
fn a_message_may_be_spread_over_records_at_every_place() {
    let message = hello(&[names(&host(b"spread.example")), extension(GREASE, &[1])]);
    for at in 1..message.len() {
        let (one, other) = message.split_at(at);
        let bytes = [record(one), record(other)].concat();
        assert_asks(byte_by_byte(&bytes), Some("spread.example"));
    }
    // Records of one byte are a waste, but no fault (RFC 8446, 5.1).
    for size in 1..=message.len() {
        let bytes = records(&message, size);
        assert_asks(read(&bytes), Some("spread.example"));
    }
}

#[test]
fn what_follows_is_not_looked_at() {
    let bytes = record(&hello(&[names(&host(b"a.example"))]));
    for behind in [&b"GET / HTTP/1.1"[..], &[0x17, 3, 3, 0, 0], &[0x16, 9]] {
        let bytes = [&bytes, behind].concat();
        assert_asks(read(&bytes), Some("a.example"));
    }
    // Nor is what follows the message in its last record.
    let message = [hello(&[names(&host(b"a.example"))]), vec![0; 9]].concat();
    assert_asks(read(&record(&message)), Some("a.example"));
}

#[test]
fn each_fault_has_its_name() {
    use HelloFault::{
        EmptyRecord, Length, NameRepeated, NotClientHello, NotHandshake, RecordInterleaved,
        RecordTooLong, RecordVersion, TooLong,
    };
    let name = || names(&host(b"a"));
    let first = record(&hello(&[name()])[..9]);
    let cut = |extensions: &[u8]| record(&message(&[start(), extensions.to_vec()].concat()));
    for (bytes, fault) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), NotHandshake),
        (vec![0x80, 0x2e, 1, 3, 1], NotHandshake),
        (vec![21, 3, 1, 0, 2, 1, 0], NotHandshake),
        (vec![22, 2], RecordVersion),
        (vec![22, 3, 1, 0, 0], EmptyRecord),
        (vec![22, 3, 1, 0x40, 1], RecordTooLong),
        (
            [&first[..], &[23, 3, 3, 0, 1, 0]].concat(),
            RecordInterleaved,
        ),
        ([&first[..], &[22, 3, 3, 0, 0]].concat(), EmptyRecord),
        (record(&[2]), NotClientHello),
        (record(&[1, 1, 0, 0]), TooLong),
        (record(&message(&[])), Length),
        (record(&message(&start()[..40])), Length),
        (cut(&[0]), Length),
        (cut(&[0, 1]), Length),
        (cut(&[0, 0, 0]), Length),
        (cut(&[0, 3, 0, 0, 0]), Length),
        (cut(&[0, 4, 0, 0, 0, 1]), Length),
        (record(&hello(&[extension(0, &[])])), Length),
        (record(&hello(&[extension(0, &[0, 0])])), Length),
        (record(&hello(&[extension(0, &[0, 1, 0])])), Length),
        (record(&hello(&[extension(0, &[0, 3, 0, 0, 1])])), Length),
        (record(&hello(&[extension(0, &[0, 1, 1, 9])])), Length),
        (record(&hello(&[name(), name()])), NameRepeated),
        (
            record(&hello(&[names(&[host(b"a"), host(b"b")].concat())])),
            NameRepeated,
        ),
        (record(&hello(&[names(&host(b""))])), Length),
        (
            record(&hello(&[extension(kind::SUPPORTED_VERSIONS, &[])])),
            Length,
        ),
        (
            record(&hello(&[extension(
                kind::SUPPORTED_VERSIONS,
                &[3, 3, 4, 3],
            )])),
            Length,
        ),
    ] {
        assert_eq!(byte_by_byte(&bytes), Hello::Malformed(fault), "{bytes:?}");
        assert_eq!(fault.alert().is_none(), fault == NotHandshake);
    }
}

#[test]
fn the_largest_hello_is_read_and_the_next_is_not() {
    let of_length = |length: usize| {
        let name = names(&host(b"large.example"));
        let rest = length - hello(&[name.clone(), extension(21, &[])]).len();
        hello(&[extension(21, &vec![0; rest]), name])
    };
    let largest = of_length(HELLO_BYTES_MAX);
    assert_eq!(largest.len(), HELLO_BYTES_MAX);
    for size in [512, 1000, PLAINTEXT_MAX] {
        let bytes = records(&largest, size);
        assert_asks(read(&bytes), Some("large.example"));
        assert_eq!(read(&bytes[..bytes.len() - 1]), Hello::Partial);
    }
    // As OpenSSL has it for a message that is too long.
    assert_eq!(HelloFault::TooLong.alert(), Some(alert::ILLEGAL_PARAMETER));
    let bytes = records(&of_length(HELLO_BYTES_MAX + 1), PLAINTEXT_MAX);
    assert_eq!(read(&bytes), Hello::Malformed(HelloFault::TooLong));
}

/// What a rustls client sends first.
fn of_rustls(name: &str, alpn: &[Vec<u8>]) -> Vec<u8> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = alpn.to_vec();
    let name = name.to_owned().try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn hellos_of_rustls_are_read() {
    for (name, expected) in [
        ("localhost", Some("localhost")),
        ("A.Example", Some("a.example")),
        // Left out by the client, as it must be.
        ("127.0.0.1", None),
        ("::1", None),
    ] {
        let bytes = of_rustls(name, &[b"h2".to_vec()]);
        assert_asks(byte_by_byte(&bytes), expected);
    }
}

/// What `openssl s_client -servername captured.example -alpn h2,http/1.1` of OpenSSL 3.0 sent.
#[test]
fn a_hello_of_openssl_is_read() {
    let bytes = include_bytes!("../openssl.bin");
    assert_asks(byte_by_byte(bytes), Some("captured.example"));
}

proptest! {
    #[test]
    fn a_name_that_rustls_sends_is_the_name_that_is_read(
        name in "[a-zA-Z0-9_]{1,20}(\\.[a-z0-9]{1,9}){0,4}\\.[a-z]{2,5}",
        alpn in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 0..4),
        size in 64..2000_usize,
    ) {
        let bytes = of_rustls(&name, &alpn);
        let expected = name.to_ascii_lowercase();
        assert_asks(read(&bytes), Some(&expected));
        assert_asks(read(&records(&bytes[HEADER_BYTES..], size)), Some(&expected));
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        byte_by_byte(&bytes);
    }

    /// A hello with some bytes changed gets far inside before it is refused.
    #[test]
    fn damage_makes_it_neither_panic_nor_change_its_mind(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        size in 8..400_usize,
    ) {
        let message = hello(&[
            extension(GREASE, &[]),
            names(&host(b"damaged.example")),
            extension(16, &vector(2, b"\x02h2")),
        ]);
        let mut bytes = records(&message, size);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        byte_by_byte(&bytes);
    }
}
