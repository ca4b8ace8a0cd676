//! Why an address could not be bound, and what to do about it, in one line.
//!
//! Owns the translation of the kernel's error numbers into faults. Binds nothing itself.

use std::fmt;
use std::fs;
use std::io;

use super::address::BoundAddress;

/// The setting that says from which port on no privilege is needed.
const UNPRIVILEGED_PORT_START: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/// An address that could not be bound.
#[derive(Clone, PartialEq, Eq)]
pub struct BindError {
    address: BoundAddress,
    fault: BindFault,
}

impl BindError {
    pub(super) fn new(address: BoundAddress, fault: BindFault) -> Self {
        Self { address, fault }
    }

    /// The address; its port is 0 when the kernel was to choose one.
    #[must_use]
    pub fn address(&self) -> &BoundAddress {
        &self.address
    }

    /// Why it could not be bound.
    #[must_use]
    pub fn fault(&self) -> BindFault {
        self.fault
    }
}

// What a `main` prints that returns it.
impl fmt::Debug for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to bind to {}: {}", self.address, self.fault)
    }
}

impl std::error::Error for BindError {}

/// Why an address could not be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindFault {
    /// A socket listens there already.
    AddressInUse,
    /// A socket listens there already that is not for sharing with this process.
    NotShared,
    /// An earlier address of the same list covers this one.
    ListedTwice,
    /// The port is below the first one that is free for all.
    PrivilegedPort {
        /// The first port that needs no privilege, where the kernel tells.
        first_unprivileged: Option<u16>,
    },
    /// The process may not bind there.
    PermissionDenied,
    /// No interface of this machine has the address.
    AddressNotAvailable,
    /// The kernel has no sockets of this family (IPv6 may be switched off).
    FamilyNotSupported,
    /// The path or name does not fit into a socket address.
    PathTooLong,
    /// The directory of the socket file does not exist.
    NoSuchDirectory,
    /// There is something other than a socket at the path.
    NotASocket,
    /// A process accepts connections on the socket file or abstract name.
    SocketInUse,
    /// The limit of open files is reached.
    OutOfDescriptors,
    /// Any other error of the kernel, by number.
    Os(i32),
}

impl BindFault {
    /// What the error of a socket call on a Unix domain socket stands for.
    pub(super) fn from_unix(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EADDRINUSE) => Self::SocketInUse,
            Some(libc::EACCES | libc::EPERM) => Self::PermissionDenied,
            Some(libc::ENOENT | libc::ENOTDIR) => Self::NoSuchDirectory,
            Some(libc::ENAMETOOLONG) => Self::PathTooLong,
            code => Self::common(code),
        }
    }

    /// What the error of a socket call on a TCP socket stands for; `port` is the one asked for.
    pub(super) fn from_tcp(error: &io::Error, port: u16) -> Self {
        match error.raw_os_error() {
            Some(libc::EADDRINUSE) => Self::AddressInUse,
            Some(libc::EACCES) => {
                let first_unprivileged = first_unprivileged_port();
                // 1024 is the kernel's default, for when /proc is not there to ask.
                if (1..first_unprivileged.unwrap_or(1024)).contains(&port) {
                    Self::PrivilegedPort { first_unprivileged }
                } else {
                    Self::PermissionDenied
                }
            }
            Some(libc::EPERM) => Self::PermissionDenied,
            Some(libc::EADDRNOTAVAIL) => Self::AddressNotAvailable,
            code => Self::common(code),
        }
    }

    fn common(code: Option<i32>) -> Self {
        match code {
            Some(libc::EAFNOSUPPORT) => Self::FamilyNotSupported,
            Some(libc::EMFILE | libc::ENFILE) => Self::OutOfDescriptors,
            code => Self::Os(code.unwrap_or(libc::EIO)),
        }
    }

    /// Whether the fault lies in the address family alone, so that another family may do instead.
    pub(super) fn is_of_family(self) -> bool {
        matches!(self, Self::FamilyNotSupported | Self::AddressNotAvailable)
    }

    /// Whether somebody, perhaps this server itself, has the address already.
    pub(super) fn is_in_use(self) -> bool {
        matches!(
            self,
            Self::AddressInUse | Self::NotShared | Self::ListedTwice
        )
    }
}

impl fmt::Display for BindFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::AddressInUse => {
                "the address is already in use; stop the process that listens there \
                 (ss -ltnp names it) or choose another port; another Lanner that was started with \
                 --reuse-port is joined with --reuse-port"
            }
            Self::NotShared => {
                "who listens there does not share the address (another program, a Lanner without \
                 --reuse-port, or one of another user); stop it (ss -ltnp names it) or choose \
                 another port"
            }
            Self::ListedTwice => "an earlier address of the list covers it; remove one of the two",
            Self::PrivilegedPort { first_unprivileged } => {
                match first_unprivileged {
                    Some(port) => write!(f, "ports below {port} are privileged; ")?,
                    None => f.write_str("the port is privileged; ")?,
                }
                "choose a higher one, give the program CAP_NET_BIND_SERVICE, or lower \
                 net.ipv4.ip_unprivileged_port_start"
            }
            Self::PermissionDenied => {
                "permission denied; check the rights on the directory and the rules of the \
                 security module"
            }
            Self::AddressNotAvailable => {
                "no interface of this machine has the address; ip address lists those that there \
                 are"
            }
            Self::FamilyNotSupported => {
                "this machine has no sockets of that family; use an IPv4 address if IPv6 is \
                 switched off"
            }
            Self::PathTooLong => {
                "a socket path or name has at most 107 bytes; choose a shorter one"
            }
            Self::NoSuchDirectory => {
                "the directory does not exist; create it or choose another path"
            }
            Self::NotASocket => {
                "there is something other than a socket at the path; remove it or choose another \
                 path"
            }
            Self::SocketInUse => {
                "a process serves this socket already; stop it (ss -lxp names it) or choose \
                 another one"
            }
            Self::OutOfDescriptors => "the limit of open files is reached; raise it (ulimit -n)",
            Self::Os(code) => return write!(f, "{}", io::Error::from_raw_os_error(code)),
        };
        f.write_str(text)
    }
}

/// The first port that needs no privilege, where the kernel tells.
fn first_unprivileged_port() -> Option<u16> {
    fs::read_to_string(UNPRIVILEGED_PORT_START)
        .ok()?
        .trim()
        .parse()
        .ok()
}
