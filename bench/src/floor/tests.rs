//! The floor over real sockets; it is a yardstick, so it has to be right before it is fast.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

const GET: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

/// Starts a floor of its own for a test; the thread ends with the test process.
fn start() -> SocketAddr {
    start_with(false)
}

fn start_with(once: bool) -> SocketAddr {
    let listener = super::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || super::serve(&listener, once));
    address
}

/// Sends `pieces` one by one, ends the sending side and returns all that came back.
fn exchange(address: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_request_is_answered_and_the_end_of_input_closes() {
    let answer = exchange(start(), &[GET]);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nHello, World!"), "{answer}");
}

#[test]
fn a_head_in_pieces_and_pipelined_heads_are_answered_in_full() {
    let address = start();
    let bytes: Vec<&[u8]> = GET.chunks(1).collect();
    assert_eq!(exchange(address, &bytes).matches("200 OK").count(), 1);
    let many = GET.repeat(1000);
    assert_eq!(exchange(address, &[&many]).matches("200 OK").count(), 1000);
}

#[test]
fn a_connection_of_one_request_is_closed_with_its_answer() {
    let mut stream = TcpStream::connect(start_with(true)).unwrap();
    stream.write_all(&GET.repeat(2)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 1, "{answer}");
}

#[test]
fn a_malformed_head_is_refused_and_the_next_connection_served() {
    let address = start();
    let answer = exchange(address, &[b"GET / HTTP/1.1\r\nA : b\r\n\r\n"]);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(exchange(address, &[GET]).starts_with("HTTP/1.1 200 "));
}

#[test]
fn receives_that_find_no_buffer_are_armed_again() {
    let address = start();
    // Far more than the buffers hold: the peers write faster than the floor parses.
    let many = GET.repeat(20_000);
    std::thread::scope(|scope| {
        let peers = [(); 8].map(|()| scope.spawn(|| exchange(address, &[&many])));
        for peer in peers {
            assert_eq!(peer.join().unwrap().matches("200 OK").count(), 20_000);
        }
    });
}
