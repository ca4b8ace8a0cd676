//! Why a server cannot start: one line each, with what to do.

use std::fmt;
use std::io;

use super::development::DevelopmentError;
use crate::limits::LimitsError;
use crate::net::{AddressError, BindError, Endpoint, NetworkError, SteeringError};
use crate::ring::SetupError;
use crate::tls::TlsError;

/// Why a server cannot start, or has ended unasked.
///
/// Its `Debug` form is the same line as its `Display` form: Rust prints it when `main` returns the
/// error, and that is where an operator reads it.
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be understood.
    Address(AddressError),
    /// A network cannot be understood.
    Network(NetworkError),
    /// An address cannot be bound.
    Bind(BindError),
    /// An `https` address has no certificate.
    CertificateMissing(Endpoint),
    /// There is a certificate, but no `https` address.
    CertificateUnused,
    /// The development certificate cannot be made.
    Development(DevelopmentError),
    /// A certificate, a key or what goes with them cannot be used.
    Tls(TlsError),
    /// The system gives no random bytes, of which the keys of session tickets are made.
    NoRandomness,
    /// Connections cannot be steered as asked for.
    Steering(SteeringError),
    /// More shards than the usable CPUs can be of use for.
    TooManyShards {
        /// How many were asked for.
        asked: usize,
        /// How many CPUs the process may use.
        cpus: usize,
        /// How many shards they can have.
        max: usize,
    },
    /// The process may not lock as much memory as the rings of its shards take.
    LockedMemory {
        /// How many shards were to be started.
        shards: usize,
        /// How many bytes they lock.
        needed: u64,
        /// How many the process may lock, where that is known.
        limit: Option<u64>,
    },
    /// Requests were still at work when the time for the drain was over, or a second signal came.
    CutOff {
        /// How many requests had a handler at work.
        requests: usize,
        /// How many connections were open.
        connections: usize,
    },
    /// A shard of the running server has ended by itself, and none could take its place, so that the
    /// server had to end.
    ShardEnded {
        /// Which one.
        index: usize,
        /// Why it has.
        reason: String,
    },
    /// The limits contradict each other.
    Limits(LimitsError),
    /// io_uring cannot be had.
    Ring(SetupError),
    /// A shard's thread or executor cannot be made.
    Shard(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::Network(error) => error.fmt(f),
            Self::Bind(error) => error.fmt(f),
            Self::CertificateMissing(endpoint) => write!(
                f,
                "{endpoint} needs a certificate; name one with --cert FILE and --key FILE \
                 (Server::tls in a program): the development certificate is for localhost only"
            ),
            Self::CertificateUnused => f.write_str(
                "there is a certificate but no https address, and http is not encrypted; listen on \
                 one, such as https://localhost:5001, or leave the certificate out",
            ),
            Self::Development(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::NoRandomness => {
                f.write_str("the system gives no random bytes for the keys of session tickets")
            }
            Self::Steering(error) => error.fmt(f),
            Self::TooManyShards { asked, cpus, max } => write!(
                f,
                "{asked} shards are too many for {cpus} usable CPUs, each of which does best with \
                 one; ask for auto, or for {max} at most"
            ),
            Self::LockedMemory {
                shards,
                needed,
                limit,
            } => {
                let kib = needed >> 10;
                write!(f, "{shards} shards lock {kib} KiB of memory, and ")?;
                match limit {
                    Some(limit) => write!(f, "the limit is {} KiB", limit >> 10)?,
                    None => f.write_str("there is less")?,
                }
                write!(
                    f,
                    "; raise it (`ulimit -l {kib}`, `LimitMEMLOCK={needed}` of systemd, `--ulimit \
                     memlock={needed}` of docker) or run fewer shards; what other processes of the \
                     same user lock counts too"
                )
            }
            // The answers of those were still on their way.
            Self::CutOff {
                requests: 0,
                connections,
            } => write!(
                f,
                "connections cut off at the end of the drain: {connections}"
            ),
            Self::CutOff { requests, .. } => {
                write!(f, "requests cut off at the end of the drain: {requests}")
            }
            Self::ShardEnded { index, reason } => write!(
                f,
                "shard {index} has ended by itself, and the server with it: {reason}; start it \
                 again, and report what its thread said"
            ),
            Self::Limits(error) => error.fmt(f),
            Self::Ring(error) => error.fmt(f),
            Self::Shard(error) => write!(f, "a shard cannot be started: {error}"),
        }
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The others are told in full by this error's own line.
            Self::Shard(error) => Some(error),
            _ => None,
        }
    }
}

impl From<AddressError> for StartError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl From<NetworkError> for StartError {
    fn from(error: NetworkError) -> Self {
        Self::Network(error)
    }
}

impl From<BindError> for StartError {
    fn from(error: BindError) -> Self {
        Self::Bind(error)
    }
}

impl From<DevelopmentError> for StartError {
    fn from(error: DevelopmentError) -> Self {
        Self::Development(error)
    }
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<SteeringError> for StartError {
    fn from(error: SteeringError) -> Self {
        Self::Steering(error)
    }
}

impl From<LimitsError> for StartError {
    fn from(error: LimitsError) -> Self {
        Self::Limits(error)
    }
}

impl From<SetupError> for StartError {
    fn from(error: SetupError) -> Self {
        Self::Ring(error)
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Shard(error)
    }
}
