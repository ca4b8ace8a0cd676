//! A client that sends raw bytes and reads responses strictly (RFC 9112): what is not exactly as a
//! server may send it fails the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use super::HANG;

/// Field lines in the order they came, names in lower case.
pub type Fields = Vec<(String, String)>;

/// A response, or the head of one.
#[derive(Debug, Default)]
pub struct Response {
    pub status: u16,
    pub fields: Fields,
    pub body: Vec<u8>,
    /// The sizes of the chunks, when the body came chunked.
    pub chunks: Vec<usize>,
    pub trailers: Fields,
}

impl Response {
    /// The only field of this name; more than one fails the test.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(found, _)| found == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(
            values.next().is_none(),
            "more than one {name}: {:?}",
            self.fields
        );
        value
    }

    pub fn closes(&self) -> bool {
        self.field("connection")
            .is_some_and(|value| value.split(", ").any(|option| option == "close"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One connection of a client.
pub struct Client<S = TcpStream> {
    stream: S,
    /// Received and not yet read.
    buffer: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, HANG).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Says that nothing more will be sent; answers are still read.
    pub fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Ends the connection by a reset.
    pub fn reset(self) {
        SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }

    /// Sends until the server has taken nothing for a while, or all of it; answers how much.
    pub fn send_until_stuck(&mut self, bytes: &[u8]) -> usize {
        const A_WHILE: Duration = Duration::from_millis(500);
        self.stream.set_write_timeout(Some(A_WHILE)).unwrap();
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) => sent += count,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break;
                }
                Err(error) => panic!("after {sent} bytes: {error}"),
            }
        }
        self.stream.set_write_timeout(Some(HANG)).unwrap();
        sent
    }
}

impl<S: Read + Write> Client<S> {
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends one byte at a time. A server that has answered may close before the last one.
    pub fn send_bytewise(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.stream.write_all(std::slice::from_ref(byte)).is_err() {
                return;
            }
        }
    }

    /// Sends a GET for this path and reads the answer.
    #[track_caller]
    pub fn get(&mut self, path: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.response()
    }

    /// Reads a whole response with its body.
    #[track_caller]
    pub fn response(&mut self) -> Response {
        let mut response = self.head();
        if !matches!(response.status, 100..=199 | 204 | 304) {
            self.read_body(&mut response);
        }
        response
    }

    /// Reads the head of a response, all there is in an answer to HEAD and before a tunnel.
    #[track_caller]
    pub fn head(&mut self) -> Response {
        let line = self.line();
        let rest = line
            .strip_prefix("HTTP/1.1 ")
            .unwrap_or_else(|| panic!("no status line: {line:?}"));
        let (code, _reason) = rest.split_at_checked(3).unwrap();
        assert_eq!(
            rest.as_bytes().get(3),
            Some(&b' '),
            "no space behind the status: {line:?}"
        );
        Response {
            status: code.parse().unwrap(),
            fields: self.fields(),
            ..Response::default()
        }
    }

    #[track_caller]
    fn read_body(&mut self, response: &mut Response) {
        let coding = response.field("transfer-encoding").map(str::to_owned);
        let length = response
            .field("content-length")
            .map(|length| length.parse().unwrap());
        match (coding.as_deref(), length) {
            (Some("chunked"), None) => self.read_chunked(response),
            (None, Some(length)) => response.body = self.bytes(length),
            (None, None) => {
                assert!(
                    response.closes(),
                    "no length, and the connection stays: {response:?}"
                );
                response.body = self.rest();
            }
            (coding, length) => panic!("ambiguous framing: {coding:?} and {length:?}"),
        }
    }

    #[track_caller]
    fn read_chunked(&mut self, response: &mut Response) {
        loop {
            let line = self.line();
            let size = usize::from_str_radix(&line, 16)
                .unwrap_or_else(|_| panic!("no chunk size: {line:?}"));
            if size == 0 {
                response.trailers = self.fields();
                return;
            }
            response.chunks.push(size);
            response.body.extend(self.bytes(size));
            assert_eq!(self.bytes(2), b"\r\n");
        }
    }

    #[track_caller]
    fn fields(&mut self) -> Fields {
        let mut fields = Fields::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return fields;
            }
            let (name, value) = line
                .split_once(": ")
                .unwrap_or_else(|| panic!("no field line: {line:?}"));
            fields.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    /// Reads a line, without its CRLF.
    #[track_caller]
    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8(self.buffer.drain(..=end).collect()).unwrap();
                let line = line
                    .strip_suffix("\r\n")
                    .unwrap_or_else(|| panic!("LF alone: {line:?}"));
                assert!(!line.contains('\r'), "CR alone: {line:?}");
                return line.to_owned();
            }
            assert!(
                self.receive(),
                "the connection ended within a line: {:?}",
                self.buffer
            );
        }
    }

    /// Reads exactly so many bytes.
    #[track_caller]
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(
                self.receive(),
                "the connection ended after {} of {count} bytes",
                self.buffer.len()
            );
        }
        self.buffer.drain(..count).collect()
    }

    /// Reads to the orderly end of the connection.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        while self.receive() {}
        std::mem::take(&mut self.buffer)
    }

    /// The server must end the connection in order, without another byte.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(
            rest.is_empty(),
            "instead of the end: {:?}",
            String::from_utf8_lossy(&rest)
        );
    }

    /// Reads to the end, be it in order or a reset, and answers which bytes came and whether it
    /// was in order.
    #[track_caller]
    pub fn any_end(&mut self) -> (Vec<u8>, bool) {
        let mut part = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut part) {
                Ok(0) => return (std::mem::take(&mut self.buffer), true),
                Ok(count) => self.buffer.extend_from_slice(part.get(..count).unwrap()),
                Err(error) if is_reset(error.kind()) => {
                    return (std::mem::take(&mut self.buffer), false);
                }
                Err(error) => panic!("instead of the end: {error}"),
            }
        }
    }

    /// Receives what has come; false at the end of the connection.
    #[track_caller]
    fn receive(&mut self) -> bool {
        let mut part = [0; 16 * 1024];
        match self.stream.read(&mut part) {
            Ok(0) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(part.get(..count).unwrap());
                true
            }
            // A test that sends signals may be met by one itself.
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(error) => panic!("after {:?}: {error}", String::from_utf8_lossy(&self.buffer)),
        }
    }
}

fn is_reset(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
    )
}
