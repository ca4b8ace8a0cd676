//! What a certificate or a revocation list says about itself (RFC 5280), for messages to an operator.
//!
//! Owns no judgement: whether a chain is to be trusted is decided by webpki, behind rustls, and by
//! clients. Only fields that a message or the order of a chain needs are read.

use std::time::SystemTime;

use super::der::{BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, context};

/// The fields of a certificate that count here.
#[derive(Clone, Copy, Debug)]
pub(super) struct CertificateFacts<'a> {
    /// 3 for nearly all.
    pub(super) version: u8,
    /// The content of the serial number.
    pub(super) serial: &'a [u8],
    /// The issuer's name, in DER form.
    pub(super) issuer: &'a [u8],
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
    /// The subject's name, in DER form.
    pub(super) subject: &'a [u8],
    /// The public key with its algorithm, in DER form.
    pub(super) public_key: &'a [u8],
    /// Whether it says that it is an authority's; that of an old version cannot say (4.2.1.9).
    pub(super) is_authority: bool,
    /// Whether it has names (4.2.1.6): clients look at no others.
    pub(super) has_names: bool,
}

impl<'a> CertificateFacts<'a> {
    /// Reads a certificate; none when it is broken.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut whole = Reader::new(der);
        let mut fields = whole.enter(SEQUENCE)?.enter(SEQUENCE)?;
        if !whole.is_empty() {
            return None;
        }
        let version = match fields.optional(context(0)) {
            None => 1,
            Some(version) => match *Reader::new(version).expect(INTEGER)? {
                [version] => version.checked_add(1)?,
                _ => return None,
            },
        };
        let serial = fields.expect(INTEGER)?;
        fields.expect(SEQUENCE)?;
        let issuer = fields.element()?.whole;
        let mut validity = fields.enter(SEQUENCE)?;
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let subject = fields.element()?.whole;
        let public_key = fields.element()?.whole;
        let extensions = Extensions::read(fields);
        Some(Self {
            version,
            serial,
            issuer,
            not_before,
            not_after,
            subject,
            public_key,
            is_authority: version < 3 || extensions.is_authority,
            has_names: extensions.has_names,
        })
    }
}

#[derive(Default)]
struct Extensions {
    is_authority: bool,
    has_names: bool,
}

impl Extensions {
    /// Reads what follows the public key; what is broken says nothing.
    fn read(mut fields: Reader<'_>) -> Self {
        const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
        const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];
        let mut found = Self::default();
        while let Some(field) = fields.element() {
            if field.tag != context(3) {
                continue;
            }
            let mut list = Reader::new(field.content).enter(SEQUENCE);
            while let Some(mut extension) = list.as_mut().and_then(|list| list.enter(SEQUENCE)) {
                let kind = extension.expect(OBJECT_IDENTIFIER);
                // Whether it is critical.
                extension.optional(BOOLEAN);
                let content = extension.expect(OCTET_STRING).map(Reader::new);
                match kind {
                    Some(SUBJECT_ALTERNATIVE_NAME) => found.has_names = true,
                    Some(BASIC_CONSTRAINTS) => {
                        let fields = content.and_then(|mut content| content.enter(SEQUENCE));
                        let is = fields.and_then(|mut fields| fields.optional(BOOLEAN));
                        found.is_authority = is.is_some_and(|is| is != [0]);
                    }
                    _ => {}
                }
            }
        }
        found
    }
}

/// A name in DER form as people read it: `C=NL, O=Example, CN=laptop`. No longer than a line has room
/// for, and a question mark for what cannot be read.
pub(super) fn name_text(der: &[u8]) -> String {
    const SET: u8 = 0x31;
    let mut text = String::new();
    let mut parts = Reader::new(der).enter(SEQUENCE);
    while let Some(mut part) = parts.as_mut().and_then(|parts| parts.enter(SET)) {
        while let Some(mut attribute) = part.enter(SEQUENCE) {
            if text.len() > NAME_TEXT_BYTES {
                return text + ", ...";
            }
            let kind = attribute.expect(OBJECT_IDENTIFIER).and_then(label);
            let value = attribute.element().map(|value| value.content);
            let value = String::from_utf8_lossy(value.unwrap_or(b"?"));
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(kind.unwrap_or("?"));
            text.push('=');
            text.extend(value.chars().take(NAME_TEXT_BYTES));
        }
    }
    if text.is_empty() {
        text.push('?');
    }
    text
}

/// Bytes of a name's text, and of one of its parts, behind which nothing more is told.
const NAME_TEXT_BYTES: usize = 120;

/// What a part of a name is called (RFC 4514, 3).
fn label(object: &[u8]) -> Option<&'static str> {
    Some(match object {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        _ => return None,
    })
}

/// The fields of a revocation list that count here.
#[derive(Clone, Copy, Debug)]
pub(super) struct RevocationListFacts<'a> {
    /// The issuer's name, in DER form.
    pub(super) issuer: &'a [u8],
    /// Until when its successor was announced.
    pub(super) next_update: SystemTime,
}

impl<'a> RevocationListFacts<'a> {
    /// Reads a list; none when it is broken.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::new(der).enter(SEQUENCE)?.enter(SEQUENCE)?;
        fields.optional(INTEGER);
        fields.expect(SEQUENCE)?;
        let issuer = fields.element()?.whole;
        fields.time()?;
        Some(Self {
            issuer,
            next_update: fields.time()?,
        })
    }
}
