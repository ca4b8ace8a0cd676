//! A ClientHello (RFC 8446, 4.1.2; RFC 6066, section 3), read before a TLS connection is made,
//! because each server name may have its own protocols and its own demands.
//!
//! Owns the way from raw bytes to that name, and what has to be told from a hello before rustls does:
//! a name that counts as none, and what is refused with another alert than its. Decides nothing about
//! suites or keys; rustls reads the same bytes again and is the judge of all that is not looked at
//! here. Allocates nothing, and looks at each byte twice at most, however the bytes come.

mod cursor;
mod extensions;
#[cfg(test)]
mod tests;

use super::fault::alert;
use super::name::ServerName;
use cursor::{Cursor, Record};
use extensions::Extensions;

/// Bytes of the largest ClientHello that is read, its header included: rustls takes no longer
/// message. OpenSSL would take twice that.
///
/// An honest one has 300 to 2,000 bytes, with post-quantum key shares and a ticket; a ticket with
/// the certificates of a client may add [`TICKET_BYTES_MAX`](super::ticket::TICKET_BYTES_MAX).
pub(crate) const HELLO_BYTES_MAX: usize = MESSAGE_HEADER_BYTES + 0xffff;

/// Bytes of a handshake message's header (RFC 8446, 4).
const MESSAGE_HEADER_BYTES: usize = 4;

const HANDSHAKE_CLIENT_HELLO: u8 = 1;

const TLS12: u16 = 0x0303;

/// Bytes of the random, which follows the version.
const RANDOM_BYTES: usize = 32;

/// What the bytes of a new connection hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack, for one look at it; a box would be an allocation"
)]
pub(crate) enum Hello {
    /// A ClientHello may be on its way; more bytes are needed to tell.
    Partial,
    /// There is one, whole.
    Complete(Asked),
    /// There is none, and never will be.
    Malformed(HelloFault),
}

/// What a ClientHello asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The name that the client asks for, in lower case, if it asks for one. What is no host name
    /// (an IP address, a name with a port or with a dot at its end) counts as none.
    pub(crate) server_name: Option<ServerName>,
    /// The name that rustls would refuse the hello for.
    pub(crate) unfit: Option<UnfitName>,
    /// Whether the cipher suite that it would like best is one with ChaCha20-Poly1305: it has no
    /// hardware for AES.
    pub(crate) prefers_chacha: bool,
    /// Whether it speaks TLS 1.2.
    pub(crate) tls12: bool,
    /// Whether it speaks TLS 1.3.
    pub(crate) tls13: bool,
    /// Whether it has tried with a higher version before (TLS_FALLBACK_SCSV of RFC 7507).
    pub(crate) is_fallback: bool,
    /// Whether an extension is missing that TLS 1.3 demands (RFC 8446, 9.2).
    pub(crate) lacks_extension: bool,
}

/// A server name extension that is to be taken for one that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnfitName {
    /// Where in the message its type stands.
    pub(crate) place: usize,
    /// A type that no extension of the hello has.
    pub(crate) replacement: u16,
}

/// Why bytes are not the beginning of a TLS connection that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HelloFault {
    /// The first byte is not that of a handshake record: it may be another protocol in cleartext.
    NotHandshake,
    /// A record's version is not 3.x.
    RecordVersion,
    /// A record without content (RFC 8446, 5.1).
    EmptyRecord,
    /// A record with more than 2^14 bytes.
    RecordTooLong,
    /// Another record came before the message was whole.
    RecordInterleaved,
    /// The message is not a ClientHello.
    NotClientHello,
    /// The message has more than [`HELLO_BYTES_MAX`] bytes.
    TooLong,
    /// A length inside of the message leads out of what holds it, or leaves bytes over.
    Length,
    /// Two server name extensions, or two host names in one.
    NameRepeated,
}

impl HelloFault {
    /// The alert that tells the peer (RFC 8446, 6.2), by its number; none when it does not seem to
    /// speak TLS.
    pub(crate) const fn alert(self) -> Option<u8> {
        Some(match self {
            Self::NotHandshake => return None,
            Self::RecordVersion => alert::PROTOCOL_VERSION,
            Self::EmptyRecord | Self::RecordInterleaved | Self::NotClientHello => {
                alert::UNEXPECTED_MESSAGE
            }
            Self::RecordTooLong => alert::RECORD_OVERFLOW,
            Self::TooLong | Self::NameRepeated => alert::ILLEGAL_PARAMETER,
            Self::Length => alert::DECODE_ERROR,
        })
    }
}

/// How far the records of a hello were looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// Bytes of the records that were whole.
    whole: usize,
    /// What they hold of the message.
    have: usize,
}

impl Scan {
    /// Looks for a ClientHello at the beginning of `bytes`, which are all that a connection has
    /// brought so far, record headers included, and grow from call to call. Bytes behind it are not
    /// looked at.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Hello {
        let asked = self.find_end(bytes).and_then(|length| {
            length
                .map(|length| read_message(Cursor::new(bytes, length)))
                .transpose()
        });
        match asked {
            Ok(None) => Hello::Partial,
            Ok(Some(asked)) => Hello::Complete(asked),
            Err(fault) => Hello::Malformed(fault),
        }
    }

    /// The bytes of the message, header included, once `bytes` hold all of it.
    fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, HelloFault> {
        loop {
            let rest = bytes.get(self.whole..).unwrap_or_default();
            let Some(record) = Record::read(rest, self.whole == 0)? else {
                return Ok(None);
            };
            let have = self.have + record.fragment.len();
            if let Some(length) = message_length(Cursor::new(bytes, have))?
                && have >= length
            {
                return Ok(Some(length));
            }
            let Some(behind) = record.behind else {
                return Ok(None);
            };
            let whole = bytes.len() - behind.len();
            (self.whole, self.have) = (whole, have);
        }
    }
}

/// Takes the name of the message at the beginning of `bytes` for an extension that means nothing.
pub(crate) fn hide(name: UnfitName, bytes: &mut [u8]) {
    for (place, byte) in (name.place..).zip(name.replacement.to_be_bytes()) {
        let Some(at) = cursor::place_in_records(bytes, place) else {
            return;
        };
        if let Some(to) = bytes.get_mut(at) {
            *to = byte;
        }
    }
}

/// The length that the header of a message names, its own included; none while the header is not
/// whole.
fn message_length(mut message: Cursor<'_>) -> Result<Option<usize>, HelloFault> {
    if message.left == 0 {
        return Ok(None);
    }
    if message.u8()? != HANDSHAKE_CLIENT_HELLO {
        return Err(HelloFault::NotClientHello);
    }
    if message.left < MESSAGE_HEADER_BYTES - 1 {
        return Ok(None);
    }
    let (high, low) = (message.u8()?, message.u16()?);
    let length = MESSAGE_HEADER_BYTES + (usize::from(high) << 16 | usize::from(low));
    if length > HELLO_BYTES_MAX {
        return Err(HelloFault::TooLong);
    }
    Ok(Some(length))
}

/// What a whole ClientHello asks for.
fn read_message(mut hello: Cursor<'_>) -> Result<Asked, HelloFault> {
    let length = hello.left;
    hello.skip(MESSAGE_HEADER_BYTES)?;
    let client_version = hello.u16()?;
    hello.skip(RANDOM_BYTES)?;
    let session_id = hello.u8()?;
    hello.skip(session_id.into())?;
    let suites = Suites::read(hello.vector()?)?;
    let compression_methods = hello.u8()?;
    hello.skip(compression_methods.into())?;
    // A client of TLS 1.2 may send no extensions at all.
    let found = if hello.left == 0 {
        Extensions::default()
    } else {
        let extensions = hello.vector()?;
        hello.end()?;
        Extensions::read(extensions, length)?
    };
    let (tls12, tls13) = found.versions.unwrap_or((client_version >= TLS12, false));
    let unfit = match found.unfit {
        Some(place) => Some(UnfitName {
            place,
            // A hello that has all 64 of them is of nobody's making.
            replacement: found.unused_type().ok_or(HelloFault::Length)?,
        }),
        None => None,
    };
    Ok(Asked {
        server_name: found.server_name,
        unfit,
        prefers_chacha: suites.prefers_chacha,
        tls12,
        tls13,
        is_fallback: suites.is_fallback,
        lacks_extension: tls13 && found.lacks_extension(),
    })
}

/// What is told from the list of cipher suites.
#[derive(Default)]
struct Suites {
    prefers_chacha: bool,
    is_fallback: bool,
}

impl Suites {
    fn read(mut suites: Cursor<'_>) -> Result<Self, HelloFault> {
        /// In TLS 1.3 (RFC 8446, B.4), and in TLS 1.2 with ECDSA and with RSA (RFC 7905, 3).
        const CHACHA: [u16; 3] = [0x1303, 0xcca9, 0xcca8];
        /// RFC 7507, 2.
        const FALLBACK: u16 = 0x5600;
        let mut told = Self::default();
        let mut first = None;
        while suites.left >= 2 {
            let suite = suites.u16()?;
            // Placeholders that keep servers used to what they do not know (RFC 8701, 2).
            let is_grease = suite & 0x0f0f == 0x0a0a && suite >> 8 == suite & 0xff;
            if suite == FALLBACK {
                told.is_fallback = true;
            } else if !is_grease && first.is_none() {
                first = Some(suite);
            }
        }
        told.prefers_chacha = first.is_some_and(|suite| CHACHA.contains(&suite));
        Ok(told)
    }
}
