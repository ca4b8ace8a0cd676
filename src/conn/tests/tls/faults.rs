//! What a peer may do wrong, each with its counter and with what the peer is told.

use super::*;
use crate::tls::Fault;

/// Sends bytes to a fresh https connection: what comes back, what is counted, how it ends.
fn raw(bytes: &[u8]) -> (Vec<u8>, Vec<&'static str>, Close) {
    let identity = Identity::new(Protocols::default());
    let run = |feed: &dyn Fn(&mut Secure<_>)| {
        let client = Client::new(&identity.config(Offer::HTTP1));
        let mut secure = Secure::with(echo, &identity, client, Limits::default());
        feed(&mut secure);
        let output = std::mem::take(&mut secure.peer.output);
        let outcome = (output, secure.rejected(), secure.peer.close());
        secure.finish();
        outcome
    };
    let whole = run(&|secure| secure.peer.send(bytes));
    let singly = run(&|secure| secure.peer.send_singly(bytes));
    assert_eq!(singly.1, whole.1, "byte by byte: {bytes:?}");
    assert_eq!(singly.0, whole.0, "byte by byte: {bytes:?}");
    whole
}

/// The alert that an output consists of, in the clear.
fn alert(output: &[u8]) -> Option<u8> {
    match output {
        [21, 3, 3, 0, 2, 2, description] => Some(*description),
        _ => None,
    }
}

#[test]
fn first_bytes_that_are_no_hello() {
    for (bytes, description, name) in [
        (&b"\x00\x01\x02\x03\x04\x05"[..], None, "tls_not_tls"),
        (b"SSH-2.0-OpenSSH\r\n", None, "tls_not_tls"),
        (b"\x80\x2e\x01\x03\x01\x00\x15", None, "tls_not_tls"),
        (b"\x16\x02\x00\x00\x05hello", Some(70), "tls_record_version"),
        (b"\x16\x03\x01\x00\x00", Some(10), "tls_malformed_hello"),
        (b"\x16\x03\x01\x7f\xff\x01", Some(22), "tls_record_overflow"),
        (
            b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
            Some(10),
            "tls_malformed_hello",
        ),
        (
            b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
            Some(47),
            "tls_malformed_hello",
        ),
    ] {
        let (output, rejected, close) = raw(bytes);
        assert_eq!(rejected, [name], "{bytes:?}");
        assert_eq!(alert(&output), description, "{bytes:?}: {output:?}");
        assert_eq!(close, Close::Linger);
    }
}

#[test]
fn cleartext_http_gets_a_plain_400() {
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"OPTIONS * HTTP/1.0\r\n\r\n",
        b"PRI * HTTP/2.0",
    ] {
        let identity = Identity::new(Protocols::default());
        let client = Client::new(&identity.config(Offer::HTTP1));
        let mut secure = Secure::with(echo, &identity, client, Limits::default());
        secure.peer.send(bytes);
        let answer = secure.peer.received();
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{answer}"
        );
        assert_eq!(secure.rejected(), ["http_over_tls"]);
        assert_eq!(secure.peer.close(), Close::Linger);
        secure.finish();
    }
}

#[test]
fn a_peer_that_goes_within_the_handshake() {
    let identity = Identity::new(Protocols::default());
    let config = identity.config(Offer::HTTP1);
    let hello = Client::new(&config).take_output();
    for length in [1, 5, 6, 50, hello.len() - 1, hello.len()] {
        let mut secure = Secure::with(echo, &identity, Client::new(&config), Limits::default());
        secure.peer.send_turn(&hello[..length]);
        secure.peer.end();
        assert_eq!(secure.rejected(), ["tls_handshake_incomplete"], "{length}");
        assert_eq!(secure.peer.close(), Close::Now);
        secure.finish();
    }
    // Who says nothing has done nothing.
    let mut secure = Secure::with(echo, &identity, Client::new(&config), Limits::default());
    secure.peer.end();
    assert_eq!(secure.rejected(), [""; 0]);
    assert_eq!(secure.peer.close(), Close::Now);
    secure.finish();
}

#[test]
fn a_client_that_does_not_trust_the_server_says_so() {
    let identity = Identity::new(Protocols::default());
    let other = Identity::new(Protocols::default());
    let client = Client::new(&other.config(Offer::HTTP1));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    secure.exchange();
    assert!(!secure.client.error().is_empty());
    assert_eq!(secure.rejected(), ["tls_alert"]);
    secure.finish();
}

#[test]
fn a_record_that_was_tampered_with() {
    for tls12 in [false, true] {
        let offer = Offer {
            tls12,
            ..Offer::HTTP1
        };
        let mut probe = Secure::connected(echo, offer);
        probe.client.say(GET.as_bytes());
        let length = probe.client.take_output().len();
        for at in 5..length {
            let mut secure = Secure::connected(echo, offer);
            secure.client.say(GET.as_bytes());
            let mut record = secure.client.take_output();
            record[at] ^= 0x10;
            secure.peer.send(&record);
            assert_eq!(secure.rejected(), ["tls_bad_record_mac"], "at {at}");
            assert_eq!(secure.peer.close(), Close::Linger);
            secure.exchange();
            assert!(
                secure.client.error().contains("BadRecordMac"),
                "{}",
                secure.client.error()
            );
            assert_eq!(secure.said(), "");
            secure.finish();
        }
    }
}

#[test]
fn records_that_must_not_come_after_the_handshake() {
    for (record, name) in [
        (&b"\x14\x03\x03\x00\x01\x01"[..], "tls_unprotected_record"),
        (b"\x15\x03\x03\x00\x02\x01\x00", "tls_unprotected_record"),
        (
            b"\x16\x03\x03\x00\x04\x01\x00\x00\x00",
            "tls_unprotected_record",
        ),
        (b"\x18\x03\x03\x00\x01\x01", "tls_unknown_content_type"),
        (b"GET / HTTP/1.1\r\n\r\n", "tls_unknown_content_type"),
        (b"\x17\x02\x00\x00\x01\x01", "tls_record_version"),
        (b"\x17\x03\x03\x41\x01\x01", "tls_record_overflow"),
        (b"\x17\x03\x03\x00\x00", "tls_bad_record_mac"),
        (
            b"\x17\x03\x03\x00\x100123456789abcdef",
            "tls_bad_record_mac",
        ),
    ] {
        for piece in [1, usize::MAX] {
            let mut secure = Secure::connected(echo, Offer::HTTP1);
            for piece in record.chunks(piece.min(record.len())) {
                secure.peer.send(piece);
            }
            assert_eq!(secure.rejected(), [name], "{record:?}");
            assert_eq!(secure.peer.close(), Close::Linger);
            secure.exchange();
            assert!(!secure.client.error().is_empty());
            secure.finish();
        }
    }
}

#[test]
fn what_was_answered_before_the_fault_is_sent() {
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    secure.client.say(post("first").as_bytes());
    let mut bytes = secure.client.take_output();
    bytes.extend_from_slice(b"\x17\x03\x03\x00\x100123456789abcdef");
    secure.peer.send(&bytes);
    secure.exchange();
    assert_eq!(secure.rejected(), ["tls_bad_record_mac"]);
    secure.finish();
}

#[test]
fn every_fault_has_a_name_of_its_own() {
    let mut names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Fault::ALL.len());
}
