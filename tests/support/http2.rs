//! A client that sends raw HTTP/2 frames and reads those of the server (RFC 9113).
//!
//! Knows no compression beyond literals: of a response's fields it reads the status, where that
//! is a reference to the static table.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::HANG;

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const WINDOW_UPDATE: u8 = 0x8;

pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The number in the payload at this place.
    pub fn number(&self, at: usize) -> u32 {
        let bytes = self.payload.get(at..at + 4).unwrap();
        u32::from_be_bytes(bytes.try_into().unwrap())
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let [_, l0, l1, l2] = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![l0, l1, l2, self.kind, self.flags];
        bytes.extend_from_slice(&self.stream.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// A frame's bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Vec<u8> {
    let payload = payload.into();
    Frame {
        kind,
        flags,
        stream,
        payload,
    }
    .bytes()
}

/// The HEADERS of a request, as literals that enter no table.
pub fn request(stream: u32, method: &str, path: &str, flags: u8) -> Vec<u8> {
    request_with(
        stream,
        &[
            (":method", method),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", path),
        ],
        flags,
    )
}

/// HEADERS with these fields.
pub fn request_with(stream: u32, fields: &[(&str, &str)], flags: u8) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(
                u8::try_from(text.len())
                    .ok()
                    .filter(|length| *length < 0x7f)
                    .unwrap(),
            );
            block.extend_from_slice(text.as_bytes());
        }
    }
    frame(HEADERS, END_HEADERS | flags, stream, block)
}

/// One connection that has begun.
pub struct Http2Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    next: u32,
}

impl Http2Client {
    /// Connects and says hello, with large windows for responses.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, HANG).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Self {
            stream,
            buffer: Vec::new(),
            next: 1,
        };
        let window = (1_u32 << 30).to_be_bytes();
        let mut hello = PREFACE.to_vec();
        hello.extend(frame(SETTINGS, 0, 0, [&[0, 4][..], &window].concat()));
        hello.extend(frame(WINDOW_UPDATE, 0, 0, window));
        client.send(hello);
        assert_eq!(client.frame().kind, SETTINGS);
        assert_eq!(client.frame().kind, WINDOW_UPDATE);
        let ack = client.frame();
        assert_eq!((ack.kind, ack.flags), (SETTINGS, ACK));
        client.send(frame(SETTINGS, ACK, 0, []));
        client
    }

    /// The identifier of the next stream.
    pub fn next(&mut self) -> u32 {
        let stream = self.next;
        self.next += 2;
        stream
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends, and says whether the server takes it.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    pub fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The next frame.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        self.try_frame().expect("the connection has ended")
    }

    /// The next frame; none at the orderly end of the connection.
    #[track_caller]
    pub fn try_frame(&mut self) -> Option<Frame> {
        let mut part = [0; 16 * 1024];
        loop {
            if let Some(frame) = self.take_frame() {
                return Some(frame);
            }
            match self.stream.read(&mut part) {
                Ok(0) => {
                    assert!(
                        self.buffer.is_empty(),
                        "the connection ended within a frame"
                    );
                    return None;
                }
                Ok(count) => self.buffer.extend_from_slice(part.get(..count).unwrap()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("instead of a frame: {error}"),
            }
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let (head, behind) = self.buffer.split_first_chunk::<9>()?;
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *head;
        let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        let payload = behind.get(..length)?.to_vec();
        self.buffer.drain(..9 + length);
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            payload,
        })
    }

    /// Reads the answer on a stream to its end, and answers PINGs on the way: the status if it is
    /// one of the static table, else 0, and the content.
    #[track_caller]
    pub fn response(&mut self, stream: u32) -> (u16, Vec<u8>) {
        let (mut status, mut content) = (0, Vec::new());
        loop {
            let frame = self.frame();
            match frame.kind {
                PING if frame.flags & ACK == 0 => {
                    self.send(super::http2::frame(PING, ACK, 0, frame.payload));
                    continue;
                }
                HEADERS if frame.stream == stream => {
                    status = status.max(static_status(&frame.payload));
                }
                DATA if frame.stream == stream => content.extend_from_slice(&frame.payload),
                RST_STREAM if frame.stream == stream => {
                    panic!("stream {stream} was reset with {}", frame.number(0))
                }
                GOAWAY => panic!("the connection ends: {frame:?}"),
                _ => continue,
            }
            if frame.flags & END_STREAM != 0 {
                return (status, content);
            }
        }
    }

    /// A whole GET.
    #[track_caller]
    pub fn get(&mut self, path: &str) -> (u16, Vec<u8>) {
        let stream = self.next();
        self.send(request(stream, "GET", path, END_STREAM));
        self.response(stream)
    }

    /// Reads to the GOAWAY that ends the connection with this error, and to its orderly end.
    #[track_caller]
    pub fn expect_goaway(&mut self, code: u32) {
        loop {
            let frame = self.frame();
            if frame.kind == GOAWAY {
                assert_eq!(frame.number(4), code, "{frame:?}");
                break;
            }
        }
        assert_eq!(self.try_frame(), None);
    }
}

/// The status that a response's field block begins with, behind changes of the table's size.
fn static_status(block: &[u8]) -> u16 {
    const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    let first = block.iter().find(|byte| **byte & 0xe0 != 0x20);
    let index = first.and_then(|first| usize::from(*first).checked_sub(0x88));
    index
        .and_then(|index| STATUSES.get(index).copied())
        .unwrap_or(0)
}
