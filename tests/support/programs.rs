//! Programs that were not written for these tests.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs a program with these arguments and bytes on its standard input. One that is missing fails
/// the test with the name of its package.
#[track_caller]
pub fn run(program: &str, package: &str, arguments: &[&str], input: &[u8]) -> Output {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!("these tests need the program {program} (package {package}): {error}")
    });
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside the reading, so that neither pipe can fill up. The program may not want its input.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Runs a program that must succeed; answers its standard output.
#[track_caller]
pub fn output(program: &str, package: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = run(program, package, arguments, input);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}, {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
