//! What can be measured: a table of traffic shapes, each with a name for the command line.
#![forbid(unsafe_code)]

use crate::peer;
use crate::peer::Peer;

/// One shape of traffic and the servers that are compared under it.
#[derive(Debug)]
pub(crate) struct Mode {
    /// Name on the command line and in reports.
    pub(crate) name: &'static str,
    /// What it measures, for the help text and the head of the report.
    pub(crate) title: &'static str,
    /// Target of every request; all servers answer 200 with [`Self::body`].
    pub(crate) path: &'static str,
    /// The body of every answer.
    pub(crate) body: &'static str,
    /// Requests sent at once on a connection before their answers are awaited.
    pub(crate) pipeline: u32,
    /// Connections unless the command line says otherwise.
    pub(crate) connections: u32,
    /// The servers; the first is what the others are related to.
    pub(crate) peers: &'static [&'static Peer],
}

/// All modes.
pub(crate) static MODES: &[Mode] = &[
    Mode {
        name: "h1",
        title: "HTTP/1.1 keep-alive, one request at a time",
        path: "/plaintext",
        body: "Hello, World!",
        pipeline: 1,
        connections: 64,
        peers: peer::H1,
    },
    Mode {
        name: "h1pipe",
        title: "HTTP/1.1 keep-alive, 16 requests pipelined",
        path: "/plaintext",
        body: "Hello, World!",
        pipeline: 16,
        connections: 64,
        peers: peer::H1,
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
    fn every_mode_is_found_by_its_name_and_starts_with_the_floor() {
        for mode in MODES {
            assert!(std::ptr::eq(find(mode.name).unwrap(), mode));
            assert_eq!(mode.peers.first().map(|peer| peer.name), Some("floor"));
        }
        assert!(find("h9").unwrap_err().contains("h1pipe"));
    }
}
