//! HTTP/2 with programs that were not written for these tests: curl, nghttp and h2load.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::harness::{Test, tests};
use crate::program::{CURL, H2LOAD, NGHTTP, text};
use crate::support::client::Client;
use crate::support::command::Process;
use crate::support::eventually;

pub(crate) const TESTS: [Test; 9] = tests! {
    curl_reads_answers_of_both_versions_on_one_port: [CURL];
    curl_reads_heads_statuses_and_long_answers: [CURL];
    curl_gets_its_bodies_back: [CURL];
    nghttp_reads_many_streams: [NGHTTP];
    nghttp_gets_its_bodies_back: [NGHTTP];
    nghttp_compresses_and_continues_as_it_likes: [NGHTTP];
    nghttp_sees_no_body_after_a_head_request_and_an_orderly_end: [NGHTTP];
    h2load_finds_every_answer_right: [H2LOAD];
    a_shutdown_answers_what_h2load_has_sent: [H2LOAD];
};

/// Lengths of bodies: one byte, a frame of the default size, more than any window at its begin.
const LENGTHS: [usize; 3] = [1, 16 * 1024, 1024 * 1024];

/// curl over HTTP/2 with prior knowledge, unless the arguments say otherwise. One request each time:
/// curl 7.88, which Debian 12 has, breaks a connection by its second one (curl's issue 10634).
#[track_caller]
fn curl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let common = ["-sS", "--max-time", "60", "--noproxy", "*"];
    let version = ["--http2-prior-knowledge"];
    let all = [common.as_slice(), &version, arguments].concat();
    CURL.output(&all, input)
}

#[track_caller]
fn nghttp(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let all = [["--timeout=60"].as_slice(), arguments].concat();
    NGHTTP.output(&all, input)
}

#[track_caller]
fn h2load(arguments: &[&str]) -> String {
    text(H2LOAD.output(arguments, b""))
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

/// Bytes in which a piece that is missing, repeated or out of place is seen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// A file, gone when dropped.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let name = format!("lanner-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        // The test may have failed before there was anything to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn curl_reads_answers_of_both_versions_on_one_port() {
    let (_process, address) = Process::serving();
    let plaintext = url(address, "/plaintext");
    let version = |arguments: &[&str]| {
        let format = ["-w", " %{http_version}", &plaintext];
        text(curl(&[arguments, &format].concat(), b""))
    };
    assert_eq!(version(&[]), "Hello, World! 2");
    assert_eq!(version(&["--http1.1"]), "Hello, World! 1.1");
    // An offer to change to h2c is one that RFC 9113 (3.1) has withdrawn: HTTP/1.1 goes on.
    assert_eq!(version(&["--http2"]), "Hello, World! 1.1");
    assert_eq!(
        Client::connect(address).get("/plaintext").text(),
        "Hello, World!"
    );
}

fn curl_reads_heads_statuses_and_long_answers() {
    let (_process, address) = Process::serving();
    let head = text(curl(&["-I", &url(address, "/plaintext")], b""));
    assert!(head.starts_with("HTTP/2 200 \r\n"), "{head}");
    let fields = [
        "content-length: 13",
        "content-type: text/plain",
        "date: ",
        "server: ",
    ];
    for field in fields {
        assert!(head.contains(&format!("\r\n{field}")), "{field}: {head}");
    }
    let code = |arguments: &[&str]| {
        let format = ["-o", "/dev/null", "-w", "%{http_code}"];
        text(curl(&[format.as_slice(), arguments].concat(), b""))
    };
    assert_eq!(code(&[&url(address, "/nothing")]), "404");
    assert_eq!(code(&["-X", "DELETE", &url(address, "/plaintext")]), "405");
    assert_eq!(code(&["-I", &url(address, "/nothing")]), "404");
    let streamed = text(curl(&[&url(address, "/stream/20000")], b""));
    assert_eq!(streamed.lines().count(), 20_000);
    assert!(streamed.ends_with("chunk 20000 of 20000\n"));
}

fn curl_gets_its_bodies_back() {
    let (_process, address) = Process::serving();
    let echo = url(address, "/echo");
    for length in LENGTHS {
        let body = pattern(length);
        let sized = curl(&["--data-binary", "@-", &echo], &body);
        assert!(sized == body, "{length} bytes with their length");
        let streamed = curl(&["-T", "-", &echo], &body);
        assert!(streamed == body, "{length} bytes without their length");
    }
    assert!(curl(&["-X", "POST", "-d", "", &echo], b"").is_empty());
}

fn nghttp_reads_many_streams() {
    let (_process, address) = Process::serving();
    let plaintext = url(address, "/plaintext");
    let body = text(nghttp(&["-m", "300", &plaintext], b""));
    assert_eq!(body, "Hello, World!".repeat(300));
    let statistics = text(nghttp(&["-n", "-s", "-m", "300", &plaintext], b""));
    let answered = |line: &&str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.contains(&"200") && columns.contains(&"/plaintext")
    };
    assert_eq!(statistics.lines().filter(answered).count(), 300);
}

fn nghttp_gets_its_bodies_back() {
    let (_process, address) = Process::serving();
    let echo = url(address, "/echo");
    for length in LENGTHS {
        let body = pattern(length);
        let file = TestFile::new(&format!("nghttp-{length}"), &body);
        let variants: [&[&str]; 6] = [
            &[],
            &["--no-content-length"],
            &["--padding=255"],
            &["--trailer", "checksum: none"],
            // The smallest windows that nghttp has still let every byte through.
            &["--window-bits=10", "--connection-window-bits=16"],
            &["--expect-continue"],
        ];
        for variant in variants {
            let all = [variant, &["-d", file.name(), &echo]].concat();
            assert!(nghttp(&all, b"") == body, "{length} bytes with {variant:?}");
        }
    }
}

fn nghttp_compresses_and_continues_as_it_likes() {
    let (_process, address) = Process::serving();
    let plaintext = url(address, "/plaintext");
    let variants: [&[&str]; 5] = [
        &["--continuation"],
        &["--header-table-size=0"],
        // Both in one frame: the encoder must say the lower one first (RFC 7541, 4.2).
        &["--header-table-size=0", "--header-table-size=65536"],
        &["--encoder-header-table-size=0"],
        &["--no-dep", "--weight=256"],
    ];
    for variant in variants {
        let all = [variant, &["-m", "20", &plaintext]].concat();
        assert_eq!(
            text(nghttp(&all, b"")),
            "Hello, World!".repeat(20),
            "{variant:?}"
        );
    }
}

fn nghttp_sees_no_body_after_a_head_request_and_an_orderly_end() {
    let (_process, address) = Process::serving();
    let arguments = ["-v", "-H", ":method: HEAD", &url(address, "/plaintext")];
    let seen = text(nghttp(&arguments, b""));
    assert!(seen.contains(":status: 200"), "{seen}");
    assert!(seen.contains("content-length: 13"), "{seen}");
    assert!(!seen.contains("recv DATA frame"), "{seen}");
    assert!(!seen.contains("recv RST_STREAM frame"), "{seen}");
    assert!(!seen.contains("recv GOAWAY frame"), "{seen}");
}

fn h2load_finds_every_answer_right() {
    let (_process, address) = Process::serving();
    let body = pattern(16 * 1024);
    let file = TestFile::new("h2load", &body);
    let cases: [(&str, &[&str], u64); 4] = [
        ("/plaintext", &["-c8", "-m32"], 13),
        ("/plaintext", &["-c64", "-m1"], 13),
        (
            "/echo",
            &["-c4", "-m16", "-d", file.name()],
            body.len() as u64,
        ),
        // Both versions on one port, and one is not in the way of the other.
        ("/plaintext", &["--h1", "-c8", "-m1"], 13),
    ];
    for (path, options, length) in cases {
        let url = url(address, path);
        let report = h2load(&[options, &["-t1", "-n4000", &url]].concat());
        let requests = "4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored";
        assert!(report.contains(requests), "{options:?}: {report}");
        assert!(report.contains("4000 2xx, 0 3xx, 0 4xx, 0 5xx"), "{report}");
        let data = format!("({}) data", 4000 * length);
        assert!(report.contains(&data), "{options:?}: {report}");
    }
}

fn a_shutdown_answers_what_h2load_has_sent() {
    let (process, address) = Process::serving();
    let log = TestFile::new("h2load-log", b"");
    let path = url(address, "/plaintext");
    let name = log.name().to_owned();
    let loading = std::thread::spawn(move || {
        // More than there is time for.
        let requests = "--requests=5000000";
        h2load(&["-t1", "-c4", "-m32", requests, "--log-file", &name, &path])
    });
    let length = || std::fs::metadata(log.path()).unwrap().len();
    // One that ends of itself has not done what it was asked: why, `join` says at once.
    eventually("answers have come", || {
        length() > 0 || loading.is_finished()
    });
    process.signal("TERM");
    let report = loading.join().unwrap();
    let (status, _, stderr) = process.wait();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));

    let log = std::fs::read_to_string(log.path()).unwrap();
    let mut answered = 0;
    for line in log.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns.as_slice() {
            [_, "200", _, ..] => answered += 1,
            // Made ready, but never sent: the server had said that it takes no more.
            ["0", "-1", ..] => {}
            _ => panic!("a request without its answer: {line:?}\n{report}"),
        }
    }
    assert!(answered > 0 && answered < 5_000_000, "{report}");
}
