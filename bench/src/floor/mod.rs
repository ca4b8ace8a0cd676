//! The floors: the least that a correct HTTP/1.1 server could cost, by each way to wait for sockets.
//!
//! One thread each, the same parser, the same answer. Everything that a server has besides
//! (routing, bodies, limits, time-outs, handlers) is left out on purpose: the distance to a floor is
//! what a server pays for them.
//!
//! The `unsafe` of this crate is in `ring`.

mod answer;
mod epoll;
mod glommio;
mod ring;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result};
use clap::ValueEnum;
use socket2::{Domain, Socket, Type};

/// Pending connections the kernel may hold.
const BACKLOG: i32 = 4096;

/// How a floor waits for its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A ring of its own: multishot accept and receive, provided buffers.
    Ring,
    /// epoll, with one read and one write for each answer.
    Epoll,
    /// The sockets of glommio, a task for each.
    Glommio,
}

/// Serves `address` on the calling thread until that fails; `once` ends each connection after its
/// first answer, for clients that make one for each request.
pub(crate) fn run(kind: Kind, address: SocketAddr, once: bool) -> Result<Infallible> {
    let listen = || listen(address).with_context(|| format!("binding {address}"));
    match kind {
        Kind::Ring => ring::serve(&listen()?, once).context("the ring failed"),
        Kind::Epoll => epoll::serve(&listen()?, once).context("epoll failed"),
        Kind::Glommio => glommio::serve(address, once).context("glommio failed"),
    }
}

/// Binds `address` as a floor wants its listener: TCP_NODELAY set for the sockets to inherit.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests;
