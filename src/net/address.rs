//! Addresses to listen on, as written (`http://localhost:5000`) and as bound.
//!
//! Owns the spelling of addresses in both directions. Knows nothing of sockets: whether an address
//! can be bound is found out by [`super::listener`]; nor of what `https` takes: here it is a word.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

mod fault;
mod parse;
#[cfg(test)]
mod tests;

pub use fault::{AddressError, AddressFault};

/// The scheme of an address: whether its connections begin with TLS (RFC 9110, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlScheme {
    /// Cleartext.
    Http,
    /// TLS.
    Https,
}

impl UrlScheme {
    /// As written in an address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of an address that names none (RFC 9110, sections 4.2.1 and 4.2.2).
    pub(crate) fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for UrlScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One address to listen on, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Cleartext or TLS.
    pub scheme: UrlScheme,
    /// Where.
    pub place: Place,
}

/// Where to listen.
///
/// Host names are never looked up: a name other than `localhost` stands for every address of the
/// machine, because the name that clients use says nothing about the interface that they arrive on.
/// A start says so, and a name that looks like a mistyped `localhost` is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// 127.0.0.1 and ::1, of which one may be missing.
    Localhost {
        /// The name as written when it is one below `localhost`, such as `app.localhost`.
        name: Option<Box<str>>,
        /// The port, never 0.
        port: u16,
    },
    /// One IP address; port 0 asks the kernel for a free port.
    Ip(SocketAddr),
    /// Every address of the machine, IPv6 and IPv4; port 0 asks the kernel for a free port.
    AnyIp {
        /// The host name that was written instead of `*`, if one was.
        name: Option<Box<str>>,
        /// The port.
        port: u16,
    },
    /// A Unix domain socket in the file system.
    Unix {
        /// The absolute path of the socket file.
        path: PathBuf,
        /// The permission bits of the socket file; without them the process's umask decides.
        mode: Option<u32>,
    },
    /// A Unix domain socket in the abstract namespace, which has no file and no permissions.
    Abstract {
        /// The name without its leading NUL (written `@`).
        name: Box<str>,
    },
}

impl Endpoint {
    /// Parses a list of addresses separated by `;`. Empty parts are skipped, as is white space
    /// around a part.
    ///
    /// # Errors
    ///
    /// The first address that cannot be understood, or [`AddressFault::Empty`] when the list names
    /// none.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, AddressError> {
        let endpoints = list
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect::<Result<Vec<Self>, AddressError>>()?;
        if endpoints.is_empty() {
            return Err(AddressError::new(list, AddressFault::Empty));
        }
        Ok(endpoints)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme;
        match &self.place {
            Place::Localhost { name, port } => {
                let name = name.as_deref().unwrap_or("localhost");
                write!(f, "{scheme}://{name}:{port}")
            }
            Place::Ip(address) => write!(f, "{scheme}://{address}"),
            Place::AnyIp { name, port } => {
                write!(f, "{scheme}://{}:{port}", name.as_deref().unwrap_or("*"))
            }
            Place::Unix { path, .. } => write!(f, "{scheme}://unix:{}", path.display()),
            Place::Abstract { name } => write!(f, "{scheme}://unix:@{name}"),
        }
    }
}

/// An address as it was really bound, spelled the way clients can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundAddress {
    /// Cleartext or TLS.
    pub scheme: UrlScheme,
    /// Where.
    pub place: BoundPlace,
}

/// Where a socket was really bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundPlace {
    /// The loopback addresses of the machine.
    Localhost {
        /// A name below `localhost` that was asked for.
        name: Option<Box<str>>,
        /// The port.
        port: u16,
    },
    /// An IP address with the port in use, never 0. The unspecified address stands for every
    /// address of the machine.
    Ip(SocketAddr),
    /// A Unix domain socket in the file system.
    Unix(PathBuf),
    /// A Unix domain socket in the abstract namespace, its name without the leading NUL.
    Abstract(Box<str>),
}

impl fmt::Display for BoundAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme;
        match &self.place {
            BoundPlace::Localhost { name, port } => {
                let name = name.as_deref().unwrap_or("localhost");
                write!(f, "{scheme}://{name}:{port}")
            }
            BoundPlace::Ip(address) => write!(f, "{scheme}://{address}"),
            BoundPlace::Unix(path) => write!(f, "{scheme}://unix:{}", path.display()),
            BoundPlace::Abstract(name) => write!(f, "{scheme}://unix:@{name}"),
        }
    }
}
