//! Why a server cannot start: one line each, with what to do.

use std::fmt;
use std::io;

use crate::limits::LimitsError;
use crate::net::{AddressError, BindError, SteeringError};
use crate::ring::SetupError;

/// Why a server cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be understood.
    Address(AddressError),
    /// An address cannot be bound.
    Bind(BindError),
    /// Connections cannot be steered as asked for.
    Steering(SteeringError),
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
            Self::Bind(error) => error.fmt(f),
            Self::Steering(error) => error.fmt(f),
            Self::Limits(error) => error.fmt(f),
            Self::Ring(error) => error.fmt(f),
            Self::Shard(error) => write!(f, "a shard cannot be started: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<AddressError> for StartError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl From<BindError> for StartError {
    fn from(error: BindError) -> Self {
        Self::Bind(error)
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
