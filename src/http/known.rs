//! The field names that a server itself acts on.
//!
//! Owns their recognition, by length and first byte so that other names cost no comparison, and
//! the set of those present in a section. What they mean belongs to the protocols.

/// A field that decides about framing, routing, the connection or the answer's automatic fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum KnownField {
    /// Connection (RFC 9110, 7.6.1).
    Connection,
    /// Content-Length (RFC 9110, 8.6).
    ContentLength,
    /// Date (RFC 9110, 6.6.1).
    Date,
    /// Expect (RFC 9110, 10.1.1).
    Expect,
    /// Host (RFC 9110, 7.2).
    Host,
    /// Keep-Alive (RFC 2068, 19.7.1; hop by hop).
    KeepAlive,
    /// Proxy-Connection (never standardised; hop by hop).
    ProxyConnection,
    /// Server (RFC 9110, 10.2.4).
    Server,
    /// TE (RFC 9110, 10.1.4).
    Te,
    /// Trailer (RFC 9110, 6.6.2).
    Trailer,
    /// Transfer-Encoding (RFC 9112, 6.1).
    TransferEncoding,
    /// Upgrade (RFC 9110, 7.8).
    Upgrade,
}

impl KnownField {
    /// The field of this name, whatever its case.
    #[inline(always)]
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        /// For each length a bit for each letter that a name of it begins with.
        const FIRST: [u32; 18] = {
            let mut first = [0; 18];
            first[2] = letter(b't');
            first[4] = letter(b'd') | letter(b'h');
            first[6] = letter(b'e') | letter(b's');
            first[7] = letter(b't') | letter(b'u');
            first[10] = letter(b'c') | letter(b'k');
            first[14] = letter(b'c');
            first[16] = letter(b'p');
            first[17] = letter(b't');
            first
        };
        const fn letter(letter: u8) -> u32 {
            1 << (letter & 0x1f)
        }
        let first = name.first()? | 0x20;
        if FIRST.get(name.len())? & letter(first) == 0 {
            return None;
        }
        match (name.len(), first) {
            (2, b't') if is(name, b"te") => Some(Self::Te),
            (4, b'h') if is(name, b"host") => Some(Self::Host),
            (4, b'd') if is(name, b"date") => Some(Self::Date),
            (6, b'e') if is(name, b"expect") => Some(Self::Expect),
            (6, b's') if is(name, b"server") => Some(Self::Server),
            (7, b't') if is(name, b"trailer") => Some(Self::Trailer),
            (7, b'u') if is(name, b"upgrade") => Some(Self::Upgrade),
            (10, b'c') if is(name, b"connection") => Some(Self::Connection),
            (10, b'k') if is(name, b"keep-alive") => Some(Self::KeepAlive),
            (14, b'c') if is(name, b"content-length") => Some(Self::ContentLength),
            (16, b'p') if is(name, b"proxy-connection") => Some(Self::ProxyConnection),
            (17, b't') if is(name, b"transfer-encoding") => Some(Self::TransferEncoding),
            _ => None,
        }
    }

    /// Whether the field may not stand in a trailer section: it would decide about framing,
    /// routing or the connection after the fact (RFC 9110, 6.5.1).
    #[must_use]
    pub const fn is_forbidden_in_trailers(self) -> bool {
        !matches!(self, Self::Date | Self::Server)
    }
}

/// Whether `name` is `spelled`, which is in lower case. The length is a constant, so that a few
/// wide comparisons come of it.
#[inline(always)]
fn is<const N: usize>(name: &[u8], spelled: &[u8; N]) -> bool {
    let Some(name) = name.first_chunk::<N>() else {
        return false;
    };
    // A letter differs from its other case in one bit; any other byte has one spelling.
    let case = spelled.map(|byte| (byte.is_ascii_lowercase() as u8) << 5);
    let (first, last) = ends(name);
    let (first_case, last_case) = ends(&case);
    (first | first_case, last | last_case) == ends(spelled)
}

/// The first and the last bytes of a text of up to 32 as numbers, which together are all of it.
#[inline(always)]
fn ends<const N: usize>(text: &[u8; N]) -> (u128, u128) {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        (u128::from_le_bytes(*first), u128::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let [first, last] = [first, last].map(|half| u64::from_le_bytes(*half));
        (first.into(), last.into())
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let [first, last] = [first, last].map(|half| u32::from_le_bytes(*half));
        (first.into(), last.into())
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let [first, last] = [first, last].map(|half| u16::from_le_bytes(*half));
        (first.into(), last.into())
    } else {
        (text.first().copied().unwrap_or_default().into(), 0)
    }
}

/// Which known fields a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct KnownSet(u16);

impl KnownSet {
    /// The set of these fields.
    pub(crate) const fn of(fields: &[KnownField]) -> Self {
        let mut bits = 0;
        let mut rest = fields;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u16;
            rest = others;
        }
        Self(bits)
    }

    /// Adds a field; `None` adds nothing.
    #[inline]
    pub(crate) fn insert(&mut self, field: Option<KnownField>) {
        if let Some(field) = field {
            self.0 |= 1 << field as u16;
        }
    }

    /// Whether the field is present.
    #[inline]
    pub(crate) const fn contains(self, field: KnownField) -> bool {
        self.0 & (1 << field as u16) != 0
    }

    /// Whether none of these fields is present.
    #[inline]
    pub(crate) const fn has_none_of(self, fields: Self) -> bool {
        self.0 & fields.0 == 0
    }

    /// Whether no known field is present.
    #[inline]
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised_in_any_case_and_nothing_else_is() {
        let names = [
            ("Connection", KnownField::Connection),
            ("CONTENT-LENGTH", KnownField::ContentLength),
            ("date", KnownField::Date),
            ("Expect", KnownField::Expect),
            ("hOsT", KnownField::Host),
            ("Keep-Alive", KnownField::KeepAlive),
            ("Proxy-Connection", KnownField::ProxyConnection),
            ("Server", KnownField::Server),
            ("TE", KnownField::Te),
            ("Trailer", KnownField::Trailer),
            ("Transfer-encoding", KnownField::TransferEncoding),
            ("upgrade", KnownField::Upgrade),
        ];
        let mut set = KnownSet::default();
        assert!(set.is_empty());
        for (name, field) in names {
            assert_eq!(KnownField::from_name(name.as_bytes()), Some(field));
            assert!(!set.contains(field));
            set.insert(Some(field));
            assert!(set.contains(field));
        }
        for name in [
            "",
            "t",
            "hose",
            "Dates",
            "content_length",
            "transfer-encodinG2",
            "\x14E",
            "keep\ralive",
        ] {
            assert_eq!(KnownField::from_name(name.as_bytes()), None, "{name:?}");
        }
    }
}
