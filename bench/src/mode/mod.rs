//! What can be measured: the terms in which a shape of traffic is described, and how one is found
//! by its name. The modes themselves are in `table`.
#![forbid(unsafe_code)]

mod table;

use crate::peer::Peer;

pub(crate) use table::MODES;

/// Target of every small request.
pub(crate) const PATH: &str = "/plaintext";
/// The body of every answer to it.
pub(crate) const BODY: &str = "Hello, World!";

/// One shape of traffic and the servers that are compared under it.
#[derive(Debug)]
pub(crate) struct Mode {
    /// Name on the command line and in reports.
    pub(crate) name: &'static str,
    /// What it measures, for the help text and the head of the report.
    pub(crate) title: &'static str,
    /// What client and server speak.
    pub(crate) protocol: Protocol,
    /// What it is spoken over.
    pub(crate) security: Security,
    /// What is sent.
    pub(crate) traffic: Traffic,
    /// The servers, in the order of the table.
    pub(crate) peers: &'static [&'static Peer],
    /// The one of them that the others are related to.
    pub(crate) reference: &'static str,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113): with prior knowledge in cleartext, by ALPN over TLS.
    Http2,
}

/// What the connections are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TCP and nothing else.
    Clear,
    /// TLS of this version.
    Tls(Version),
}

/// A version of TLS. The client offers one of them, with one cipher suite and one key exchange, so
/// that all servers have to take the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Version {
    /// RFC 5246.
    #[value(name = "1.2")]
    Tls12,
    /// RFC 8446.
    #[value(name = "1.3")]
    Tls13,
}

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Requests on connections that stay open, as often as these carry them.
    Requests {
        /// Connections unless the command line says otherwise.
        connections: u32,
        /// Requests on each that wait for their answers at the same time: the depth of a pipeline
        /// in HTTP/1.1, the number of streams in HTTP/2.
        in_flight: u32,
        /// What is asked for.
        body: Body,
    },
    /// A new connection for each request for [`PATH`].
    Connections {
        /// Connections that are open at the same time, unless the command line says otherwise.
        in_flight: u32,
        /// Whether a TLS session of an earlier connection is resumed.
        resumed: bool,
    },
    /// One long body, alone on its connection.
    Transfer(Direction),
    /// Requests for [`PATH`] at a fixed rate.
    Paced {
        /// Keep-alive connections unless the command line says otherwise.
        connections: u32,
    },
    /// Nothing: connections that have had one request answered and are kept.
    Idle {
        /// Connections unless the command line says otherwise.
        connections: u32,
    },
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// [`PATH`].
    Small,
    /// `/bytes/N`.
    Sized(u64),
}

/// Which side sends the long body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The server: `GET /bytes/N`.
    Download,
    /// The client: `POST /sink`.
    Upload,
}

impl Body {
    /// The target of the request.
    pub(crate) fn path(self) -> String {
        match self {
            Self::Small => PATH.to_owned(),
            Self::Sized(size) => format!("/bytes/{size}"),
        }
    }

    /// Bytes of the answer's body.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::Small => BODY.len() as u64,
            Self::Sized(size) => size,
        }
    }
}

impl Security {
    /// The version of TLS, if it is TLS.
    pub(crate) fn version(self) -> Option<Version> {
        match self {
            Self::Clear => None,
            Self::Tls(version) => Some(version),
        }
    }
}

/// Looks a mode up by its name; the error lists those there are.
pub(crate) fn find(name: &str) -> Result<&'static Mode, String> {
    MODES.iter().find(|mode| mode.name == name).ok_or_else(|| {
        let lines: Vec<String> = MODES
            .iter()
            .map(|mode| format!("  {:16} {}", mode.name, mode.title))
            .collect();
        format!("the modes are\n{}", lines.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_mode_is_found_by_its_name_and_has_its_reference_among_its_servers() {
        for mode in MODES {
            assert!(std::ptr::eq(find(mode.name).unwrap(), mode));
            assert!(mode.peers.iter().any(|peer| peer.name == mode.reference));
        }
        assert!(find("h9").unwrap_err().contains("h1pipe"));
    }

    #[test]
    fn only_tls_sessions_are_resumed() {
        for mode in MODES {
            if let Traffic::Connections { resumed: true, .. } = mode.traffic {
                assert_ne!(mode.security, Security::Clear, "{}", mode.name);
            }
        }
    }
}
