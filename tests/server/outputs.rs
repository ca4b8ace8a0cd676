//! Standard output and standard error that nobody reads or that take nothing.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::support::client::Client;
use crate::support::command::{Process, lanner};
use crate::support::eventually;
use crate::support::seccomp::limit;

/// Kills its process, whatever becomes of the test, and removes its socket.
struct Server {
    child: Child,
    path: PathBuf,
}

impl Server {
    fn start(name: &str, stdout: Stdio, stderr: Stdio) -> Self {
        let path = std::env::temp_dir().join(format!("lanner-{name}-{}", std::process::id()));
        let url = format!("http://unix:{}", path.display());
        let child = lanner(["run", "--shards", "1", "--urls", &url])
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        Self { child, path }
    }

    /// Ends it as an operator does.
    fn terminate(mut self) -> ExitStatus {
        let kill = format!("kill -s TERM {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        eventually("the process ends", || {
            self.child.try_wait().unwrap().is_some()
        });
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.path);
    }
}

#[test]
fn a_closed_standard_output_does_not_keep_a_server_from_draining() {
    let mut server = Server::start("closed-output", Stdio::piped(), Stdio::null());
    let mut lines = BufReader::new(server.child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("Application started") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it did not start");
    }
    drop(lines);
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_full_device_does_not_keep_a_server_from_starting() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let server = Server::start("full-output", full(), full());
    eventually("it serves", || UnixStream::connect(&server.path).is_ok());
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_server_without_descriptors_says_so_and_serves_when_there_are_some() {
    let mut command = lanner(["run", "--urls", "http://127.0.0.1:0", "--shards", "1"]);
    // Room for what the server itself has open, and for some connections.
    limit(&mut command, libc::RLIMIT_NOFILE, 64);
    let mut process = Process::spawn(&mut command);
    let address = process.address();
    let clients: Vec<_> = (0..64)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    process.expect_error("accepts no connections for now, EMFILE: raise the limit of open files");
    drop(clients);
    assert_eq!(Client::connect(address).get("/plaintext").status, 200);
    // However often it has tried in vain.
    process.signal("TERM");
    let (_, _, stderr) = process.wait();
    assert!(stderr.lines().count() < 10, "{stderr}");
}
