//! Arguments that are left out, and what is said of those that make no sense.
//!
//! Owns the command that is meant when none is named, the hints behind an error of the parser, and
//! which errors are the arguments'. What the arguments mean is their owners'.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::net::{BindFault, SteeringError};
use crate::server::StartError;

/// The exit code for arguments or variables that make no sense, as the parser has it.
const USAGE: u8 = 2;

/// The exit code when the server cannot start here and now.
const FAILURE: u8 = 1;

/// The arguments with `run` where no command is named: before the first option, unless that asks
/// about the command as a whole.
pub(super) fn with_command(mut given: Vec<OsString>) -> Vec<OsString> {
    let first = given.get(1).and_then(|first| first.to_str());
    let is_about_all = |option: &str| {
        ["-h", "--help", "-V", "--version"].contains(&option) || !option.starts_with('-')
    };
    if given.len() < 2 || first.is_some_and(|first| !is_about_all(first)) {
        given.insert(given.len().min(1), "run".into());
    }
    given
}

/// Says what is wrong with the arguments, or what was asked about them.
pub(super) fn refuse(error: &clap::Error, command: &clap::Command) -> ExitCode {
    // Nobody is left to tell when even this cannot be written.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::InvalidSubcommand
        && std::env::args()
            .nth(1)
            .is_some_and(|word| word.contains("://"))
    {
        eprintln!("\n  tip: addresses are the value of an option: lanner run --urls 'A;B'");
    }
    let set = variables(command);
    if !set.is_empty() {
        eprintln!(
            "\nThese variables are set and count as arguments: {}",
            set.join(", ")
        );
    }
    ExitCode::from(USAGE)
}

/// The variables of the environment that are set and stand for an argument.
fn variables(command: &clap::Command) -> Vec<String> {
    command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter_map(clap::Arg::get_env)
        .filter(|name| std::env::var_os(name).is_some())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// Whether a server that cannot start was asked for something that makes no sense on any machine.
pub(super) fn exit_code(error: &StartError) -> u8 {
    match error {
        StartError::Address(_)
        | StartError::CertificateMissing(_)
        | StartError::CertificateUnused
        | StartError::TooManyShards { .. }
        | StartError::Steering(SteeringError::SharedPort)
        | StartError::Limits(_) => USAGE,
        StartError::Bind(error) if error.fault() == BindFault::ListedTwice => USAGE,
        _ => FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_is_meant_where_no_command_is_named() {
        let table = [
            ("lanner", "lanner run"),
            ("lanner --urls a", "lanner run --urls a"),
            ("lanner --shards=2", "lanner run --shards=2"),
            ("lanner run --urls a", "lanner run --urls a"),
            ("lanner check", "lanner check"),
            ("lanner --help", "lanner --help"),
            ("lanner -V", "lanner -V"),
            ("lanner http://a", "lanner http://a"),
        ];
        for (given, expected) in table {
            let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(with_command(words(given)), words(expected), "{given}");
        }
    }
}
