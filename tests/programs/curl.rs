//! curl as a client that was not written for these tests.

use std::net::SocketAddr;

use crate::harness::{Test, tests};
use crate::program::CURL;
use crate::support::command::Process;

pub(crate) const TESTS: [Test; 3] = tests! {
    reads_answers_and_reuses_its_connection: [CURL];
    sends_large_bodies_by_length_chunked_and_with_an_expectation: [CURL];
    is_told_what_it_did_wrong: [CURL];
};

/// Runs curl with these arguments and bytes on its standard input; answers its standard output.
#[track_caller]
fn curl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let common = ["-sS", "--max-time", "60", "--noproxy", "*"];
    CURL.output(&[common.as_slice(), arguments].concat(), input)
}

fn text(arguments: &[&str]) -> String {
    crate::program::text(curl(arguments, b""))
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

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
