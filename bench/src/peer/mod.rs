//! What a server of a comparison is: where it comes from and how it is started.
//!
//! The servers themselves are in `servers`; README.md says why each setting is as it is.
#![forbid(unsafe_code)]

mod configuration;
mod other;
mod servers;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::machine;
use crate::mode::Protocol;
use crate::tls::certificate::Certificate;

pub(crate) use other::other_build;
pub(crate) use servers::{
    HTTP1, HTTP1_CLOSING, HTTP1_RESUMED, HTTP1_SIZED, HTTP1_TLS, HTTP2, HTTP2_FILES, HTTP2_SINKS,
    HTTP2_TLS, LANNER,
};

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
    /// Whether a connection is for one request.
    pub(crate) once: bool,
    /// Its working directory, empty and its own.
    pub(crate) directory: &'a Path,
    /// The files to serve, if it serves files.
    pub(crate) content: &'a Path,
    /// What to speak TLS with, if it is to do that.
    pub(crate) certificate: Option<&'a Certificate>,
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
    /// Named on the command line.
    Given(&'static Path),
}

impl Peer {
    /// Builds the program or finds it installed, and returns its path.
    pub(crate) fn obtain(&self) -> Result<PathBuf> {
        match self.source {
            Source::Own => std::env::current_exe().context("finding this program"),
            Source::Given(program) => Ok(program.to_owned()),
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
