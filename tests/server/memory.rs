//! Memory: what peers that do not take their answers can make a server hold, and that it goes back.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::command::Process;
use crate::support::http2::{END_STREAM, HEADERS, SETTINGS, frame, request};
use crate::support::{HANG, eventually};

const CONNECTIONS: usize = 20;
const STREAMS: usize = 100;

/// KiB of memory of a process's own that the system has given it.
fn resident(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// Asks for many answers of a megabyte without any window, and reads the heads of all of them.
fn starved(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&address, HANG).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    hello.extend(frame(SETTINGS, 0, 0, [0, 4, 0, 0, 0, 0]));
    for place in 0..STREAMS {
        let id = 2 * u32::try_from(place).unwrap() + 1;
        hello.extend(request(id, "GET", "/bytes/1000000", END_STREAM));
    }
    stream.write_all(&hello).unwrap();
    let mut heads = 0;
    while heads < STREAMS {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let [l0, l1, l2, kind, ..] = head;
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        std::io::copy(
            &mut Read::by_ref(&mut stream).take(length.into()),
            &mut std::io::sink(),
        )
        .unwrap();
        heads += usize::from(kind == HEADERS);
    }
    stream
}

#[test]
fn answers_that_nobody_takes_are_bounded_and_their_memory_goes_back() {
    let (process, address) = Process::serving();
    let before = resident(process.id());
    let clients: Vec<TcpStream> = (0..CONNECTIONS).map(|_| starved(address)).collect();
    // With 64 KiB for each of the streams it would be 128 MiB and more.
    let during = resident(process.id()) - before;
    assert!(during < 64 * 1024, "{during} KiB");
    drop(clients);
    eventually("the memory goes back", || {
        resident(process.id()) < before + during / 2
    });
    process.signal("TERM");
    assert_eq!(process.wait().0.code(), Some(0));
}
