//! Floods of peers that have been honest before, or are now and then.

use super::honest::mixed;
use super::*;

/// Requests that are answered, and that leave all that they may have earned unused.
fn work<A, R>(http2: &mut Http2<A>, requests: u32)
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    for place in 0..requests {
        http2.send(Frames::new().get(2 * place + 1, "/alive"));
        http2.send(Frames::new().update(0, 5));
    }
    http2.events();
}

/// How many of these pass, one after the other, before the connection ends by this name.
#[track_caller]
fn passing<A, R>(mut http2: Http2<A>, frames: &dyn Fn(u32) -> Frames, name: &str) -> u32
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: IntoOutcome + 'static,
{
    let mut sent = 0;
    while http2.close() == Close::No {
        http2.send(frames(sent));
        http2.events();
        sent += 1;
        assert!(sent < 200_000, "it never ends");
    }
    http2.expect_rejected(&format!("h2_{name}"), 1);
    http2.peer.tasks.clear();
    http2.finish();
    sent - 1
}

#[test]
fn a_flood_ends_also_when_its_peer_has_earned_all_that_it_can() {
    let worked = || {
        let mut http2 = Http2::new(mixed(Gate::default()));
        work(&mut http2, 5_000);
        http2
    };
    let ping = |_| Frames::new().ping(false, *b"flooding");
    assert_eq!(passing(worked(), &ping, "ping_flood"), 500 + 1_000);
    let reset = |place| {
        let stream = 10_001 + 2 * place;
        Frames::new()
            .get(stream, "/gate")
            .reset(stream, code::CANCEL)
    };
    assert_eq!(passing(worked(), &reset, "reset_flood"), 500 + 1_000);
    let priority = |_| Frames::new().priority_update(20_001, "u=1");
    assert_eq!(passing(worked(), &priority, "priority_flood"), 2_000);
    let late = |_| Frames::new().reset(9_999, code::CANCEL);
    assert_eq!(passing(worked(), &late, "unwanted_flood"), 2_000);
    let settings = |_| Frames::new().settings(&[]);
    assert_eq!(passing(worked(), &settings, "settings_flood"), 49);
    let uploaded = || {
        let mut http2 = worked();
        for place in 5_000..5_010 {
            let stream = 2 * place + 1;
            http2.send(Frames::new().post(stream, "/"));
            http2.send(Frames::new().data(stream, [b'x'; 16_384], true));
            http2.run();
        }
        http2.send(Frames::new().post(10_101, "/late"));
        http2.events();
        http2
    };
    let empty = |_| Frames::new().data(10_101, "", false);
    assert_eq!(passing(uploaded(), &empty, "empty_data_flood"), 1_100);
    let tiny = |_| Frames::new().data(10_101, "x", false);
    assert_eq!(passing(uploaded(), &tiny, "tiny_data_flood"), 120_000);
}

#[test]
fn single_bytes_are_a_flood_though_they_are_read() {
    let mut http2 = Http2::new(mixed(Gate::default()));
    http2.send(Frames::new().post(1, "/"));
    // Four of them earn one.
    let tiny = |_| Frames::new().data(1, "x", false);
    let sent = passing(http2, &tiny, "tiny_data_flood");
    assert!((130_000..134_000).contains(&sent), "{sent}");
}

#[test]
fn a_reset_for_each_answer_is_the_most_that_lasts() {
    // Two are left for each that is answered.
    let http2 = Http2::new(mixed(Gate::default()));
    let round = |place| {
        let stream = 6 * place + 1;
        Frames::new()
            .get(stream, "/alive")
            .get(stream + 2, "/gate")
            .reset(stream + 2, code::CANCEL)
            .get(stream + 4, "/gate")
            .reset(stream + 4, code::CANCEL)
    };
    let rounds = passing(http2, &round, "reset_flood");
    assert!((490..=510).contains(&rounds), "{rounds}");
}
