//! The servers that are compared: where each comes from and how it is started.
//!
//! README.md says why each setting is as it is.
#![forbid(unsafe_code)]

mod configuration;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::machine;
use crate::mode::Protocol;

/// A server of the comparison.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Name on the command line and in reports.
    pub(crate) name: &'static str,
    source: Source,
    /// Arguments that make it serve the site.
    arguments: fn(&Site<'_>) -> Result<Vec<String>>,
    /// Fields that it cannot send with a small answer, in lower case.
    pub(crate) lacking: &'static [&'static str],
    /// Its `/sink` answers how many bytes it has read.
    pub(crate) counts: bool,
}

/// What a server is started for.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// Where to listen on 127.0.0.1.
    pub(crate) port: u16,
    /// What to speak there.
    pub(crate) protocol: Protocol,
    /// Its working directory, empty and its own.
    pub(crate) directory: &'a Path,
    /// The files to serve, if it serves files.
    pub(crate) content: &'a Path,
}

/// Where the program of a peer comes from.
#[derive(Debug)]
enum Source {
    /// This command itself.
    Own,
    /// Built by cargo from the manifest (relative to this package), with its lock file.
    Cargo {
        manifest: &'static str,
        package: &'static str,
        program: &'static str,
    },
    /// Installed on the machine, else an error that names the package.
    Installed {
        program: &'static str,
        package: &'static str,
    },
}

/// What an HTTP/1.1 mode compares.
pub(crate) static HTTP1: &[&Peer] = &[&FLOOR, &LANNER, &HYPER, &NGINX];

/// What an HTTP/2 mode compares.
pub(crate) static HTTP2: &[&Peer] = &[&LANNER, &HYPER, &NGINX, &NGHTTPD, &H2O];

/// Those of [`HTTP2`] that read a request body to its end and answer then. nginx passes bodies on
/// or discards them, and has nothing in between.
pub(crate) static HTTP2_SINKS: &[&Peer] = &[&LANNER, &HYPER, &NGHTTPD, &H2O];

/// The least that a correct server could cost.
static FLOOR: Peer = Peer {
    name: "floor",
    source: Source::Own,
    arguments: |site| Ok(vec!["floor".into(), format!("127.0.0.1:{}", site.port)]),
    lacking: &[],
    counts: false,
};

/// The server of this workspace, with its built-in application.
static LANNER: Peer = Peer {
    name: "lanner",
    source: Source::Cargo {
        manifest: "../Cargo.toml",
        package: "lanner",
        program: "lanner",
    },
    // It tells the protocols apart by the first bytes of a connection.
    arguments: |site| {
        let url = format!("http://127.0.0.1:{}", site.port);
        Ok(["run", "--urls", &url, "--shards", "1"]
            .map(String::from)
            .to_vec())
    },
    lacking: &[],
    counts: true,
};

/// hyper on a single-threaded tokio.
static HYPER: Peer = Peer {
    name: "hyper",
    source: Source::Cargo {
        manifest: "peers/Cargo.toml",
        package: "lanner-bench-peers",
        program: "hyper-peer",
    },
    arguments: |site| {
        let protocol = match site.protocol {
            Protocol::Http1 => "h1",
            Protocol::Http2 => "h2",
        };
        Ok(vec![format!("127.0.0.1:{}", site.port), protocol.into()])
    },
    lacking: &[],
    counts: true,
};

/// nginx with one worker and the answer in its configuration.
static NGINX: Peer = Peer {
    name: "nginx",
    source: Source::Installed {
        program: "nginx",
        package: "nginx-light",
    },
    arguments: |site| {
        let text = configuration::nginx(site)?;
        let file = configuration::write(site, "nginx.conf", &text)?;
        let prefix = configuration::utf8(site.directory)?;
        Ok(["-p", prefix, "-c", &file, "-e", "stderr"]
            .map(String::from)
            .to_vec())
    },
    lacking: &[],
    counts: false,
};

/// The server of nghttp2, with the answer in a file.
static NGHTTPD: Peer = Peer {
    name: "nghttpd",
    source: Source::Installed {
        program: "nghttpd",
        package: "nghttp2-server",
    },
    arguments: |site| {
        let port = site.port.to_string();
        let root = configuration::utf8(site.content)?;
        Ok([
            "--no-tls",
            "--address=127.0.0.1",
            "--workers=1",
            "--max-concurrent-streams=256",
            "--window-bits=30",
            "--connection-window-bits=30",
            "--htdocs",
            root,
            &port,
        ]
        .map(String::from)
        .to_vec())
    },
    // It tells the type by the extension of the file, and the path has none.
    lacking: &["content-type"],
    counts: false,
};

/// h2o with one thread and the answer in a file.
static H2O: Peer = Peer {
    name: "h2o",
    source: Source::Installed {
        program: "h2o",
        package: "h2o",
    },
    arguments: |site| {
        let text = configuration::h2o(site)?;
        let file = configuration::write(site, "h2o.conf", &text)?;
        Ok(["-m", "worker", "-c", &file].map(String::from).to_vec())
    },
    lacking: &[],
    counts: false,
};

impl Peer {
    /// Builds the program or finds it installed, and returns its path.
    pub(crate) fn obtain(&self) -> Result<PathBuf> {
        match self.source {
            Source::Own => std::env::current_exe().context("finding this program"),
            Source::Installed { program, package } => machine::installed(program, package),
            Source::Cargo {
                manifest,
                package,
                program,
            } => build(manifest, package, program)
                .with_context(|| format!("building the server {}", self.name)),
        }
    }

    /// The command that serves `site`.
    pub(crate) fn command(&self, program: &Path, site: &Site<'_>) -> Result<Command> {
        let mut command = Command::new(program);
        command
            .args((self.arguments)(site)?)
            .current_dir(site.directory);
        Ok(command)
    }
}

/// Builds `program` in release mode and returns the path that cargo reports for it. Cargo's
/// progress and the compiler's messages go to our standard error.
fn build(manifest: &str, package: &str, program: &str) -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            package,
            "--bin",
            program,
        ])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--manifest-path",
        ])
        .arg(&manifest)
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo")?;
    ensure!(output.status.success(), "cargo build: {}", output.status);
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| executable(line, program))
        .next()
        .with_context(|| format!("cargo built {package} but reported no program {program}"))
}

/// The path in one of cargo's messages, if it reports that the binary `program` is built.
fn executable(message: &str, program: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    if message.pointer("/target/name")?.as_str()? != program {
        return None;
    }
    Some(message.get("executable")?.as_str()?.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_message_of_the_wanted_binary_names_an_executable() {
        let built = r#"{"reason":"compiler-artifact","target":{"name":"x"},"executable":"/t/x"}"#;
        assert_eq!(executable(built, "x"), Some("/t/x".into()));
        assert_eq!(executable(built, "y"), None);
        let library = r#"{"reason":"compiler-artifact","target":{"name":"x"},"executable":null}"#;
        assert_eq!(executable(library, "x"), None);
        assert_eq!(executable("not json", "x"), None);
    }

    #[test]
    fn an_absent_program_is_named_with_its_package() {
        let error = machine::installed("no-such-program", "its-package").unwrap_err();
        assert!(error.to_string().contains("apt-get install its-package"));
    }
}
