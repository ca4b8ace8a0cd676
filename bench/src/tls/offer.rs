//! What a foreign client offers: wrk has no options for it and says nothing of what it negotiates,
//! so its first message is looked at.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::server::Acceptor;
use rustls::{CipherSuite, NamedGroup};

use crate::interrupt::Interrupt;
use crate::mode::Version;

/// How long the client may take to connect and send.
const LIMIT: Duration = Duration::from_secs(5);

/// The cipher suites and groups of a ClientHello (RFC 8446, section 4.1.2), in its order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    suites: Vec<CipherSuite>,
    groups: Vec<NamedGroup>,
}

/// A port that reads the first message of a TLS client and answers nothing.
pub(crate) struct Listener(TcpListener);

impl Listener {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.0.local_addr()?)
    }

    /// Waits for a client that sends something.
    pub(crate) fn offer(&self, interrupt: &Interrupt) -> Result<Offer> {
        let offer = interrupt.wait_for(LIMIT, || match self.0.accept() {
            Ok((stream, _)) => read(stream),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        offer.context("it has offered nothing")
    }
}

impl Offer {
    /// Fails if a server would have a choice other than that of `version`.
    pub(crate) fn expect(&self, version: Version) -> Result<()> {
        let suite = match version {
            Version::Tls12 => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            Version::Tls13 => CipherSuite::TLS13_AES_128_GCM_SHA256,
        };
        // No suite but a sign that renegotiation is understood (RFC 5746).
        let is_suite =
            |other: &&CipherSuite| **other != CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV;
        let suites: Vec<&CipherSuite> = self.suites.iter().filter(is_suite).collect();
        ensure!(
            suites == [&suite] && self.groups == [NamedGroup::X25519],
            "it offers {self:?}"
        );
        Ok(())
    }
}

/// The offer of the client on `stream`; `None` if it ends without a word.
fn read(mut stream: TcpStream) -> Result<Option<Offer>> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut acceptor = Acceptor::default();
    loop {
        if acceptor.read_tls(&mut stream)? == 0 {
            return Ok(None);
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let hello = accepted.client_hello();
                return Ok(Some(Offer {
                    suites: hello.cipher_suites().to_vec(),
                    groups: hello.named_groups().unwrap_or_default().to_vec(),
                }));
            }
            Ok(None) => {}
            Err((error, _)) => bail!("its first message: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_suite_or_group_is_a_choice() {
        let offer = |suites: &[CipherSuite], groups: &[NamedGroup]| Offer {
            suites: suites.to_vec(),
            groups: groups.to_vec(),
        };
        let (suite, sign) = (
            CipherSuite::TLS13_AES_128_GCM_SHA256,
            CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV,
        );
        let group = NamedGroup::X25519;
        let right = offer(&[suite, sign], &[group]);
        right.expect(Version::Tls13).unwrap();
        assert!(right.expect(Version::Tls12).is_err());
        for wrong in [
            offer(&[suite, CipherSuite::TLS13_AES_256_GCM_SHA384], &[group]),
            offer(&[suite], &[group, NamedGroup::secp256r1]),
            offer(&[], &[]),
        ] {
            assert!(wrong.expect(Version::Tls13).is_err(), "{wrong:?}");
        }
    }
}
