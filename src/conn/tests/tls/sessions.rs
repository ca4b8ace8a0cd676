//! After the handshake: records of every size, key updates, how both sides end.

use super::*;

#[test]
fn large_bodies_both_ways() {
    for tls12 in [false, true] {
        let offer = Offer {
            tls12,
            ..Offer::HTTP1
        };
        let mut secure = Secure::connected(echo, offer);
        let body = "0123456789abcdef".repeat(20_000);
        let answer = secure.ask(&post(&body));
        assert!(answer.ends_with(&body), "{} bytes", answer.len());
        // The same again, byte for byte across other boundaries.
        secure.client.say(post(&body[..50_001]).as_bytes());
        secure.exchange_in(1_021);
        assert!(secure.said().ends_with(&body[..50_001]));
        secure.finish();
    }
}

#[test]
fn many_records_in_one_buffer() {
    for tls12 in [false, true] {
        let offer = Offer {
            tls12,
            ..Offer::HTTP1
        };
        let mut secure = Secure::connected(echo, offer);
        // Each byte of the requests is a record of its own.
        let requests = post("one") + &post("two") + &post("three");
        for byte in requests.as_bytes() {
            secure.client.say(std::slice::from_ref(byte));
            secure.client.say(b"");
        }
        secure.exchange();
        let answer = secure.said();
        for word in [" one", " two", " three"] {
            assert!(answer.contains(word), "{answer}");
        }
        secure.finish();
    }
}

#[test]
fn records_split_over_buffers_at_every_offset() {
    let request = post("split");
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    secure.client.say(request.as_bytes());
    let length = secure.client.take_output().len();
    for split in 1..length {
        let mut secure = Secure::connected(echo, Offer::HTTP1);
        secure.client.say(request.as_bytes());
        let record = secure.client.take_output();
        secure.peer.send(&record[..split]);
        secure.peer.send(&record[split..]);
        secure.exchange();
        assert!(secure.said().ends_with(" split"), "at {split}");
        secure.finish();
    }
}

#[test]
fn key_updates_are_followed_and_answered() {
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    for round in 0..40 {
        secure.client.update_keys();
        let answer = secure.ask(&post(&round.to_string()));
        assert!(answer.ends_with(&format!(" {round}")), "{answer}");
    }
    assert_eq!(secure.rejected(), [""; 0]);
    secure.finish();
}

#[test]
fn key_updates_without_data_are_bounded() {
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    for _ in 0..33 {
        secure.client.update_keys();
    }
    secure.exchange();
    assert_eq!(secure.rejected(), ["tls_key_updates"]);
    assert!(secure.client.error().contains("UnexpectedMessage"));
    secure.finish();
}

#[test]
fn close_notify_comes_before_the_end_and_is_an_end() {
    for tls12 in [false, true] {
        let offer = Offer {
            tls12,
            ..Offer::HTTP1
        };
        // The server ends.
        let mut secure = Secure::connected(echo, offer);
        let answer = secure.ask("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert!(answer.ends_with(' '), "{answer}");
        assert!(secure.client.is_closed());
        // Its close_notify is on the way, and a descriptor that is closed would answer with RST.
        assert_eq!(secure.peer.close(), Close::Linger);
        secure.client.close();
        secure.exchange();
        assert_eq!(secure.peer.close(), Close::Now);
        secure.finish();
        // The client ends while its request is being answered.
        let mut secure = Secure::connected(echo, offer);
        secure.client.say(post("last").as_bytes());
        secure.client.close();
        secure.exchange();
        assert!(secure.said().ends_with(" last"));
        assert!(secure.client.is_closed());
        secure.peer.end();
        assert_eq!(secure.rejected(), [""; 0]);
        secure.finish();
    }
}

#[test]
fn a_peer_amid_a_record_is_not_done() {
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    secure
        .client
        .say(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut bytes = secure.client.take_output();
    bytes.extend_from_slice(b"\x17\x03\x03\x00\x20 the rest of which");
    secure.peer.send(&bytes);
    assert_eq!(secure.peer.close(), Close::Linger);
    secure.exchange();
    assert!(secure.said().starts_with("HTTP/1.1 200"));
    assert!(secure.client.is_closed());
    secure.peer.finish();
}

#[test]
fn what_follows_close_notify_is_ignored() {
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    secure.client.say(GET.as_bytes());
    secure.client.close();
    let mut bytes = secure.client.take_output();
    bytes.extend_from_slice(b"\x17\x03\x03\x00\x20 no record that anybody has sealed");
    secure.peer.send(&bytes);
    secure.exchange();
    assert!(secure.said().starts_with("HTTP/1.1 200"));
    assert_eq!(secure.rejected(), [""; 0]);
    secure.finish();
}

#[test]
fn a_body_that_is_cut_off_is_an_error_that_the_handler_sees() {
    async fn reads(ctx: &mut HttpContext) {
        let error = ctx.body().read_to_end(1 << 20).await.unwrap_err();
        ctx.text(&format!("{error:?}")).unwrap();
    }
    let mut secure = Secure::connected(reads, Offer::HTTP1);
    secure
        .client
        .say(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    secure.exchange();
    secure.peer.end();
    secure.exchange();
    assert!(secure.said().ends_with("UnexpectedEnd"));
    assert_eq!(secure.rejected(), ["incomplete_body", "tls_truncated"]);
    secure.finish();
}

#[test]
fn an_upgraded_stream_tells_its_end_from_being_cut_off() {
    async fn tunnel(ctx: &mut HttpContext) {
        let mut stream = ctx.upgrade("x").unwrap();
        let last = loop {
            match stream.read().await {
                Ok(Some(_)) => {}
                Ok(None) => break "end".to_owned(),
                Err(error) => break format!("{error:?}"),
            }
        };
        SEEN.with_borrow_mut(|seen| seen.push(last));
    }
    thread_local!(static SEEN: std::cell::RefCell<Vec<String>> = const {
        std::cell::RefCell::new(Vec::new())
    });
    const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let mut secure = Secure::connected(tunnel, Offer::HTTP1);
    assert!(secure.ask(UPGRADE).starts_with("HTTP/1.1 101"));
    secure.client.close();
    secure.exchange();
    secure.peer.end();
    secure.finish();
    let mut secure = Secure::connected(tunnel, Offer::HTTP1);
    assert!(secure.ask(UPGRADE).starts_with("HTTP/1.1 101"));
    secure.peer.end();
    secure.finish();
    SEEN.with_borrow(|seen| assert_eq!(*seen, ["end", "UnexpectedEnd"]));
}

#[test]
fn first_records_fit_packets_and_later_ones_are_full() {
    async fn large(ctx: &mut HttpContext) {
        ctx.text(&"x".repeat(60_000)).unwrap();
    }
    let mut secure = Secure::connected(large, Offer::HTTP1);
    secure.client.say(GET.as_bytes());
    let request = secure.client.take_output();
    secure.peer.now += 2_000;
    secure.peer.send(&request);
    let sizes = record_sizes(&secure.peer.output);
    assert!(
        sizes.iter().take(10).all(|&size| size == 1_399 + 17),
        "{sizes:?}"
    );
    assert!(
        sizes.iter().skip(10).any(|&size| size == 16_384 + 17),
        "{sizes:?}"
    );
    secure.exchange();
    assert!(secure.said().ends_with("xxx"));
    secure.finish();
}

fn record_sizes(mut bytes: &[u8]) -> Vec<usize> {
    let mut sizes = Vec::new();
    while let [_, _, _, high, low, rest @ ..] = bytes {
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        sizes.push(size);
        bytes = &rest[size..];
    }
    sizes
}

#[test]
fn a_peer_that_does_not_read_gets_one_answer_to_all_its_key_updates() {
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    secure.peer.reads = false;
    for _ in 0..30 {
        secure.client.update_keys();
        let bytes = secure.client.take_output();
        secure.peer.send(&bytes);
    }
    secure.peer.reads = true;
    secure.peer.run();
    // One key update, whose content is five bytes.
    assert_eq!(record_sizes(&secure.peer.output), [5 + 17]);
    assert!(secure.ask(&post("read")).ends_with(" read"));
    assert_eq!(secure.rejected(), [""; 0]);
    secure.finish();
}

/// RFC 9110, 7.4, the other way round: http is not what this connection is.
#[test]
fn another_scheme_is_misdirected_under_tls() {
    let request = "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut secure = Secure::connected(echo, Offer::HTTP1);
    let answer = secure.ask(request);
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    assert_eq!(secure.rejected(), ["scheme_mismatch"]);
    secure.finish();
    // What is known of the peer outlives the handshake.
    let identity = Identity::new(Protocols::default());
    let client = Client::new(&identity.config(Offer::HTTP1));
    let mut secure = Secure::with(echo, &identity, client, Limits::default());
    secure.peer.connection.trust_schemes();
    secure.exchange();
    let answer = secure.ask(request);
    assert!(answer.contains("\r\n\r\nhttp "), "{answer}");
    secure.finish();
}
