//! More handshakes than a turn may begin: those who are connected are served, and the others in
//! the order in which they came.

use super::*;

#[test]
fn a_storm_beside_a_served_connection() {
    const STORM: usize = 60;
    let mut secure = Secure::roomy();
    let (served, mut client) = secure.connected();
    let peers: Vec<Peer> = (0..STORM).map(|_| secure.server.connect()).collect();
    secure.server.settle();
    for peer in &peers {
        peer.send(secure.client().take_output());
    }
    let mut answered = 0;
    let mut served_turns = 0;
    let mut turns = 0;
    while answered < STORM {
        turns += 1;
        assert!(turns < STORM, "{answered} after {turns} turns");
        client.say(post("/", "beside").as_bytes());
        served.send(client.take_output());
        secure.server.turn(Duration::ZERO);
        client.receive(&served.received());
        let answers = read_answers(&client.take_plain());
        served_turns += usize::from(!answers.is_empty());
        // The first who wait are the first who are answered.
        let now: Vec<_> = peers[answered..].iter().map(Peer::received).collect();
        let count = now.iter().take_while(|bytes| !bytes.is_empty()).count();
        assert!(count <= 4, "{count} handshakes began in one turn");
        assert!(now[count..].iter().all(Vec::is_empty), "out of order");
        answered += count;
    }
    assert!(served_turns + 2 >= turns, "{served_turns} of {turns} turns");
    assert_eq!(secure.server.shard.postponed.len(), 0);
    for peer in &peers {
        peer.reset();
    }
    secure.server.settle();
    secure.assert_alive();
    secure.server.finish();
}

#[test]
fn who_sends_on_while_it_waits_waits_once() {
    let mut secure = Secure::roomy();
    let peers: Vec<Peer> = (0..40).map(|_| secure.server.connect()).collect();
    secure.server.settle();
    for peer in &peers {
        peer.send(secure.client().take_output());
    }
    // Only a part of them may begin in each turn, and the rest is heard again before its turn.
    for turn in 1..8 {
        secure.server.turn(Duration::ZERO);
        assert_eq!(secure.server.shard.postponed.len(), peers.len() - 4 * turn);
        for peer in &peers {
            peer.send(b"\x14\x03\x03\x00\x01\x01");
        }
    }
    secure.server.settle();
    for peer in &peers {
        assert!(!peer.received().is_empty());
        peer.reset();
    }
    secure.server.settle();
    secure.server.finish();
}

#[test]
fn who_is_gone_takes_nobodys_place() {
    let mut secure = Secure::roomy();
    let peers: Vec<Peer> = (0..80).map(|_| secure.server.connect()).collect();
    let last = secure.server.connect();
    secure.server.settle();
    for peer in &peers {
        peer.send(secure.client().take_output());
    }
    last.send(secure.client().take_output());
    secure.server.turn(Duration::ZERO);
    assert_eq!(secure.server.shard.postponed.len(), peers.len() - 3);
    for peer in &peers {
        peer.reset();
    }
    let mut turns = 0;
    while last.received().is_empty() {
        secure.server.turn(Duration::ZERO);
        turns += 1;
        assert!(turns < 6, "it waits behind those who are gone");
    }
    last.reset();
    secure.server.settle();
    secure.server.finish();
}
