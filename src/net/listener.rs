//! Binding endpoints: one listening socket per shard and TCP address.
//!
//! Owns the order of socket calls, the detection of addresses that are taken, and what is done when
//! part of an endpoint cannot be had. Knows nothing of shards but their number; who accepts, and
//! how, is theirs.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use socket2::{Domain, Protocol, Socket, Type};

use super::address::{BoundAddress, BoundPlace, Endpoint, Place, UrlScheme};
use super::departed;
use super::fault::{BindError, BindFault};
use super::unix::{self, UnixSocketFile};

#[cfg(test)]
mod tests;

/// How many connections the kernel completes ahead of accept, per listening socket (Kestrel's
/// default); the kernel lowers it to net.core.somaxconn in silence.
pub(crate) const DEFAULT_BACKLOG: u16 = 512;

/// How endpoints are bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BindOptions {
    /// Connections that the kernel completes ahead of accept, per listening socket.
    pub(crate) backlog: u16,
    /// Share TCP ports with other processes of the same user that ask for it too.
    pub(crate) reuse_port: bool,
    /// How many shards accept.
    pub(crate) shards: NonZeroUsize,
}

/// A listening socket of one shard.
#[derive(Debug)]
pub(crate) struct Listener {
    fd: OwnedFd,
    address: BoundAddress,
}

impl Listener {
    /// The address as bound; for `localhost` the one loopback address of this socket.
    pub(crate) fn address(&self) -> &BoundAddress {
        &self.address
    }

    /// Whether its connections begin with TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.address.scheme == UrlScheme::Https
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Everything that was bound.
#[derive(Debug)]
pub(crate) struct BoundListeners {
    /// The listeners of each shard. Every shard has sockets of its own for TCP, among which the
    /// kernel spreads new connections; for Unix domain sockets, which know no SO_REUSEPORT, each
    /// has a duplicate of one shared socket, and a connection goes to the shard that accepts first.
    pub(crate) per_shard: Vec<Vec<Listener>>,
    /// The addresses for people and clients, in the order of the endpoints, with the real ports.
    pub(crate) addresses: Vec<BoundAddress>,
    /// What turned out otherwise than asked for, to be logged.
    pub(crate) notes: Vec<BindNote>,
    /// The socket files that exist because of this server. Dropping one removes the file: the first
    /// step of a shutdown.
    pub(crate) files: Vec<UnixSocketFile>,
}

/// Something that turned out otherwise than asked for, but does not stand in the way of serving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BindNote {
    /// One of the two addresses of `localhost` cannot be had.
    LocalhostPartly(BindError),
    /// A host name was written, and any name but localhost is every address of the machine.
    NameIsEveryAddress(Box<str>),
    /// An any-IP endpoint serves IPv4 only.
    WithoutIpv6 {
        /// The port.
        port: u16,
        /// Why IPv6 could not be bound.
        fault: BindFault,
    },
    /// A socket file was there that nobody served.
    StaleFileRemoved(PathBuf),
}

impl fmt::Display for BindNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LocalhostPartly(error) => write!(f, "localhost is served in part: {error}"),
            Self::NameIsEveryAddress(name) => write!(
                f,
                "{name} is not looked up: every address of this machine is listened on; write * \
                 to say so, or one IP address"
            ),
            Self::WithoutIpv6 { port, fault } => {
                write!(f, "port {port} is served on IPv4 only: {fault}")
            }
            Self::StaleFileRemoved(path) => {
                write!(f, "removed the stale socket file {}", path.display())
            }
        }
    }
}

/// Binds every endpoint for every shard. On failure nothing stays bound.
///
/// **Addresses that are taken.** SO_REUSEPORT, which the shards need to have sockets of their own,
/// would also let two processes of one user share a port unawares. So the first socket of an
/// address binds *and listens* without it, which the kernel refuses if any socket listens there,
/// and is made shareable only then; the other shards' sockets join it. The port is never let go in
/// between, so of two servers that start at once at most one succeeds; once in thousands of such
/// starts neither does, as a socket counts as listening while its own listen is still being
/// checked. What remains: a process of the same user that sets SO_REUSEPORT and does not check
/// likewise can still join later. With `reuse_port` the check is left out.
///
/// An address whose last server was killed is waited for, up to a second ([`departed`]).
pub(crate) fn bind(
    endpoints: &[Endpoint],
    options: BindOptions,
) -> Result<BoundListeners, BindError> {
    let mut binder = Binder {
        options,
        tcp: Vec::new(),
        bound: BoundListeners {
            per_shard: (0..options.shards.get()).map(|_| Vec::new()).collect(),
            addresses: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
        },
    };
    for endpoint in endpoints {
        binder.endpoint(endpoint)?;
    }
    Ok(binder.bound)
}

/// The state of one call of [`bind`].
struct Binder {
    options: BindOptions,
    /// The TCP addresses bound so far, to tell a repetition in the list from another process.
    tcp: Vec<SocketAddr>,
    bound: BoundListeners,
}

impl Binder {
    fn endpoint(&mut self, endpoint: &Endpoint) -> Result<(), BindError> {
        let scheme = endpoint.scheme;
        match &endpoint.place {
            Place::Ip(address) => {
                let actual = self.tcp(scheme, *address)?;
                self.announce(scheme, BoundPlace::Ip(actual));
                Ok(())
            }
            Place::Localhost { name, port } => self.localhost(scheme, name.as_deref(), *port),
            Place::AnyIp { name, port } => {
                if let Some(name) = name {
                    let name = name.clone();
                    self.bound.notes.push(BindNote::NameIsEveryAddress(name));
                }
                self.any_ip(scheme, *port)
            }
            Place::Unix { path, mode } => self.unix(scheme, path, *mode),
            Place::Abstract { name } => self.abstract_name(scheme, name),
        }
    }

    /// Adds an address for people and clients.
    fn announce(&mut self, scheme: UrlScheme, place: BoundPlace) {
        self.bound.addresses.push(BoundAddress { scheme, place });
    }

    /// Either loopback address may be missing on a machine, but neither may be somebody else's:
    /// clients try both.
    fn localhost(
        &mut self,
        scheme: UrlScheme,
        name: Option<&str>,
        port: u16,
    ) -> Result<(), BindError> {
        let v4 = self.tcp(scheme, (Ipv4Addr::LOCALHOST, port).into());
        if let Err(error) = &v4
            && error.fault().is_in_use()
        {
            return Err(error.clone());
        }
        match (v4, self.tcp(scheme, (Ipv6Addr::LOCALHOST, port).into())) {
            (Ok(_), Ok(_)) => {}
            (Ok(_), Err(error)) if error.fault().is_in_use() => return Err(error),
            (Err(v4), Err(_)) => return Err(v4),
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
                self.bound.notes.push(BindNote::LocalhostPartly(error));
            }
        }
        if let Some(name) = name {
            let name = Some(name.into());
            self.announce(scheme, BoundPlace::Localhost { name, port });
        }
        self.announce(scheme, BoundPlace::Localhost { name: None, port });
        Ok(())
    }

    fn any_ip(&mut self, scheme: UrlScheme, port: u16) -> Result<(), BindError> {
        let actual = match self.tcp(scheme, (Ipv6Addr::UNSPECIFIED, port).into()) {
            Err(error) if error.fault().is_of_family() => {
                let actual = self.tcp(scheme, (Ipv4Addr::UNSPECIFIED, port).into())?;
                self.bound.notes.push(BindNote::WithoutIpv6 {
                    port: actual.port(),
                    fault: error.fault(),
                });
                actual
            }
            result => result?,
        };
        self.announce(scheme, BoundPlace::Ip(actual));
        Ok(())
    }

    /// Binds one TCP address for every shard and returns it with the real port.
    fn tcp(&mut self, scheme: UrlScheme, address: SocketAddr) -> Result<SocketAddr, BindError> {
        let bound = |address| BoundAddress {
            scheme,
            place: BoundPlace::Ip(address),
        };
        let is_own = self.tcp.iter().any(|own| overlap(*own, address));
        let listen = || listen_tcp(address, self.options);
        // Who shares an address waits for nobody, and no time takes away what this server has.
        let sockets = if is_own || self.options.reuse_port {
            listen()
        } else {
            departed::claim(Domain::for_address(address), &address.into(), listen)
        };
        let (sockets, actual) = sockets.map_err(|error| {
            let fault = match BindFault::from_tcp(&error, address.port()) {
                BindFault::AddressInUse if is_own => BindFault::ListedTwice,
                BindFault::AddressInUse if self.options.reuse_port => BindFault::NotShared,
                fault => fault,
            };
            BindError::new(bound(address), fault)
        })?;
        self.tcp.push(actual);
        self.add(sockets, &bound(actual));
        Ok(actual)
    }

    fn unix(&mut self, scheme: UrlScheme, path: &Path, mode: Option<u32>) -> Result<(), BindError> {
        let address = BoundAddress {
            scheme,
            place: BoundPlace::Unix(path.to_owned()),
        };
        let failed = |fault| BindError::new(address.clone(), fault);
        let unix = unix::listen_path(path, mode, self.options.backlog).map_err(failed)?;
        // Pushed before anything else can fail, so that a failure removes the file.
        self.bound.files.push(unix.file);
        if unix.stale_removed {
            self.bound
                .notes
                .push(BindNote::StaleFileRemoved(path.to_owned()));
        }
        self.share(unix.socket, address)
    }

    fn abstract_name(&mut self, scheme: UrlScheme, name: &str) -> Result<(), BindError> {
        let address = BoundAddress {
            scheme,
            place: BoundPlace::Abstract(name.into()),
        };
        let socket = unix::listen_abstract(name, self.options.backlog)
            .map_err(|fault| BindError::new(address.clone(), fault))?;
        self.share(socket, address)
    }

    /// Gives every shard a descriptor of the same socket.
    fn share(&mut self, socket: Socket, address: BoundAddress) -> Result<(), BindError> {
        let mut sockets = (1..self.options.shards.get())
            .map(|_| socket.try_clone())
            .collect::<io::Result<Vec<Socket>>>()
            .map_err(|error| BindError::new(address.clone(), BindFault::from_unix(&error)))?;
        sockets.push(socket);
        self.add(sockets, &address);
        self.bound.addresses.push(address);
        Ok(())
    }

    fn add(&mut self, sockets: Vec<Socket>, address: &BoundAddress) {
        for (listeners, socket) in self.bound.per_shard.iter_mut().zip(sockets) {
            listeners.push(Listener {
                fd: socket.into(),
                address: address.clone(),
            });
        }
    }
}

/// Whether a socket on one address stands in the way of one on the other.
fn overlap(own: SocketAddr, other: SocketAddr) -> bool {
    own.port() == other.port()
        && (own.ip() == other.ip() || own.ip().is_unspecified() || other.ip().is_unspecified())
}

/// One listening socket per shard on `address`, and the address with its real port.
fn listen_tcp(address: SocketAddr, options: BindOptions) -> io::Result<(Vec<Socket>, SocketAddr)> {
    let backlog = i32::from(options.backlog);
    let first = tcp_socket(address)?;
    first.set_reuse_port(options.reuse_port)?;
    first.bind(&address.into())?;
    // Binding alone proves nothing: with SO_REUSEADDR two sockets may bind as long as neither
    // listens.
    first.listen(backlog)?;
    first.set_reuse_port(true)?;
    let actual = first
        .local_addr()?
        .as_socket()
        .ok_or(io::ErrorKind::Unsupported)?;
    let mut sockets = vec![first];
    for _ in 1..options.shards.get() {
        let socket = tcp_socket(actual)?;
        socket.set_reuse_port(true)?;
        socket.bind(&actual.into())?;
        socket.listen(backlog)?;
        sockets.push(socket);
    }
    Ok((sockets, actual))
}

/// An unbound socket with every option but SO_REUSEPORT.
fn tcp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of an earlier run in TIME_WAIT must not keep a server from starting.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // The default is a sysctl (net.ipv6.bindv6only).
        socket.set_only_v6(false)?;
    }
    // Accepted sockets inherit it, which saves a call per connection.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}
