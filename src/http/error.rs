//! What can go wrong between a handler and its peer, seen from the handler.
//!
//! One small enum for each direction, plus the way a handler ends. Protocol violations come from
//! `h1` as a status and a name, so that this module names no protocol.

use std::fmt;

use super::Status;

/// Why the request body cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// The peer broke the framing of the body; the answer is `status` and the connection closes.
    Malformed {
        /// The status that the violation asks for (RFC 9110, 15.5).
        status: Status,
        /// The violation, as the rejection counters name it.
        name: &'static str,
    },
    /// The body is larger than the limit of this request (413).
    TooLarge,
    /// The peer sent less than the minimum data rate (408).
    TooSlow,
    /// The handler left so much of the body unread for so long that other streams of the connection
    /// got none of theirs (503).
    Unread,
    /// The peer closed before the body was complete.
    UnexpectedEnd,
    /// The connection is gone.
    Aborted,
    /// The exchange was upgraded: its bytes are read from the upgraded stream.
    Upgraded,
}

impl BodyError {
    /// The status that answers this error when the handler has not answered itself.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Malformed { status, .. } => status,
            Self::TooLarge => Status::CONTENT_TOO_LARGE,
            Self::TooSlow => Status::REQUEST_TIMEOUT,
            Self::Unread => Status::SERVICE_UNAVAILABLE,
            Self::UnexpectedEnd | Self::Aborted => Status::BAD_REQUEST,
            Self::Upgraded => Status::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { name, .. } => write!(f, "the request body is malformed: {name}"),
            Self::TooLarge => f.write_str("the request body is larger than this request allows"),
            Self::TooSlow => f.write_str("the request body arrives below the minimum data rate"),
            Self::Unread => f.write_str("the request body was not read while others waited"),
            Self::UnexpectedEnd => f.write_str("the peer closed before the request body ended"),
            Self::Aborted => f.write_str("the connection is gone"),
            Self::Upgraded => f.write_str("the exchange was upgraded"),
        }
    }
}

impl std::error::Error for BodyError {}

/// Why the request body is not the value that a handler asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum JsonError {
    /// The body does not say that it is JSON (415).
    MediaType,
    /// The body cannot be read.
    Body(BodyError),
    /// It is no JSON, or JSON of another shape (400).
    Malformed(serde_json::Error),
}

impl JsonError {
    /// The status that answers this error when the handler has not answered itself.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::MediaType => Status::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(error) => error.status(),
            Self::Malformed(_) => Status::BAD_REQUEST,
        }
    }
}

impl From<BodyError> for JsonError {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MediaType => f.write_str("the request body does not say that it is JSON"),
            Self::Body(_) => f.write_str("the request body cannot be read"),
            Self::Malformed(_) => f.write_str("the request body is not the JSON that is expected"),
        }
    }
}

impl std::error::Error for JsonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::MediaType => None,
            Self::Body(error) => Some(error),
            Self::Malformed(error) => Some(error),
        }
    }
}

/// Why a handler's response cannot be written as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The head has been sent already; status and fields are fixed.
    AlreadyStarted,
    /// The response is complete, or the exchange was upgraded.
    AlreadyComplete,
    /// More bytes were written than the handler's Content-Length announced.
    LengthExceeded,
    /// A field name is no token or a field value holds CR, LF or NUL (RFC 9110, 5.5).
    InvalidField,
    /// Only 100 and 102 to 199 are informational statuses that can be sent (RFC 9110, 15.2).
    NotInformational,
    /// A status of 1xx comes before a response and cannot be its own (RFC 9110, 15.2).
    Informational,
    /// Only 300 to 399 redirect (RFC 9110, 15.4).
    NotRedirection,
    /// The request cannot be upgraded, or was upgraded already (RFC 9110, 7.8).
    NotUpgradable,
    /// The value could not be serialised as JSON.
    NotSerialisable,
    /// The connection is gone.
    Aborted,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyStarted => "the response head has been sent",
            Self::AlreadyComplete => "the response is complete",
            Self::LengthExceeded => "more bytes were written than Content-Length announced",
            Self::InvalidField => "a response field has an invalid name or value",
            Self::NotInformational => "the status is not one that can precede a response",
            Self::Informational => "an informational status is not one of a response",
            Self::NotRedirection => "the status is not one that redirects",
            Self::NotUpgradable => "the request cannot be upgraded",
            Self::NotSerialisable => "the value cannot be serialised as JSON",
            Self::Aborted => "the connection is gone",
        })
    }
}

impl std::error::Error for ResponseError {}

/// How a handler failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandlerError {
    /// The handler returned an error.
    Failed(Box<dyn std::error::Error>),
    /// The handler panicked, or was ended before it was done.
    Panicked,
}

/// Errors that are looked at behind the one that a handler returned: no chain is longer, unless it
/// goes round.
const SOURCES_MAX: usize = 32;

impl HandlerError {
    /// The status that answers an error of the peer's, if the handler ended with one: its own error, or one
    /// that this names as its source.
    #[cold]
    #[inline(never)]
    pub(crate) fn peers_status(&self) -> Option<Status> {
        self.chain().find_map(|error| {
            let body = error.downcast_ref::<BodyError>();
            let json = error.downcast_ref::<JsonError>();
            body.map(|error| error.status())
                .or_else(|| json.map(JsonError::status))
        })
    }

    /// Whether the peer is the cause: such errors are counted, not logged, or a peer could fill
    /// the log.
    #[cold]
    #[inline(never)]
    pub(crate) fn is_peers(&self) -> bool {
        self.peers_status().is_some()
            || self
                .chain()
                .any(|error| error.downcast_ref() == Some(&ResponseError::Aborted))
    }

    /// What the handler returned, and the sources behind it.
    fn chain(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        let first = match self {
            Self::Failed(error) => Some(&**error),
            Self::Panicked => None,
        };
        std::iter::successors(first, |error| error.source()).take(SOURCES_MAX)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "the handler failed: {error}"),
            Self::Panicked => f.write_str("the handler panicked"),
        }
    }
}

impl std::error::Error for HandlerError {}
