//! The floors over real sockets; they are yardsticks, so they have to be right before they are
//! fast.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use super::Kind;

const GET: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

const KINDS: [Kind; 3] = [Kind::Ring, Kind::Epoll, Kind::Glommio];

/// Starts a floor of its own for a test; the thread ends with the test process.
fn start(kind: Kind, once: bool) -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    std::thread::spawn(move || super::run(kind, address, once));
    while TcpStream::connect(address).is_err() {
        std::thread::yield_now();
    }
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
    for kind in KINDS {
        let answer = exchange(start(kind, false), &[GET]);
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n"),
            "{kind:?}: {answer}"
        );
        assert!(answer.ends_with("\r\n\r\nHello, World!"), "{answer}");
    }
}

#[test]
fn a_head_in_pieces_and_pipelined_heads_are_answered_in_full() {
    for kind in KINDS {
        let address = start(kind, false);
        let bytes: Vec<&[u8]> = GET.chunks(1).collect();
        assert_eq!(exchange(address, &bytes).matches("200 OK").count(), 1);
        let many = GET.repeat(1000);
        let answers = exchange(address, &[&many]).matches("200 OK").count();
        assert_eq!(answers, 1000, "{kind:?}");
    }
}

#[test]
fn a_connection_of_one_request_is_closed_with_its_answer() {
    for kind in KINDS {
        let mut stream = TcpStream::connect(start(kind, true)).unwrap();
        stream.write_all(GET).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 1);
        assert!(answer.ends_with("\r\n\r\nHello, World!"), "{kind:?}");
    }
}

#[test]
fn a_malformed_head_is_refused_and_the_next_connection_served() {
    for kind in KINDS {
        let address = start(kind, false);
        let answer = exchange(address, &[b"GET / HTTP/1.1\r\nA : b\r\n\r\n"]);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{kind:?}: {answer}");
        assert!(exchange(address, &[GET]).starts_with("HTTP/1.1 200 "));
    }
}

#[test]
fn peers_that_write_faster_than_they_read_get_all_their_answers() {
    for kind in KINDS {
        let address = start(kind, false);
        // Far more than the buffers of a ring hold, so that its receives have to be armed again,
        // and more than a socket takes.
        let many = GET.repeat(20_000);
        std::thread::scope(|scope| {
            let peers = [(); 8].map(|()| {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(address).unwrap();
                    let mut writer = stream.try_clone().unwrap();
                    let writing = std::thread::spawn({
                        let many = many.clone();
                        move || {
                            writer.write_all(&many).unwrap();
                            writer.shutdown(Shutdown::Write).unwrap();
                        }
                    });
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).unwrap();
                    writing.join().unwrap();
                    answer
                })
            });
            for peer in peers {
                let answer = peer.join().unwrap();
                assert_eq!(answer.matches("200 OK").count(), 20_000, "{kind:?}");
            }
        });
    }
}
