//! TLS on a connection: between what was received and the protocol, between the protocol and what
//! is sent.
//!
//! Owns where the connection stands with TLS and what becomes of it when TLS fails. The protocol
//! above sees plain bytes only; that the peer is done reaches it as if a socket had said so.

use std::rc::Rc;

use super::resources::TlsResources;
use super::{Connection, Protocol, Resources};
use crate::buf::BufSlice;
use crate::features::TlsFeature;
use crate::http::{
    Backlog, Close, ConnectionKey, Drive, Exchange, Method, Scheme, Status, TargetForm, Transport,
    Turn, after,
};
use crate::tls::{Done, Fault, Handshake, Plain, Progress, Scope, Session};
use crate::{h1, h2};

/// What a peer is told that speaks HTTP where TLS is expected.
const HTTPS_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 43\r\nConnection: close\r\n\r\n\
    This port speaks HTTPS: ask with https://.\n";

/// Where a connection stands with TLS.
#[derive(Debug)]
pub(super) enum Security {
    /// There is none: the endpoint is cleartext, or TLS has failed and the connection is closing.
    None,
    /// The handshake is not done. The protocol is not in use yet.
    Handshake(Box<Handshaking>),
    /// Everything goes through records.
    Session(Box<Secured>),
}

/// A handshake and its end in time.
#[derive(Debug)]
pub(super) struct Handshaking {
    handshake: Handshake,
    /// Millisecond at which it has taken too long; `u64::MAX` for never.
    pub(super) deadline: u64,
}

/// A session, and what it has met in received bytes that the next drive must act on.
#[derive(Debug)]
pub(super) struct Secured {
    pub(super) session: Session,
    scope: Scope,
    fault: Option<Fault>,
    /// The protocol was told that the peer is done.
    end_told: bool,
    /// The peer has closed its socket without a word.
    truncated: bool,
    /// The same, until the next drive, which knows whether anybody was at work.
    uncounted: bool,
}

impl Secured {
    /// Whether a request names a host that this connection must not be asked for. One that names
    /// none is for the site of the connection.
    fn is_misdirected(&mut self, exchange: &Exchange, tls: &TlsResources) -> bool {
        let head = exchange.request.head();
        // What CONNECT names is where a tunnel leads (RFC 9110, 9.3.6), which is no site of ours.
        if head.method() == Method::Connect && head.protocol().is_none() {
            return false;
        }
        // Host does not count beside an absolute target, but handlers may look at it.
        let host = (head.target_form() == TargetForm::Absolute)
            .then(|| head.field_text("host"))
            .flatten()
            .filter(|host| !host.is_empty());
        let mut named = head.authority().into_iter().chain(host);
        named.any(|name| !self.scope.holds(name, &tls.sites, tls.generation))
    }
}

impl Connection {
    /// A connection on an https endpoint that was accepted just now.
    pub(crate) fn secure(key: ConnectionKey, id: u64, turn: &Turn<'_>) -> Self {
        // Its protocol is known only after the handshake; this one is never driven.
        let placeholder = Protocol::Http1(h1::Connection::new(
            key,
            id,
            Transport::of(Scheme::Https),
            turn,
        ));
        let handshaking = Handshaking {
            handshake: Handshake::new(),
            deadline: after(turn.now, turn.limits.handshake_timeout),
        };
        let security = Security::Handshake(Box::new(handshaking));
        Self::new(key, id, placeholder, security)
    }

    /// What the handshake has agreed on, once it is done.
    pub(crate) fn tls(&self) -> Option<&Rc<TlsFeature>> {
        match &self.security {
            Security::Session(secured) => Some(secured.session.feature()),
            Security::None | Security::Handshake(_) => None,
        }
    }

    /// Answers a request in place of the application that was meant for a site with other demands
    /// than the one that the handshake was made for (RFC 9110, 15.5.20). False for every other.
    #[inline]
    pub(crate) fn refuses_misdirected(
        &mut self,
        exchange: &Exchange,
        turn: &mut Turn<'_>,
        resources: &Resources,
    ) -> bool {
        match (&mut self.security, &resources.tls) {
            (Security::Session(secured), Some(tls)) if tls.sites.differ() => {
                let refuses = secured.is_misdirected(exchange, tls);
                if refuses {
                    turn.counters.reject("misdirected_request");
                    exchange.suppress_mark();
                    exchange.refuse(Status::MISDIRECTED_REQUEST);
                }
                refuses
            }
            _ => false,
        }
    }

    /// Takes received bytes that TLS is to look at first.
    pub(super) fn receive_secure(&mut self, bytes: BufSlice, resources: &mut Resources) {
        match &mut self.security {
            Security::None => {}
            Security::Handshake(handshaking) => handshaking.handshake.receive(&bytes),
            Security::Session(secured) => {
                let protocol = &mut self.protocol;
                let buffers = resources.record_buffers();
                let deliver = &mut |plain: Plain<'_>| deliver(protocol, plain);
                let received = secured.session.receive(bytes, buffers, deliver);
                secured.fault = secured.fault.or(received.err());
            }
        }
    }

    /// The peer has sent FIN. Without close_notify before, somebody else may have (RFC 8446, 6.1).
    pub(super) fn receive_end_secure(&mut self) {
        match &mut self.security {
            Security::None => {}
            Security::Handshake(handshaking) => handshaking.handshake.receive_end(),
            Security::Session(secured) if secured.session.peer_closed() => {}
            Security::Session(secured) => {
                secured.truncated = true;
                secured.uncounted = true;
                self.protocol.receive_truncated();
            }
        }
    }

    /// What TLS has to do before the protocol is driven. An answer is the drive's.
    pub(super) fn drive_security(
        &mut self,
        turn: &mut Turn<'_>,
        resources: &mut Resources,
    ) -> Option<Drive> {
        match &mut self.security {
            Security::None => None,
            Security::Handshake(_) => self.advance_handshake(turn, resources),
            Security::Session(secured) => {
                if let Some(fault) = secured.fault.take() {
                    self.fail_security(fault, turn, resources);
                    return None;
                }
                if std::mem::take(&mut secured.uncounted) && self.protocol.is_busy() {
                    turn.counters.reject(Fault::Truncated.name());
                }
                if secured.session.peer_closed() && !secured.end_told {
                    secured.end_told = true;
                    self.protocol.receive_end();
                }
                if secured.session.is_worn() {
                    self.protocol.drain();
                }
                None
            }
        }
    }

    fn advance_handshake(
        &mut self,
        turn: &mut Turn<'_>,
        resources: &mut Resources,
    ) -> Option<Drive> {
        let (Security::Handshake(handshaking), Some(tls)) =
            (&mut self.security, &mut resources.tls)
        else {
            return Some(Drive::Wait);
        };
        if self.out.capacity() == 0 {
            self.out = resources.blocks.take();
        }
        let handshake = &mut handshaking.handshake;
        if turn.draining && !handshake.is_negotiating() {
            // Who has not said hello is not waited for.
            self.end_handshake(Fault::HandshakeIncomplete, false, turn);
            return None;
        }
        let progress = handshake.advance(&tls.sites, &mut tls.handshakes, &mut self.out);
        // Who waits for its peer holds no block: there may be thousands of them.
        if self.out.is_empty() && matches!(progress, Progress::Wait | Progress::Postponed) {
            resources.blocks.give(std::mem::take(&mut self.out));
        }
        match progress {
            Progress::Wait => Some(Drive::Wait),
            Progress::Postponed => Some(Drive::Postponed),
            Progress::Failed(fault) => {
                let begun = handshake.has_begun();
                if let Some(refusal) = handshake.take_refusal() {
                    tls.refusals.say(&refusal, turn.now);
                }
                self.end_handshake(fault, begun, turn);
                None
            }
            Progress::Done(done) => {
                turn.counters.handshakes += 1;
                let resumed = done.session.feature().is_resumed();
                turn.counters.handshakes_resumed += u64::from(resumed);
                self.begin_session(*done, turn, resources);
                self.drive_security(turn, resources)
            }
        }
    }

    /// The handshake is done: the protocol that was negotiated begins.
    fn begin_session(&mut self, done: Done, turn: &Turn<'_>, resources: &mut Resources) {
        let (key, id) = (self.key, self.id);
        let transport = self.transport(Scheme::Https);
        self.protocol = if done.http2 {
            let http2 = h2::Connection::new(key, id, Backlog::Empty, transport, turn);
            Protocol::Http2(Box::new(http2))
        } else {
            Protocol::Http1(h1::Connection::new(key, id, transport, turn))
        };
        let mut session = done.session;
        // What it has said is sealed already, and goes before everything else.
        session.send_first(&mut self.out);
        let protocol = &mut self.protocol;
        let deliver = &mut |plain: Plain<'_>| deliver(protocol, plain);
        let received = session.receive_bytes(&done.rest, resources.record_buffers(), deliver);
        self.security = Security::Session(Box::new(Secured {
            session,
            scope: done.scope,
            fault: received.err(),
            end_told: false,
            truncated: false,
            uncounted: false,
        }));
        if turn.draining {
            self.protocol.drain();
        }
    }

    /// A handshake will not be done.
    fn end_handshake(&mut self, fault: Fault, begun: bool, turn: &mut Turn<'_>) {
        // A peer that connects and goes again without a word has done nothing wrong.
        if begun {
            turn.counters.reject(fault.name());
        }
        let close = match fault {
            Fault::HandshakeIncomplete | Fault::HandshakeTimeout => Close::Now,
            _ => Close::Linger,
        };
        if fault == Fault::CleartextHttp {
            self.out.extend_from_slice(HTTPS_ONLY);
        }
        // Where the peer has finished there is nothing to linger for.
        let ended = matches!(
            &self.security,
            Security::Handshake(handshaking) if handshaking.handshake.has_ended()
        );
        self.security = Security::None;
        let closing = h1::Connection::closing(self.key, self.id, close, ended, turn);
        self.protocol = Protocol::Http1(closing);
    }

    /// A record of the peer, or our own, has broken the session: what is complete is still sent, the
    /// peer is told, and every exchange ends.
    pub(super) fn fail_security(
        &mut self,
        fault: Fault,
        turn: &mut Turn<'_>,
        resources: &mut Resources,
    ) {
        turn.counters.reject(fault.name());
        let Security::Session(mut secured) = std::mem::replace(&mut self.security, Security::None)
        else {
            return;
        };
        let mut block = resources.blocks.take();
        // Where our own key has failed there is nothing more to be said.
        let _ = secured.session.seal(&self.out, turn.now, &mut block);
        secured.session.fail(fault, &mut block);
        resources
            .blocks
            .give(std::mem::replace(&mut self.out, block));
        self.protocol.sever(turn);
        let ended = secured.truncated;
        let closing = h1::Connection::closing(self.key, self.id, Close::Linger, ended, turn);
        self.protocol = Protocol::Http1(closing);
    }

    /// The next block: what the protocol has produced, in records.
    pub(super) fn seal_block(
        &mut self,
        turn: &mut Turn<'_>,
        resources: &mut Resources,
    ) -> Option<Vec<u8>> {
        let closes = self.owes_close();
        let Security::Session(secured) = &mut self.security else {
            return None;
        };
        let session = &mut secured.session;
        if self.out.is_empty() && !session.has_control() && !closes {
            return None;
        }
        let mut block = resources.blocks.take();
        if let Err(fault) = session.seal(&self.out, turn.now, &mut block) {
            // What was sealed before it is whole records; the peer sees a connection that breaks.
            turn.counters.reject(fault.name());
            secured.fault = None;
            self.broken = true;
        }
        if closes {
            session.close(&mut block);
        }
        resources.blocks.give(std::mem::take(&mut self.out));
        Some(block)
    }

    /// Whether the peer is still to be told that nothing more comes.
    pub(super) fn owes_close(&self) -> bool {
        match &self.security {
            Security::Session(secured) => {
                !secured.session.close_sent()
                    && matches!(
                        self.protocol.close(),
                        Close::Linger | Close::Agreed | Close::Now
                    )
            }
            Security::None | Security::Handshake(_) => false,
        }
    }

    /// Whether TLS itself has something to send.
    pub(super) fn owes_records(&self) -> bool {
        match &self.security {
            Security::Session(secured) => secured.session.has_control() || self.owes_close(),
            Security::None | Security::Handshake(_) => false,
        }
    }

    /// The handshake has taken too long.
    pub(super) fn expire_handshake(&mut self, turn: &mut Turn<'_>) {
        self.end_handshake(Fault::HandshakeTimeout, true, turn);
    }
}

fn deliver(protocol: &mut Protocol, plain: Plain<'_>) {
    match plain {
        Plain::Pooled(slice) => protocol.receive(slice),
        Plain::Lent(bytes) => protocol.receive_copied(bytes),
    }
}
