//! Networks by address and prefix (RFC 4632, 3.1; RFC 4291, 2.3), and which peers are in them.
//!
//! Owns the syntax of a list of them. What a peer in one may do is for who asks.

use std::fmt;
use std::net::IpAddr;

use super::PeerAddress;

/// A list of networks that is not one: what was given, and what is wrong with it, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError {
    given: Box<str>,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug quoting keeps line breaks and control characters of the input out of the message.
        write!(
            f,
            "{:?} is no network: give an address with or without a prefix, as 10.0.0.0/8 or ::1, or \
             'unix' for the peers of Unix domain sockets",
            self.given
        )
    }
}

impl std::error::Error for NetworkError {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// The peers whose addresses begin with so many bits of this one.
    Ip { bits: u128, is_v4: bool, prefix: u8 },
    /// The peers of Unix domain sockets.
    Unix,
}

/// Some networks; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<Network>);

impl Networks {
    /// Reads a list with commas between its networks.
    pub(crate) fn parse(list: &str) -> Result<Self, NetworkError> {
        let parse = |text: &str| {
            Network::parse(text.trim()).ok_or_else(|| NetworkError { given: text.into() })
        };
        list.split(',')
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the peer is in one of them.
    pub(crate) fn hold(&self, peer: &PeerAddress) -> bool {
        self.0.iter().any(|network| network.holds(peer))
    }
}

/// The bits of an address from the first on, and whether there are 32 of them.
fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

fn mask(prefix: u8) -> u128 {
    u128::MAX
        .checked_shl(128 - u32::from(prefix))
        .unwrap_or_default()
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        if text == "unix" {
            return Some(Self::Unix);
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (bits, is_v4) = bits(address);
        let prefix_max = if is_v4 { 32 } else { 128 };
        let prefix = match prefix {
            None => prefix_max,
            // A number and nothing else: no sign.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|it| *it <= prefix_max)?
            }
            Some(_) => return None,
        };
        Some(Self::Ip {
            bits: bits & mask(prefix),
            is_v4,
            prefix,
        })
    }

    fn holds(self, peer: &PeerAddress) -> bool {
        match (self, peer) {
            (Self::Unix, PeerAddress::Unix(_) | PeerAddress::Abstract(_)) => true,
            (
                Self::Ip {
                    bits: network,
                    is_v4,
                    prefix,
                },
                PeerAddress::Tcp(peer),
            ) => {
                let (bits, peer_is_v4) = bits(peer.ip());
                peer_is_v4 == is_v4 && bits & mask(prefix) == network
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tcp(address: &str) -> PeerAddress {
        PeerAddress::Tcp((address.parse::<IpAddr>().unwrap(), 1).into())
    }

    #[test]
    fn who_is_in_which_network() {
        for (list, inside, outside) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
            ("10.1.2.3/8", "10.9.9.9", "9.255.255.255"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::1", "::1", "127.0.0.1"),
            ("::/0", "ffff::", "1.2.3.4"),
            ("fd00::/7", "fc00::1", "fe00::1"),
            ("10.0.0.0/8, ::1", "::1", "::2"),
        ] {
            let networks = Networks::parse(list).unwrap();
            assert!(networks.hold(&tcp(inside)), "{list} {inside}");
            assert!(!networks.hold(&tcp(outside)), "{list} {outside}");
            assert!(!networks.hold(&PeerAddress::Unix(None)), "{list}");
        }
        let unix = Networks::parse("unix").unwrap();
        assert!(unix.hold(&PeerAddress::Unix(None)) && unix.hold(&PeerAddress::Abstract(vec![1])));
        assert!(!unix.hold(&tcp("127.0.0.1")));
        assert!(!Networks::default().hold(&tcp("127.0.0.1")));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for list in [
            "",
            "a",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "unix:/x",
            "10.0.0.0/8;::1",
            "10.0.0.0/8,",
            "10.0.0/8",
        ] {
            let error = Networks::parse(list).unwrap_err().to_string();
            assert!(
                error.contains("is no network") && !error.contains('\n'),
                "{error}"
            );
        }
    }
}
