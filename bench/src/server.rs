//! A server under measurement: started on a free port, checked to give the right answers, ended
//! when dropped.
#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::answer::Answer;
use crate::content::Content;
use crate::interrupt::Interrupt;
use crate::mode::{Direction, Mode, PATH, Protocol, Traffic};
use crate::peer::{Peer, Site};
use crate::process::Running;
use crate::process::usage::{Memory, Usage};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(10);
/// The upload by which a server that counts is checked: more than the windows it starts with.
const UPLOAD_CHECKED: usize = 3_000_000;

/// A running server. The fields are dropped in order: the processes, then their directory.
pub(crate) struct Server {
    running: Running,
    address: SocketAddr,
    peer: &'static Peer,
    _directory: TempDir,
}

impl Server {
    /// Starts `peer` from `program` on `core` and waits until it answers as `mode` wants it.
    pub(crate) fn start(
        peer: &'static Peer,
        program: &Path,
        mode: &Mode,
        content: &Content,
        core: usize,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("lanner-bench-").tempdir()?;
        let address = free_address()?;
        let site = Site {
            port: address.port(),
            protocol: mode.protocol,
            directory: directory.path(),
            content: content.path(),
        };
        let command = peer.command(program, &site)?;
        let running = Running::start(command, core, &directory.path().join("output"))?;
        let mut server = Self {
            running,
            address,
            peer,
            _directory: directory,
        };
        server
            .wait_until_ready(mode, interrupt)
            .with_context(|| format!("the server {} does not come up", peer.name))?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, mode: &Mode, interrupt: &Interrupt) -> Result<()> {
        let ready = interrupt.wait_for(START_LIMIT, || {
            if let Some(status) = self.running.ended()? {
                bail!("it ended, {status}; {}", self.running.last_words());
            }
            match TcpStream::connect(self.address) {
                Ok(stream) => Ok(Some(stream)),
                Err(_) => Ok(None),
            }
        })?;
        let Some(stream) = ready else {
            bail!(
                "nothing listens on {} after {} s; {}",
                self.address,
                START_LIMIT.as_secs(),
                self.running.last_words()
            );
        };
        self.check(mode, stream)
            .with_context(|| self.running.last_words())
    }

    /// Fails unless the answers are those that `mode` measures.
    fn check(&self, mode: &Mode, mut stream: TcpStream) -> Result<()> {
        match mode.protocol {
            Protocol::Http1 => self.ask(&mut stream)?,
            Protocol::Http2 => {
                Answer::over_http2(self.address)?.expect_small(self.peer.lacking)?;
            }
        }
        if mode.traffic == Traffic::Transfer(Direction::Upload) && self.peer.counts {
            Answer::to_upload(self.address, UPLOAD_CHECKED)?
                .expect_count(UPLOAD_CHECKED)
                .context("after an upload")?;
        }
        Ok(())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of small requests.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Sends one request on `stream` over HTTP/1.1 and checks the answer.
    pub(crate) fn ask(&self, stream: &mut TcpStream) -> Result<()> {
        Answer::over_http1(stream, self.address)?.expect_small(self.peer.lacking)
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

/// A loopback address that nothing listens on right now.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?)
}
