//! `lanner dev-certs` with a data directory of the test's own.

use std::process::Command;

use super::command::{lanner, output};
use super::tls::Directory;

/// The command with a data directory of the test's own.
pub fn dev_certs(data: &Directory, arguments: &[&str]) -> Command {
    let mut command = lanner(arguments);
    command.env("XDG_DATA_HOME", data.path());
    command
}

/// What the command says, and its exit code.
pub fn run(data: &Directory, arguments: &[&str]) -> (String, Option<i32>) {
    let output = output(&mut dev_certs(
        data,
        &[["dev-certs"].as_slice(), arguments].concat(),
    ));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}
