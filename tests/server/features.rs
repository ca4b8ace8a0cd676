//! What a handler finds in the feature table: of its server, of its connection, of its request; and
//! what other threads find of the server.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{SHELLS, TestServer};
use lanner::features::{
    MaxRequestBodySize, PeerAddress, RequestFeature, RequestIdentifier, ServerAddresses, Shards,
};
use lanner::{HttpContext, Server};

#[test]
fn addresses_and_shards_are_the_same_for_everybody() {
    for shell in SHELLS {
        let server = TestServer::sharded(
            Server::new().shell(shell),
            2,
            async |ctx: &mut HttpContext| {
                let addresses: Vec<&str> = ctx.get::<ServerAddresses>().unwrap().iter().collect();
                let shards = ctx.get::<Shards>().unwrap();
                assert_eq!(
                    addresses,
                    ctx.server().addresses().iter().collect::<Vec<_>>()
                );
                assert_eq!(shards.count(), ctx.server().shards().count());
                ctx.text(&format!(
                    "{} {addresses:?} {}",
                    ctx.server().shard(),
                    shards.count()
                ))
            },
        );
        let table = server.running.features().clone();
        let expected = std::thread::spawn(move || {
            let addresses: Vec<&str> = table.addresses().iter().collect();
            format!("{addresses:?} {}", table.shards().count())
        });
        let expected = expected.join().unwrap();
        assert_eq!(expected, format!("[\"http://{}\"] 2", server.address()));
        // The kernel spreads connections over the shards by their ports.
        let mut served = BTreeSet::new();
        for _ in 0..500 {
            let text = server.connect().get("/").text().to_owned();
            let (shard, rest) = text.split_once(' ').unwrap();
            assert_eq!(rest, expected);
            served.insert(shard.to_owned());
            if served.len() == 2 {
                break;
            }
        }
        assert_eq!(
            served.into_iter().collect::<Vec<_>>(),
            ["0", "1"],
            "one port, and every shard accepts on it"
        );
        server.finish();
    }
}

#[test]
fn each_shard_says_what_it_is() {
    for shell in SHELLS {
        let server = TestServer::sharded(
            Server::new().shell(shell),
            2,
            async |ctx: &mut HttpContext| ctx.text(""),
        );
        for (index, shard) in server.running.features().shards().iter().enumerate() {
            assert_eq!(shard.index, index);
            assert_eq!(shard.shell, format!("{shell:?}").to_lowercase());
            assert_eq!(shard.addresses, [format!("http://{}", server.address())]);
            assert!(
                shard.cpu.is_some() && shard.sq_entries > 0 && shard.cq_entries >= shard.sq_entries
            );
            assert!(shard.buffers > 0 && shard.buffer_bytes >= 4096);
        }
        server.finish();
    }
}

/// A feature of the application's own.
#[derive(Debug, Default)]
struct Visits(AtomicU64);

#[test]
fn a_feature_of_the_server_is_found_by_its_type_and_shared() {
    let described = Server::new().feature(Visits::default()).feature("a name");
    let server = TestServer::sharded(described, 2, async |ctx: &mut HttpContext| {
        assert_eq!(ctx.get::<&str>(), Some(&"a name"));
        assert!(ctx.get::<String>().is_none());
        let visits = ctx
            .get::<Visits>()
            .unwrap()
            .0
            .fetch_add(1, Ordering::SeqCst)
            + 1;
        ctx.text(&visits.to_string())
    });
    for visit in 1..=10 {
        assert_eq!(server.connect().get("/").text(), visit.to_string());
    }
    let visits = server.running.features().get::<Visits>().unwrap();
    assert_eq!(visits.0.load(Ordering::SeqCst), 10);
    server.finish();
}

#[test]
fn what_a_request_sets_hides_the_server_and_ends_with_it() {
    let server = TestServer::with(
        Server::new().feature("the server's"),
        async |ctx: &mut HttpContext| {
            let before = *ctx.get::<&str>().unwrap();
            assert_eq!(ctx.set("the request's"), None);
            assert_eq!(ctx.set(5_u8), None);
            assert_eq!(ctx.set(6_u8), Some(5));
            let after = *ctx.get::<&str>().unwrap();
            ctx.text(&format!("{before}, {after}, {:?}", ctx.get::<u8>()))
        },
    );
    let mut client = server.connect();
    for _ in 0..3 {
        assert_eq!(
            client.get("/").text(),
            "the server's, the request's, Some(6)"
        );
    }
    drop(client);
    server.finish();
}

#[test]
fn items_stay_with_their_connection() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let count = {
            let mut items = ctx.connection().items().borrow_mut();
            let count = items.get::<u32>().copied().unwrap_or(0) + 1;
            items.set(count);
            count
        };
        ctx.text(&count.to_string())
    });
    let mut first = server.connect();
    let mut second = server.connect();
    for count in 1..=3 {
        assert_eq!(first.get("/").text(), count.to_string());
        assert_eq!(second.get("/").text(), count.to_string());
    }
    drop((first, second));
    assert_eq!(server.connect().get("/").text(), "1");
    server.finish();
}

#[test]
fn a_connection_knows_both_of_its_ends() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        let connection = ctx.connection();
        let text = format!(
            "{} {}",
            connection.remote_address().unwrap(),
            connection.local_address().unwrap()
        );
        assert!(matches!(
            connection.remote_address(),
            Some(PeerAddress::Tcp(_))
        ));
        ctx.text(&text)
    });
    let mut client = server.connect();
    let expected = format!(
        "{} {}",
        client.stream().local_addr().unwrap(),
        server.address()
    );
    assert_eq!(client.get("/").text(), expected);
    assert_eq!(client.get("/").text(), expected);
    drop(client);
    server.finish();
}

#[test]
fn identifiers_tell_all_requests_apart() {
    let server = TestServer::sharded(Server::new(), 2, async |ctx: &mut HttpContext| {
        let identifier = ctx.get::<RequestIdentifier>().unwrap();
        let text = identifier.text();
        assert_eq!(text, identifier.text(), "it does not change by being asked");
        assert!(text.starts_with(&format!("{:x}:", ctx.connection().id())));
        if ctx.request().path() == "/named" {
            identifier.set("a trace".to_owned());
        }
        let text = identifier.text();
        ctx.text(&text)
    });
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let mut client = server.connect();
        for _ in 0..3 {
            assert!(seen.insert(client.get("/").text().to_owned()));
        }
        assert_eq!(client.get("/named").text(), "a trace");
        assert!(
            seen.insert(client.get("/").text().to_owned()),
            "a name is the request's only"
        );
    }
    server.finish();
}

#[test]
fn the_slots_of_a_request_are_features_too() {
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        assert_eq!(ctx.get::<RequestFeature>().unwrap().head().path(), "/slots");
        let limit = ctx.get::<MaxRequestBodySize>().unwrap();
        assert_eq!(
            (limit.bytes(), limit.is_read_only()),
            (Some(30_000_000), false)
        );
        limit.set(Some(1)).unwrap();
        ctx.text("checked")
    });
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/slots").text(), "checked");
    }
    drop(client);
    server.finish();
}
