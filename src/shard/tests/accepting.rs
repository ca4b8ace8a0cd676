//! New connections: errors of accept and the limits on their number.

use super::*;
use crate::ring::Errno;

#[test]
fn an_accept_that_fails_rests_and_is_tried_again() {
    let mut server = server();
    for errno in [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM] {
        server.net.fail_accept(server.listener(), errno);
        let before = server.stats().connections;
        let peer = server.connect();
        peer.send(post("/", "here"));
        server.pass(millis(99));
        assert_eq!(server.stats().connections, before, "{errno}");
        server.pass(millis(2));
        assert_eq!(texts(&peer), ["here"], "{errno}");
    }
    server.finish();
}

#[test]
fn a_connection_that_is_gone_before_it_is_accepted_does_not_delay_the_next() {
    let mut server = server();
    for errno in [Errno::ECONNABORTED, Errno::EINTR] {
        server.net.fail_accept(server.listener(), errno);
        assert_alive(&mut server);
    }
    server.finish();
}

#[test]
fn an_accept_that_rests_does_not_wake_a_draining_shard() {
    let mut server = server();
    server.net.fail_accept(server.listener(), Errno::EMFILE);
    server.settle();
    let peer = server.connect();
    server.finish();
    assert!(!peer.saw_fin(), "it was accepted");
}

#[test]
fn connections_beyond_the_limit_are_closed_at_once() {
    let limits = Limits {
        connections_max: Some(2),
        ..Limits::default()
    };
    let mut server = with_limits(limits, application(Doings::default()));
    let (first, second, third) = (server.connect(), server.connect(), server.connect());
    server.settle();
    assert!(third.is_closed());
    assert_eq!(server.stats().connections_refused, 1);
    for peer in [&first, &second] {
        peer.send(post("/", "in"));
        server.settle();
        assert_eq!(texts(peer), ["in"]);
    }
    first.finish();
    server.settle();
    assert_alive(&mut server);
    assert_eq!(server.stats().connections_refused, 1);
    server.finish();
}

#[test]
fn upgraded_connections_have_a_limit_of_their_own() {
    let limits = Limits {
        connections_max: Some(1),
        upgraded_connections_max: Some(1),
        ..Limits::default()
    };
    let upgrade = "GET /raw HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n";
    let mut server = with_limits(limits, application(Doings::default()));
    let first = server.connect();
    first.send(upgrade);
    server.settle();
    assert_eq!(statuses(&first), [101]);
    let second = server.connect();
    second.send(upgrade);
    server.settle();
    assert_eq!(texts(&second), ["not upgradable"]);
    let third = server.connect();
    server.settle();
    assert!(third.is_closed(), "one ordinary connection is open");
    for peer in [&first, &second] {
        peer.finish();
    }
    server.settle();
    let again = server.connect();
    again.send(upgrade);
    server.settle();
    assert_eq!(statuses(&again), [101], "the upgraded one is gone");
    again.finish();
    server.finish();
}
