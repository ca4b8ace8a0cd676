//! Which tests are run, and what is said of those that are not.

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

use crate::program::{self, Program};

/// Where it is 1, a program that is missing fails the tests that need it.
const REQUIRE: &str = "LANNER_REQUIRE_PROGRAMS";

/// A test, and the programs that it runs.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Program],
    pub(crate) run: fn(),
}

/// The tests of a module, each with the programs that it needs. One that is not in its table is
/// code that nobody calls, which the compiler says.
macro_rules! tests {
    ($($name:ident: [$($program:ident),*];)*) => {
        [$(crate::harness::Test {
            name: stringify!($name),
            needs: &[$(crate::program::$program),*],
            run: $name,
        }),*]
    };
}
pub(crate) use tests;

impl Test {
    fn missing(&self) -> Vec<Program> {
        let needs = self.needs.iter().copied();
        needs.filter(|program| !program.is_installed()).collect()
    }
}

fn is_required() -> bool {
    std::env::var_os(REQUIRE).is_some_and(|value| value == "1")
}

/// `curl (package curl), ...`.
fn list(programs: &[Program]) -> String {
    let each = |program: &Program| format!("{} (package {})", program.name, program.package);
    programs.iter().map(each).collect::<Vec<_>>().join(", ")
}

fn trial(module: &str, test: &Test) -> Trial {
    let (needs, run, missing) = (test.needs, test.run, test.missing());
    let must_run = is_required() && !missing.iter().any(|program| program.is_large);
    let said = list(&missing);
    let is_ignored = !missing.is_empty() && !must_run;
    let kind = if is_ignored {
        format!("not run, needs {said}")
    } else {
        String::new()
    };
    let body = move || {
        if !missing.is_empty() {
            return Err(format!("needs {said}").into());
        }
        program::hold_to(needs);
        run();
        Ok(())
    };
    Trial::test(format!("{module}::{}", test.name), body)
        .with_kind(kind)
        .with_ignored_flag(is_ignored)
}

/// Runs the tests that the arguments ask for.
pub(crate) fn run(modules: &[(&str, &[Test])]) -> ExitCode {
    let arguments = Arguments::from_args();
    let all = modules
        .iter()
        .flat_map(|(module, tests)| tests.iter().map(move |test| (module, test)));
    let trials = all.clone().map(|(module, test)| trial(module, test));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if !arguments.list && !is_required() {
        let mut missing: Vec<Program> = all.flat_map(|(_, test)| test.missing()).collect();
        missing.sort_unstable_by_key(|program| program.name);
        missing.dedup();
        if !missing.is_empty() {
            println!("tests that are ignored were not run for want of programs:");
            println!("    {}\n", list(&missing));
        }
    }
    conclusion.exit_code()
}

pub(crate) const TESTS: [Test; 1] = tests! {
    what_is_missing_is_said_and_fails_only_where_it_is_required: [];
};

/// This program again, where `PATH` has nothing: its exit code and what it says.
fn without_programs(require: bool) -> (Option<i32>, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // Those that need nothing are run already.
    command
        .args(["--skip", "harness::", "--skip", "failing::"])
        .env("PATH", "");
    command.env(REQUIRE, if require { "1" } else { "0" });
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn what_is_missing_is_said_and_fails_only_where_it_is_required() {
    let (code, said) = without_programs(false);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 passed; 0 failed; "), "{said}");
    let name = "http2::nghttp_reads_many_streams";
    let line = said.lines().find(|line| line.contains(name)).unwrap();
    assert!(
        line.contains("[not run, needs nghttp (package nghttp2-client)]")
            && line.ends_with("ignored"),
        "{line}"
    );
    let last = said.trim_end().lines().last().unwrap();
    for named in ["curl (package curl)", "h2load (package nghttp2-client)"] {
        assert!(last.contains(named), "{last}");
    }

    let (code, said) = without_programs(true);
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("needs nghttp (package nghttp2-client)"));
    // What is too large to be required is said there as well.
    let name = "tls::chromium::";
    let line = said.lines().find(|line| line.contains(name)).unwrap();
    assert!(line.ends_with("ignored"), "{line}");
}
