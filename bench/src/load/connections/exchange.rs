//! One connection: opened, asked once, read to its end.
//!
//! The request says that it is the last (`Connection: close`, RFC 9112 section 9.6), so that the
//! server closes first and the client's ports are free again at once.

use std::fmt::{self, Display, Formatter};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use rustls::{ClientConfig, ClientConnection, HandshakeKind};

use crate::mode::BODY;
use crate::tls::server_name;

/// Most fields in the head of an answer.
const FIELDS_MAX: usize = 32;
/// The longest answer, in bytes; the right one is much shorter.
const ANSWER_MAX: usize = 8192;

/// What went wrong on a connection.
#[derive(Debug)]
pub(super) enum Fault {
    /// It was not established.
    Connect(io::Error),
    /// It failed while it was read.
    Read(io::Error),
    /// It failed while it was written.
    Write(io::Error),
    /// The server violated TLS, or found that we do.
    Tls(rustls::Error),
    /// The status is not 200.
    Status(u16),
    /// What came is not the answer that was asked for.
    Malformed,
}

/// What a connection has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The server has more to send.
    Waiting,
    /// The right answer has come, and the server has closed.
    Done,
}

/// A connection under way.
pub(super) struct Exchange {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    answer: Vec<u8>,
    /// The server has sent close_notify.
    notified: bool,
    began: Instant,
}

impl Exchange {
    /// Connects and sends what can be sent first: the request, or the first message of TLS. The
    /// request follows with the last message of the handshake.
    pub(super) fn begin(
        address: SocketAddr,
        config: Option<&Arc<ClientConfig>>,
        request: &[u8],
    ) -> Result<Self, Fault> {
        let began = Instant::now();
        // On loopback this is over at once: the kernel answers for the listener.
        let socket = TcpStream::connect(address).map_err(Fault::Connect)?;
        socket.set_nodelay(true).map_err(Fault::Connect)?;
        socket.set_nonblocking(true).map_err(Fault::Connect)?;
        let mut exchange = Self {
            socket,
            tls: None,
            answer: Vec::new(),
            notified: false,
            began,
        };
        match config {
            None => exchange.socket.write_all(request).map_err(Fault::Write)?,
            Some(config) => {
                let name = server_name()
                    .map_err(|error| Fault::Tls(rustls::Error::General(error.to_string())))?;
                let mut tls =
                    ClientConnection::new(Arc::clone(config), name).map_err(Fault::Tls)?;
                tls.writer().write_all(request).map_err(Fault::Write)?;
                exchange.tls = Some(Box::new(tls));
                exchange.send()?;
            }
        }
        Ok(exchange)
    }

    /// When it was begun.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// The TLS connection, if it is one.
    pub(super) fn tls(&self) -> Option<&ClientConnection> {
        self.tls.as_deref()
    }

    /// Whether the server said that it would close, which counts with TLS only.
    pub(super) fn ended_clean(&self) -> bool {
        self.notified
    }

    /// Whether an earlier session was resumed.
    pub(super) fn resumed(&self) -> bool {
        let kind = self.tls().and_then(|tls| tls.handshake_kind());
        kind == Some(HandshakeKind::Resumed)
    }

    /// Reads what there is, and goes on with the handshake.
    pub(super) fn receive(&mut self) -> Result<Progress, Fault> {
        let closed = match self.tls {
            None => self.read_clear()?,
            Some(_) => self.read_tls()?,
        };
        if self.answer.len() > ANSWER_MAX {
            return Err(Fault::Malformed);
        }
        if !closed {
            return Ok(Progress::Waiting);
        }
        check(&self.answer)?;
        Ok(Progress::Done)
    }

    /// Whether the server has closed, which is the last thing that comes.
    fn read_clear(&mut self) -> Result<bool, Fault> {
        let mut bytes = [0; 2048];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => return Ok(true),
                Ok(count) => {
                    let read = bytes.get(..count).unwrap_or_default();
                    self.answer.extend_from_slice(read);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(Fault::Read(error)),
            }
        }
    }

    fn read_tls(&mut self) -> Result<bool, Fault> {
        let Some(tls) = self.tls.as_deref_mut() else {
            return Ok(true);
        };
        let mut closed = false;
        loop {
            match tls.read_tls(&mut self.socket) {
                Ok(0) => closed = true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(Fault::Read(error)),
            }
            let state = tls.process_new_packets().map_err(Fault::Tls)?;
            if state.plaintext_bytes_to_read() > 0 {
                let count = state.plaintext_bytes_to_read() as u64;
                let mut reader = tls.reader().take(count);
                reader.read_to_end(&mut self.answer).map_err(Fault::Read)?;
            }
            if state.peer_has_closed() && !self.notified {
                // Some servers wait for the same from us before they close the connection.
                self.notified = true;
                tls.send_close_notify();
            }
            if closed {
                // Nobody reads any more.
                return Ok(true);
            }
        }
        self.send()?;
        Ok(false)
    }

    /// Sends what TLS has for the server. It always fits: a connection carries far less than its
    /// send buffer holds, so that an error of that kind is one like any other.
    fn send(&mut self) -> Result<(), Fault> {
        let Some(tls) = self.tls.as_deref_mut() else {
            return Ok(());
        };
        while tls.wants_write() {
            match tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                // It has closed already, and takes no close_notify: what it sent counts.
                Err(_) if self.notified => return Ok(()),
                Err(error) => return Err(Fault::Write(error)),
            }
        }
        Ok(())
    }
}

impl AsFd for Exchange {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "connecting: {error}"),
            Self::Read(error) => write!(f, "reading: {error}"),
            Self::Write(error) => write!(f, "writing: {error}"),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::Status(status) => write!(f, "the status is {status}"),
            Self::Malformed => f.write_str("no answer, or not the one that was asked for"),
        }
    }
}

/// Fails unless `answer` is one response of status 200 with [`BODY`] and nothing more.
fn check(answer: &[u8]) -> Result<(), Fault> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(length)) = response.parse(answer) else {
        return Err(Fault::Malformed);
    };
    match response.code {
        Some(200) if answer.get(length..) == Some(BODY.as_bytes()) => Ok(()),
        Some(200) | None => Err(Fault::Malformed),
        Some(status) => Err(Fault::Status(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_right_only_if_it_is_whole() {
        let right = format!("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{BODY}");
        assert!(check(right.as_bytes()).is_ok());
        for end in 0..right.len() {
            let part = right.as_bytes().get(..end).unwrap_or_default();
            assert!(matches!(check(part), Err(Fault::Malformed)), "{end} bytes");
        }
        let more = [right.as_bytes(), b"!"].concat();
        assert!(matches!(check(&more), Err(Fault::Malformed)));
        let refused = right.replace("200 OK", "503 Busy");
        assert!(matches!(check(refused.as_bytes()), Err(Fault::Status(503))));
    }
}
