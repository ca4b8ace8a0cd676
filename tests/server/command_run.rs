//! `lanner run`: what it prints, where it listens, how it is stopped, and how it fails.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::support::client::Client;
use crate::support::command::{Process, lanner, output};
use crate::support::eventually;

const STARTED: &str = "Application started. Press Ctrl+C to shut down.";

#[test]
fn prints_each_address_as_bound_and_that_it_has_started() {
    let urls = "http://127.0.0.1:0;http://127.0.0.1:0";
    let mut process = Process::spawn(&mut lanner(["run", "--urls", urls, "--shards", "2"]));
    let addresses = [process.address(), process.address()];
    assert_eq!(process.line(), STARTED);
    assert_ne!(addresses[0], addresses[1]);
    for address in addresses {
        assert_eq!(
            Client::connect(address).get("/plaintext").text(),
            "Hello, World!"
        );
    }
    process.signal("TERM");
    let (status, stdout, stderr) = process.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        (stdout.as_str(), stderr.as_str()),
        ("Application is shutting down...\n", "")
    );
}

#[test]
fn the_environment_names_addresses_and_the_command_line_has_the_last_word() {
    // `run` is what happens without a command, too.
    for arguments in [["run"].as_slice(), &[]] {
        let mut process =
            Process::spawn(lanner(arguments).env("LANNER_URLS", "http://127.0.0.1:0"));
        let address = process.address();
        assert_eq!(process.line(), STARTED);
        assert_eq!(Client::connect(address).get("/plaintext").status, 200);
    }
    let mut command = lanner(["run", "--urls", "http://127.0.0.1:0"]);
    let mut process = Process::spawn(command.env("LANNER_URLS", "http://ignored:0/base"));
    process.address();
    assert_eq!(process.line(), STARTED);
}

#[test]
fn serves_a_unix_socket_and_removes_its_file() {
    let path = std::env::temp_dir().join(format!("lanner-{}-command", std::process::id()));
    let url = format!("http://unix:{}?mode=600", path.display());
    let mut process = Process::spawn(&mut lanner(["run", "--urls", &url]));
    assert_eq!(
        process.line(),
        format!("Now listening on: http://unix:{}", path.display())
    );
    assert_eq!(process.line(), STARTED);
    let mut client = Client::over(UnixStream::connect(&path).unwrap());
    assert_eq!(client.get("/plaintext").text(), "Hello, World!");
    drop(client);
    process.signal("INT");
    assert_eq!(process.wait().0.code(), Some(0));
    assert!(!path.exists());
}

/// Runs a command that must fail to start, with this exit code; answers the one line that it says.
fn refused(command: &mut Command, code: i32) -> String {
    let output = output(command);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {stderr}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{command:?}");
    assert_eq!(stderr.lines().count(), 1, "{command:?}: {stderr}");
    assert!(stderr.starts_with("lanner: "), "{stderr}");
    stderr
}

/// As [`refused`], for addresses that cannot be had here and now.
fn failure(urls: &str) -> String {
    refused(&mut lanner(["run", "--urls", urls]), 1)
}

#[test]
fn what_cannot_start_says_why_in_one_line() {
    for url in [
        "",
        "nonsense",
        "localhost:5000",
        "http://localhost:0",
        "http://127.0.0.1:0/base",
        "http://127.0.0.1:65536",
        "http://[::1:80",
        "https://127.0.0.1:0/base",
        "ftp://127.0.0.1:0",
        "http://unix:relative",
        "http://127.0.0.1:0;nonsense",
        "http://locahost:35001",
        "http://127.0.0.1:0,http://127.0.0.1:0",
        "http://127.0.0.l:35001",
    ] {
        let line = refused(&mut lanner(["run", "--urls", url]), 2);
        let named = url.rsplit(';').next().unwrap();
        assert!(line.contains(named), "{url}: {line}");
    }
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let line = failure(&format!("http://{taken}"));
    assert!(
        line.contains(&format!(
            "failed to bind to http://{taken}: the address is already in use"
        )),
        "{line}"
    );
    let line = failure("http://unix:/no/such/directory/socket");
    assert!(line.contains("the directory does not exist"), "{line}");
}

#[test]
fn arguments_that_make_no_sense_are_another_failure() {
    for arguments in [
        ["run", "--shards", "0"].as_slice(),
        &["run", "--shards", "many"],
        &["fly"],
        &["run", "--unknown"],
    ] {
        let output = output(&mut lanner(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let line = refused(&mut lanner(["--steering", "cpu", "--reuse-port"]), 2);
    assert!(line.contains("leave out one of the two"), "{line}");
    // A machine for which 1,024 shards are not too many need not try them.
    if std::thread::available_parallelism().unwrap().get() < 64 {
        let line = refused(&mut lanner(["--shards", "1024"]), 2);
        assert!(line.contains("too many for"), "{line}");
    }
    // An address of this test's own, and a socket that would be there before its ring is.
    let twice = "http://127.9.8.7:21987;http://127.9.8.7:21987";
    let line = refused(&mut lanner(["--urls", twice]), 2);
    assert!(
        line.contains("an earlier address of the list covers it"),
        "{line}"
    );
    let address = output(&mut lanner(["http://127.0.0.1:0"]));
    assert_eq!(address.status.code(), Some(2));
    let hint = String::from_utf8(address.stderr).unwrap();
    assert!(hint.contains("lanner run --urls"), "{hint}");
    let version = output(&mut lanner(["--version"]));
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("lanner {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_variable_that_makes_no_sense_is_named() {
    for value in ["garbage", "", " ", "http://locahost:1"] {
        let line = refused(lanner(["run"]).env("LANNER_URLS", value), 2);
        assert!(line.contains("the variable LANNER_URLS"), "{line}");
    }
    // What came from the command line is not blamed on it, and it stays out of other commands.
    let line = refused(lanner(["--urls", "x"]).env("LANNER_URLS", "y"), 2);
    assert!(!line.contains("LANNER_URLS"), "{line}");
    for (variable, value) in [
        ("LANNER_CLIENT_CERTS", "perhaps"),
        ("LANNER_KEY", "/a/key"),
        ("LANNER_CERT", ""),
    ] {
        let output = output(lanner(["run"]).env(variable, value));
        assert_eq!(output.status.code(), Some(2), "{variable}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.contains(&format!("count as arguments: {variable}\n")),
            "{stderr}"
        );
    }
}

#[test]
fn more_shards_than_cpus_are_told_that_they_share() {
    let cpus = std::thread::available_parallelism().unwrap().get();
    let shards = (cpus + 1).to_string();
    let nowhere = ["--urls", "http://unix:/no/such/directory/socket"];
    let start = |shards: &str| {
        let output = output(&mut lanner(
            [nowhere.as_slice(), &["--shards", shards]].concat(),
        ));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = start(&shards);
    assert!(
        said.starts_with(&format!("lanner: {shards} shards share ")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(start("1").lines().count(), 1);
}

#[test]
fn options_without_a_command_are_those_of_run() {
    let mut process = Process::spawn(&mut lanner(["--urls", "http://127.0.0.1:0"]));
    process.address();
    assert_eq!(process.line(), STARTED);
}

#[test]
fn a_name_that_is_every_address_is_said_to_be() {
    let mut process = Process::spawn(&mut lanner(["--urls", "http://example.com:0"]));
    process.line();
    assert_eq!(process.line(), STARTED);
    process.signal("TERM");
    let (status, _, stderr) = process.wait();
    assert_eq!(status.code(), Some(0));
    assert!(
        stderr.starts_with("lanner: example.com is not looked up: every address"),
        "{stderr}"
    );
}

#[test]
fn two_processes_share_an_address_only_if_both_ask_for_it() {
    let mut first = Process::spawn(&mut lanner([
        "run",
        "--urls",
        "http://127.0.0.1:0",
        "--reuse-port",
    ]));
    let address = first.address();
    let url = format!("http://{address}");
    assert!(failure(&url).contains("--reuse-port"));
    let mut second = Process::spawn(&mut lanner(["run", "--urls", &url, "--reuse-port"]));
    assert_eq!(second.address(), address);
}

#[test]
fn who_does_not_share_is_not_advised_to_be_shared_with() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    let line = refused(&mut lanner(["--urls", &url, "--reuse-port"]), 1);
    assert!(line.contains("does not share the address"), "{line}");
}

#[test]
fn a_signal_lets_requests_finish() {
    for signal in ["TERM", "INT", "HUP"] {
        // Whatever the tests were started with, as by nohup, the server begins with no signal ignored.
        let mut process = Process::spawn(Command::new("env").args([
            "--default-signal",
            env!("CARGO_BIN_EXE_lanner"),
            "run",
            "--shards",
            "1",
            "--urls",
            "http://127.0.0.1:0",
        ]));
        let address = process.address();
        assert_eq!(process.line(), STARTED);
        let mut idle = Client::connect(address);
        assert_eq!(idle.get("/plaintext").status, 200);
        let mut delayed = Client::connect(address);
        delayed.send("GET /delay/500 HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut uploading = Client::connect(address);
        uploading.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        // One shard takes what came first: both are under way when this is answered.
        assert_eq!(idle.get("/plaintext").status, 200);
        process.signal(signal);
        // The end of the idle connection tells that the server drains.
        idle.expect_end();
        eventually("nobody accepts any more", || {
            TcpStream::connect(address).is_err()
        });
        uploading.send("hello");
        let response = uploading.response();
        assert_eq!(response.text(), "hello");
        assert!(response.closes());
        uploading.expect_end();
        assert_eq!(delayed.response().text(), "done\n");
        delayed.expect_end();
        drop((idle, delayed, uploading));
        let (status, stdout, stderr) = process.wait();
        assert_eq!(status.code(), Some(0));
        assert_eq!(
            (stdout.as_str(), stderr.as_str()),
            ("Application is shutting down...\n", "")
        );
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (process, address) = Process::serving();
    let mut idle = Client::connect(address);
    assert_eq!(idle.get("/plaintext").status, 200);
    let mut delayed = Client::connect(address);
    delayed.send("GET /delay/60000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(idle.get("/plaintext").status, 200);
    process.signal("TERM");
    idle.expect_end();
    process.signal("TERM");
    // The delay is twice as long as this waits.
    assert_eq!(delayed.any_end().0, b"");
    let (status, _, stderr) = process.wait();
    assert_eq!(status.code(), Some(1));
    assert_eq!(
        stderr,
        "lanner: requests cut off at the end of the drain: 1\n"
    );
}

#[test]
fn a_server_that_was_started_to_outlive_its_terminal_does() {
    let program = env!("CARGO_BIN_EXE_lanner");
    let script = format!("trap '' HUP; exec {program} run --shards 1 --urls http://127.0.0.1:0");
    let mut process = Process::spawn(Command::new("sh").args(["-c", &script]));
    let address = process.address();
    assert_eq!(process.line(), STARTED);
    let mut client = Client::connect(address);
    process.signal("HUP");
    // One that drained would say with this that the connection ends.
    assert!(!client.get("/delay/300").closes());
    assert!(TcpStream::connect(address).is_ok());
    process.signal("TERM");
    client.expect_end();
    let (status, stdout, _) = process.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(stdout, "Application is shutting down...\n");
}
