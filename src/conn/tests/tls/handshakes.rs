//! Handshakes: what is agreed on, how the bytes may come, what is refused.

use super::*;

#[test]
fn http1_over_every_version_and_suite() {
    for (suite, tls12, version) in [
        ("TLS13_AES_128", false, "TLSv1.3"),
        ("TLS13_AES_256", false, "TLSv1.3"),
        ("TLS13_CHACHA20", false, "TLSv1.3"),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM", true, "TLSv1.2"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM", true, "TLSv1.2"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20", true, "TLSv1.2"),
    ] {
        let offer = Offer {
            suite,
            tls12,
            ..Offer::HTTP1
        };
        let mut secure = Secure::connected(echo, offer);
        let answer = secure.ask(&post("ping"));
        let expected = format!(r#"https {version} Some("localhost") Some("http/1.1") ping"#);
        assert!(answer.ends_with(&expected), "{suite}: {answer}");
        let again = secure.ask(&post("pong"));
        assert!(again.ends_with(" pong"), "{suite}: {again}");
        assert_eq!(secure.peer.counters.handshakes, 1);
        assert_eq!(secure.rejected(), [""; 0]);
        secure.finish();
    }
}

#[test]
fn bytes_may_come_in_any_pieces() {
    for tls12 in [false, true] {
        let identity = Identity::new(Protocols::default());
        for piece in [1, 2, 5, 6, 7, 100, 511] {
            let offer = Offer {
                tls12,
                ..Offer::HTTP1
            };
            let client = Client::new(&identity.config(offer));
            let mut secure = Secure::with(echo, &identity, client, Limits::default());
            secure.client.say(post("ping").as_bytes());
            secure.exchange_in(piece);
            let answer = secure.said();
            assert!(answer.ends_with(" ping"), "by {piece}: {answer}");
            secure.finish();
        }
    }
}

#[test]
fn a_request_may_come_with_the_end_of_the_handshake() {
    let identity = Identity::new(Protocols::default());
    let client = Client::new(&identity.config(Offer::HTTP1));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    // Held back by the client until it is connected, then sent with its last flight.
    secure.client.say(post("early").as_bytes());
    secure.client.say(post("second").as_bytes());
    secure.exchange();
    let answer = secure.said();
    assert!(
        answer.contains(" early") && answer.ends_with(" second"),
        "{answer}"
    );
    secure.finish();
}

#[test]
fn sessions_are_resumed() {
    for tls12 in [false, true] {
        let identity = Identity::new(Protocols::default());
        let offer = Offer {
            tls12,
            ..Offer::HTTP1
        };
        let config = identity.config(offer);
        for resumed in [false, true, true] {
            let client = Client::new(&config);
            let mut secure = Secure::with(echo, &identity, client, Limits::default());
            secure.exchange();
            assert!(secure.ask(&post("x")).ends_with(" x"));
            assert_eq!(secure.client.is_resumed(), resumed, "TLS 1.2: {tls12}");
            assert_eq!(secure.peer.counters.handshakes_resumed, u64::from(resumed));
            secure.finish();
        }
    }
}

#[test]
fn http2_is_negotiated() {
    let mut secure = Secure::connected(
        echo,
        Offer {
            protocols: &["h2", "http/1.1"],
            ..Offer::HTTP1
        },
    );
    secure
        .client
        .say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    secure.exchange();
    let plain = secure.client.take_plain();
    // SETTINGS comes first (RFC 9113, 3.4).
    assert_eq!(plain.get(3), Some(&4));
    secure.finish();
}

#[test]
fn without_negotiation_it_is_http1_and_no_preface_changes_that() {
    let offer = Offer {
        protocols: &[],
        ..Offer::HTTP1
    };
    let mut secure = Secure::connected(echo, offer);
    let answer = secure.ask(&post("plain"));
    assert!(
        answer.ends_with(r#"Some("localhost") None plain"#),
        "{answer}"
    );
    secure.finish();

    let mut secure = Secure::connected(echo, offer);
    secure
        .client
        .say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    secure.exchange();
    assert_eq!(secure.rejected(), ["http2_preface"]);
    assert!(secure.client.is_closed());
    secure.finish();
}

#[test]
fn no_common_protocol_is_an_alert() {
    for (server, client) in [
        (Protocols::Http2, &["http/1.1"][..]),
        (Protocols::Http2, &[]),
        (Protocols::Http1, &["h2"]),
        (Protocols::Http1AndHttp2, &["spdy/1"]),
    ] {
        for tls12 in [false, true] {
            let identity = Identity::new(server);
            let offer = Offer {
                protocols: client,
                tls12,
                ..Offer::HTTP1
            };
            let client = Client::new(&identity.config(offer));
            let mut secure = Secure::with(echo, &identity, client, Limits::default());
            secure.exchange();
            assert!(
                secure.client.error().contains("NoApplicationProtocol"),
                "{}",
                secure.client.error()
            );
            assert_eq!(secure.rejected(), ["tls_no_application_protocol"]);
            assert_eq!(secure.peer.close(), Close::Linger);
            secure.finish();
        }
    }
}

#[test]
fn a_handshake_beyond_the_budget_waits_for_the_next_turn() {
    let identity = Identity::new(Protocols::default());
    let client = Client::new(&identity.config(Offer::HTTP1));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    secure.peer.resources.begin_turn(0);
    let hello = secure.client.take_output();
    let slice = secure.peer.pool.fill(&hello).unwrap();
    secure
        .peer
        .connection
        .receive(slice, &mut secure.peer.resources);
    assert!(matches!(
        secure.peer.with(Connection::drive),
        Drive::Postponed
    ));
    assert!(secure.peer.output.is_empty());
    secure.peer.resources.begin_turn(1);
    secure.peer.run();
    secure.exchange();
    assert!(secure.client.is_connected());
    secure.finish();
}

#[test]
fn a_handshake_has_ten_seconds() {
    let identity = Identity::new(Protocols::default());
    let client = Client::new(&identity.config(Offer::HTTP1));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    let hello = secure.client.take_output();
    secure.peer.send_turn(&hello);
    secure.peer.wait(Duration::from_millis(9_999));
    assert_eq!(secure.peer.close(), Close::No);
    secure.peer.wait(Duration::from_millis(1));
    assert_eq!(secure.peer.close(), Close::Now);
    assert_eq!(secure.rejected(), ["tls_handshake_timeout"]);
    secure.finish();
}

#[test]
fn who_has_not_said_hello_is_not_waited_for_in_a_drain() {
    let identity = Identity::new(Protocols::default());
    let client = Client::new(&identity.config(Offer::HTTP1));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    secure.peer.draining = true;
    secure.peer.connection.drain();
    secure.peer.run();
    assert_eq!(secure.peer.close(), Close::Now);
    assert_eq!(secure.rejected(), [""; 0]);
    secure.finish();
}

#[test]
fn a_handshake_under_way_is_finished_in_a_drain() {
    let identity = Identity::new(Protocols::default());
    let client = Client::new(&identity.config(Offer::HTTP1));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    let hello = secure.client.take_output();
    secure.peer.send_turn(&hello);
    secure.peer.draining = true;
    secure.peer.connection.drain();
    secure.client.say(post("last").as_bytes());
    secure.exchange();
    let answer = secure.said();
    assert!(
        answer.contains("Connection: close") && answer.ends_with(" last"),
        "{answer}"
    );
    assert!(secure.client.is_closed());
    secure.finish();
}

#[test]
fn the_servers_order_of_suites_counts_but_for_clients_that_prefer_chacha() {
    async fn suite(ctx: &mut HttpContext) {
        let suite = ctx.connection().tls().unwrap().cipher_suite();
        ctx.text(suite).unwrap();
    }
    for (first, tls12, chosen) in [
        ("", false, "TLS13_AES_128_GCM_SHA256"),
        ("AES_256", false, "TLS13_AES_128_GCM_SHA256"),
        ("CHACHA20", false, "TLS13_CHACHA20_POLY1305_SHA256"),
        ("", true, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        (
            "CHACHA20",
            true,
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
    ] {
        let identity = Identity::new(Protocols::default());
        let offer = Offer {
            preferred: first,
            tls12,
            ..Offer::HTTP1
        };
        let client = Client::new(&identity.config(offer));
        let mut secure = Secure::with(suite, &identity, client, Limits::default());
        secure.exchange();
        let answer = secure.ask(GET);
        assert!(answer.ends_with(chosen), "{first}: {answer}");
        secure.finish();
    }
}
