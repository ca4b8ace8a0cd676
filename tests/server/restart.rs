//! A server that was killed under load, and its successor at once.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::client::Client;
use crate::support::command::{Process, lanner};

const ROUNDS: usize = 25;
const CONNECTIONS: usize = 16;

/// Starts a server there; it must.
fn serve(address: SocketAddr) -> Process {
    let url = format!("http://{address}");
    let mut process = Process::spawn(&mut lanner(["run", "--shards", "2", "--urls", &url]));
    assert_eq!(process.line(), format!("Now listening on: {url}"));
    process.line();
    process
}

/// Asks again and again until the server is gone.
fn ask_until_the_end(address: SocketAddr) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let mut answer = [0; 1024];
    while stream
        .write_all(b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
        .is_ok()
        && stream.read(&mut answer).is_ok_and(|length| length > 0)
    {}
}

#[test]
fn a_killed_server_is_replaced_at_once() {
    // An address of the test's own, whose port no other test is given while it is free.
    let own = std::process::id() as u8 | 1;
    let mut process = Process::spawn(&mut lanner(["--urls", &format!("http://127.{own}.0.1:0")]));
    let address = process.address();
    drop(process);
    let mut clients = Vec::new();
    for _ in 0..ROUNDS {
        let process = serve(address);
        clients.extend(
            (0..CONNECTIONS).map(|_| std::thread::spawn(move || ask_until_the_end(address))),
        );
        assert_eq!(Client::connect(address).get("/json").status, 200);
        // By SIGKILL: nothing is closed but by the kernel, which takes its time for a ring.
        drop(process);
    }
    for client in clients {
        client.join().unwrap();
    }
}
