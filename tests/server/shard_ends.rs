//! A server whose shards end by themselves, as whoever has started it sees it: a process that goes on,
//! and that ends with an error when it cannot.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::client::Client;
use lanner::{HttpContext, Server, ShardCount};

/// Set for the process that is to be the server.
const SERVER: &str = "LANNER_TEST_SHARD_ENDS";

/// As many as are replaced within a minute.
const REPLACED: usize = 5;

async fn answer(ctx: &mut HttpContext) {
    if ctx.request().path() == "/end" {
        // A task that nobody contains ends the executor, and the shard with it.
        let task = glommio::spawn_local(async {
            glommio::timer::sleep(Duration::from_millis(1)).await;
            panic!("a test's panic");
        });
        task.detach();
        glommio::timer::sleep(Duration::from_secs(3600)).await;
    }
    ctx.text("answered").unwrap();
}

/// The server, when this program is started for that; no test otherwise.
#[test]
fn be_the_server() {
    if std::env::var_os(SERVER).is_none() {
        return;
    }
    let server = Server::new().urls("http://127.0.0.1:0").unwrap();
    let server = server.shards(ShardCount::Fixed(std::num::NonZeroU16::MIN));
    let ended = server.run(answer);
    if let Err(error) = &ended {
        eprintln!("Error: {error:?}");
    }
    std::process::exit(i32::from(ended.is_err()));
}

#[test]
fn the_sixth_shard_that_ends_within_a_minute_ends_the_server_with_the_reason() {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "shard_ends::be_the_server", "--nocapture"])
        .env(SERVER, "1")
        // Its pipe is read at the end only, and backtraces would fill it.
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut addresses = lines.filter_map(|line| {
        let line = line.unwrap();
        let (_, address) = line.split_once("Now listening on: http://")?;
        Some(address.parse().unwrap())
    });
    let address = addresses.next().unwrap();
    for round in 0..=REPLACED {
        let mut idle = Client::connect(address);
        assert_eq!(idle.get("/").text(), "answered", "{round}");
        let mut client = Client::connect(address);
        client.send("GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.any_end().0, b"");
        idle.any_end();
    }
    assert_eq!(process.wait().unwrap().code(), Some(1));
    let mut said = String::new();
    process
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let replaced = said.matches("another takes its place").count();
    assert_eq!(replaced, REPLACED, "{said}");
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("Error: shard 0 has ended by itself") && last.contains("a test's panic"),
        "{said}"
    );
}
