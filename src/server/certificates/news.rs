//! What the thread of the certificates has to say, to shards and to the operator.

use std::fmt;
use std::time::Duration;

use crate::shard::TlsSet;
use crate::tls::{NoRandomness, TlsError, TlsWarning};

/// What the thread has to say.
#[derive(Debug)]
pub(in crate::server) enum News {
    /// Shards are to take this set for new connections.
    Set(TlsSet),
    /// The operator is to know this.
    Line(Line),
}

/// What the operator is to know, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) enum Line {
    /// New files are in use.
    Renewed,
    /// The files have changed to something that cannot be used.
    Refused(TlsError),
    /// Something about files that are in use.
    Warning(TlsWarning),
    /// After a fault the files are again what they were.
    Restored,
    /// The kernel gives no notices, for this reason.
    Unwatched { reason: String, poll: Duration },
    /// The keys of session tickets stay as they are for now.
    NotRotated(NoRandomness),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renewed => f.write_str("the TLS files have changed; the new ones are in use"),
            Self::Refused(error) => write!(
                f,
                "the TLS files have changed but cannot be used, and the old ones stay in use: {error}"
            ),
            Self::Warning(warning) => warning.fmt(f),
            Self::Restored => f.write_str("the TLS files are again those that are in use"),
            Self::Unwatched { reason, poll } => write!(
                f,
                "the TLS files cannot be watched and are read every {} s instead: {reason}; raise \
                 fs.inotify.max_user_instances or fs.inotify.max_user_watches",
                poll.as_secs()
            ),
            Self::NotRotated(reason) => {
                write!(f, "the keys of session tickets are not changed: {reason}")
            }
        }
    }
}
