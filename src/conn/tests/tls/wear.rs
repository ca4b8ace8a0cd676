//! Keys that have protected nearly as many records as they may: nobody's exchange breaks by it.

use super::*;
use crate::conn::security::Security;
use crate::tls::Session;

/// Records before the end of a key at which something must happen.
const RESERVED: u64 = 1 << 16;

impl<A> Secure<A> {
    fn session(&mut self) -> &mut Session {
        match &mut self.peer.connection.security {
            Security::Session(secured) => &mut secured.session,
            other => panic!("no session: {other:?}"),
        }
    }
}

#[test]
fn the_peer_is_asked_for_new_keys() {
    let offer = Offer {
        suite: "TLS13_AES_128",
        ..Offer::HTTP1
    };
    let mut secure = Secure::connected(echo, offer);
    for _ in 0..2 {
        secure.session().leave(RESERVED, u64::MAX >> 1);
        assert!(secure.ask(&post("asks")).ends_with(" asks"));
        // It takes them with what it says next.
        assert!(secure.session().records_left().0 < RESERVED);
        assert!(secure.ask(&post("goes on")).ends_with(" goes on"));
        let (received, sent) = secure.session().records_left();
        assert!(received > RESERVED && sent > RESERVED, "{received} {sent}");
    }
    assert_eq!(secure.rejected(), [""; 0]);
    secure.finish();
}

#[test]
fn who_does_not_answer_is_served_on() {
    let offer = Offer {
        suite: "TLS13_AES_128",
        ..Offer::HTTP1
    };
    let mut secure = Secure::connected(echo, offer);
    secure.session().leave(1, u64::MAX >> 1);
    // All of them are on their way before the client sees that it is asked.
    for _ in 0..5 {
        secure.client.say(post("deaf").as_bytes());
    }
    secure.exchange();
    assert_eq!(secure.said().matches(" deaf").count(), 5);
    assert!(secure.ask(&post("goes on")).ends_with(" goes on"));
    assert_eq!(secure.rejected(), [""; 0]);
    secure.finish();
}

#[test]
fn our_own_key_is_replaced() {
    let offer = Offer {
        suite: "TLS13_AES_128",
        ..Offer::HTTP1
    };
    let mut secure = Secure::connected(echo, offer);
    secure.session().leave(u64::MAX >> 1, RESERVED - 1);
    assert!(secure.ask(&post("renewed")).ends_with(" renewed"));
    assert!(secure.session().records_left().1 > RESERVED);
    assert!(secure.ask(&post("goes on")).ends_with(" goes on"));
    secure.finish();
}

#[test]
fn without_new_keys_the_connection_ends_in_order() {
    let offer = Offer {
        tls12: true,
        suite: "AES_128_GCM",
        ..Offer::HTTP1
    };
    let plenty = u64::MAX >> 1;
    for (received, sent) in [(RESERVED, plenty), (plenty, RESERVED - 1)] {
        let mut secure = Secure::connected(echo, offer);
        secure.session().leave(received, sent);
        let answer = secure.ask(&post("last"));
        assert!(answer.contains("Connection: close"), "{answer}");
        assert!(answer.ends_with(" last"), "{answer}");
        assert!(secure.client.is_closed());
        assert_eq!(secure.rejected(), [""; 0]);
        secure.finish();
    }
}

#[test]
fn after_close_notify_nothing_is_said() {
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    secure.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(secure.client.is_closed());
    // The server lingers, and what comes then is no record that anybody has sealed.
    secure.peer.send(b"\x17\x03\x03\x00\x100123456789abcdef");
    assert!(secure.peer.output.is_empty());
    secure.finish();
}
