//! A TLS handshake: bytes in, flights out, a session in the end.
//!
//! Owns the order of things: the ClientHello is read first, because its server name decides what
//! the connection may be; then rustls negotiates (`negotiation`); then its secrets and what it has
//! agreed on become a `Session`. Sans-IO. Must not know a protocol above, nor what a shard is.

use std::rc::Rc;

use rustls::server::UnbufferedServerConnection;
use rustls::{HandshakeKind, ProtocolVersion};

use super::aside;
use super::cleartext::{is_http, may_become_http};
use super::fault::Fault;
use super::hello::{Asked, HELLO_BYTES_MAX, Hello, Scan};
use super::name::ServerName;
use super::negotiation::{Negotiation, say_in_the_clear};
use super::policy::{Policy, Scope};
use super::record::{HEADER_BYTES, Opener, Sealer, Version};
use super::refusal::ClientRefusal;
use super::session::{Agreed, Session};
use super::sites::Sites;
use crate::features::{TlsFeature, TlsVersion};
use crate::http::Protocols;

/// The most bytes of a handshake that are held at once: the longest message that rustls takes, 64 KiB,
/// in records as short as can be agreed on (512 bytes: RFC 6066, section 4) and far shorter ones.
const HELD_BYTES_MAX: usize = 96 * 1024;

/// The most bytes that a peer may send before its handshake is done: two hellos and a certificate chain
/// as long as that, and the early data that is skipped.
const HANDSHAKE_BYTES_MAX: usize = 256 * 1024;

/// One handshake.
pub(crate) struct Handshake {
    stage: Stage,
    /// What has come and is not consumed.
    input: Vec<u8>,
    /// How far the hello was looked at.
    scan: Scan,
    /// Bytes that have come in all.
    received: usize,
    input_ended: bool,
    server_name: Option<Box<str>>,
    protocols: Protocols,
    /// Of the site that was chosen.
    policy: Option<Policy>,
    /// The client's certificate that was refused.
    refusal: Option<Box<ClientRefusal>>,
}

enum Stage {
    /// The hello has not come whole.
    Hello,
    /// A site is chosen.
    Negotiating(Box<Negotiation>),
    /// It has ended, one way or the other.
    Over,
}

/// How far a handshake has come.
pub(crate) enum Progress {
    /// It waits for the peer.
    Wait,
    /// It has work to do, for which this turn has no room any more.
    Postponed,
    /// It is done.
    Done(Box<Done>),
    /// It has failed; alerts are in the output already.
    Failed(Fault),
}

/// A handshake that is done.
pub(crate) struct Done {
    /// The connection from here on.
    pub(crate) session: Session,
    /// Records that came with the end of the handshake.
    pub(crate) rest: Vec<u8>,
    /// What the connection may be asked for.
    pub(crate) scope: Scope,
    /// Whether HTTP/2 was negotiated (RFC 9113, 3.2).
    pub(crate) http2: bool,
}

impl Handshake {
    /// One that waits for its first byte.
    pub(crate) fn new() -> Self {
        Self {
            stage: Stage::Hello,
            input: Vec::new(),
            scan: Scan::default(),
            received: 0,
            input_ended: false,
            server_name: None,
            protocols: Protocols::default(),
            policy: None,
            refusal: None,
        }
    }

    /// Takes received bytes; `advance` works on them.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.received = self.received.saturating_add(bytes.len());
        if !self.is_too_long() {
            self.input.extend_from_slice(bytes);
        }
    }

    fn is_too_long(&self) -> bool {
        self.received > HANDSHAKE_BYTES_MAX || self.input.len() > HELD_BYTES_MAX
    }

    /// The peer has finished sending.
    pub(crate) fn receive_end(&mut self) {
        self.input_ended = true;
    }

    /// Whether the peer has finished sending.
    pub(crate) fn has_ended(&self) -> bool {
        self.input_ended
    }

    /// Whether a byte has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.received > 0
    }

    /// Whether a site was chosen and the two sides negotiate.
    pub(crate) fn is_negotiating(&self) -> bool {
        matches!(self.stage, Stage::Negotiating(_))
    }

    /// Goes on as far as possible and appends what is to be sent to `out`. A handshake begins only
    /// while `budget` is above zero, and takes one from it.
    pub(crate) fn advance(
        &mut self,
        sites: &Sites,
        budget: &mut u32,
        out: &mut Vec<u8>,
    ) -> Progress {
        if self.is_too_long() {
            return self.fail(Fault::HandshakeTooLong, out);
        }
        if matches!(self.stage, Stage::Hello) {
            match self.choose_site(sites, budget, out) {
                Ok(Some(progress)) => return progress,
                Ok(None) => {}
                Err(fault) => return self.fail(fault, out),
            }
        }
        let Stage::Negotiating(negotiation) = &mut self.stage else {
            return Progress::Wait;
        };
        match negotiation.advance(&mut self.input, out) {
            Ok(true) => self.finish(sites, out),
            Ok(false) if self.input_ended => self.fail(Fault::HandshakeIncomplete, out),
            Ok(false) => Progress::Wait,
            Err(fault) => {
                self.refusal = negotiation.take_refusal();
                self.stage = Stage::Over;
                Progress::Failed(fault)
            }
        }
    }

    /// Reads the hello and begins with the site that it names. A progress is the last word.
    fn choose_site(
        &mut self,
        sites: &Sites,
        budget: &mut u32,
        out: &mut Vec<u8>,
    ) -> Result<Option<Progress>, Fault> {
        let asked = match self.scan.read(&self.input) {
            Hello::Partial if self.input_ended => return Err(Fault::HandshakeIncomplete),
            Hello::Partial => return Ok(Some(Progress::Wait)),
            Hello::Malformed(_) if !self.input_ended && may_become_http(&self.input) => {
                return Ok(Some(Progress::Wait));
            }
            Hello::Malformed(_) if is_http(&self.input) => return Err(Fault::CleartextHttp),
            Hello::Malformed(fault) => {
                self.say_fatal(fault.alert(), out);
                return Ok(Some(Progress::Failed(fault.into())));
            }
            Hello::Complete(asked) => asked,
        };
        check(&asked)?;
        if *budget == 0 {
            return Ok(Some(Progress::Postponed));
        }
        *budget -= 1;
        let name = asked.server_name.as_ref().map(ServerName::as_str);
        let site = sites.choose(name).ok_or(Fault::UnrecognizedName)?;
        if !site.speaks_a_version_of(&asked) {
            return Err(Fault::Version);
        }
        let config = site.config_for(&asked);
        let negotiation = Negotiation::new(config, asked.unfit, &mut self.input)?;
        self.stage = Stage::Negotiating(Box::new(negotiation));
        self.protocols = site.protocols;
        self.policy = Some(site.policy);
        self.server_name = name.map(Into::into);
        Ok(None)
    }

    /// Takes the secrets out of rustls. What it wanted to send is in `out`, protected.
    fn finish(&mut self, sites: &Sites, out: &mut Vec<u8>) -> Progress {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let (Stage::Negotiating(negotiation), Some(policy)) = (stage, self.policy) else {
            return Progress::Failed(Fault::Internal);
        };
        let connection = negotiation.into_connection();
        // A resumed session brings the chain of an earlier handshake, which may hold no more.
        let chain = connection.peer_certificates().unwrap_or_default();
        let (admitted, told) = aside::listen(None, || {
            connection.handshake_kind() != Some(HandshakeKind::Resumed)
                || sites
                    .choose(self.server_name.as_deref())
                    .is_some_and(|site| site.admits(chain))
        });
        self.refusal = told.refusal;
        match self.agree(connection) {
            Ok((mut session, http2)) => {
                // Only here is it known that the client has offered no protocol at all.
                if !http2 && !self.protocols.allow_http1() {
                    session.fail(Fault::NoApplicationProtocol, out);
                    return Progress::Failed(Fault::NoApplicationProtocol);
                }
                if !admitted {
                    session.fail(Fault::ClientCertificateLapsed, out);
                    return Progress::Failed(Fault::ClientCertificateLapsed);
                }
                Progress::Done(Box::new(Done {
                    session,
                    rest: std::mem::take(&mut self.input),
                    scope: Scope::new(policy),
                    http2,
                }))
            }
            Err(fault) => Progress::Failed(fault),
        }
    }

    fn agree(&mut self, connection: UnbufferedServerConnection) -> Result<(Session, bool), Fault> {
        let http2 = connection.alpn_protocol() == Some(b"h2");
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => Version::Tls13,
            Some(ProtocolVersion::TLSv1_2) => Version::Tls12,
            _ => return Err(Fault::Internal),
        };
        let feature = Rc::new(feature(&connection, version, self.server_name.take()));
        let (secrets, schedule) = connection
            .dangerous_into_kernel_connection()
            .map_err(|_| Fault::Internal)?;
        let (received, read) = secrets.rx;
        let (sent, write) = secrets.tx;
        let session = Session::new(Agreed {
            opener: Opener::new(version, received, &read).ok_or(Fault::Internal)?,
            sealer: Sealer::new(version, sent, &write).ok_or(Fault::Internal)?,
            version,
            // In TLS 1.2 there is nothing to derive.
            schedule: (version == Version::Tls13).then_some(schedule),
            feature,
        });
        Ok((session, http2))
    }

    /// The client's certificate for which it has failed.
    pub(crate) fn take_refusal(&mut self) -> Option<Box<ClientRefusal>> {
        self.refusal.take()
    }

    /// Ends it before rustls has had a say.
    fn fail(&mut self, fault: Fault, out: &mut Vec<u8>) -> Progress {
        self.say_fatal(fault.alert(), out);
        Progress::Failed(fault)
    }

    /// A fatal alert, under whatever protection there is.
    fn say_fatal(&mut self, alert: Option<u8>, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Negotiating(mut negotiation) => negotiation.say(alert, out),
            Stage::Hello | Stage::Over => {
                if let Some(description) = alert {
                    say_in_the_clear(description, out);
                }
            }
        }
    }
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake")
            .field("negotiating", &self.is_negotiating())
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

/// What rustls would tell the peer with another alert, or tell later.
fn check(asked: &Asked) -> Result<(), Fault> {
    // The highest version here is TLS 1.3 (RFC 7507, 3).
    if asked.is_fallback && !asked.tls13 {
        return Err(Fault::InappropriateFallback);
    }
    if !asked.tls12 && !asked.tls13 {
        return Err(Fault::Version);
    }
    if asked.lacks_extension {
        return Err(Fault::MissingExtension);
    }
    Ok(())
}

fn feature(
    connection: &UnbufferedServerConnection,
    version: Version,
    server_name: Option<Box<str>>,
) -> TlsFeature {
    let suite = connection
        .negotiated_cipher_suite()
        .map(|suite| suite.suite());
    TlsFeature {
        version: match version {
            Version::Tls12 => TlsVersion::Tls12,
            Version::Tls13 => TlsVersion::Tls13,
        },
        cipher_suite: suite.and_then(|suite| suite.as_str()).unwrap_or_default(),
        cipher_suite_number: suite.map(u16::from).unwrap_or_default(),
        server_name,
        http2: connection.alpn_protocol() == Some(b"h2"),
        negotiated: connection.alpn_protocol().is_some(),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        peer_certificates: connection
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|certificate| certificate.as_ref().into())
            .collect(),
    }
}

const _: () = assert!(HELD_BYTES_MAX > HELLO_BYTES_MAX / 512 * (512 + HEADER_BYTES) + 512);
