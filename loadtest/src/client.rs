//! A blocking HTTP/1.1 client that reads whole answers and nothing beyond them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer of the mix takes; a server that hangs ends the run instead of holding it.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The longest chunk and the longest body that an answer of the mix has.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// One answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// One connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, String> {
        let open = || {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.set_write_timeout(Some(TIMEOUT))?;
            Ok(stream)
        };
        open()
            .map(|stream| Self(BufReader::new(stream)))
            .map_err(|error: std::io::Error| format!("cannot connect: {error}"))
    }

    /// Sends bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0
            .get_mut()
            .write_all(bytes)
            .map_err(|error| format!("cannot send: {error}"))
    }

    /// Reads one answer.
    pub(crate) fn answer(&mut self) -> Result<Answer, String> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| format!("no status line: {line:?}"))?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().map_err(|_| format!("no length: {line:?}"))?;
            }
            chunked |= line == "transfer-encoding: chunked";
        }
        let body = if chunked {
            self.chunks()?
        } else {
            self.exactly(length)?
        };
        Ok(Answer { status, body })
    }

    fn chunks(&mut self) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let length =
                u64::from_str_radix(&line, 16).map_err(|_| format!("no chunk size: {line:?}"))?;
            let data = self.exactly(length)?;
            let end = self.line()?;
            if !end.is_empty() {
                return Err(format!("a chunk is followed by {end:?}"));
            }
            if data.is_empty() {
                return Ok(body);
            }
            body.extend_from_slice(&data);
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.0
            .by_ref()
            .take(8192)
            .read_line(&mut line)
            .map_err(|error| format!("no answer: {error}"))?;
        line.strip_suffix("\r\n")
            .map(str::to_owned)
            .ok_or_else(|| format!("the answer ends in {line:?}"))
    }

    fn exactly(&mut self, length: u64) -> Result<Vec<u8>, String> {
        if length > BODY_BYTES_MAX {
            return Err(format!("a body of {length} bytes was not asked for"));
        }
        let mut body = Vec::new();
        self.0
            .by_ref()
            .take(length)
            .read_to_end(&mut body)
            .map_err(|error| format!("no body: {error}"))?;
        if body.len() as u64 == length {
            Ok(body)
        } else {
            Err("the body is cut short".to_owned())
        }
    }
}
