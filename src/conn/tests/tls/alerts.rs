//! What a peer is told of a fault amid its handshake and behind it (RFC 8446, 6), by keys that it has.

use super::*;

/// A record that no peer may send, what is counted, and the alert.
const BAD_RECORDS: [(&[u8], &str, &str); 6] = [
    // RFC 8446, 5: a type that does not exist.
    (
        &[0, 3, 3, 0, 1, 1],
        "tls_unknown_content_type",
        "UnexpectedMessage",
    ),
    (
        &[24, 3, 3, 0, 1, 1],
        "tls_unknown_content_type",
        "UnexpectedMessage",
    ),
    (
        &[255, 3, 3, 0, 1, 1],
        "tls_unknown_content_type",
        "UnexpectedMessage",
    ),
    // 5.1 and D: versions are 3.x.
    (
        &[22, 4, 3, 0, 1, 1],
        "tls_record_version",
        "ProtocolVersion",
    ),
    (
        &[23, 2, 0, 0, 1, 1],
        "tls_record_version",
        "ProtocolVersion",
    ),
    // 5.2: no more than 2^14 + 256 bytes.
    (
        &[23, 3, 3, 0x48, 1, 1],
        "tls_record_overflow",
        "RecordOverflow",
    ),
];

/// Every suite, each with its version.
const SUITES: [(&str, bool); 6] = [
    ("TLS13_AES_128", false),
    ("TLS13_AES_256", false),
    ("TLS13_CHACHA20", false),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM", true),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM", true),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20", true),
];

fn offer(suite: &'static str, tls12: bool) -> Offer<'static> {
    Offer {
        suite,
        tls12,
        ..Offer::HTTP1
    }
}

/// A connection whose server has answered the hello, and waits for the client's last flight.
fn amid(offer: Offer<'_>) -> Secure<impl AsyncFn(&mut HttpContext)> {
    let identity = Identity::new(Protocols::default());
    let client = Client::new(&identity.config(offer));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    let hello = secure.client.take_output();
    secure.peer.send_turn(&hello);
    secure
}

/// Hands the client what the server has sent, and answers which alert it saw.
fn alert<A: AsyncFn(&mut HttpContext) + 'static>(secure: &mut Secure<A>) -> String {
    let output = std::mem::take(&mut secure.peer.output);
    secure.client.receive(&output);
    let error = secure.client.error();
    let alert = error.strip_prefix("received fatal alert: ");
    alert.unwrap_or(&error).to_owned()
}

#[test]
fn a_bad_record_amid_the_handshake_is_answered() {
    for (suite, tls12) in SUITES {
        for (record, counted, told) in BAD_RECORDS {
            for piece in [1, 2, usize::MAX] {
                let mut secure = amid(offer(suite, tls12));
                for piece in record.chunks(piece.min(record.len())) {
                    secure.peer.send_turn(piece);
                }
                assert_eq!(secure.rejected(), [counted], "{suite} {record:?}");
                assert_eq!(alert(&mut secure), told, "{suite} {record:?}");
                assert_eq!(secure.peer.close(), Close::Linger);
                secure.finish();
            }
        }
    }
}

#[test]
fn a_handshake_that_goes_on_and_on_is_ended_by_an_alert() {
    for (suite, tls12) in SUITES {
        let mut secure = amid(offer(suite, tls12));
        // The start of a record that is never whole, and more behind it than may wait.
        let mut record = vec![22, 3, 3, 0x40, 0];
        record.resize(16 * 1024, 0);
        for _ in 0..7 {
            secure.peer.send_turn(&record);
        }
        assert!(!alert(&mut secure).is_empty(), "{suite}");
        assert_eq!(secure.peer.close(), Close::Linger);
        secure.finish();
    }
}

/// A finished message of another length (RFC 8446, 4.4.4) is malformed, not forged: rustls says
/// decrypt_error of both.
#[test]
fn a_flight_that_is_not_the_clients_does_not_authenticate() {
    for (suite, tls12) in SUITES {
        let mut secure = amid(offer(suite, tls12));
        let flight = std::mem::take(&mut secure.peer.output);
        secure.client.receive(&flight);
        let mut last = secure.client.take_output();
        let end = last.len() - 1;
        last[end] ^= 1;
        secure.peer.send_turn(&last);
        assert_eq!(alert(&mut secure), "BadRecordMac", "{suite}");
        assert_eq!(secure.rejected(), ["tls_bad_record_mac"], "{suite}");
        secure.finish();
    }
}

/// The type of a server name is put back where a hello is hashed, so that nobody between the two can
/// change a name without being seen.
#[test]
fn a_name_that_was_changed_on_the_way_is_noticed() {
    for (suite, tls12) in SUITES {
        let identity = Identity::new(Protocols::default());
        for changed in [&b"localhos:"[..], b"127.0.0.1", b"localhose", b"localhos."] {
            let client = Client::new(&identity.config(offer(suite, tls12)));
            let mut secure = Secure::with(echo, &identity, client, Limits::default());
            let mut hello = secure.client.take_output();
            let at = hello.windows(9).position(|name| name == b"localhost");
            hello[at.unwrap()..][..changed.len()].copy_from_slice(changed);
            secure.peer.send_turn(&hello);
            secure.exchange();
            assert!(
                !secure.client.is_connected() || tls12,
                "{suite} {changed:?}"
            );
            assert_eq!(secure.peer.counters.handshakes, 0, "{suite} {changed:?}");
            secure.finish();
        }
    }
}

/// The body of a hello with one suite and these extensions, as one record.
fn hello(version: u16, suites: &[u16], extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let vector = |content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap();
        [&length.to_be_bytes()[..], content].concat()
    };
    let suites: Vec<u8> = suites
        .iter()
        .flat_map(|suite| suite.to_be_bytes())
        .collect();
    let extensions: Vec<u8> = extensions
        .iter()
        .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &vector(content)].concat())
        .collect();
    let body = [
        &version.to_be_bytes()[..],
        &[7; 32],
        &[0],
        &vector(&suites),
        &[1, 0],
        &vector(&extensions),
    ]
    .concat();
    let message = [&[1, 0][..], &vector(&body)].concat();
    [&[22, 3, 1][..], &vector(&message)].concat()
}

#[test]
fn hellos_that_cannot_be_answered_are_told_why() {
    const GROUPS: (u16, &[u8]) = (10, &[0, 2, 0, 29]);
    const SIGNATURES: (u16, &[u8]) = (13, &[0, 2, 4, 3]);
    const TLS13: (u16, &[u8]) = (43, &[2, 3, 4]);
    const TLS12: (u16, &[u8]) = (43, &[2, 3, 3]);
    const TLS11: (u16, &[u8]) = (43, &[2, 3, 2]);
    let suites = [0x1301, 0xc02b];
    for (bytes, description, counted) in [
        // RFC 8446, 6.2 and D: versions that are not spoken.
        (hello(0x0301, &suites, &[]), 70, "tls_version"),
        (hello(0x0302, &suites, &[GROUPS]), 70, "tls_version"),
        (hello(0x0303, &suites, &[TLS11]), 70, "tls_version"),
        // RFC 7507, 3.
        (
            hello(0x0303, &[0xc02b, 0x5600], &[GROUPS, SIGNATURES]),
            86,
            "tls_inappropriate_fallback",
        ),
        (
            hello(0x0301, &[0xc02b, 0x5600], &[]),
            86,
            "tls_inappropriate_fallback",
        ),
        (
            hello(0x0303, &[0x5600, 0xc02b], &[TLS12]),
            86,
            "tls_inappropriate_fallback",
        ),
        // RFC 8446, 9.2.
        (
            hello(0x0303, &suites, &[TLS13, GROUPS, SIGNATURES]),
            109,
            "tls_missing_extension",
        ),
        (
            hello(0x0303, &suites, &[TLS13, SIGNATURES, (51, &[0, 0])]),
            109,
            "tls_missing_extension",
        ),
        (
            hello(0x0303, &suites, &[TLS13, GROUPS, (51, &[0, 0])]),
            109,
            "tls_missing_extension",
        ),
        // No group in common, and no suite.
        (
            hello(
                0x0303,
                &suites,
                &[TLS13, SIGNATURES, (10, &[0, 2, 0, 30]), (51, &[0, 0])],
            ),
            40,
            "tls_handshake_incompatible",
        ),
        (
            hello(0x0303, &[0x0035], &[GROUPS, SIGNATURES]),
            40,
            "tls_handshake_incompatible",
        ),
        // The same extension twice (4.2).
        (
            hello(0x0303, &suites, &[GROUPS, SIGNATURES, GROUPS]),
            47,
            "tls_handshake_malformed",
        ),
    ] {
        for piece in [1, 7, usize::MAX] {
            let identity = Identity::new(Protocols::default());
            let client = Client::new(&identity.config(Offer::HTTP1));
            let mut secure = Secure::with(echo, &identity, client, Limits::default());
            for piece in bytes.chunks(piece.min(bytes.len())) {
                secure.peer.send_turn(piece);
            }
            let output = std::mem::take(&mut secure.peer.output);
            assert_eq!(output, [21, 3, 3, 0, 2, 2, description], "{bytes:x?}");
            assert_eq!(secure.rejected(), [counted], "{bytes:x?}");
            secure.finish();
        }
    }
}
