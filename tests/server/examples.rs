//! Every example starts, does what its first lines say, and ends in order on SIGTERM.
//!
//! Owns the running of example programs and a client that is a plain socket. What the server
//! itself does with each kind of request is tested elsewhere.

#![allow(clippy::unwrap_used)]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Only a hang is this slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running example; ends with this value whatever the test does.
struct Example {
    process: Child,
    lines: Receiver<String>,
    address: String,
}

/// Where the program of an example is: in target/PROFILE, whose deps has this test, and which
/// `cargo test` fills.
fn program(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(name)
}

impl Example {
    /// Starts an example on a free port and waits until it says where it listens.
    fn start(name: &str) -> Self {
        let program = program(name);
        let process = Command::new(&program)
            .arg("http://127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn();
        let mut process = process.unwrap_or_else(|error| {
            panic!(
                "{} ({error}): `cargo build --examples` makes it",
                program.display()
            )
        });
        let (line, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        // Ends with the process, or with the test that no longer listens.
        thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|text| line.send(text))
        });
        let mut example = Self {
            process,
            lines,
            address: String::new(),
        };
        let listening = example.line();
        let address = listening.strip_prefix("Now listening on: http://");
        example.address = address.unwrap_or_else(|| panic!("{listening}")).to_owned();
        assert_eq!(
            example.line(),
            "Application started. Press Ctrl+C to shut down."
        );
        example
    }

    /// The next line that the example prints.
    fn line(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("the example says more")
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request and returns what comes until the server closes. Ask it to.
    fn answer(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A POST of `body`.
    fn post(&self, body: &str) -> String {
        let length = body.len();
        self.answer(&format!(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Ends the example as an operator would.
    fn stop(mut self) {
        // The shell's own kill: no need for another program, nor for unsafe code here.
        let kill = format!("kill -TERM {}", self.process.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(self.line(), "Application is shutting down...");
        assert_eq!(self.wait().code(), Some(0));
    }

    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the example does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Splits a response into head and body.
fn parts(response: &str) -> (&str, &str) {
    response
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no head: {response}"))
}

#[test]
fn a_main_that_returns_the_error_of_a_start_prints_its_one_line() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("http://{}", other.local_addr().unwrap());
    for (url, expected) in [
        (
            taken.as_str(),
            format!("Error: failed to bind to {taken}: "),
        ),
        ("x", "Error: cannot listen on \"x\": ".to_owned()),
    ] {
        let output = Command::new(program("hello")).arg(url).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr.starts_with(&expected), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn hello() {
    let example = Example::start("hello");
    let response = example.answer("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (head, body) = parts(&response);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\nContent-Type: text/plain; charset=utf-8"),
        "{head}"
    );
    assert_eq!(body, "Hello, World!\n");
    example.stop();
}

#[test]
fn json() {
    let example = Example::start("json");
    let response = example.post(r#"{"from":[0,0],"to":[3,4]}"#);
    let (head, body) = parts(&response);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\nContent-Type: application/json"),
        "{head}"
    );
    assert_eq!(body, r#"{"distance":5.0}"#);

    for (bad, complaint) in [
        (r#"{"from":[0,0]}"#, "missing field `to`"),
        ("from here to there", "line 1 column"),
    ] {
        let response = example.post(bad);
        let (head, body) = parts(&response);
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(body.contains(complaint), "{body}");
    }

    let response = example.post(&" ".repeat(1025));
    assert!(
        response.starts_with("HTTP/1.1 413 Content Too Large\r\n"),
        "{response}"
    );
    example.stop();
}

#[test]
fn upload() {
    let example = Example::start("upload");
    // The second of NIST's example messages for SHA-256 (FIPS 180-2, B.3): a million times "a".
    let response = example.post(&"a".repeat(1_000_000));
    let (_, body) = parts(&response);
    assert_eq!(
        body,
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0 1000000\n"
    );

    let response = example.answer(
        "PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    );
    let (_, body) = parts(&response);
    assert_eq!(
        body,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3\n"
    );

    // Longer than the server's limit, which the example lifts: it asks for the body. With the
    // limit in force the answer would be 413.
    let mut stream = example.connect();
    let head =
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000001\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(interim.as_slice(), b"HTTP/1.1 100 Continue\r\n\r\n");
    drop(stream);
    example.stop();
}

#[test]
fn early_hints() {
    let example = Example::start("early_hints");
    let response = example.answer("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (interim, rest) = parts(&response);
    assert_eq!(
        interim,
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style"
    );
    let (head, body) = parts(rest);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\nLink: </style.css>; rel=preload; as=style\r\n"),
        "{head}"
    );
    assert!(
        body.contains("<link rel=stylesheet href=/style.css>"),
        "{body}"
    );

    let response =
        example.answer("GET /style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(
        response.contains("\r\nContent-Type: text/css\r\n"),
        "{response}"
    );

    let response = example.answer("GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    assert!(
        response.starts_with("HTTP/1.1 200 OK\r\n"),
        "HTTP/1.0 has no interim responses: {response}"
    );
    example.stop();
}

#[test]
fn upgrade_echo() {
    let example = Example::start("upgrade_echo");
    let response = example.answer("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (head, _) = parts(&response);
    assert!(
        head.starts_with("HTTP/1.1 426 Upgrade Required\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nUpgrade: echo\r\n"), "{head}");

    let mut stream = example.connect();
    let head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    // The first bytes of the other protocol come with the request.
    stream.write_all(format!("{head}early").as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut answer).unwrap(), 0, "{answer}");
    }
    assert!(
        answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\nUpgrade: echo\r\n"), "{answer}");
    let mut echo = [0; 5];
    reader.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"early");

    // Both directions at once, more than any buffer on the way holds, and bytes that are no text.
    let sent: Vec<u8> = (0..4_000_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let expected = sent.clone();
    let writer = thread::spawn(move || {
        stream.write_all(&sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    assert!(
        received == expected,
        "{} bytes came back of {}",
        received.len(),
        expected.len()
    );
    example.stop();
}

#[test]
fn grpc_echo_answers_with_messages_and_a_status_in_the_trailers() {
    let example = Example::start("grpc_echo");
    let call = |method: &str, messages: &str| {
        let length = messages.len();
        example.answer(&format!(
            "POST /lanner.Echo/{method} HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close, TE\r\n\
             Content-Length: {length}\r\n\r\n{messages}"
        ))
    };
    let two = "\0\0\0\0\x05hello\0\0\0\0\x00";
    // Each message is a chunk of its own: it is sent when it is whole.
    let chat = call("Chat", two);
    assert_eq!(
        parts(&chat).1,
        "a\r\n\0\0\0\0\x05hello\r\n5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: 0\r\n\r\n"
    );
    assert!(call("Unary", two).contains("\0\0\0\0\x05hello\r\n0\r\ngrpc-status: 0\r\n"));
    let download = call("Download", "\0\0\0\0\x08\0\0\0\x02\0\0\0\x03");
    assert_eq!(download.matches("\0\0\0\0\x03mmm").count(), 2, "{download}");
    let upload = call("Upload", two);
    let counts = "\0\0\0\0\x10\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x05";
    assert!(upload.contains(counts), "{upload}");
    let cut = call("Unary", "\0\0\0\0\x05hell");
    assert!(cut.ends_with("0\r\ngrpc-status: 3\r\n\r\n"), "{cut}");
    let unknown = call("Nothing", two);
    assert!(
        unknown.ends_with("0\r\ngrpc-status: 12\r\n\r\n"),
        "{unknown}"
    );
    example.stop();
}
