//! A server under measurement: started on a free port, checked to give the right answers, ended
//! when dropped.
#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::answer::{self, Answer};
use crate::content::Content;
use crate::interrupt::Interrupt;
use crate::load::Target;
use crate::mode::{Body, Direction, Mode, Protocol, Traffic};
use crate::peer::{Peer, Site};
use crate::process::Running;
use crate::process::usage::{Memory, Usage};
use crate::tls::certificate::Certificate;
use crate::tls::{self, Negotiated};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(10);
/// The upload by which a server that counts is checked: more than the windows it starts with.
const UPLOAD_CHECKED: usize = 3_000_000;

/// What servers are started for: the same for all of a comparison.
pub(crate) struct Setting {
    mode: &'static Mode,
    content: Content,
    certificate: Option<Certificate>,
    core: usize,
    interrupt: Interrupt,
}

/// A running server. The fields are dropped in order: the processes, then their directory.
pub(crate) struct Server<'a> {
    running: Running,
    address: SocketAddr,
    peer: &'static Peer,
    setting: &'a Setting,
    negotiated: Option<Negotiated>,
    _directory: TempDir,
}

impl Setting {
    /// Servers of `mode` are to run on `core` and serve `content`; makes the certificate that they
    /// need.
    pub(crate) fn new(
        mode: &'static Mode,
        content: Content,
        core: usize,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let certificate = match mode.security.version() {
            Some(_) => Some(Certificate::create()?),
            None => None,
        };
        Ok(Self {
            mode,
            content,
            certificate,
            core,
            interrupt: interrupt.clone(),
        })
    }

    /// Starts `peer` from `program` and waits until it answers as the mode wants it.
    pub(crate) fn start(&self, peer: &'static Peer, program: &Path) -> Result<Server<'_>> {
        let directory = tempfile::Builder::new().prefix("lanner-bench-").tempdir()?;
        let address = free_address()?;
        let site = Site {
            port: address.port(),
            protocol: self.mode.protocol,
            once: matches!(self.mode.traffic, Traffic::Connections { .. }),
            directory: directory.path(),
            content: self.content.path(),
            certificate: self.certificate.as_ref(),
        };
        let command = peer.command(program, &site)?;
        let running = Running::start(command, self.core, &directory.path().join("output"))?;
        let mut server = Server {
            running,
            address,
            peer,
            setting: self,
            negotiated: None,
            _directory: directory,
        };
        server
            .wait_until_ready()
            .with_context(|| format!("the server {} does not come up", peer.name))?;
        Ok(server)
    }
}

impl<'a> Server<'a> {
    fn wait_until_ready(&mut self) -> Result<()> {
        let ready = self.setting.interrupt.wait_for(START_LIMIT, || {
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
        self.negotiated = self
            .check(stream)
            .with_context(|| self.running.last_words())?;
        Ok(())
    }

    /// Fails unless the answers are those that the mode measures; says what TLS has come to.
    fn check(&self, mut stream: TcpStream) -> Result<Option<Negotiated>> {
        let mode = self.setting.mode;
        let negotiated = match &self.setting.certificate {
            None => {
                if mode.protocol == Protocol::Http1 {
                    self.ask(&mut stream)?;
                }
                None
            }
            Some(_) => Some(self.ask_secured(stream)?),
        };
        if mode.protocol == Protocol::Http2 {
            Answer::over_http2(self.address, self.setting.certificate.as_ref())?
                .expect_small(self.peer.lacking)?;
        }
        if mode.traffic == Traffic::Transfer(Direction::Upload) && self.peer.counts {
            Answer::to_upload(self.address, UPLOAD_CHECKED)?
                .expect_count(UPLOAD_CHECKED)
                .context("after an upload")?;
        }
        Ok(negotiated)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The files that it serves, if it serves files.
    pub(crate) fn content(&self) -> &Content {
        &self.setting.content
    }

    /// What its TLS has come to with a client that leaves it no choice.
    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// What a load generator asks it for.
    pub(crate) fn target(&self, body: Body) -> Target<'a> {
        Target {
            address: self.address,
            body,
            certificate: self.setting.certificate.as_ref(),
        }
    }

    /// Opens a connection, has one request answered over HTTP/1.1 and checks the answer. With TLS,
    /// what the client knows of the connection is gone then, and the connection is idle.
    pub(crate) fn connect(&self) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address)?;
        match &self.setting.certificate {
            None => self.ask(&mut stream)?,
            Some(_) => {
                self.ask_secured(stream.try_clone()?)?;
            }
        }
        Ok(stream)
    }

    /// Sends one request on `stream` over HTTP/1.1 and checks the answer.
    fn ask(&self, stream: &mut TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(answer::LIMIT))?;
        Answer::over_http1(stream, self.address)?.expect_small(self.peer.lacking)
    }

    /// The same over TLS; with HTTP/2 no more than the handshake.
    fn ask_secured(&self, stream: TcpStream) -> Result<Negotiated> {
        let mode = self.setting.mode;
        let (Some(certificate), Some(version)) =
            (&self.setting.certificate, mode.security.version())
        else {
            bail!("there is no certificate");
        };
        stream.set_read_timeout(Some(answer::LIMIT))?;
        let (mut stream, negotiated) =
            tls::client::secure(stream, version, mode.protocol, &certificate.chain())?;
        negotiated.expect(version, mode.protocol)?;
        if mode.protocol == Protocol::Http1 {
            Answer::over_http1(&mut stream, self.address)?.expect_small(self.peer.lacking)?;
        }
        Ok(negotiated)
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
