//! Who is at the two ends of a connection.
//!
//! The kernel is asked only when an application asks: the accept path does not pay for addresses
//! that nobody reads.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use socket2::{SockAddr, SockRef};

/// The address of one end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerAddress {
    /// A TCP endpoint. An IPv4 peer of a dual-stack listener has its IPv4 address here, not the
    /// mapped one.
    Tcp(SocketAddr),
    /// A Unix domain socket with the path it is bound to; `None` if it is bound to nothing, as
    /// those of clients are.
    Unix(Option<PathBuf>),
    /// A Unix domain socket bound to an abstract name, without its leading NUL.
    Abstract(Vec<u8>),
}

impl PeerAddress {
    fn from_kernel(address: &SockAddr) -> io::Result<Self> {
        if let Some(ip) = address.as_socket() {
            return Ok(Self::Tcp(canonical(ip)));
        }
        if let Some(path) = address.as_pathname() {
            return Ok(Self::Unix(Some(Path::to_path_buf(path))));
        }
        if let Some(name) = address.as_abstract_namespace() {
            return Ok(Self::Abstract(name.to_vec()));
        }
        if address.is_unix() {
            return Ok(Self::Unix(None));
        }
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:"),
            Self::Abstract(name) => {
                let name = OsString::from_vec(name.clone());
                write!(f, "unix:@{}", name.display())
            }
        }
    }
}

/// Gives an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) back its IPv4 form, so that lists
/// of addresses and logs need to know one spelling only.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
            SocketAddr::new(address.ip().to_canonical(), v6.port())
        }
        _ => address,
    }
}

/// The address of the other end of a connected socket.
///
/// # Errors
///
/// Those of getpeername(2): `NotConnected` once the peer has reset the connection.
pub(crate) fn peer_address(socket: BorrowedFd<'_>) -> io::Result<PeerAddress> {
    PeerAddress::from_kernel(&SockRef::from(&socket).peer_addr()?)
}

/// The address of this end of a socket.
///
/// # Errors
///
/// Those of getsockname(2).
pub(crate) fn local_address(socket: BorrowedFd<'_>) -> io::Result<PeerAddress> {
    PeerAddress::from_kernel(&SockRef::from(&socket).local_addr()?)
}
