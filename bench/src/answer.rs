//! One answer, fetched apart from any load and checked: what makes servers comparable.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::machine;
use crate::mode::{BODY, PATH};
use crate::tls;
use crate::tls::certificate::Certificate;

/// How long a single answer may take when nothing else is going on.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);
/// The longest answer that is read over HTTP/1.1, in bytes.
const SIZE: usize = 4096;
/// The fields that every answer to a small request has.
const FIELDS: [&str; 4] = ["content-length", "content-type", "date", "server"];

const PRIOR_KNOWLEDGE: &str = "--http2-prior-knowledge";

/// A response as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    version: String,
    status: u16,
    /// Field names in lower case.
    names: Vec<String>,
    body: String,
}

impl Answer {
    /// Asks for [`PATH`] over HTTP/1.1 on `stream`, which stays open.
    pub(crate) fn over_http1(
        stream: &mut (impl Read + Write),
        address: SocketAddr,
    ) -> Result<Self> {
        let request = format!("GET {PATH} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let answer = read(stream).context("reading the answer")?;
        Self::parse(&answer).with_context(|| format!("no HTTP/1.1 answer: {answer:?}"))
    }

    /// Asks for [`PATH`] over HTTP/2 on a connection of its own: over TLS with this certificate, or
    /// with prior knowledge.
    pub(crate) fn over_http2(
        address: SocketAddr,
        certificate: Option<&Certificate>,
    ) -> Result<Self> {
        let Some(certificate) = certificate else {
            return curl(&[PRIOR_KNOWLEDGE, &format!("http://{address}{PATH}")]);
        };
        let (name, port) = (tls::NAME, address.port());
        let file = certificate.chain();
        let answer = curl(&[
            "--http2",
            "--cacert",
            file.to_str().context("the directory is not UTF-8")?,
            "--resolve",
            &format!("{name}:{port}:{}", address.ip()),
            &format!("https://{name}:{port}{PATH}"),
        ])?;
        ensure!(answer.version == "HTTP/2", "it answers {}", answer.version);
        Ok(answer)
    }

    /// Posts so many bytes to `/sink` over HTTP/2 with prior knowledge.
    pub(crate) fn to_upload(address: SocketAddr, bytes: usize) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        file.as_file().set_len(bytes as u64)?;
        let name = file.path().to_str().context("the directory is not UTF-8")?;
        curl(&[
            PRIOR_KNOWLEDGE,
            "--data-binary",
            &format!("@{name}"),
            &format!("http://{address}/sink"),
        ])
    }

    /// Fails unless it is 200 with [`BODY`] and with the fields that all servers send, `lacking`
    /// aside.
    pub(crate) fn expect_small(&self, lacking: &[&str]) -> Result<()> {
        self.expect(BODY)?;
        for field in FIELDS {
            ensure!(
                lacking.contains(&field) || self.names.iter().any(|name| name == field),
                "its answer has no {field}, so that it would be compared unequally"
            );
        }
        Ok(())
    }

    /// Fails unless it is 200 with this number, on a line of its own or not.
    pub(crate) fn expect_count(&self, count: usize) -> Result<()> {
        let text = count.to_string();
        let line = format!("{text}\n");
        self.expect(if self.body == line { &line } else { &text })
    }

    /// Fails unless it is 200 with this body.
    fn expect(&self, body: &str) -> Result<()> {
        ensure!(
            self.status == 200 && self.body == body,
            "it answers {} and {:?} instead of 200 and {body:?}",
            self.status,
            self.body,
        );
        Ok(())
    }

    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let (line, fields) = head.split_once("\r\n").unwrap_or((head, ""));
        let (version, rest) = line.split_once(' ')?;
        let names = fields.lines().filter_map(|line| line.split_once(':'));
        version.starts_with("HTTP/").then_some(())?;
        Some(Self {
            version: version.to_owned(),
            status: rest.split(' ').next()?.parse().ok()?,
            names: names.map(|(name, _)| name.to_ascii_lowercase()).collect(),
            body: body.to_owned(),
        })
    }
}

/// Reads until the answer ends with [`BODY`], the peer closes or [`SIZE`] is reached.
fn read(stream: &mut impl Read) -> io::Result<String> {
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    while answer.len() < SIZE && !answer.ends_with(BODY.as_bytes()) {
        match stream.read(&mut chunk)? {
            0 => break,
            count => answer.extend_from_slice(chunk.get(..count).unwrap_or_default()),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn curl(arguments: &[&str]) -> Result<Answer> {
    let output = Command::new(machine::installed("curl", "curl")?)
        .args(["--include", "--silent", "--show-error"])
        .args(["--noproxy", "*", "--max-time", &LIMIT.as_secs().to_string()])
        .args(arguments)
        .output()
        .context("starting curl")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "no HTTP/2 answer: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Answer::parse(&text).with_context(|| format!("no HTTP/2 answer: {text:?}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ANSWER: &str = "HTTP/2 200 \r\nDate: now\r\ncontent-type: text/plain\r\n\
        server: x\r\ncontent-length: 13\r\n\r\nHello, World!";

    #[test]
    fn an_answer_needs_its_status_its_body_and_the_common_fields() {
        let check = |text: &str| Answer::parse(text).unwrap().expect_small(&[]);
        check(ANSWER).unwrap();
        check(&ANSWER.replace("HTTP/2 200 ", "HTTP/1.1 200 OK")).unwrap();
        assert!(check(&ANSWER.replace("200", "404")).is_err());
        assert!(check(&ANSWER.replace("World", "Moon!")).is_err());
        for field in FIELDS {
            let without = ANSWER.to_ascii_lowercase().replace(field, "x-field");
            let without = without
                .replace("hello, world!", BODY)
                .replace("http", "HTTP");
            assert!(check(&without).is_err(), "{without}");
            Answer::parse(&without)
                .unwrap()
                .expect_small(&[field])
                .unwrap();
        }
    }

    #[test]
    fn a_count_may_have_a_line_of_its_own() {
        let check = |body: &str| {
            let text = ANSWER.replace(BODY, body);
            Answer::parse(&text).unwrap().expect_count(12)
        };
        check("12").unwrap();
        check("12\n").unwrap();
        for body in ["", "13", "12 ", "12\n\n", "112"] {
            assert!(check(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/2 ok\r\n\r\n",
        ] {
            assert_eq!(Answer::parse(text), None);
        }
    }
}
