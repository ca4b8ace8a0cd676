//! A program of a user's whose handlers fail: what it says of them, and what becomes of it when
//! nobody listens.
//!
//! The program is this one, run again with a variable that says so.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use lanner::{HttpContext, Server, ShardCount};

use crate::harness::{Test, tests};
use crate::support::client::Client;
use crate::support::command::Process;
use crate::support::eventually;

pub(crate) const TESTS: [Test; 2] = tests! {
    a_failure_is_told_with_its_request_and_a_panic_with_its_place: [];
    a_full_pipe_behind_standard_error_stops_neither_requests_nor_the_drain: [];
};

const CHILD: &str = "LANNER_TEST_FAILING";

/// More than a pipe and the journal hold the lines of.
const REQUESTS: usize = 700;

/// Serves until a signal, if this process is to be the program.
pub(crate) fn serve_if_asked() -> bool {
    if std::env::var_os(CHILD).is_none() {
        return false;
    }
    lanner::report_panics();
    let one = ShardCount::Fixed(std::num::NonZeroU16::MIN);
    let server = Server::new().urls("http://127.0.0.1:0").unwrap();
    server.shards(one).run(fail).unwrap();
    true
}

async fn fail(ctx: &mut HttpContext) -> Result<(), Box<dyn Error>> {
    let path = ctx.request().path().to_owned();
    match path.as_str() {
        "/panic" => panic!("a test's panic"),
        "/error" => Err("a test's error".into()),
        _ => Ok(ctx.text("fine")?),
    }
}

fn program() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, "1").stdin(Stdio::null());
    command
}

fn a_failure_is_told_with_its_request_and_a_panic_with_its_place() {
    let mut process = Process::spawn(&mut program());
    let address = process.address();
    for (path, failure) in [
        ("/error", "the handler failed: a test's error"),
        ("/panic", "the handler panicked"),
    ] {
        let mut client = Client::connect(address);
        let peer = client.stream().local_addr().unwrap();
        assert_eq!(client.get(path).status, 500);
        process.expect_error(&format!(" GMT GET {path} from {peer}: {failure}\n"));
    }
    process.expect_error(" GMT panicked at tests/programs/failing.rs:");
    process.expect_error(": a test's panic\n");
    process.signal("TERM");
    let (status, _, stderr) = process.wait();
    assert_eq!(
        (status.code(), stderr.lines().count()),
        (Some(0), 3),
        "{stderr}"
    );
}

fn a_full_pipe_behind_standard_error_stops_neither_requests_nor_the_drain() {
    let mut child = program()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line
        .trim()
        .strip_prefix("Now listening on: http://")
        .unwrap();
    let address = address.parse().unwrap();
    for _ in 0..REQUESTS {
        assert_eq!(Client::connect(address).get("/panic").status, 500);
    }
    assert_eq!(Client::connect(address).get("/").text(), "fine");
    let kill = format!("kill -s TERM {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
    eventually("the process ends", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
