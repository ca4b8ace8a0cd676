//! Connections that a server keeps for nothing: opened, asked once, held.

use std::io;
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};

use crate::interrupt::Interrupt;
use crate::server::Server;

/// Connections between two checks for Ctrl-C.
const BATCH: u32 = 256;

/// Open connections that have had one request answered.
pub(crate) struct Held(Vec<TcpStream>);

/// Opens `count` connections to `server`, one after the other.
pub(crate) fn hold(server: &Server<'_>, count: u32, interrupt: &Interrupt) -> Result<Held> {
    let mut held = Vec::new();
    for number in 0..count {
        if number.is_multiple_of(BATCH) {
            interrupt.check()?;
        }
        let stream = server
            .connect()
            .with_context(|| format!("idle connection {number}"))?;
        held.push(stream);
    }
    Ok(Held(held))
}

impl Held {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Fails if the server has closed any of the connections or sent more on it.
    pub(crate) fn ensure_held(&self) -> Result<()> {
        let is_held = |stream: &&TcpStream| {
            stream.set_nonblocking(true).is_ok()
                && stream
                    .peek(&mut [0])
                    .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        let count = self.0.iter().filter(is_held).count();
        ensure!(
            count == self.0.len(),
            "the server closed {} of {} idle connections",
            self.0.len() - count,
            self.0.len()
        );
        Ok(())
    }
}
