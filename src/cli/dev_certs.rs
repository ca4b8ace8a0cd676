//! `lanner dev-certs`: the development certificate, for people.
//!
//! Owns the texts. Changes nothing but the certificate itself: whom a machine trusts is for its user
//! to say.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Subcommand;

use crate::server::{DEVELOPMENT_NAMES, DevelopmentCertificate, DevelopmentError};
use crate::tls::CertificateSummary;

/// What to do with the development certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(super) enum Action {
    /// Show where it lies, for which names and until when it is valid (what happens without a
    /// command).
    Show,
    /// Make a new one in place of the old one.
    Renew,
    /// Print how clients on this machine come to trust it; nothing is changed.
    Trust,
}

/// Does it. The exit code is 0 if there is a valid certificate, 1 otherwise.
pub(super) fn run(action: Action) -> ExitCode {
    let result = DevelopmentCertificate::of_user().map(|certificate| {
        let out = &mut io::stdout().lock();
        let now = SystemTime::now();
        match action {
            Action::Show => show(out, &certificate, now),
            Action::Renew => certificate
                .renew(now)
                .map_err(Failure::Certificate)
                .and_then(|()| show(out, &certificate, now)),
            Action::Trust => trust(out, &certificate),
        }
    });
    match result.map_err(Failure::Certificate).flatten() {
        Ok(code) => code,
        Err(Failure::Certificate(error)) => {
            eprintln!("lanner: {error}");
            ExitCode::FAILURE
        }
        Err(Failure::Output(error)) => {
            eprintln!("lanner: the output cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why there is no output.
enum Failure {
    Certificate(DevelopmentError),
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn show(
    out: &mut impl Write,
    certificate: &DevelopmentCertificate,
    now: SystemTime,
) -> Result<ExitCode, Failure> {
    let Some((server, authority)) = certificate.summaries() else {
        return Ok(none(out, certificate)?);
    };
    let is_valid = (server.not_before..server.not_after).contains(&now);
    let expired = if is_valid { "" } else { " (not now)" };
    writeln!(
        out,
        "Certificate and key  {}",
        certificate.server_file().display()
    )?;
    writeln!(out, "  for                {}", DEVELOPMENT_NAMES.join(", "))?;
    writeln!(out, "  valid from         {}", date(server.not_before))?;
    writeln!(
        out,
        "  valid until        {}{expired}",
        date(server.not_after)
    )?;
    writeln!(out, "  SHA-256            {}", fingerprint(&server))?;
    writeln!(
        out,
        "Authority to trust   {}",
        certificate.authority_file().display()
    )?;
    writeln!(out, "  SHA-256            {}", fingerprint(&authority))?;
    Ok(if is_valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn none(out: &mut impl Write, certificate: &DevelopmentCertificate) -> io::Result<ExitCode> {
    writeln!(
        out,
        "There is no development certificate in {}.",
        certificate.server_file().display()
    )?;
    writeln!(
        out,
        "A server with an https address on localhost makes one, and so does: lanner dev-certs renew"
    )?;
    Ok(ExitCode::FAILURE)
}

fn trust(out: &mut impl Write, certificate: &DevelopmentCertificate) -> Result<ExitCode, Failure> {
    let Some((_, authority)) = certificate.summaries() else {
        return Ok(none(out, certificate)?);
    };
    let file = quoted(&certificate.authority_file());
    write!(
        out,
        "Clients are to trust this file: {file}
It holds an authority that can vouch for localhost and nothing else, and whose key was not kept.
It is valid until {until}; after each renewal the new file has to be trusted.

One call of curl:
  curl --cacert {file} https://localhost:5001/

Debian, Ubuntu (curl, wget, git and most programs):
  sudo cp {file} /usr/local/share/ca-certificates/lanner-localhost.crt
  sudo update-ca-certificates
  undo: sudo rm /usr/local/share/ca-certificates/lanner-localhost.crt; \
sudo update-ca-certificates --fresh

Fedora, RHEL and relatives:
  sudo cp {file} /etc/pki/ca-trust/source/anchors/lanner-localhost.pem
  sudo update-ca-trust
  undo: sudo rm /etc/pki/ca-trust/source/anchors/lanner-localhost.pem; sudo update-ca-trust

Chromium and Chrome (certutil is in libnss3-tools on Debian, nss-tools on Fedora):
  certutil -d sql:$HOME/.pki/nssdb -A -t \"C,,\" -n lanner-localhost -i {file}
  undo: certutil -d sql:$HOME/.pki/nssdb -D -n lanner-localhost

Firefox:
  Settings, Privacy & Security, View Certificates, Authorities, Import: the same file
",
        until = date(authority.not_after),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn date(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

/// As browsers and `openssl x509 -fingerprint` write it.
fn fingerprint(summary: &CertificateSummary) -> String {
    let pairs: Vec<String> = summary
        .sha256
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    if text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_of_a_shell() {
        let table = [
            ("/a/b-c.pem", "/a/b-c.pem"),
            ("/a b/$HOME", "'/a b/$HOME'"),
            ("/it's", r"'/it'\''s'"),
        ];
        for (path, expected) in table {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
