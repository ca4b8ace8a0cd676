//! The extensions of a ClientHello (RFC 8446, 4.2; RFC 6066, 1.1).
//!
//! Owns which of them are looked at, and what is told from them. What follows from it is the reader's of
//! the whole.

use rustls::pki_types;

use super::cursor::Cursor;
use super::{HelloFault, TLS12};
use crate::tls::name::{NAME_BYTES_MAX, ServerName};

const NAME_HOST: u8 = 0;

const TLS13: u16 = 0x0304;

/// The types of extensions that are looked at (RFC 8446, 4.2; RFC 6066, 1.1).
pub(super) mod extension {
    pub(in crate::tls::hello) const SERVER_NAME: u16 = 0;
    pub(in crate::tls::hello) const SUPPORTED_GROUPS: u16 = 10;
    pub(in crate::tls::hello) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(in crate::tls::hello) const PRE_SHARED_KEY: u16 = 41;
    pub(in crate::tls::hello) const SUPPORTED_VERSIONS: u16 = 43;
    pub(in crate::tls::hello) const KEY_SHARE: u16 = 51;
    /// The first of 64 types for private use, which mean nothing to anybody here.
    pub(in crate::tls::hello) const PRIVATE: u16 = 0xff80;
}

/// What is told from the extensions.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) server_name: Option<ServerName>,
    names_seen: bool,
    /// Where the type of a server name stands that rustls would refuse.
    pub(super) unfit: Option<usize>,
    /// Whether TLS 1.2 and TLS 1.3 are offered, where versions are listed.
    pub(super) versions: Option<(bool, bool)>,
    groups: bool,
    key_share: bool,
    signature_algorithms: bool,
    pre_shared_key: bool,
    /// Which of the private types are there, one bit each.
    private: u64,
}

impl Extensions {
    /// `length` is that of the message, which ends with the extensions.
    pub(super) fn read(mut extensions: Cursor<'_>, length: usize) -> Result<Self, HelloFault> {
        let mut found = Self::default();
        while extensions.left > 0 {
            let place = length.saturating_sub(extensions.left);
            let kind = extensions.u16()?;
            let content = extensions.vector()?;
            match kind {
                extension::SERVER_NAME => found.take_name(content, place)?,
                extension::SUPPORTED_VERSIONS => found.versions = Some(versions(content)?),
                extension::SUPPORTED_GROUPS => found.groups = true,
                extension::KEY_SHARE => found.key_share = true,
                extension::SIGNATURE_ALGORITHMS => found.signature_algorithms = true,
                extension::PRE_SHARED_KEY => found.pre_shared_key = true,
                _ => {
                    let private = kind.checked_sub(extension::PRIVATE).map(u32::from);
                    found.private |= private.and_then(|bit| 1_u64.checked_shl(bit)).unwrap_or(0);
                }
            }
        }
        Ok(found)
    }

    fn take_name(&mut self, content: Cursor<'_>, place: usize) -> Result<(), HelloFault> {
        if std::mem::replace(&mut self.names_seen, true) {
            return Err(HelloFault::NameRepeated);
        }
        match host_name(content)? {
            // A name of another type alone, which rustls takes for one that is wrong.
            None | Some(Name::Unfit) => self.unfit = Some(place),
            Some(Name::Host(name)) => self.server_name = Some(name),
            Some(Name::None) => {}
        }
        Ok(())
    }

    /// Whether one of those is missing that a hello for TLS 1.3 must have (RFC 8446, 9.2).
    pub(super) const fn lacks_extension(&self) -> bool {
        let is_authenticated = self.pre_shared_key || (self.signature_algorithms && self.groups);
        !is_authenticated || self.groups != self.key_share
    }

    /// A type that none of them has.
    pub(super) fn unused_type(&self) -> Option<u16> {
        let bit = u16::try_from(self.private.trailing_ones()).ok()?;
        (bit < 64).then_some(extension::PRIVATE + bit)
    }
}

/// Whether a list of versions has TLS 1.2 and TLS 1.3.
fn versions(mut content: Cursor<'_>) -> Result<(bool, bool), HelloFault> {
    let bytes = usize::from(content.u8()?);
    if bytes != content.left || bytes < 2 || bytes % 2 != 0 {
        return Err(HelloFault::Length);
    }
    let (mut tls12, mut tls13) = (false, false);
    while content.left > 0 {
        let version = content.u16()?;
        tls12 |= version == TLS12;
        tls13 |= version == TLS13;
    }
    Ok((tls12, tls13))
}

/// What a client sends as the name of a host.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack, for one look at it; a box would be an allocation"
)]
enum Name {
    /// One that a site may have.
    Host(ServerName),
    /// No host name, which rustls takes for none as well: an IP address, a dot at the end.
    None,
    /// No host name, which rustls would end the connection for.
    Unfit,
}

impl Name {
    /// All that is left.
    fn read(mut content: Cursor<'_>) -> Result<Self, HelloFault> {
        let mut name = [0; NAME_BYTES_MAX];
        let (length, mut at) = (content.left, 0);
        // A vector of one byte or more (RFC 6066, section 3).
        if length == 0 {
            return Err(HelloFault::Length);
        }
        if length > NAME_BYTES_MAX {
            return Ok(Self::Unfit);
        }
        content.copy(length, |piece| {
            if let Some(to) = name.get_mut(at..at + piece.len()) {
                to.copy_from_slice(piece);
            }
            at += piece.len();
        })?;
        let name = name.get(..length).unwrap_or_default();
        if pki_types::ServerName::try_from(name).is_err() {
            return Ok(Self::Unfit);
        }
        Ok(ServerName::parse(name).map_or(Self::None, Self::Host))
    }
}

/// The host name in the content of a server name extension.
fn host_name(mut content: Cursor<'_>) -> Result<Option<Name>, HelloFault> {
    let mut list = content.vector()?;
    content.end()?;
    if list.left == 0 {
        return Err(HelloFault::Length);
    }
    let mut found = None;
    while list.left > 0 {
        // What is behind a name of another type cannot be told apart; there is no other type.
        if list.u8()? != NAME_HOST {
            break;
        }
        let name = list.vector()?;
        if found.is_some() {
            return Err(HelloFault::NameRepeated);
        }
        found = Some(Name::read(name)?);
    }
    Ok(found)
}
