//! Handshakes that come to nothing, at every stage and in great number, and shards that end or are
//! given other certificates meanwhile.

use super::*;

#[test]
fn thousands_of_handshakes_dropped_half_way() {
    const ROUNDS: usize = 100;
    let mut secure = Secure::roomy();
    let (served, mut client) = secure.connected();
    for round in 0..ROUNDS {
        let peers: Vec<Peer> = (0..30).map(|_| secure.server.connect()).collect();
        for (at, peer) in peers.iter().enumerate() {
            let hello = secure.client().take_output();
            peer.send(&hello[..hello.len() - (at % 3) * 40]);
        }
        if round % 2 == 0 {
            secure.server.settle();
        } else {
            secure.server.turn(Duration::ZERO);
        }
        for (at, peer) in peers.iter().enumerate() {
            match at % 2 {
                0 => peer.finish(),
                _ => peer.reset(),
            }
        }
        secure.server.settle();
        assert_eq!(secure.server.stats().connections_open, 1, "round {round}");
    }
    assert_eq!(secure.ask(&served, &mut client, "here"), "here");
    assert_eq!(secure.server.stats().handshakes, 1);
    assert!(secure.rejected("tls_handshake_incomplete") >= ROUNDS as u64 * 15);
    secure.server.finish();
}

#[test]
fn handshakes_at_every_stage_time_out() {
    let mut secure = Secure::roomy();
    let hello = secure.client().take_output();
    let peers: Vec<Peer> = (0..4).map(|_| secure.server.connect()).collect();
    for (peer, length) in peers.iter().zip([0, 1, hello.len() - 1, hello.len()]) {
        peer.send(&hello[..length]);
    }
    secure.server.pass(millis(9_900));
    assert_eq!(secure.server.stats().connections_open, 4);
    secure.server.pass(millis(200));
    assert_eq!(secure.server.stats().connections_open, 0);
    assert_eq!(secure.rejected("tls_handshake_timeout"), 4);
    assert!(peers.iter().all(Peer::saw_fin));
    secure.server.finish();
}

#[test]
fn a_shard_drains_and_stops_at_every_stage() {
    for stop in [false, true] {
        for settled in [false, true] {
            let mut secure = Secure::roomy();
            let _connected = secure.connected();
            let hello = secure.client().take_output();
            for length in [0, 1, hello.len() - 1, hello.len()].repeat(5) {
                let peer = secure.server.connect();
                peer.send(&hello[..length]);
            }
            if settled {
                secure.server.settle();
            } else {
                secure.server.turn(Duration::ZERO);
                secure.server.turn(Duration::ZERO);
            }
            if stop {
                secure.server.stop();
            } else {
                secure.server.finish();
            }
        }
    }
}

#[test]
fn certificates_are_exchanged_under_way() {
    let mut secure = Secure::roomy();
    let (served, mut client) = secure.connected();
    let under_way = secure.server.connect();
    let mut late = secure.client();
    under_way.send(late.take_output());
    secure.server.settle();
    let other = Identity::new(Protocols::default());
    secure.server.shard.use_sites(other.sites());
    // Both go on with what they have begun with.
    late.receive(&under_way.received());
    secure.exchange(&under_way, &mut late);
    assert!(late.is_connected(), "{}", late.error());
    assert_eq!(secure.ask(&served, &mut client, "before"), "before");
    assert_eq!(secure.ask(&under_way, &mut late, "between"), "between");
    // Those who come now are shown the other certificate.
    let peer = secure.server.connect();
    let mut stranger = secure.client();
    secure.exchange(&peer, &mut stranger);
    assert!(
        stranger.error().contains("certificate"),
        "{}",
        stranger.error()
    );
    secure.config = other.config(Offer::HTTP1);
    secure.assert_alive();
    secure.identity = other;
    secure.server.finish();
}

#[test]
fn each_fault_of_the_kernel_changes_nothing() {
    for faults in each_fault() {
        let mut secure = Secure::new(&SimConfig {
            faults,
            ..SimConfig::default()
        });
        let mut pairs: Vec<_> = (0..3).map(|_| secure.connected()).collect();
        for (peer, client) in &mut pairs {
            let body = "x".repeat(40_000);
            assert_eq!(secure.ask(peer, client, &body), body);
            client.close();
            peer.send(client.take_output());
            secure.server.settle();
            assert!(peer.saw_fin());
        }
        secure.server.finish();
    }
}
