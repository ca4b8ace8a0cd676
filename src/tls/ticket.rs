//! Session tickets (RFC 8446, 4.6.1; RFC 5077): the keys, their rotation, and sealing and opening.
//!
//! Owns the format of a ticket. Tickets are stateless: whoever has the keys resumes, so that a
//! session begun on one shard goes on at any other, and a shard keeps nothing for it. The keys of a
//! [`Ticketer`] never change; rotation gives every shard a new set of sites, made with its own copy
//! of the new keys, so there is no lock to take and no count to share.
//!
//! Forward secrecy lasts as long as a key is kept: a key seals for one [`TICKET_ROTATION`], opens
//! for one more, and is then overwritten. Whoever learns the keys afterwards reads no recorded
//! session. In TLS 1.3 each resumption has a key exchange of its own besides.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use rustls::server::ProducesTickets;
use zeroize::Zeroizing;

/// For how long a key seals tickets. Afterwards it opens them for the same time again.
///
/// Six hours: a visitor who comes back within the day mostly resumes, and a stolen key is worth a
/// quarter of a day. In that time 200,000 handshakes a second stay below the 2^32 tickets that one
/// key may seal with random nonces (NIST SP 800-38D, 8.3).
pub(crate) const TICKET_ROTATION: Duration = Duration::from_secs(6 * 60 * 60);

/// The largest ticket that is given out.
///
/// A session holds the client's certificates, and the ticket comes back in a ClientHello, which is
/// refused beyond 16 KiB: half of that leaves room for the rest of the hello. A client with larger
/// certificates gets no ticket and makes full handshakes.
pub(crate) const TICKET_BYTES_MAX: usize = 8 * 1024;

const KEY_BYTES: usize = 32;
const KEY_NAME_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// The fingerprint of a site's policy, as it is bound to each ticket.
pub(crate) const FINGERPRINT_BYTES: usize = 32;

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system gives no random bytes for the keys of session tickets")
    }
}

impl std::error::Error for NoRandomness {}

/// One key with the name that tickets find it by. Overwritten when dropped.
#[derive(Clone)]
struct TicketKey {
    /// Random and public: it stands in front of each ticket.
    name: [u8; KEY_NAME_BYTES],
    secret: Zeroizing<[u8; KEY_BYTES]>,
}

impl TicketKey {
    fn generate() -> Result<Self, NoRandomness> {
        let mut key = Self {
            name: [0; KEY_NAME_BYTES],
            secret: Zeroizing::new([0; KEY_BYTES]),
        };
        rand::fill(&mut key.name).map_err(|_| NoRandomness)?;
        rand::fill(key.secret.as_mut()).map_err(|_| NoRandomness)?;
        Ok(key)
    }

    /// The key in the form that works. Its copy of the secret is overwritten when it is dropped, as
    /// AWS-LC does with all that it frees.
    fn prepare(&self) -> Option<PreparedKey> {
        let key = UnboundKey::new(&AES_256_GCM, self.secret.as_ref()).ok()?;
        Some(PreparedKey {
            name: self.name,
            key: LessSafeKey::new(key),
        })
    }
}

/// The keys of all tickets of a server: the newest seals and opens, the one before it only opens.
///
/// Made once, copied to every shard, rotated every [`TICKET_ROTATION`] by whoever started the
/// server. Overwritten when dropped.
#[derive(Clone)]
pub(crate) struct TicketKeys {
    newest: TicketKey,
    previous: Option<TicketKey>,
}

impl TicketKeys {
    /// Keys that no other process has.
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        Ok(Self {
            newest: TicketKey::generate()?,
            previous: None,
        })
    }

    /// Makes a new key, keeps the newest so far for opening and forgets the one before it. Nothing
    /// changes when there is no randomness.
    pub(crate) fn rotate(&mut self) -> Result<(), NoRandomness> {
        let newest = std::mem::replace(&mut self.newest, TicketKey::generate()?);
        self.previous = Some(newest);
        Ok(())
    }

    /// What seals and opens the tickets of one site of one shard. None only if the cryptography
    /// refuses a key of the right length, which it does not.
    pub(crate) fn ticketer(&self, fingerprint: [u8; FINGERPRINT_BYTES]) -> Option<Ticketer> {
        let previous = match &self.previous {
            Some(key) => Some(key.prepare()?),
            None => None,
        };
        Some(Ticketer {
            newest: self.newest.prepare()?,
            previous,
            fingerprint,
        })
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys").finish_non_exhaustive()
    }
}

struct PreparedKey {
    name: [u8; KEY_NAME_BYTES],
    key: LessSafeKey,
}

/// Seals and opens the tickets of one site.
///
/// A ticket is the name of its key, a random nonce, and the session sealed with AES-256-GCM. The
/// site's fingerprint goes into the seal but not into the ticket: rustls does not ask, when a
/// session is resumed, under which policy it was begun, so a ticket must not open anywhere but at
/// a site that would have made the same demands of the client.
pub(crate) struct Ticketer {
    newest: PreparedKey,
    previous: Option<PreparedKey>,
    fingerprint: [u8; FINGERPRINT_BYTES],
}

impl Ticketer {
    fn key_named(&self, name: &[u8]) -> Option<&LessSafeKey> {
        // Names are public, so the comparison may take whatever time it takes.
        std::iter::once(&self.newest)
            .chain(&self.previous)
            .find(|key| key.name == name)
            .map(|key| &key.key)
    }

    fn aad(&self) -> Aad<[u8; FINGERPRINT_BYTES]> {
        Aad::from(self.fingerprint)
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    /// Seconds for which the key of a ticket is kept, counted from the moment when it is new.
    fn lifetime(&self) -> u32 {
        u32::try_from(2 * TICKET_ROTATION.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let length = KEY_NAME_BYTES + NONCE_LEN + plain.len() + TAG_BYTES;
        if length > TICKET_BYTES_MAX {
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let mut ticket = Vec::with_capacity(length);
        ticket.extend_from_slice(&self.newest.name);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(plain);
        let sealed = ticket.get_mut(KEY_NAME_BYTES + NONCE_LEN..)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let key = &self.newest.key;
        let tag = key
            .seal_in_place_separate_tag(nonce, self.aad(), sealed)
            .ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(KEY_NAME_BYTES)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        // A foreign ticket costs a comparison: it is refused before anything is copied.
        let key = self.key_named(name)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        let length = key
            .open_in_place(nonce, self.aad(), &mut opened)
            .ok()?
            .len();
        opened.truncate(length);
        Some(opened)
    }
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticketer").finish_non_exhaustive()
    }
}
