//! The servers that are compared: where each comes from and how it is started.
//!
//! README.md says why each setting is as it is.
#![forbid(unsafe_code)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::machine;

/// A server of the comparison.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Name on the command line and in reports.
    pub(crate) name: &'static str,
    source: Source,
    /// Arguments that make it listen on 127.0.0.1:PORT; may write files to the directory.
    arguments: fn(u16, &Path) -> Result<Vec<String>>,
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
pub(crate) static H1: &[&Peer] = &[&FLOOR, &LANNER, &HYPER, &NGINX];

/// The least that a correct server could cost.
static FLOOR: Peer = Peer {
    name: "floor",
    source: Source::Own,
    arguments: |port, _| Ok(vec!["floor".into(), format!("127.0.0.1:{port}")]),
};

/// The server of this workspace, with its built-in application.
static LANNER: Peer = Peer {
    name: "lanner",
    source: Source::Cargo {
        manifest: "../Cargo.toml",
        package: "lanner",
        program: "lanner",
    },
    arguments: |port, _| {
        let url = format!("http://127.0.0.1:{port}");
        Ok(["run", "--urls", &url, "--shards", "1"]
            .map(String::from)
            .to_vec())
    },
};

/// hyper on a single-threaded tokio.
static HYPER: Peer = Peer {
    name: "hyper",
    source: Source::Cargo {
        manifest: "peers/Cargo.toml",
        package: "lanner-bench-peers",
        program: "hyper-peer",
    },
    arguments: |port, _| Ok(vec![format!("127.0.0.1:{port}")]),
};

/// nginx with one worker and the answer in its configuration.
static NGINX: Peer = Peer {
    name: "nginx",
    source: Source::Installed {
        program: "nginx",
        package: "nginx-light",
    },
    arguments: nginx_arguments,
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

    /// The command that serves 127.0.0.1:`port`; `directory` is empty and its own.
    pub(crate) fn command(&self, program: &Path, port: u16, directory: &Path) -> Result<Command> {
        let mut command = Command::new(program);
        command
            .args((self.arguments)(port, directory)?)
            .current_dir(directory);
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

fn nginx_arguments(port: u16, directory: &Path) -> Result<Vec<String>> {
    let path = directory.join("nginx.conf");
    let mut file = std::fs::File::create(&path)?;
    file.write_all(nginx_configuration(port).as_bytes())?;
    let prefix = directory
        .to_str()
        .context("the temporary directory is not UTF-8")?;
    Ok(["-p", prefix, "-c", "nginx.conf", "-e", "stderr"]
        .map(String::from)
        .to_vec())
}

fn nginx_configuration(port: u16) -> String {
    format!(
        "daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr crit;
events {{
    use epoll;
    worker_connections 19000;
    multi_accept on;
}}
http {{
    access_log off;
    server_tokens off;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type text/plain;
        location / {{
            return 200 \"Hello, World!\";
        }}
    }}
}}
"
    )
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
