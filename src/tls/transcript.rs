//! The transcript of a handshake whose ClientHello rustls was shown with one extension hidden.
//!
//! rustls ends a connection for a server name that is no host name, such as `localhost:8443`, where
//! RFC 6066 lets a server ignore it; and it has no setting for that. So it is shown the hello with the
//! type of that extension replaced (`hello::hide`), and the hashes here put the type back before they
//! hash: both sides prove that they saw the same bytes (RFC 8446, 4.4.1), as ever. Only connections
//! with such a name use these hashes. Owns the hashes; where the extension stands is `aside`'s.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use rustls::crypto::{CipherSuiteCommon, CryptoProvider};
use rustls::{SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};

use super::aside;
use super::config::own_provider;

/// The first byte of a ClientHello. No other message of a handshake begins with it.
const CLIENT_HELLO: u8 = 1;

/// Made once and never changed, so that shards may all read them.
static SUITES: LazyLock<Vec<SupportedCipherSuite>> =
    LazyLock::new(|| own_provider().cipher_suites.iter().map(restoring).collect());

/// The cryptography of `own_provider` with hashes that restore what is hidden.
pub(super) fn restoring_provider() -> Arc<CryptoProvider> {
    let mut provider = Arc::unwrap_or_clone(own_provider());
    provider.cipher_suites.clone_from(&SUITES);
    Arc::new(provider)
}

/// Messages with what is hidden in the hello that they begin with restored.
pub(super) fn restored(messages: &[u8]) -> Cow<'_, [u8]> {
    if aside::hidden().is_none() {
        return Cow::Borrowed(messages);
    }
    let mut restored = Vec::with_capacity(messages.len());
    restore(messages, |piece| restored.extend_from_slice(piece));
    Cow::Owned(restored)
}

fn restore(message: &[u8], mut to: impl FnMut(&[u8])) {
    const SERVER_NAME: [u8; 2] = [0, 0];
    if let (Some(place), Some(&CLIENT_HELLO)) = (aside::hidden(), message.first())
        && let Some((before, rest)) = message.split_at_checked(place)
        && let Some((_, behind)) = rest.split_at_checked(SERVER_NAME.len())
    {
        to(before);
        to(&SERVER_NAME);
        to(behind);
    } else {
        to(message);
    }
}

fn restoring(suite: &SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: suite.aead_alg,
            })))
        }
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: suite.aead_alg,
                quic: None,
            })))
        }
    }
}

fn common(suite: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: suite.suite,
        hash_provider: Box::leak(Box::new(Restoring(suite.hash_provider))),
        confidentiality_limit: suite.confidentiality_limit,
    }
}

struct Restoring(&'static dyn Hash);

impl Hash for Restoring {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Running(self.0.start()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        self.0.hash(data)
    }

    fn output_len(&self) -> usize {
        self.0.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }
}

struct Running(Box<dyn Context>);

impl Context for Running {
    fn fork_finish(&self) -> Output {
        self.0.fork_finish()
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.fork()))
    }

    fn finish(self: Box<Self>) -> Output {
        self.0.finish()
    }

    fn update(&mut self, data: &[u8]) {
        restore(data, |piece| self.0.update(piece));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_put_back_into_hellos_alone() {
        let hello = [CLIENT_HELLO, 0, 0, 4, 0xff, 0x80, 7, 7];
        let finished = [20, 0, 0, 4, 0xff, 0x80, 7, 7];
        let of = |hidden, message: &[u8]| {
            let (restored, _) = aside::listen(hidden, || restored(message).into_owned());
            restored
        };
        assert_eq!(of(Some(4), &hello), [CLIENT_HELLO, 0, 0, 4, 0, 0, 7, 7]);
        assert_eq!(of(None, &hello), hello);
        assert_eq!(of(Some(4), &finished), finished);
        assert_eq!(of(Some(7), &hello), hello);
        // Nothing is left of it behind the work on that connection.
        assert_eq!(restored(&hello), hello.as_slice());
    }

    #[test]
    fn digests_are_those_of_what_the_client_sent() {
        let hidden = [CLIENT_HELLO, 0, 0, 4, 0xff, 0x80, 7, 7];
        let sent = [CLIENT_HELLO, 0, 0, 4, 0, 0, 7, 7];
        let provider = own_provider();
        for (restoring, plain) in restoring_provider()
            .cipher_suites
            .iter()
            .zip(&provider.cipher_suites)
        {
            assert_eq!(restoring.suite(), plain.suite());
            let common = |suite: &SupportedCipherSuite| match suite {
                SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
                SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
            };
            let expected = common(plain).hash(&[&sent[..], &[20, 0]].concat());
            let (digest, _) = aside::listen(Some(4), || {
                let mut running = common(restoring).start();
                running.update(&hidden);
                let mut fork = running.fork();
                fork.update(&[20, 0]);
                fork.finish()
            });
            assert_eq!(digest.as_ref(), expected.as_ref());
        }
    }
}
