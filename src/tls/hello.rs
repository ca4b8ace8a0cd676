//! The server name of a ClientHello (RFC 8446, 4.1.2; RFC 6066, section 3), read before a TLS
//! connection is made, because each name may have its own protocols and its own demands.
//!
//! Owns the way from raw bytes to that name: record headers, the message's vectors, the extension.
//! Decides nothing about versions, suites or keys; rustls reads the same bytes again and is the
//! judge of all that is not looked at here. Allocates nothing and looks at each byte at most once a
//! call.

#[cfg(test)]
mod tests;

use super::fault::alert;
use super::name::{NAME_BYTES_MAX, NameFault, ServerName};
use super::record::{HEADER_BYTES, PLAINTEXT_MAX};

/// Bytes of the largest ClientHello that is read, its header included.
///
/// An honest one has 300 to 2,000 bytes, with post-quantum key shares and a ticket; a ticket with
/// the certificates of a client may add [`TICKET_BYTES_MAX`](super::ticket::TICKET_BYTES_MAX).
pub(crate) const HELLO_BYTES_MAX: usize = 16 * 1024;

/// Records that a ClientHello may be spread over: as many as the largest needs in fragments of 512
/// bytes, the shortest that can be agreed on (RFC 6066, section 4). More would be a peer that wants
/// each byte looked at anew.
pub(crate) const HELLO_RECORDS_MAX: usize = HELLO_BYTES_MAX / 512;

/// Bytes of a handshake message's header (RFC 8446, 4).
const MESSAGE_HEADER_BYTES: usize = 4;

const CONTENT_HANDSHAKE: u8 = 22;
const HANDSHAKE_CLIENT_HELLO: u8 = 1;
const EXTENSION_SERVER_NAME: u16 = 0;
const NAME_HOST: u8 = 0;

/// Bytes of client version and random, which come first.
const VERSION_AND_RANDOM_BYTES: usize = 2 + 32;

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
    Complete {
        /// The name that the client asks for, in lower case, if it asks for one.
        server_name: Option<ServerName>,
        /// Whether the cipher suite that it would like best is one with ChaCha20-Poly1305: it has no
        /// hardware for AES.
        prefers_chacha: bool,
    },
    /// There is none, and never will be.
    Malformed(HelloFault),
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
    /// More records than [`HELLO_RECORDS_MAX`].
    TooManyRecords,
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
    /// The host name is malformed (RFC 6066, section 3).
    Name(NameFault),
}

impl HelloFault {
    /// The alert that tells the peer (RFC 8446, 6.2), by its number; none when it does not seem to
    /// speak TLS.
    pub(crate) const fn alert(self) -> Option<u8> {
        Some(match self {
            Self::NotHandshake => return None,
            Self::RecordVersion => alert::PROTOCOL_VERSION,
            Self::EmptyRecord
            | Self::TooManyRecords
            | Self::RecordInterleaved
            | Self::NotClientHello => alert::UNEXPECTED_MESSAGE,
            Self::RecordTooLong => alert::RECORD_OVERFLOW,
            Self::TooLong | Self::NameRepeated => alert::ILLEGAL_PARAMETER,
            Self::Length | Self::Name(NameFault::Empty) => alert::DECODE_ERROR,
            Self::Name(_) => alert::UNRECOGNIZED_NAME,
        })
    }
}

/// Looks for a ClientHello at the beginning of `bytes`, which are all that a connection has brought
/// so far, record headers included. Bytes behind it are not looked at.
pub(crate) fn read(bytes: &[u8]) -> Hello {
    match whole(bytes).map(|length| length.map(|length| Cursor::new(bytes, length))) {
        Ok(None) => Hello::Partial,
        Ok(Some(message)) => match server_name(message) {
            Ok((server_name, prefers_chacha)) => Hello::Complete {
                server_name,
                prefers_chacha,
            },
            Err(fault) => Hello::Malformed(fault),
        },
        Err(fault) => Hello::Malformed(fault),
    }
}

/// The bytes of the message, header included, once `bytes` hold all of it.
fn whole(bytes: &[u8]) -> Result<Option<usize>, HelloFault> {
    let mut rest = bytes;
    let mut have = 0;
    for number in 0..HELLO_RECORDS_MAX {
        let Some(record) = Record::read(rest, number == 0)? else {
            return Ok(None);
        };
        have += record.fragment.len();
        if let Some(length) = message_length(Cursor::new(bytes, have))?
            && have >= length
        {
            return Ok(Some(length));
        }
        match record.behind {
            Some(behind) => rest = behind,
            None => return Ok(None),
        }
    }
    Err(HelloFault::TooManyRecords)
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

/// The name that a whole ClientHello asks for, and whether it prefers ChaCha20-Poly1305.
fn server_name(mut hello: Cursor<'_>) -> Result<(Option<ServerName>, bool), HelloFault> {
    hello.skip(MESSAGE_HEADER_BYTES + VERSION_AND_RANDOM_BYTES)?;
    let session_id = hello.u8()?;
    hello.skip(session_id.into())?;
    let prefers_chacha = begins_with_chacha(hello.vector()?)?;
    let compression_methods = hello.u8()?;
    hello.skip(compression_methods.into())?;
    // A client of TLS 1.2 may send no extensions at all.
    if hello.left == 0 {
        return Ok((None, prefers_chacha));
    }
    let mut extensions = hello.vector()?;
    hello.end()?;
    let mut seen = None;
    while extensions.left > 0 {
        let extension = extensions.u16()?;
        let content = extensions.vector()?;
        if extension == EXTENSION_SERVER_NAME {
            if seen.is_some() {
                return Err(HelloFault::NameRepeated);
            }
            seen = Some(host_name(content)?);
        }
    }
    Ok((seen.flatten(), prefers_chacha))
}

/// Whether the first of these cipher suites that means anything is one with ChaCha20-Poly1305.
fn begins_with_chacha(mut suites: Cursor<'_>) -> Result<bool, HelloFault> {
    /// In TLS 1.3 (RFC 8446, B.4), and in TLS 1.2 with ECDSA and with RSA (RFC 7905, 3).
    const CHACHA: [u16; 3] = [0x1303, 0xcca9, 0xcca8];
    while suites.left >= 2 {
        let suite = suites.u16()?;
        // Placeholders that keep servers used to what they do not know (RFC 8701, 2).
        let is_grease = suite & 0x0f0f == 0x0a0a && suite >> 8 == suite & 0xff;
        if !is_grease {
            return Ok(CHACHA.contains(&suite));
        }
    }
    Ok(false)
}

/// The host name in the content of a server name extension.
fn host_name(mut content: Cursor<'_>) -> Result<Option<ServerName>, HelloFault> {
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
        found = Some(name.name()?);
    }
    Ok(found)
}

/// One record, of which the end may be missing.
struct Record<'a> {
    /// What is there of the fragment.
    fragment: &'a [u8],
    /// What follows the record; none while its end is missing.
    behind: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// Reads the record at the beginning of `bytes`; none when not even its header is whole. A
    /// header that cannot become right is refused at its first wrong byte.
    fn read(bytes: &'a [u8], is_first: bool) -> Result<Option<Self>, HelloFault> {
        match *bytes {
            [] => return Ok(None),
            [CONTENT_HANDSHAKE] | [CONTENT_HANDSHAKE, 3, ..] => {}
            [CONTENT_HANDSHAKE, ..] => return Err(HelloFault::RecordVersion),
            _ if is_first => return Err(HelloFault::NotHandshake),
            _ => return Err(HelloFault::RecordInterleaved),
        }
        let Some((&[_, _, _, high, low], rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length == 0 {
            return Err(HelloFault::EmptyRecord);
        }
        if length > PLAINTEXT_MAX {
            return Err(HelloFault::RecordTooLong);
        }
        Ok(Some(match rest.split_at_checked(length) {
            Some((fragment, behind)) => Self {
                fragment,
                behind: Some(behind),
            },
            None => Self {
                fragment: rest,
                behind: None,
            },
        }))
    }
}

/// A place in a message, which goes on in the next record where one ends; and how many bytes are
/// left of the vector that is being read.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    fragment: &'a [u8],
    behind: &'a [u8],
    left: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of the message in `records`, of which `left` bytes may be read.
    fn new(records: &'a [u8], left: usize) -> Self {
        Self {
            fragment: &[],
            behind: records,
            left,
        }
    }

    /// Bytes up to `length` that lie in one piece; empty only at the end.
    fn piece(&mut self, length: usize) -> Result<&'a [u8], HelloFault> {
        if self.fragment.is_empty()
            && length > 0
            && let Some(record) = Record::read(self.behind, false)?
        {
            self.fragment = record.fragment;
            self.behind = record.behind.unwrap_or_default();
        }
        let length = length.min(self.fragment.len());
        let (piece, rest) = self.fragment.split_at_checked(length).unwrap_or_default();
        self.left = self.left.saturating_sub(length);
        self.fragment = rest;
        Ok(piece)
    }

    /// Goes on by `length` bytes.
    fn skip(&mut self, length: usize) -> Result<(), HelloFault> {
        self.copy(length, |_| {})
    }

    /// Hands on the next `length` bytes, in pieces.
    fn copy(&mut self, length: usize, mut to: impl FnMut(&[u8])) -> Result<(), HelloFault> {
        if length > self.left {
            return Err(HelloFault::Length);
        }
        let mut missing = length;
        while missing > 0 {
            let piece = self.piece(missing)?;
            // The records hold the message whole, so that there is always a piece.
            if piece.is_empty() {
                return Err(HelloFault::Length);
            }
            missing -= piece.len();
            to(piece);
        }
        Ok(())
    }

    fn u8(&mut self) -> Result<u8, HelloFault> {
        let mut value = 0;
        self.copy(1, |piece| {
            value = piece.first().copied().unwrap_or_default();
        })?;
        Ok(value)
    }

    fn u16(&mut self) -> Result<u16, HelloFault> {
        Ok(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    /// The content of the vector here, whose length takes two bytes; goes on behind it.
    fn vector(&mut self) -> Result<Self, HelloFault> {
        let length = self.u16()?.into();
        let content = Self {
            left: length,
            ..*self
        };
        self.skip(length)?;
        Ok(content)
    }

    /// That nothing is left over.
    fn end(&self) -> Result<(), HelloFault> {
        match self.left {
            0 => Ok(()),
            _ => Err(HelloFault::Length),
        }
    }

    /// All that is left, as a host name.
    fn name(mut self) -> Result<ServerName, HelloFault> {
        let mut name = [0; NAME_BYTES_MAX];
        let (length, mut at) = (self.left, 0);
        if length > NAME_BYTES_MAX {
            return Err(HelloFault::Name(NameFault::TooLong));
        }
        self.copy(length, |piece| {
            if let Some(to) = name.get_mut(at..at + piece.len()) {
                to.copy_from_slice(piece);
            }
            at += piece.len();
        })?;
        let name = name.get(..length).unwrap_or_default();
        ServerName::parse(name).map_err(HelloFault::Name)
    }
}
