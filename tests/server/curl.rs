//! curl as a client that was not written for these tests.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::support::command::Process;

/// Runs curl with these arguments and bytes on its standard input; answers its standard output.
fn curl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let child = Command::new("curl")
        .args(["-sS", "--max-time", "30", "--noproxy", "*"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.expect("these tests need the program curl (package curl)");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside the reading, so that neither pipe can fill up. curl may not want its input.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    output.stdout
}

fn text(arguments: &[&str]) -> String {
    String::from_utf8(curl(arguments, b"")).unwrap()
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

#[test]
fn reads_answers_and_reuses_its_connection() {
    let (_process, address) = Process::serving();
    let plaintext = url(address, "/plaintext");
    assert_eq!(text(&[&plaintext]), "Hello, World!");
    let connects = text(&[
        "-o",
        "/dev/null",
        "-o",
        "/dev/null",
        "-w",
        "%{num_connects} ",
        &plaintext,
        &plaintext,
    ]);
    assert_eq!(connects, "1 0 ");
    assert_eq!(
        text(&["-0", "-w", " %{http_code}", &plaintext]),
        "Hello, World! 200"
    );
    let head = text(&["-I", &plaintext]);
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: 13\r\n"),
        "{head}"
    );
    let streamed = text(&[&url(address, "/stream/1000")]);
    assert_eq!(streamed.lines().count(), 1000);
    assert!(streamed.ends_with("chunk 1000 of 1000\n"));
}

#[test]
fn sends_large_bodies_by_length_chunked_and_with_an_expectation() {
    let (_process, address) = Process::serving();
    let echo = url(address, "/echo");
    let body: Vec<u8> = (0..5_000_000).map(|index| (index % 251) as u8).collect();
    assert!(curl(&["--data-binary", "@-", &echo], &body) == body);
    assert!(curl(&["-T", "-", &echo], &body) == body, "chunked");
    let expecting = [
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "30",
        "--data-binary",
        "@-",
        &echo,
    ];
    assert!(curl(&expecting, &body) == body, "after 100 Continue");
}

#[test]
fn is_told_what_it_did_wrong() {
    let (_process, address) = Process::serving();
    let code = |arguments: &[&str]| {
        text(
            &[
                ["-o", "/dev/null", "-w", "%{http_code}"].as_slice(),
                arguments,
            ]
            .concat(),
        )
    };
    assert_eq!(code(&[&url(address, "/nothing")]), "404");
    assert_eq!(code(&["-X", "DELETE", &url(address, "/json")]), "405");
    assert_eq!(code(&["-H", "Host:", &url(address, "/json")]), "400");
    let long = "x".repeat(9000);
    assert_eq!(code(&[&url(address, &format!("/{long}"))]), "414");
    assert_eq!(
        code(&[
            "-H",
            &format!("X-Long: {}", "x".repeat(40_000)),
            &url(address, "/json")
        ]),
        "431"
    );
}
