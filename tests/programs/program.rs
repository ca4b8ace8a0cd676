//! Programs that were not written for these tests: what they are called, where they come from,
//! and how they are run.

use std::cell::Cell;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A program, and the Debian package that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    /// Too large to be demanded of a machine, even where the others are.
    pub(crate) is_large: bool,
}

const fn small(name: &'static str, package: &'static str) -> Program {
    Program {
        name,
        package,
        is_large: false,
    }
}

pub(crate) const CURL: Program = small("curl", "curl");
pub(crate) const NGHTTP: Program = small("nghttp", "nghttp2-client");
pub(crate) const H2LOAD: Program = small("h2load", "nghttp2-client");
pub(crate) const OPENSSL: Program = small("openssl", "openssl");
pub(crate) const TIMEOUT: Program = small("timeout", "coreutils");
pub(crate) const CHROMIUM: Program = Program {
    name: "chromium",
    package: "chromium",
    is_large: true,
};

thread_local! {
    /// What the test on this thread has said that it needs; a thread of a test's own has none.
    static NEEDS: Cell<Option<&'static [Program]>> = const { Cell::new(None) };
}

/// Holds the test that begins on this thread to these programs.
pub(crate) fn hold_to(needs: &'static [Program]) {
    NEEDS.set(Some(needs));
}

impl Program {
    /// Whether `PATH` has it.
    pub(crate) fn is_installed(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(self.name).is_file())
    }

    /// Runs it with these arguments and bytes on its standard input.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let is_said = NEEDS.get().is_none_or(|needs| needs.contains(self));
        assert!(is_said, "the test does not say that it needs {}", self.name);
        let child = Command::new(self.name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // Beside the reading, so that neither pipe can fill up. The program may not want its input.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// Runs it, which must succeed; answers its standard output.
    #[track_caller]
    pub(crate) fn output(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.run(arguments, input);
        assert!(
            output.status.success(),
            "{} {arguments:?}: {}, {}",
            self.name,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}

/// Text that a program has said.
#[track_caller]
pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
