//! What a certificate or a revocation list says about itself (RFC 5280), for messages to an operator.
//!
//! Owns no judgement: whether a chain is to be trusted is decided by webpki, behind rustls, and by
//! clients. Only fields that a message or the order of a chain needs are read.

use std::time::SystemTime;

use super::der::{INTEGER, Reader, SEQUENCE, context};

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
        Some(Self {
            version,
            serial,
            issuer,
            not_before: validity.time()?,
            not_after: validity.time()?,
            subject: fields.element()?.whole,
            public_key: fields.element()?.whole,
        })
    }
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
