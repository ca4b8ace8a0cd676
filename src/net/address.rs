//! Addresses to listen on, as written (`http://localhost:5000`) and as bound.
//!
//! Owns the spelling of addresses in both directions. Knows nothing of sockets: whether an address
//! can be bound is found out by [`super::listener`].

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::PathBuf;
use std::str::FromStr;

#[cfg(test)]
mod tests;

/// The port of an `http` address that names none (RFC 9110, section 4.2.1).
const HTTP_PORT: u16 = 80;

/// The permission bits that a socket file can have.
const MODE_BITS: u32 = 0o777;

/// One address to listen on, as asked for.
///
/// Host names are never looked up: a name other than `localhost` stands for every address of the
/// machine, because the name that clients use says nothing about the interface that they arrive on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
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

impl FromStr for Endpoint {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        parse(given.trim()).map_err(|fault| AddressError::new(given.trim(), fault))
    }
}

fn parse(given: &str) -> Result<Endpoint, AddressFault> {
    if given.is_empty() {
        return Err(AddressFault::Empty);
    }
    let (scheme, rest) = given.split_once("://").ok_or(AddressFault::MissingScheme)?;
    if scheme.eq_ignore_ascii_case("https") {
        return Err(AddressFault::HttpsNotSupported);
    }
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(AddressFault::UnknownScheme);
    }
    match rest.split_at_checked(5) {
        Some((prefix, name)) if prefix.eq_ignore_ascii_case("unix:") => parse_unix(name),
        _ => parse_tcp(rest),
    }
}

/// Parses what follows `http://unix:`.
fn parse_unix(rest: &str) -> Result<Endpoint, AddressFault> {
    let (name, query) = match rest.split_once('?') {
        Some((name, query)) => (name, Some(query)),
        None => (rest, None),
    };
    let mode = query.map(parse_mode).transpose()?;
    if let Some(name) = name.strip_prefix('@') {
        return match (name, mode) {
            ("", _) => Err(AddressFault::AbstractNameEmpty),
            (_, Some(_)) => Err(AddressFault::ModeOnAbstract),
            (name, None) => Ok(Endpoint::Abstract { name: name.into() }),
        };
    }
    if !name.starts_with('/') {
        return Err(AddressFault::UnixPathNotAbsolute);
    }
    // Kestrel ends the path at a colon and takes the rest for a path base, which is refused here as
    // elsewhere.
    if name.contains(":/") {
        return Err(AddressFault::PathBase);
    }
    if name.contains('\0') {
        return Err(AddressFault::UnixPathNul);
    }
    Ok(Endpoint::Unix {
        path: PathBuf::from(name),
        mode,
    })
}

/// Parses `mode=660`, the only option there is.
fn parse_mode(query: &str) -> Result<u32, AddressFault> {
    let digits = query
        .strip_prefix("mode=")
        .ok_or(AddressFault::UnknownOption)?;
    let octal = (3..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if octal && mode <= MODE_BITS => Ok(mode),
        _ => Err(AddressFault::BadMode),
    }
}

/// Parses what follows `http://` when it is a host with a port.
fn parse_tcp(rest: &str) -> Result<Endpoint, AddressFault> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    match tail.strip_prefix('/').unwrap_or(tail) {
        "" => {}
        option if option.starts_with('?') => return Err(AddressFault::OptionOnTcp),
        _ => return Err(AddressFault::PathBase),
    }
    let (host, port) = split_port(authority)?;
    if host.is_empty() {
        return Err(AddressFault::MissingHost);
    }
    if host == "*" || host == "+" {
        return Ok(Endpoint::AnyIp { port });
    }
    if host.starts_with('[') {
        return parse_ipv6(host, port);
    }
    if !host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    {
        return Err(AddressFault::BadHost);
    }
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        // No host name consists of digits only: taking a mistyped literal for a name would serve
        // every interface.
        let ip: Ipv4Addr = host.parse().map_err(|_| AddressFault::BadIpv4)?;
        return Ok(Endpoint::Ip(SocketAddr::from((ip, port))));
    }
    parse_name(host, port)
}

/// Splits `host:port`; the colons of a bracketed IPv6 address belong to the host.
fn split_port(authority: &str) -> Result<(&str, u16), AddressFault> {
    let port_at = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority
        .split_at_checked(port_at)
        .unwrap_or((authority, ""));
    if port.is_empty() {
        return Ok((host, HTTP_PORT));
    }
    let digits = port.strip_prefix(':').ok_or(AddressFault::BadHost)?;
    if digits.contains(':') {
        return Err(AddressFault::Ipv6WithoutBrackets);
    }
    // `parse` alone would let a plus sign through.
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AddressFault::BadPort);
    }
    let port = digits.parse().map_err(|_| AddressFault::BadPort)?;
    Ok((host, port))
}

/// Parses `[::1]`, with a numeric scope (`[fe80::1%2]`) where there is one.
fn parse_ipv6(host: &str, port: u16) -> Result<Endpoint, AddressFault> {
    // The standard library reads a scope only as part of a socket address.
    let mut address: SocketAddrV6 = format!("{host}:0")
        .parse()
        .map_err(|_| AddressFault::BadIpv6)?;
    address.set_port(port);
    Ok(Endpoint::Ip(SocketAddr::V6(address)))
}

fn parse_name(host: &str, port: u16) -> Result<Endpoint, AddressFault> {
    let lower = host.to_ascii_lowercase();
    let below_localhost = lower
        .strip_suffix(".localhost")
        .is_some_and(|prefix| !prefix.is_empty());
    if lower != "localhost" && !below_localhost {
        return Ok(Endpoint::AnyIp { port });
    }
    if port == 0 {
        return Err(AddressFault::LocalhostPortZero);
    }
    Ok(Endpoint::Localhost {
        name: below_localhost.then(|| lower.into_boxed_str()),
        port,
    })
}

/// An address as it was really bound, spelled the way clients can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundAddress {
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
        match self {
            Self::Localhost { name, port } => {
                let name = name.as_deref().unwrap_or("localhost");
                write!(f, "http://{name}:{port}")
            }
            Self::Ip(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "http://unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "http://unix:@{name}"),
        }
    }
}

/// An address that cannot be understood: what was given and what is wrong with it, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    given: Box<str>,
    fault: AddressFault,
}

impl AddressError {
    fn new(given: &str, fault: AddressFault) -> Self {
        Self {
            given: given.into(),
            fault,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> AddressFault {
        self.fault
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug quoting keeps line breaks and control characters of the input out of the message.
        write!(f, "cannot listen on {:?}: {}", self.given, self.fault)
    }
}

impl std::error::Error for AddressError {}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFault {
    /// There is no address at all.
    Empty,
    /// There is no `://`.
    MissingScheme,
    /// The scheme is neither `http` nor `https`.
    UnknownScheme,
    /// The scheme is `https`, which this version cannot serve.
    HttpsNotSupported,
    /// There is nothing between `://` and the port.
    MissingHost,
    /// The host holds a character that host names do not have.
    BadHost,
    /// The host consists of digits and dots and is no IPv4 address.
    BadIpv4,
    /// The brackets do not hold an IPv6 address.
    BadIpv6,
    /// The host looks like an IPv6 address without its brackets.
    Ipv6WithoutBrackets,
    /// The port is not a number from 0 to 65535.
    BadPort,
    /// `localhost` with port 0: two addresses that cannot agree on a free port.
    LocalhostPortZero,
    /// There is a path behind the address.
    PathBase,
    /// There are options behind an address that is no Unix domain socket.
    OptionOnTcp,
    /// The path of a Unix domain socket does not begin with `/`.
    UnixPathNotAbsolute,
    /// The path of a Unix domain socket holds a NUL.
    UnixPathNul,
    /// There is nothing behind the `@`.
    AbstractNameEmpty,
    /// The option is not `mode`.
    UnknownOption,
    /// The mode is not three octal digits.
    BadMode,
    /// A mode for a socket that has no file.
    ModeOnAbstract,
}

impl fmt::Display for AddressFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no address is given; name one, such as http://localhost:5000",
            Self::MissingScheme => {
                "the scheme is missing; write http://HOST:PORT or http://unix:/PATH"
            }
            Self::UnknownScheme => {
                "only http is served; write http://HOST:PORT or http://unix:/PATH"
            }
            Self::HttpsNotSupported => {
                "https is not supported yet; listen on http and let a proxy in front end TLS"
            }
            Self::MissingHost => {
                "the host is missing; name one, or * for every address of this machine"
            }
            Self::BadHost => {
                "the host is not a name or an IP address; write HOST:PORT, without user and \
                 password"
            }
            Self::BadIpv4 => {
                "the host is not an IPv4 address; write four numbers up to 255, such as 127.0.0.1"
            }
            Self::BadIpv6 => "the brackets do not hold an IPv6 address; write one such as [::1]",
            Self::Ipv6WithoutBrackets => "an IPv6 address needs brackets; write http://[::1]:PORT",
            Self::BadPort => "the port is not a number from 0 to 65535",
            Self::LocalhostPortZero => {
                "localhost is two addresses, which cannot share a port chosen by the kernel; \
                 write http://127.0.0.1:0 or http://[::1]:0"
            }
            Self::PathBase => {
                "an address to listen on has no path; remove it and route by path in the \
                 application"
            }
            Self::OptionOnTcp => {
                "only Unix domain sockets take options; remove what follows the question mark"
            }
            Self::UnixPathNotAbsolute => {
                "the path of a Unix domain socket is absolute; write http://unix:/PATH or \
                 http://unix:@NAME"
            }
            Self::UnixPathNul => "the path of a Unix domain socket holds a NUL; remove it",
            Self::AbstractNameEmpty => {
                "the name of an abstract socket is empty; write http://unix:@NAME"
            }
            Self::UnknownOption => {
                "the only option is ?mode=660, the permissions of the socket file"
            }
            Self::BadMode => "the mode is not three octal digits; write one such as ?mode=660",
            Self::ModeOnAbstract => {
                "an abstract socket has no permissions; remove the mode or use a path"
            }
        })
    }
}
