//! What a kernel may do at any time: no buffers, ended multishots, short sends, late completions.

use super::*;

#[test]
fn a_receive_without_buffers_goes_on_when_some_return() {
    let config = SimConfig {
        buffers: 4,
        buffer_bytes: 16,
        ..SimConfig::default()
    };
    let mut server =
        SimulatedShard::new(&config, Limits::default(), application(Doings::default()));
    let peers: Vec<Peer> = (0..3).map(|_| server.connect()).collect();
    server.settle();
    let body = "starved".repeat(300);
    for peer in &peers {
        peer.send(post("/", &body));
    }
    let backlog = || peers.iter().map(Peer::backlog).sum::<usize>();
    let mut turns = 0;
    while backlog() > 0 {
        let before = backlog();
        server.turn(Duration::ZERO);
        assert!(before - backlog() <= 4 * 16, "more than all buffers hold");
        turns += 1;
        assert!(turns < 1000, "a connection was forgotten: {:?}", peers);
    }
    server.settle();
    for peer in &peers {
        assert_eq!(texts(peer), [body.as_str()]);
    }
    server.finish();
}

#[test]
fn each_fault_by_itself_changes_nothing() {
    let fault = |change: fn(&mut Faults)| {
        let mut faults = Faults::NONE;
        change(&mut faults);
        faults
    };
    let all = [
        fault(|faults| faults.end_multishot = 100),
        fault(|faults| faults.short_send = 100),
        fault(|faults| faults.split_receive = 100),
        fault(|faults| faults.no_buffers = 50),
        fault(|faults| faults.delay = 90),
        fault(|faults| faults.interrupt = 90),
    ];
    for faults in all {
        let mut server = with_faults(faults);
        for round in 0..2 {
            let peers = [server.connect(), server.connect()];
            for peer in &peers {
                peer.send(post("/stream", "streamed") + &get("/large") + &post("/sleep", "slept"));
            }
            server.pass(NAP * 2);
            for peer in &peers {
                let bodies: Vec<_> = answers(peer).into_iter().map(|a| a.body).collect();
                assert_eq!(
                    bodies,
                    [b"streamed".to_vec(), large(), b"slept".to_vec()],
                    "{faults:?}, {round}"
                );
                peer.finish();
            }
            server.settle();
            assert_eq!(server.stats().connections_open, 0, "{faults:?}");
        }
        server.finish();
    }
}
