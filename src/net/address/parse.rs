//! Reading addresses as users write them.
//!
//! Owns the grammar, and which forms are refused although they could be guessed at.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::PathBuf;
use std::str::FromStr;

use super::fault::{AddressError, AddressFault};
use super::{Endpoint, Place, UrlScheme};

/// The permission bits that a socket file can have.
const MODE_BITS: u32 = 0o777;

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
    if is_several(given) {
        return Err(AddressFault::Separator);
    }
    let (scheme, rest) = given.split_once("://").ok_or(AddressFault::MissingScheme)?;
    let scheme = [UrlScheme::Http, UrlScheme::Https]
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
        .ok_or(AddressFault::UnknownScheme)?;
    let place = match rest.split_at_checked(5) {
        Some((prefix, name)) if prefix.eq_ignore_ascii_case("unix:") => parse_unix(name)?,
        _ => parse_tcp(rest, scheme.default_port())?,
    };
    Ok(Endpoint { scheme, place })
}

/// Whether these are several addresses with a comma or white space between them. A path of a Unix
/// domain socket may have either.
fn is_several(given: &str) -> bool {
    let mut parts = given
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty());
    let _first = parts.next();
    let schemes = given.matches("://").count();
    parts.next().is_some()
        && match schemes {
            0 => true,
            1 => given.contains(',') && !given.to_ascii_lowercase().contains("://unix:"),
            _ => true,
        }
}

/// Parses what follows `unix:`.
fn parse_unix(rest: &str) -> Result<Place, AddressFault> {
    let (name, query) = match rest.split_once('?') {
        Some((name, query)) => (name, Some(query)),
        None => (rest, None),
    };
    let mode = query.map(parse_mode).transpose()?;
    if let Some(name) = name.strip_prefix('@') {
        return match (name, mode) {
            ("", _) => Err(AddressFault::AbstractNameEmpty),
            (_, Some(_)) => Err(AddressFault::ModeOnAbstract),
            (name, None) => Ok(Place::Abstract { name: name.into() }),
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
    Ok(Place::Unix {
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

/// Parses what follows `http://` or `https://` when it is a host with a port.
fn parse_tcp(rest: &str, default_port: u16) -> Result<Place, AddressFault> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    match tail.strip_prefix('/').unwrap_or(tail) {
        "" => {}
        option if option.starts_with('?') => return Err(AddressFault::OptionOnTcp),
        _ => return Err(AddressFault::PathBase),
    }
    let (host, port) = split_port(authority, default_port)?;
    if host.is_empty() {
        return Err(AddressFault::MissingHost);
    }
    if host == "*" || host == "+" {
        return Ok(Place::AnyIp { name: None, port });
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
        return Ok(Place::Ip(SocketAddr::from((ip, port))));
    }
    parse_name(host, port)
}

/// Splits `host:port`; the colons of a bracketed IPv6 address belong to the host.
fn split_port(authority: &str, default_port: u16) -> Result<(&str, u16), AddressFault> {
    let port_at = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority
        .split_at_checked(port_at)
        .unwrap_or((authority, ""));
    if port.is_empty() {
        return Ok((host, default_port));
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
fn parse_ipv6(host: &str, port: u16) -> Result<Place, AddressFault> {
    // The standard library reads a scope only as part of a socket address.
    let mut address: SocketAddrV6 = format!("{host}:0")
        .parse()
        .map_err(|_| AddressFault::BadIpv6)?;
    address.set_port(port);
    Ok(Place::Ip(SocketAddr::V6(address)))
}

fn parse_name(host: &str, port: u16) -> Result<Place, AddressFault> {
    let lower = host.to_ascii_lowercase();
    let below_localhost = lower
        .strip_suffix(".localhost")
        .is_some_and(|prefix| !prefix.is_empty());
    if lower != "localhost" && !below_localhost {
        if is_nearly_ipv4(&lower) {
            return Err(AddressFault::BadIpv4);
        }
        if is_nearly(&lower, "localhost") {
            return Err(AddressFault::NearlyLocalhost);
        }
        let name = Some(lower.into_boxed_str());
        return Ok(Place::AnyIp { name, port });
    }
    if port == 0 {
        return Err(AddressFault::LocalhostPortZero);
    }
    Ok(Place::Localhost {
        name: below_localhost.then(|| lower.into_boxed_str()),
        port,
    })
}

/// Whether this is an IPv4 address with a letter in it, such as `127.0.0.l`. Nobody has a name that
/// ends in a number, nor one of four short labels that are mostly numbers.
fn is_nearly_ipv4(name: &str) -> bool {
    const LABELS: usize = 4;
    let is_number = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    let labels: Vec<&str> = name.split('.').collect();
    let numbers = labels.iter().filter(|label| is_number(label)).count();
    labels.last().is_some_and(is_number)
        || (labels.len() == LABELS
            && labels.iter().all(|label| label.len() < LABELS)
            && numbers >= LABELS / 2)
}

/// Whether at most two letters are wrong, missing or too many in `given`; two that changed places
/// are two that are wrong.
fn is_nearly(given: &str, meant: &str) -> bool {
    const WRONG_MAX: usize = 2;
    // One row of the table of Levenshtein's distance, for the letters of `given` so far.
    let mut row: Vec<usize> = (0..=meant.len()).collect();
    for (written, letter) in given.bytes().enumerate() {
        let mut diagonal = written;
        let mut left = written + 1;
        for (place, expected) in row
            .iter_mut()
            .zip(std::iter::once(None).chain(meant.bytes().map(Some)))
        {
            let above = *place;
            if let Some(expected) = expected {
                left = (diagonal + usize::from(letter != expected))
                    .min(above + 1)
                    .min(left + 1);
            }
            *place = left;
            diagonal = above;
        }
    }
    row.last().is_some_and(|wrong| *wrong <= WRONG_MAX)
}
