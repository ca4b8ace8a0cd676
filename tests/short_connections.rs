//! Connections for one request: the response is whole and the end in order however the client goes
//! about it, and nothing is left of any (RFC 9112, 9.6).

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use lanner::{HttpContext, Server, sleep};
use support::client::Client;
use support::{SHELLS, TestServer, eventually};

/// One test at a time: they count the descriptors of the process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Echoes; `/slow` after a while, `/middle` and `/large` many times over.
async fn echo(ctx: &mut HttpContext) -> Result<(), Box<dyn std::error::Error>> {
    let path = ctx.request().path().to_owned();
    let body = ctx.body().read_to_end(1 << 20).await?;
    match path.as_str() {
        "/slow" => sleep(Duration::from_millis(2)).await,
        "/middle" => return Ok(ctx.bytes("text/plain", body.repeat(MIDDLE))?),
        "/large" => return Ok(ctx.bytes("text/plain", body.repeat(LARGE))?),
        _ => {}
    }
    Ok(ctx.bytes("text/plain", body)?)
}

/// How often `/large` repeats: more than a socket takes at once.
const LARGE: usize = 200_000;

/// How often `/middle` repeats: a socket takes it at once, and a peer that does not read has not.
const MIDDLE: usize = 100_000;

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// The response is whole, and says that it is the last.
#[track_caller]
fn expect_last(client: &mut Client, body: &str) {
    let response = client.response();
    assert!(response.status == 200 && response.closes());
    assert!(response.text() == body, "{} bytes", response.text().len());
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Without those of one kind.
fn descriptors_but(kind: &str) -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    // The one of the folder itself is gone by the time that it is looked at.
    let targets = entries.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    targets
        .filter(|target| target.to_str() != Some(kind))
        .count()
}

#[test]
fn the_server_closes_without_waiting() {
    let _alone = alone();
    for shell in SHELLS {
        let server = TestServer::with(Server::new().shell(shell), echo);
        for path in ["/", "/slow", "/large"] {
            let mut client = server.connect();
            client.send(head(path, 4) + "body");
            let times = if path == "/large" { LARGE } else { 1 };
            expect_last(&mut client, &"body".repeat(times));
            client.expect_end();
            if path != "/" {
                // Lingered for, as it may send more while this is on its way.
                client.finish_sending();
            }
            // The client holds its end, and the server none.
            eventually("the connection is gone", || {
                server.stats().connections_open == 0
            });
        }
        let mut client = server.connect();
        client.send("GET / HTTP/1.0\r\n\r\n");
        expect_last(&mut client, "");
        client.expect_end();
        drop(client);
        server.finish();
    }
}

#[test]
fn a_body_that_comes_late() {
    let _alone = alone();
    let server = TestServer::start(echo);
    for pause in [0, 20] {
        let mut client = server.connect();
        client.send(head("/", 4));
        std::thread::sleep(Duration::from_millis(pause));
        client.send("bo");
        std::thread::sleep(Duration::from_millis(pause));
        client.send("dy");
        expect_last(&mut client, "body");
        client.expect_end();
        let mut client = server.connect();
        client.send_bytewise((head("/", 4) + "body").as_bytes());
        expect_last(&mut client, "body");
        client.expect_end();
    }
    server.finish();
}

#[test]
fn what_a_client_pipelines_behind_its_last_request_costs_no_response() {
    let _alone = alone();
    let server = TestServer::start(echo);
    let more = ["\r\n".to_owned(), head("/", 0), "x".repeat(300_000)];
    for more in &more {
        let mut client = server.connect();
        client.send(head("/", 4) + "body" + more);
        expect_last(&mut client, "body");
        client.expect_end();
    }
    // At any moment after: the response comes first, however the connection then ends.
    for round in 0..200 {
        let mut client = server.connect();
        client.send(head(if round % 2 == 0 { "/" } else { "/slow" }, 4) + "body");
        std::thread::sleep(Duration::from_micros(round * 10));
        let _ = std::io::Write::write(&mut client.stream(), b"\r\n");
        expect_last(&mut client, "body");
        client.any_end();
    }
    assert_eq!(server.stats().rejected.len(), 0);
    server.finish();
}

/// RFC 9112, 9.6: what comes behind the last request is read and forgotten, not answered with a reset
/// that takes what is still on its way.
#[test]
fn a_line_end_behind_the_last_request_takes_nothing_from_a_long_response() {
    let _alone = alone();
    let server = TestServer::start(echo);
    for (path, times) in [("/middle", MIDDLE), ("/large", LARGE)] {
        for version in ["HTTP/1.1", "HTTP/1.0"] {
            let mut client = server.connect();
            client.send(head(path, 4).replace("HTTP/1.1", version) + "body");
            // The response has begun to come, and most of it is with the server's kernel.
            assert_eq!(client.stream().peek(&mut [0]).unwrap(), 1);
            client.send("\r\n");
            expect_last(&mut client, &"body".repeat(times));
            client.expect_end();
        }
    }
    assert_eq!(server.stats().rejected.len(), 0);
    server.finish();
}

#[test]
fn no_descriptor_is_left_of_a_thousand_connections() {
    let _alone = alone();
    let server = TestServer::start(echo);
    server.settle();
    let before = descriptors();
    for number in 0..1000 {
        let mut client = server.connect();
        match number % 5 {
            0 => client.send(head("/", 4) + "body"),
            1 => client.send(head("/slow", 4) + "body"),
            2 => client.send(head("/", 4) + "body" + &head("/", 0)),
            // They go before they are answered, and within a request.
            3 => {
                client.send(head("/slow", 4) + "body");
                client.reset();
                continue;
            }
            _ => {
                client.send(head("/", 4));
                continue;
            }
        }
        expect_last(&mut client, "body");
        client.any_end();
    }
    server.settle();
    assert_eq!(descriptors(), before);
    server.finish();
}

#[test]
fn no_descriptor_is_left_of_a_shard_that_has_ended() {
    let _alone = alone();
    let server = TestServer::start(async |ctx: &mut HttpContext| {
        if ctx.request().path() == "/end" {
            // A task that nobody contains ends the executor, and the shard with it.
            let task = glommio::spawn_local(async {
                glommio::timer::sleep(Duration::from_millis(1)).await;
                panic!("a test's panic");
            });
            task.detach();
            glommio::timer::sleep(Duration::from_secs(3600)).await;
        }
        ctx.text("answered")
    });
    server.settle();
    // Whatever a panic of its executor leaves glommio never frees, an eventfd each time.
    let before = descriptors_but("anon_inode:[eventfd]");
    for _ in 0..3 {
        let mut others: Vec<_> = (0..20).map(|_| server.connect()).collect();
        for other in &mut others {
            assert_eq!(other.get("/").text(), "answered");
        }
        let mut client = server.connect();
        client.send("GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.any_end().0, b"");
        drop(client);
        for mut other in others {
            other.any_end();
        }
        // Whoever comes meanwhile waits in the queue for the shard that takes its place.
        assert_eq!(server.connect().get("/").text(), "answered");
        eventually("descriptors are closed", || {
            descriptors_but("anon_inode:[eventfd]") <= before
        });
    }
    assert!(server.running.is_healthy());
    server.finish();
}
