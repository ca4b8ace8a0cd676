//! What is wrong with an address that cannot be understood, and what to do about it, in one line.

use std::fmt;

/// An address that cannot be understood: what was given and what is wrong with it, in one line.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressError {
    given: Box<str>,
    fault: AddressFault,
}

impl AddressError {
    pub(super) fn new(given: &str, fault: AddressFault) -> Self {
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

// What a `main` prints that returns it.
impl fmt::Debug for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
    /// Several addresses with something other than `;` between them.
    Separator,
    /// The scheme is neither `http` nor `https`.
    UnknownScheme,
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
    /// The host is not `localhost`, but nearly.
    NearlyLocalhost,
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
            Self::Separator => "several addresses have a ';' between them; write 'A;B', in quotes",
            Self::UnknownScheme => {
                "only http and https are served; write http://HOST:PORT or https://HOST:PORT"
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
            Self::NearlyLocalhost => {
                "any name but localhost stands for every address of this machine, and this one \
                 looks mistyped; write localhost for this machine alone, or * for every address"
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
