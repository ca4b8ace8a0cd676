//! The listening socket of the peers that take one, with the settings of the comparison.
#![allow(
    dead_code,
    reason = "each peer is a program of its own and uses what it needs"
)]

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// Pending connections the kernel may hold; above the largest connection count measured.
const BACKLOG: i32 = 4096;

/// The address in the only argument.
pub(crate) fn address() -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(address), None) => Ok(address.parse()?),
        _ => Err("usage: PEER ADDRESS:PORT".into()),
    }
}

/// Binds `address`. TCP_NODELAY is inherited by every accepted socket: no call per connection.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
