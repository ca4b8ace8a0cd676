//! What can be measured: a table of traffic shapes, each with a name for the command line.
#![forbid(unsafe_code)]

use crate::peer::{self, Peer};

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
    /// What is sent.
    pub(crate) traffic: Traffic,
    /// The servers, in the order of the table.
    pub(crate) peers: &'static [&'static Peer],
    /// The one of them that the others are related to.
    pub(crate) reference: &'static str,
}

/// A version of HTTP on a connection without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 with prior knowledge (RFC 9113, section 3.3).
    Http2,
}

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// [`PATH`], as often as the connections carry it.
    Requests {
        /// Connections unless the command line says otherwise.
        connections: u32,
        /// Requests on each that wait for their answers at the same time: the depth of a pipeline
        /// in HTTP/1.1, the number of streams in HTTP/2.
        in_flight: u32,
    },
    /// One long body, alone on its connection.
    Transfer(Direction),
}

/// Which side sends the long body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The server: `GET /bytes/N`.
    Download,
    /// The client: `POST /sink`.
    Upload,
}

/// All modes.
pub(crate) static MODES: &[Mode] = &[
    Mode {
        name: "h1",
        title: "HTTP/1.1 keep-alive, one request at a time",
        protocol: Protocol::Http1,
        traffic: Traffic::Requests {
            connections: 64,
            in_flight: 1,
        },
        peers: peer::HTTP1,
        reference: "floor",
    },
    Mode {
        name: "h1pipe",
        title: "HTTP/1.1 keep-alive, 16 requests pipelined",
        protocol: Protocol::Http1,
        traffic: Traffic::Requests {
            connections: 64,
            in_flight: 16,
        },
        peers: peer::HTTP1,
        reference: "floor",
    },
    Mode {
        name: "h2",
        title: "HTTP/2 with prior knowledge, 32 streams on each connection",
        protocol: Protocol::Http2,
        traffic: Traffic::Requests {
            connections: 8,
            in_flight: 32,
        },
        peers: peer::HTTP2,
        reference: "h2o",
    },
    Mode {
        name: "h2x1",
        title: "HTTP/2 with prior knowledge, one stream on each connection",
        protocol: Protocol::Http2,
        traffic: Traffic::Requests {
            connections: 64,
            in_flight: 1,
        },
        peers: peer::HTTP2,
        reference: "h2o",
    },
    Mode {
        name: "download",
        title: "one response body on one HTTP/2 stream",
        protocol: Protocol::Http2,
        traffic: Traffic::Transfer(Direction::Download),
        peers: peer::HTTP2,
        reference: "h2o",
    },
    Mode {
        name: "upload",
        title: "one request body on one HTTP/2 stream",
        protocol: Protocol::Http2,
        traffic: Traffic::Transfer(Direction::Upload),
        peers: peer::HTTP2_SINKS,
        // h2o takes an upload into memory as a whole, which is another task.
        reference: "nghttpd",
    },
];

/// Looks a mode up by its name; the error lists those there are.
pub(crate) fn find(name: &str) -> Result<&'static Mode, String> {
    MODES.iter().find(|mode| mode.name == name).ok_or_else(|| {
        let lines: Vec<String> = MODES
            .iter()
            .map(|mode| format!("  {:8} {}", mode.name, mode.title))
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
}
