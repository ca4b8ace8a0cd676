//! A server under measurement: started on a free port, checked to give the right answer, ended
//! when dropped.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::interrupt::Interrupt;
use crate::mode::Mode;
use crate::peer::Peer;
use crate::process::Running;
use crate::process::usage::{Memory, Usage};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long a single answer may take when nothing else is going on.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes.
const ANSWER_SIZE: usize = 4096;

/// A running server. The fields are dropped in order: the processes, then their directory.
pub(crate) struct Server {
    running: Running,
    address: SocketAddr,
    mode: &'static Mode,
    _directory: TempDir,
}

impl Server {
    /// Starts `peer` from `program` on `core` and waits until it answers as `mode` wants it.
    pub(crate) fn start(
        peer: &Peer,
        program: &Path,
        mode: &'static Mode,
        core: usize,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("lanner-bench-").tempdir()?;
        let address = free_address()?;
        let command = peer.command(program, address.port(), directory.path())?;
        let running = Running::start(command, core, &directory.path().join("output"))?;
        let mut server = Self {
            running,
            address,
            mode,
            _directory: directory,
        };
        server
            .wait_until_ready(interrupt)
            .with_context(|| format!("the server {} does not come up", peer.name))?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, interrupt: &Interrupt) -> Result<()> {
        let ready = interrupt.wait_for(START_LIMIT, || {
            if let Some(status) = self.running.ended()? {
                bail!("it ended, {status}; {}", self.running.last_words());
            }
            match TcpStream::connect(self.address) {
                Ok(stream) => Ok(Some(stream)),
                Err(_) => Ok(None),
            }
        })?;
        let Some(mut stream) = ready else {
            bail!(
                "nothing listens on {} after {} s; {}",
                self.address,
                START_LIMIT.as_secs(),
                self.running.last_words()
            );
        };
        self.ask(&mut stream)
            .with_context(|| self.running.last_words())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that is measured.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.mode.path)
    }

    /// Sends one request on `stream` and checks the answer: 200 and the body, nothing after it.
    pub(crate) fn ask(&self, stream: &mut TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(
            format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
                self.mode.path, self.address
            )
            .as_bytes(),
        )?;
        let answer = read_answer(stream, self.mode.body).context("reading the answer")?;
        ensure!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(self.mode.body),
            "it answers {answer:?} instead of 200 and {:?}",
            self.mode.body
        );
        Ok(())
    }

    /// The counters of its processes.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of_group(self.running.id()).with_context(|| self.running.last_words())
    }

    /// The memory of its processes.
    pub(crate) fn memory(&self) -> Result<Memory> {
        Memory::of_group(self.running.id())
    }
}

/// Reads until the answer ends with `body`, the peer closes or [`ANSWER_SIZE`] is reached.
fn read_answer(stream: &mut TcpStream, body: &str) -> io::Result<String> {
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    while answer.len() < ANSWER_SIZE && !answer.ends_with(body.as_bytes()) {
        match stream.read(&mut chunk)? {
            0 => break,
            count => answer.extend_from_slice(chunk.get(..count).unwrap_or_default()),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A loopback address that nothing listens on right now.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?)
}
