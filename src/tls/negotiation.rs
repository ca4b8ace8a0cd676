//! rustls at work on one connection: what it is shown, what it wants sent, what it ends with.
//!
//! Owns the one record after the other, so that rustls never opens one of the application's; and the
//! alert at the end: rustls's own, or the one that RFC 8446 asks for where rustls has another or none.
//! Sans-IO. Must not know sites, nor whose hello it is.

use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, InsufficientSizeError};
use rustls::{Error, InvalidMessage, PeerIncompatible, PeerMisbehaved, ProtocolVersion};
use rustls::{ServerConfig, SupportedCipherSuite};

use super::aside::{self, TrafficSecret};
use super::fault::{Fault, alert};
use super::hello::{self, Hello, Scan, UnfitName};
use super::record::{ContentType, HEADER_BYTES, Sealer, TAG_BYTES, record_length};
use super::refusal::ClientRefusal;

/// The first bytes of handshake messages (RFC 8446, 4).
const CLIENT_HELLO: u8 = 1;
const FINISHED: u8 = 20;

/// A connection of rustls before its secrets are taken out.
pub(super) struct Negotiation {
    connection: UnbufferedServerConnection,
    /// How much of the input rustls has been shown: whole records.
    shown: usize,
    /// Where in the last ClientHello a server name stands that rustls does not see.
    hidden: Option<usize>,
    /// Whether a second ClientHello has come, after HelloRetryRequest.
    retried: bool,
    /// What our records are protected under, once they are.
    secret: Option<TrafficSecret>,
    /// The client's certificate that was refused.
    refusal: Option<Box<ClientRefusal>>,
}

impl Negotiation {
    /// One that begins with the hello at the start of `input`.
    pub(super) fn new(
        config: Arc<ServerConfig>,
        unfit: Option<UnfitName>,
        input: &mut [u8],
    ) -> Result<Self, Fault> {
        if let Some(name) = unfit {
            hello::hide(name, input);
        }
        Ok(Self {
            connection: UnbufferedServerConnection::new(config).map_err(|_| Fault::Internal)?,
            shown: 0,
            hidden: unfit.map(|name| name.place),
            retried: false,
            secret: None,
            refusal: None,
        })
    }

    /// Shows rustls what has come. True once the handshake is done.
    ///
    /// # Errors
    /// The handshake has failed. What the peer is told is in `out`.
    pub(super) fn advance(
        &mut self,
        input: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Fault> {
        loop {
            match self.work(input, out)? {
                Worked::Done => return Ok(true),
                Worked::Some => continue,
                Worked::Blocked => {}
            }
            self.forget_early_data(input);
            match self.show_next(input) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(fault) => {
                    self.say(fault.alert(), out);
                    return Err(fault);
                }
            }
        }
    }

    /// Lets rustls work on what it was shown.
    fn work(&mut self, input: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<Worked, Fault> {
        let shown = input.get_mut(..self.shown).unwrap_or_default();
        let connection = &mut self.connection;
        let (status, told) = aside::listen(self.hidden, || connection.process_tls_records(shown));
        if told.secret.is_some() {
            self.secret = told.secret;
        }
        self.refusal = told.refusal.or(self.refusal.take());
        let discard = status.discard;
        let worked = match status.state {
            Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out).map(|()| Worked::Some),
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Ok(Worked::Some)
            }
            Ok(ConnectionState::BlockedHandshake) => Ok(Worked::Blocked),
            Ok(ConnectionState::WriteTraffic(_)) => Ok(Worked::Done),
            // close_notify in the place of a handshake message, or data before its end.
            Ok(_) => Err(Fault::HandshakeIncomplete),
            Err(error) => {
                let fault = self.fail(&error, input, discard, out);
                return Err(fault);
            }
        };
        self.discard(input, discard);
        worked
    }

    fn discard(&mut self, input: &mut Vec<u8>, bytes: usize) {
        input.drain(..bytes.min(input.len()));
        self.shown = self.shown.saturating_sub(bytes);
    }

    /// Early data that is skipped (RFC 8446, 4.2.10) stays where it is in rustls's view, and would
    /// count anew against what may be skipped with each record that follows.
    ///
    /// rustls does not say that it has skipped a record. But AWS-LC overwrites what does not
    /// authenticate with zeros, and a record that does ends with its type, which is not zero: one of
    /// zeros alone was skipped, for certain.
    fn forget_early_data(&mut self, input: &mut Vec<u8>) {
        let Some(&[first, .., high, low]) = input.first_chunk::<HEADER_BYTES>() else {
            return;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if first != ContentType::ApplicationData.byte() || self.shown != HEADER_BYTES + length {
            return;
        }
        let content = HEADER_BYTES..self.shown.saturating_sub(TAG_BYTES).max(HEADER_BYTES);
        let content = input.get(content).unwrap_or_default();
        if content.iter().all(|&byte| byte == 0) {
            self.discard(input, self.shown);
        }
    }

    /// Shows rustls the next record; false while it is not whole.
    fn show_next(&mut self, input: &mut [u8]) -> Result<bool, Fault> {
        let rest = input.get_mut(self.shown..).unwrap_or_default();
        let Some(length) = record_length(rest)?.filter(|&length| length <= rest.len()) else {
            return Ok(false);
        };
        // Behind the first hello of TLS 1.3 nothing comes in the clear but a second one, which has the
        // name again (RFC 8446, 4.1.2).
        let is_answered = self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let is_hello = matches!(rest, [22, _, _, _, _, CLIENT_HELLO, ..]);
        if self.hidden.is_some() && is_answered && is_hello && !self.retried {
            match Scan::default().read(rest) {
                Hello::Partial => return Ok(false),
                Hello::Malformed(fault) => return Err(fault.into()),
                Hello::Complete(asked) => {
                    self.retried = true;
                    self.hidden = asked.unfit.map(|name| name.place);
                    if let Some(name) = asked.unfit {
                        hello::hide(name, rest);
                    }
                }
            }
        }
        self.shown += length;
        Ok(true)
    }

    /// What has failed, and what the peer is told of it.
    fn fail(
        &mut self,
        error: &Error,
        input: &mut Vec<u8>,
        discard: usize,
        out: &mut Vec<u8>,
    ) -> Fault {
        let tls12 = self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2);
        let shown = input.get(..self.shown).unwrap_or_default();
        let (fault, own) = match error {
            // RFC 5246, 7.4.6: the alert that rustls sends is of TLS 1.3.
            Error::NoCertificatesPresented if tls12 => {
                (Fault::from(error), Some(alert::HANDSHAKE_FAILURE))
            }
            // RFC 8446, 6.2: a length that is wrong is no wrong signature.
            Error::DecryptError if self.ends_with_misshapen_finished(shown) => {
                (Fault::HandshakeMalformed, Some(alert::DECODE_ERROR))
            }
            // RFC 8446, 9.2.
            Error::PeerIncompatible(PeerIncompatible::KeyShareExtensionRequired) => {
                (Fault::MissingExtension, Fault::MissingExtension.alert())
            }
            // RFC 8446, 5.1 and 5.4.
            Error::InvalidMessage(InvalidMessage::InvalidEmptyPayload) => {
                (Fault::from(error), Some(alert::UNEXPECTED_MESSAGE))
            }
            _ => (Fault::from(error), None),
        };
        self.discard(input, discard);
        if own.is_some() || !self.connection.wants_write() {
            self.say(own.or_else(|| unsaid(error)), out);
        } else {
            let shown = input.get_mut(..self.shown).unwrap_or_default();
            say_last_words(&mut self.connection, shown, out);
        }
        fault
    }

    /// Whether the last record that was shown begins with a Finished that is not as long as it must be
    /// (RFC 8446, 4.4.4; RFC 5246, 7.4.9). It was deciphered where it lies.
    fn ends_with_misshapen_finished(&self, shown: &[u8]) -> bool {
        let length = match self.connection.negotiated_cipher_suite() {
            Some(SupportedCipherSuite::Tls13(suite)) => suite.common.hash_provider.output_len(),
            Some(SupportedCipherSuite::Tls12(_)) => 12,
            None => return false,
        };
        let mut last = shown;
        while let Ok(Some(bytes)) = record_length(last)
            && let Some(behind) = last.get(bytes..).filter(|behind| !behind.is_empty())
        {
            last = behind;
        }
        // TLS 1.2 has eight bytes of the nonce before it with AES-GCM.
        let places = [HEADER_BYTES, HEADER_BYTES + 8];
        let finished = places.iter().find_map(|&place| match last.get(place..) {
            Some(&[FINISHED, 0, 0, length, ..]) => Some(usize::from(length)),
            _ => None,
        });
        finished.is_some_and(|found| found != length)
    }

    /// Appends a fatal alert: in the clear while there are no keys (RFC 8446, 6), otherwise in the
    /// only record that is ever sealed under them here. Nothing is sealed under keys of TLS 1.2 before
    /// the end of its handshake.
    pub(super) fn say(&mut self, alert: Option<u8>, out: &mut Vec<u8>) {
        let Some(description) = alert else {
            return;
        };
        let Some(secret) = self.secret.take() else {
            say_in_the_clear(description, out);
            return;
        };
        let suite = self.connection.negotiated_cipher_suite();
        let sealer = suite.and_then(|suite| Sealer::of_secret(suite.suite(), secret.bytes()));
        if let Some(mut sealer) = sealer {
            // The first of its key; it has room for as many as anybody wants.
            let _ = sealer.seal(ContentType::Alert, &[2, description], out);
        }
    }

    /// The client's certificate for which it has failed.
    pub(super) fn take_refusal(&mut self) -> Option<Box<ClientRefusal>> {
        self.refusal.take()
    }

    /// The handshake is done.
    pub(super) fn into_connection(self) -> UnbufferedServerConnection {
        self.connection
    }
}

enum Worked {
    /// There may be more to do.
    Some,
    /// rustls waits for more.
    Blocked,
    Done,
}

/// A fatal alert where there are no keys.
pub(super) fn say_in_the_clear(description: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[21, 3, 3, 0, 2, 2, description]);
}

/// The alert for what rustls ends a connection for without a word.
fn unsaid(error: &Error) -> Option<u8> {
    Some(match error {
        Error::AlertReceived(_) => return None,
        Error::PeerMisbehaved(PeerMisbehaved::ServerNameDifferedOnRetry) => {
            alert::ILLEGAL_PARAMETER
        }
        Error::PeerMisbehaved(PeerMisbehaved::UnsolicitedCertExtension) => {
            alert::UNSUPPORTED_EXTENSION
        }
        // Records of another kind amid a message, of padding alone, too many of one that costs
        // nothing.
        Error::PeerMisbehaved(_) => alert::UNEXPECTED_MESSAGE,
        Error::InvalidMessage(_) => alert::DECODE_ERROR,
        _ => alert::INTERNAL_ERROR,
    })
}

fn encode(
    mut data: EncodeTlsData<'_, ServerConnectionData>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let required = match data.encode(&mut []) {
        Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => {
            required_size
        }
        Ok(_) | Err(EncodeError::AlreadyEncoded) => return Ok(()),
    };
    let start = out.len();
    out.resize(start + required, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    data.encode(room).map(drop).map_err(|_| Fault::Internal)
}

/// What rustls has to say after it has failed: an alert. It is asked only while it has something to
/// say, or it would go on with what it was shown: behind the message at fault there may be others in
/// the same record, and a second fault would be a second fatal alert.
fn say_last_words(
    connection: &mut UnbufferedServerConnection,
    shown: &mut [u8],
    out: &mut Vec<u8>,
) {
    while connection.wants_write() {
        let Ok(ConnectionState::EncodeTlsData(data)) = connection.process_tls_records(shown).state
        else {
            return;
        };
        if encode(data, out).is_err() {
            return;
        }
    }
}
