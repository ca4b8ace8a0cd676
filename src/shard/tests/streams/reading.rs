//! Who does not read stops who sends, in both directions.

use super::*;

#[test]
fn a_peer_that_does_not_read_is_not_read_until_it_does() {
    let mut server = server();
    let mut web = Web::connect(&mut server);
    web.peer.stop_reading();
    let mut frames = Frames::new();
    for stream in (1..101).step_by(2) {
        frames = frames.get(stream, "/large");
    }
    web.send(frames);
    server.settle();
    let asked = server.stats().requests;
    assert!(asked <= 50);
    // Floods that want answers wait with the peer.
    web.send(Frames::new().get(101, "/").repeat(1));
    for stream in (103..2_103).step_by(2) {
        web.send(Frames::new().get(stream, "/"));
    }
    server.settle();
    let keys = server.shard.slots.keys();
    let slot = server.shard.slots.get(keys[0]).unwrap();
    assert_eq!(slot.receiving, Receiving::Off);
    let backlog = web.peer.backlog();
    server.pass(Duration::from_secs(4));
    assert_eq!(web.peer.backlog(), backlog);
    web.peer.resume();
    server.settle();
    let answers = web.answers();
    assert!(answers.len() > 50);
    let large = answers.iter().filter(|(stream, _)| *stream < 101);
    assert!(large.clone().all(|(_, body)| body.len() == LARGE_BYTES));
    assert_eq!(large.count(), 50);
    assert_eq!(web.peer.backlog(), 0);
    assert_eq!(server.stats().handlers, 0);
    server.finish();
}

#[test]
fn a_peer_that_never_reads_is_cut_off() {
    let limits = Limits {
        response_rate_min: Some(DataRate {
            bytes_per_second: 10_000,
            grace: Duration::from_secs(2),
        }),
        ..Limits::default()
    };
    let mut server = with_limits(limits, application(Doings::default()));
    let mut web = Web::connect(&mut server);
    web.peer.stop_reading();
    web.send(
        Frames::new()
            .get(1, "/large")
            .get(3, "/large")
            .get(5, "/sleep"),
    );
    server.pass(Duration::from_secs(1));
    assert_eq!(server.stats().connections_open, 1);
    server.pass(Duration::from_secs(20));
    let stats = server.stats();
    assert_eq!((stats.connections_open, stats.handlers), (0, 0));
    assert_eq!(stats.rejected.get("response_rate_min"), Some(&1));
    server.finish();
}

#[test]
fn an_upload_that_nobody_reads_holds_a_bounded_part_of_the_pool() {
    let mut server = serve(
        async |ctx: &mut HttpContext| -> Result<(), Box<dyn std::error::Error>> {
            sleep(millis(100)).await;
            let length = ctx.body().read_to_end(1 << 24).await?.len();
            Ok(ctx.text(&length.to_string())?)
        },
    );
    let mut web = Web::connect(&mut server);
    web.send(Frames::new().post(1, "/"));
    let content = vec![b'x'; 16_384];
    // All that the window of a stream allows.
    for _ in 0..48 {
        web.send(Frames::new().data(1, &content, false));
    }
    server.settle();
    let pool = SimConfig::default().buffers;
    let in_use = server.stats().buffers_in_use;
    assert!(in_use < pool as usize, "{in_use} of {pool}");
    let other = server.connect();
    other.send(post("/", "other"));
    server.pass(millis(101));
    assert_eq!(
        texts(&other),
        ["5"],
        "others are received from all the same"
    );
    let given_back: u64 = web
        .events()
        .iter()
        .map(|event| match event {
            Event::WindowUpdate {
                stream: 1,
                increment,
            } => u64::from(*increment),
            _ => 0,
        })
        .sum();
    assert_eq!(given_back, 786_432);
    web.send(Frames::new().data(1, "x", true));
    server.settle();
    assert_eq!(web.answers(), [(1, b"786433".to_vec())]);
    server.finish();
}
