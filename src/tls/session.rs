//! A TLS connection whose handshake is done: records in, plain bytes out, and the other way round.
//!
//! Owns the protection of both directions, alerts, key updates and how both sides say that they
//! are done. Sans-IO: knows no protocol above, no socket, and of time only what `seal` is told.

use std::rc::Rc;

use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;

use super::fault::{Fault, alert};
use super::gather::Gather;
use super::key_update::{KeyUpdate, UPDATE_NOT_REQUESTED, UPDATE_REQUESTED};
use super::pace::RecordPace;
use super::record::{ContentType, Opener, Sealer, Version};
use crate::features::TlsFeature;

/// Records in a row that may carry no byte. They cost their sender next to nothing.
const EMPTY_RECORDS_MAX: u8 = 32;

/// Key updates that may come without data between them (RFC 8446, 4.6.3): each is a derivation.
const KEY_UPDATES_MAX: u8 = 32;

/// Warning alerts that a peer of TLS 1.2 may send; rustls has the same bound in the handshake.
const WARNINGS_MAX: u8 = 4;

/// Records before the end of a key at which it is replaced, or the connection ends in order.
const RECORDS_RESERVED: u64 = 1 << 16;

/// The first byte of the messages with which TLS 1.2 begins a handshake anew.
const CLIENT_HELLO: u8 = 1;

/// One TLS connection after its handshake.
pub(crate) struct Session {
    pub(super) opener: Opener,
    sealer: Sealer,
    version: Version,
    /// Derives the next keys of TLS 1.3; there are none in TLS 1.2.
    schedule: Option<KernelConnection<ServerConnectionData>>,
    feature: Rc<TlsFeature>,
    pub(super) gather: Gather,
    /// What has come of a message that is spread over records.
    message: KeyUpdate,
    /// Sealed records that go before whatever is sealed next.
    control: Vec<u8>,
    pace: RecordPace,
    empty_records: u8,
    key_updates: u8,
    warnings: u8,
    /// An answer to a request for new keys waits to be sent: one answers any number of them.
    update_waits: bool,
    /// The peer was asked for new keys and has not answered.
    update_asked: bool,
    renegotiation_refused: bool,
    pub(super) peer_closed: bool,
    close_sent: bool,
}

/// What a handshake leaves behind.
pub(super) struct Agreed {
    pub(super) opener: Opener,
    pub(super) sealer: Sealer,
    pub(super) version: Version,
    pub(super) schedule: Option<KernelConnection<ServerConnectionData>>,
    pub(super) feature: Rc<TlsFeature>,
}

impl Session {
    pub(super) fn new(agreed: Agreed) -> Self {
        Self {
            opener: agreed.opener,
            sealer: agreed.sealer,
            version: agreed.version,
            schedule: agreed.schedule,
            feature: agreed.feature,
            gather: Gather::Empty,
            message: KeyUpdate::default(),
            control: Vec::new(),
            pace: RecordPace::default(),
            empty_records: 0,
            key_updates: 0,
            warnings: 0,
            update_waits: false,
            update_asked: false,
            renegotiation_refused: false,
            peer_closed: false,
            close_sent: false,
        }
    }

    /// What the handler may know of the handshake.
    pub(crate) fn feature(&self) -> &Rc<TlsFeature> {
        &self.feature
    }

    /// Acts on what a record carries. True for bytes that are to be handed on.
    pub(super) fn took(&mut self, content: ContentType, plain: &[u8]) -> Result<bool, Fault> {
        // Nothing comes between the pieces of a message (RFC 8446, 5.1).
        if self.message.has_begun() && content != ContentType::Handshake {
            return Err(Fault::UnexpectedMessage);
        }
        match content {
            ContentType::ApplicationData if plain.is_empty() => {
                self.empty_records += 1;
                if self.empty_records > EMPTY_RECORDS_MAX {
                    return Err(Fault::EmptyRecords);
                }
                Ok(false)
            }
            ContentType::ApplicationData => {
                self.empty_records = 0;
                self.key_updates = 0;
                if self.opener.records_left() < RECORDS_RESERVED {
                    self.ask_for_keys()?;
                }
                Ok(true)
            }
            ContentType::Alert => self.took_alert(plain).map(|()| false),
            ContentType::Handshake if self.version == Version::Tls13 => {
                self.took_key_update(plain).map(|()| false)
            }
            ContentType::Handshake => self.refuse_renegotiation(plain).map(|()| false),
            ContentType::ChangeCipherSpec => Err(Fault::UnexpectedMessage),
        }
    }

    fn took_alert(&mut self, plain: &[u8]) -> Result<(), Fault> {
        // RFC 8446, 5.4.
        if plain.is_empty() {
            return Err(Fault::EmptyAlert);
        }
        let &[level, description] = plain else {
            return Err(Fault::MalformedAlert);
        };
        if description == alert::CLOSE_NOTIFY {
            self.peer_closed = true;
            return Ok(());
        }
        // In TLS 1.3 all are fatal but this one, which close_notify follows (RFC 8446, 6.1).
        let warning = match self.version {
            Version::Tls13 => description == alert::USER_CANCELED,
            Version::Tls12 => level == 1,
        };
        if !warning {
            return Err(Fault::Alert);
        }
        self.warnings += 1;
        if self.warnings > WARNINGS_MAX {
            return Err(Fault::TooManyWarnings);
        }
        Ok(())
    }

    /// The only message that a client sends after its handshake (RFC 8446, 4.6).
    fn took_key_update(&mut self, plain: &[u8]) -> Result<(), Fault> {
        let Some(request) = self.message.take(plain)? else {
            return Ok(());
        };
        self.key_updates += 1;
        if self.key_updates > KEY_UPDATES_MAX {
            return Err(Fault::KeyUpdates);
        }
        let schedule = self.schedule.as_mut().ok_or(Fault::Internal)?;
        let (sequence, secrets) = schedule.update_rx_secret().map_err(|_| Fault::Internal)?;
        self.opener = Opener::new(self.version, sequence, &secrets).ok_or(Fault::Internal)?;
        self.update_asked = false;
        if request == UPDATE_REQUESTED && !self.update_waits {
            self.update_waits = true;
            self.update_keys(UPDATE_NOT_REQUESTED)?;
        }
        Ok(())
    }

    /// The peer's key has protected nearly as much as it should, which is the peer's to see to; many
    /// leave it to us (RFC 8446, 5.5). Nothing happens to those who do not answer.
    fn ask_for_keys(&mut self) -> Result<(), Fault> {
        if self.schedule.is_none() || std::mem::replace(&mut self.update_asked, true) {
            return Ok(());
        }
        self.update_keys(UPDATE_REQUESTED)
    }

    /// Announces new keys for our direction and takes them.
    fn update_keys(&mut self, request: u8) -> Result<(), Fault> {
        let Some(schedule) = &mut self.schedule else {
            return Ok(());
        };
        let message = KeyUpdate::message(request);
        self.sealer
            .seal(ContentType::Handshake, &message, &mut self.control)?;
        let (sequence, secrets) = schedule.update_tx_secret().map_err(|_| Fault::Internal)?;
        self.sealer = Sealer::new(self.version, sequence, &secrets).ok_or(Fault::Internal)?;
        Ok(())
    }

    /// Renegotiation is refused with a warning, once; the peer may go on without (RFC 5246, 7.2.2).
    fn refuse_renegotiation(&mut self, plain: &[u8]) -> Result<(), Fault> {
        if plain.first() != Some(&CLIENT_HELLO) {
            return Err(Fault::UnexpectedMessage);
        }
        if std::mem::replace(&mut self.renegotiation_refused, true) {
            return Err(Fault::Renegotiation);
        }
        let warning = [1, alert::NO_RENEGOTIATION];
        self.sealer
            .seal(ContentType::Alert, &warning, &mut self.control)
    }

    /// Appends `plain` to `out` in records, behind what waited to be said before.
    ///
    /// # Errors
    /// The connection cannot go on; `out` ends with a whole record.
    pub(crate) fn seal(&mut self, plain: &[u8], now: u64, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut rest = plain;
        let mut piece_max = self.pace.begin(now);
        loop {
            if self.version == Version::Tls13 && self.sealer.records_left() < RECORDS_RESERVED {
                self.update_keys(UPDATE_NOT_REQUESTED)?;
            }
            self.say_control(out);
            self.update_waits = false;
            if rest.is_empty() {
                return Ok(());
            }
            let (piece, after) = rest.split_at_checked(piece_max).unwrap_or((rest, &[]));
            self.sealer.seal(ContentType::ApplicationData, piece, out)?;
            piece_max = self.pace.sent(piece.len());
            rest = after;
        }
    }

    /// `records` are sealed already and go before everything else. Leaves an empty block.
    pub(crate) fn send_first(&mut self, records: &mut Vec<u8>) {
        self.control.append(records);
    }

    /// Whether something waits to be said that `seal` will say.
    pub(crate) fn has_control(&self) -> bool {
        !self.control.is_empty()
    }

    /// Whether the peer has said that it is done.
    pub(crate) fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// Whether close_notify was said.
    pub(crate) fn close_sent(&self) -> bool {
        self.close_sent
    }

    /// Whether the keys are nearly used up and cannot be replaced: the connection must end in order.
    pub(crate) fn is_worn(&self) -> bool {
        let left = self.sealer.records_left().min(self.opener.records_left());
        self.version == Version::Tls12 && left < RECORDS_RESERVED
    }

    /// So many records are left in either direction.
    #[cfg(test)]
    pub(crate) fn leave(&mut self, received: u64, sent: u64) {
        self.opener.leave(received);
        self.sealer.leave(sent);
    }

    /// Records that are left in either direction.
    #[cfg(test)]
    pub(crate) fn records_left(&self) -> (u64, u64) {
        (self.opener.records_left(), self.sealer.records_left())
    }

    /// Says that nothing more comes (RFC 8446, 6.1), once.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.close_sent, true) {
            self.say(1, alert::CLOSE_NOTIFY, out);
        }
    }

    /// Tells the peer what it has done, where there is an alert for it. After close_notify nothing
    /// is said any more (RFC 8446, 6.1).
    pub(crate) fn fail(&mut self, fault: Fault, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.close_sent, true) {
            return;
        }
        if let Some(description) = fault.alert() {
            self.say(2, description, out);
        }
    }

    /// Appends what waits to be said. Its memory goes too: few connections ever need it again.
    fn say_control(&mut self, out: &mut Vec<u8>) {
        if !self.control.is_empty() {
            out.append(&mut std::mem::take(&mut self.control));
        }
    }

    fn say(&mut self, level: u8, description: u8, out: &mut Vec<u8>) {
        self.say_control(out);
        // Where the key is used up there is no way to say it.
        let _ = self
            .sealer
            .seal(ContentType::Alert, &[level, description], out);
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the keys.
        f.debug_struct("Session")
            .field("version", &self.version)
            .field("peer_closed", &self.peer_closed)
            .field("close_sent", &self.close_sent)
            .finish_non_exhaustive()
    }
}
