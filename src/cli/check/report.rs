//! Findings and how they are laid out for people.
//!
//! Owns the columns, the wrapping and the closing line. Knows nothing of what is examined.

use std::io::{self, Write};

/// Columns of the report: verdict, subject, and the width of the text after them.
const VERDICT_WIDTH: usize = 6;
const SUBJECT_WIDTH: usize = 15;
const TEXT_WIDTH: usize = 79;

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing to do.
    Ok,
    /// A server runs, but something may be missed under load.
    Warn,
    /// No server runs.
    Lack,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Lack => "LACK",
        }
    }
}

/// One line of the report.
#[derive(Debug)]
pub(super) struct Finding {
    /// How good it is.
    pub(super) verdict: Verdict,
    /// What was looked at, in a word or two.
    pub(super) subject: &'static str,
    /// What was found.
    pub(super) found: String,
    /// What to do about it; empty if there is nothing to do.
    pub(super) cure: String,
}

impl Finding {
    /// Nothing to do.
    pub(super) fn ok(subject: &'static str, found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Ok,
            subject,
            found: found.into(),
            cure: String::new(),
        }
    }

    /// Something that may be missed under load, and what to do about it.
    pub(super) fn warn(
        subject: &'static str,
        found: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Warn,
            cure: cure.into(),
            ..Self::ok(subject, found)
        }
    }

    /// Something without which no server runs, and what to do about it.
    pub(super) fn lack(
        subject: &'static str,
        found: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Lack,
            ..Self::warn(subject, found, cure)
        }
    }
}

/// Whether a server can run, even if not at its best.
pub(super) fn can_run(findings: &[Finding]) -> bool {
    findings.iter().all(|it| it.verdict != Verdict::Lack)
}

/// Lays the findings out, each with its cure below it, and says what follows from them.
pub(super) fn write_report(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    writeln!(out, "What this machine offers Lanner:\n")?;
    for finding in findings {
        let mut verdict = finding.verdict.name();
        let mut subject = finding.subject;
        let cure = (!finding.cure.is_empty()).then(|| format!("-> {}", finding.cure));
        for text in [Some(&finding.found), cure.as_ref()].into_iter().flatten() {
            for line in wrap(text) {
                writeln!(
                    out,
                    "{verdict:VERDICT_WIDTH$}{subject:SUBJECT_WIDTH$}{line}"
                )?;
                (verdict, subject) = ("", "");
            }
        }
    }
    let lacks = findings
        .iter()
        .filter(|it| it.verdict == Verdict::Lack)
        .count();
    match lacks {
        0 => writeln!(out, "\nLanner can run here."),
        1 => writeln!(out, "\nLanner cannot run here: one thing is lacking."),
        _ => writeln!(out, "\nLanner cannot run here: {lacks} things are lacking."),
    }
}

/// Breaks a text between words into lines of [`TEXT_WIDTH`]; a longer word has a line to itself.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_ascii_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= TEXT_WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
