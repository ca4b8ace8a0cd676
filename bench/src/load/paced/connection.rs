//! One keep-alive connection with at most one request under way.

use std::fmt::{self, Display, Formatter};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use crate::mode::BODY;

/// Most fields in the head of an answer.
const FIELDS_MAX: usize = 32;
/// The longest answer, in bytes; the right one is much shorter.
const ANSWER_MAX: usize = 8192;

/// Why a connection cannot go on.
#[derive(Debug)]
pub(super) enum Fault {
    /// Reading or writing failed, or the server has closed.
    Socket(io::Error),
    /// The status is not 200.
    Status(u16),
    /// What came is not the answer that was asked for.
    Malformed,
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => write!(f, "the connection: {error}"),
            Self::Status(status) => write!(f, "the status is {status}"),
            Self::Malformed => f.write_str("no answer, or not the one that was asked for"),
        }
    }
}

/// The connection.
pub(super) struct Connection {
    socket: TcpStream,
    answer: Vec<u8>,
    due: Option<Instant>,
}

impl Connection {
    /// Connects to `address`.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            answer: Vec::with_capacity(ANSWER_MAX),
            due: None,
        })
    }

    /// Sends a request that was due at `due`. It always fits, as none is under way.
    pub(super) fn send(&mut self, request: &[u8], due: Instant) -> Result<(), Fault> {
        self.due = Some(due);
        self.socket.write_all(request).map_err(Fault::Socket)
    }

    /// Whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.due.is_some()
    }

    /// Reads what there is; answers when the request was due whose answer is complete.
    pub(super) fn receive(&mut self) -> Result<Option<Instant>, Fault> {
        let mut bytes = [0; 2048];
        let count = match self.socket.read(&mut bytes) {
            Ok(0) => return Err(Fault::Socket(ErrorKind::UnexpectedEof.into())),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(Fault::Socket(error)),
        };
        let read = bytes.get(..count).unwrap_or_default();
        self.answer.extend_from_slice(read);
        if !is_complete(&self.answer)? {
            return Ok(None);
        }
        self.answer.clear();
        // An answer to nothing is none.
        self.due.take().map(Some).ok_or(Fault::Malformed)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether `answer` is one response of status 200 with [`BODY`]; fails if it cannot become one.
fn is_complete(answer: &[u8]) -> Result<bool, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(answer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if answer.len() < ANSWER_MAX => return Ok(false),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Fault::Malformed),
    };
    match response.code {
        Some(200) => {}
        Some(status) => return Err(Fault::Status(status)),
        None => return Err(Fault::Malformed),
    }
    let body = answer.get(length..).unwrap_or_default();
    if body == BODY.as_bytes() {
        return Ok(true);
    }
    if BODY.as_bytes().starts_with(body) {
        return Ok(false);
    }
    Err(Fault::Malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_answer_is_complete_with_its_last_byte_and_no_other() {
        let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{BODY}");
        assert!(is_complete(whole.as_bytes()).unwrap());
        for end in 0..whole.len() {
            let part = whole.as_bytes().get(..end).unwrap();
            assert!(!is_complete(part).unwrap(), "{end} bytes");
        }
        let wrong = |text: String| is_complete(text.as_bytes());
        assert!(matches!(wrong(whole.clone() + "!"), Err(Fault::Malformed)));
        assert!(matches!(
            wrong(whole.replace("World", "Moon!")),
            Err(Fault::Malformed)
        ));
        assert!(matches!(
            wrong(whole.replace("200 OK", "503 Busy")),
            Err(Fault::Status(503))
        ));
    }
}
