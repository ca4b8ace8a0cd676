//! A server with one certificate, and the ways of programs to it.

use std::net::SocketAddr;

use crate::program::{CURL, OPENSSL};
use crate::support::command::Process;
use crate::support::tls::{Authority, Directory};

/// A server with one certificate for `a.example`, and a client's way to it.
pub(crate) struct Site {
    pub(crate) directory: Directory,
    ca: String,
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(|_, _| Vec::new())
    }

    /// With more arguments, which may be the names of files that `more` writes.
    pub(crate) fn with(more: impl FnOnce(&Directory, &Authority) -> Vec<String>) -> Self {
        let directory = Directory::new();
        let authority = Authority::new("server authority");
        let pair = authority.server(&["a.example"]);
        let mut arguments = vec![
            "--cert".to_owned(),
            directory.write("cert.pem", &pair.certificate),
            "--key".to_owned(),
            directory.write("key.pem", &pair.key),
        ];
        arguments.extend(more(&directory, &authority));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (process, address) = Process::secure(&arguments);
        Self {
            ca: directory.write("ca.pem", authority.pem()),
            directory,
            process,
            address,
        }
    }

    /// curl for a path of `a.example`.
    #[track_caller]
    pub(crate) fn curl(&self, path: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let url = format!("https://a.example{path}");
        let to = format!("a.example:443:{}", self.address);
        let all = curl_arguments(&self.ca, &to, &url, arguments);
        CURL.output(&all, input)
    }

    /// The exit code of curl, which fails.
    #[track_caller]
    pub(crate) fn curl_fails(&self, arguments: &[&str]) -> i32 {
        let to = format!("a.example:443:{}", self.address);
        let all = curl_arguments(&self.ca, &to, "https://a.example/plaintext", arguments);
        let output = CURL.run(&all, b"");
        assert!(!output.status.success(), "{arguments:?}");
        output.status.code().unwrap()
    }

    /// `openssl s_client` that sends one request over HTTP/1.1; answers all that it says.
    pub(crate) fn s_client(&self, arguments: &[&str]) -> String {
        let address = self.address.to_string();
        let common = ["s_client", "-connect", &address, "-servername", "a.example"];
        let verify = ["-CAfile", &self.ca, "-verify_return_error", "-ign_eof"];
        let all = [common.as_slice(), &verify, arguments].concat();
        let request = b"GET /plaintext HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
        let output = OPENSSL.run(&all, request);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

/// Exit codes of curl when an alert ends the connection, in the handshake or, as TLS 1.3 has it for
/// clients' certificates, behind it.
pub(crate) const ALERTED: [i32; 4] = [35, 55, 56, 98];

pub(crate) fn curl_arguments<'a>(
    ca: &'a str,
    to: &'a str,
    url: &'a str,
    more: &[&'a str],
) -> Vec<&'a str> {
    let common = ["-sS", "--max-time", "60", "--noproxy", "*", "--cacert", ca];
    [common.as_slice(), &["--connect-to", to], more, &[url]].concat()
}
