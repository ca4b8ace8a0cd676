//! Another build of Lanner that the command line names, so that before and after are one run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::servers::{HTTP1, HTTP2, LANNER};
use super::{Peer, Source};

/// A server from `NAME=PATH`: the program at PATH, started exactly as Lanner is. The error is a line.
pub(crate) fn other_build(text: &str) -> Result<&'static Peer, String> {
    let (name, path) = text.split_once('=').ok_or("it is not NAME=PATH")?;
    if name.is_empty() || path.is_empty() {
        return Err("it is not NAME=PATH".to_owned());
    }
    if HTTP1.iter().chain(HTTP2).any(|peer| peer.name == name) {
        return Err(format!("{name} is the name of a server already"));
    }
    let path = program(path)?;
    // They are named in reports to the end, and a command line has a few of them.
    Ok(Box::leak(Box::new(Peer {
        name: name.to_owned().leak(),
        source: Source::Given(Box::leak(path.into_boxed_path())),
        arguments: LANNER.arguments,
        lacking: LANNER.lacking,
        counts: LANNER.counts,
    })))
}

/// The program at `path`, wherever it is started from; it must run, which is better known before
/// anything is built and measured.
fn program(path: &str) -> Result<PathBuf, String> {
    let refused = |reason: String| format!("{path} does not run: {reason}");
    let absolute = Path::new(path).canonicalize();
    let absolute = absolute.map_err(|error| refused(error.to_string()))?;
    let status = Command::new(&absolute)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| refused(error.to_string()))?;
    if status.success() {
        Ok(absolute)
    } else {
        Err(refused(format!("--version ends with {status}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_build_is_started_as_lanner_is() {
        let peer = other_build("before=/bin/true").unwrap();
        assert_eq!(peer.name, "before");
        assert!(std::ptr::fn_addr_eq(peer.arguments, LANNER.arguments));
        assert_eq!((peer.lacking, peer.counts), (LANNER.lacking, LANNER.counts));
        let program = peer.obtain().unwrap();
        assert_eq!(program, Path::new("/bin/true").canonicalize().unwrap());
    }

    #[test]
    fn what_is_wrong_with_a_build_is_a_line() {
        for (text, part) in [
            ("before", "NAME=PATH"),
            ("=/bin/true", "NAME=PATH"),
            ("before=", "NAME=PATH"),
            ("lanner=/bin/true", "lanner is the name of a server"),
            ("nghttpd=/bin/true", "nghttpd is the name of a server"),
            ("before=/no/such/program", "/no/such/program does not run"),
            ("before=/etc/passwd", "/etc/passwd does not run"),
            ("before=/bin/false", "/bin/false does not run"),
        ] {
            let error = other_build(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
