//! The `lanner` command as a process of its own, ended by its number whatever becomes of the test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::eventually;

/// A running command. Killed when dropped.
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What has come so far of standard error.
    said: Arc<Mutex<String>>,
    stderr: Option<JoinHandle<()>>,
}

/// What the command reads of its environment.
const VARIABLES: [&str; 7] = [
    "LANNER_URLS",
    "LANNER_CERT",
    "LANNER_KEY",
    "LANNER_OCSP",
    "LANNER_CLIENT_CERTS",
    "LANNER_CLIENT_CA",
    "LANNER_CLIENT_CRL",
];

/// The command with these arguments and nothing of the test's own settings.
pub fn lanner<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanner"));
    command.args(arguments).stdin(Stdio::null());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Runs a command that ends by itself.
pub fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&said);
        // Read beside the test, so that a full pipe never stops the process.
        let stderr = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Of the machine, and not of the test: two shards are too many for one CPU.
                if line.contains(" shards share ") {
                    continue;
                }
                to.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        Self {
            child,
            stdout,
            said,
            stderr: Some(stderr),
        }
    }

    /// `lanner run` on one free port of the loopback interface, once it serves.
    pub fn serving() -> (Self, SocketAddr) {
        let mut process = Self::spawn(&mut lanner([
            "run",
            "--urls",
            "http://127.0.0.1:0",
            "--shards",
            "1",
        ]));
        let address = process.address();
        assert_eq!(
            process.line(),
            "Application started. Press Ctrl+C to shut down."
        );
        (process, address)
    }

    /// `lanner run` with TLS on one free port of the loopback interface, on two shards and with
    /// these arguments, once it serves.
    pub fn secure(arguments: &[&str]) -> (Self, SocketAddr) {
        let common = ["run", "--urls", "https://127.0.0.1:0", "--shards", "2"];
        let mut process = Self::spawn(&mut lanner([common.as_slice(), arguments].concat()));
        let address = process.address();
        assert_eq!(
            process.line(),
            "Application started. Press Ctrl+C to shut down."
        );
        (process, address)
    }

    /// The next line of standard output; empty at its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Waits until standard error has said this.
    #[track_caller]
    pub fn expect_error(&self, text: &str) {
        eventually(&format!("standard error says {text:?}"), || {
            self.said.lock().unwrap().contains(text)
        });
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output, which says where the server listens.
    #[track_caller]
    pub fn address(&mut self) -> SocketAddr {
        let line = self.line();
        let url = line.strip_prefix("Now listening on: ");
        let address = url.and_then(|url| Some(url.split_once("://")?.1));
        address
            .unwrap_or_else(|| panic!("no address: {line:?}"))
            .parse()
            .unwrap()
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: &str) {
        // The shell's own kill: a bare machine may have no other.
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -s {signal} {}", self.child.id())])
            .status();
        assert!(sent.unwrap().success());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end: how it ended, and what else it has said on both of its outputs.
    pub fn wait(mut self) -> (ExitStatus, String, String) {
        eventually("the process ends", || !self.is_running());
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.stderr.take().unwrap().join().unwrap();
        let stderr = std::mem::take(&mut *self.said.lock().unwrap());
        (self.child.wait().unwrap(), stdout, stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
