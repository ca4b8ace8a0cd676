//! A response of an OCSP responder (RFC 6960), as it is sent along with a certificate.
//!
//! Owns the question whether a response is worth sending. Its signature is for clients to check:
//! a response that they refuse costs the operator no more than one that is missing.

#[cfg(test)]
pub(super) mod tests;

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::der::{ENUMERATED, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, context};
use super::error::FileFault;
use super::pem;

/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const BASIC_RESPONSE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];

/// How far the responder's clock may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// A response that may be sent, for as long as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Staple {
    pub(super) response: Vec<u8>,
    /// From then on clients refuse it.
    pub(super) until: SystemTime,
}

impl Staple {
    /// The response, if it still counts.
    pub(super) fn response_now(&self) -> Option<Vec<u8>> {
        (self.until > SystemTime::now()).then(|| self.response.clone())
    }
}

/// Why a response is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OcspFault {
    /// The file cannot be read.
    File(FileFault),
    /// It is no response in DER form, or the responder refused to answer.
    NoResponse,
    /// It is about other certificates.
    OtherCertificate,
    /// It says that the certificate is revoked, or unknown.
    NotGood,
    /// It counts from later on.
    TooEarly,
    /// It does not count any more, or does not say for how long.
    Stale,
}

impl fmt::Display for OcspFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(fault) => return fault.fmt(f),
            Self::NoResponse => {
                "there is no successful response in it; expected the DER form, as openssl ocsp \
                 -respout writes it"
            }
            Self::OtherCertificate => "it is about another certificate; fetch it anew",
            Self::NotGood => {
                "it says that the certificate is revoked or unknown; ask the issuer for another"
            }
            Self::TooEarly => "it counts from later on; check the clock of this machine",
            Self::Stale => "it does not count any more; fetch it anew",
        })
    }
}

/// Reads the response that is in a file, about the certificate with this serial number.
pub(super) fn load(path: &Path, serial: &[u8], now: SystemTime) -> Result<Staple, OcspFault> {
    let content = pem::read_file(path, pem::OCSP_BYTES_MAX).map_err(OcspFault::File)?;
    let until = check(&content, serial, now)?;
    Ok(Staple {
        response: content.to_vec(),
        until,
    })
}

/// Until when the response counts.
fn check(der: &[u8], serial: &[u8], now: SystemTime) -> Result<SystemTime, OcspFault> {
    let mut responses = basic_responses(der).ok_or(OcspFault::NoResponse)?;
    while !responses.is_empty() {
        let single = single_response(&mut responses).ok_or(OcspFault::NoResponse)?;
        if single.serial != serial {
            continue;
        }
        if !single.is_good {
            return Err(OcspFault::NotGood);
        }
        if single.this_update > now + CLOCK_SKEW {
            return Err(OcspFault::TooEarly);
        }
        return single
            .next_update
            .filter(|&until| until > now)
            .ok_or(OcspFault::Stale);
    }
    Err(OcspFault::OtherCertificate)
}

/// The list of single responses of a successful basic response (RFC 6960, 4.2.1).
fn basic_responses(der: &[u8]) -> Option<Reader<'_>> {
    let mut whole = Reader::new(der);
    let mut response = whole.enter(SEQUENCE)?;
    let is_successful = response.expect(ENUMERATED)? == [0];
    if !is_successful || !whole.is_empty() {
        return None;
    }
    let mut typed = response.enter(context(0))?.enter(SEQUENCE)?;
    if typed.expect(OBJECT_IDENTIFIER)? != BASIC_RESPONSE {
        return None;
    }
    let mut basic = Reader::new(typed.expect(OCTET_STRING)?).enter(SEQUENCE)?;
    let mut data = basic.enter(SEQUENCE)?;
    data.optional(context(0));
    // Who responded, and when.
    data.element()?;
    data.element()?;
    data.enter(SEQUENCE)
}

/// What is said of one certificate.
struct SingleResponse<'a> {
    serial: &'a [u8],
    is_good: bool,
    this_update: SystemTime,
    next_update: Option<SystemTime>,
}

fn single_response<'a>(responses: &mut Reader<'a>) -> Option<SingleResponse<'a>> {
    /// `good [0] IMPLICIT NULL`
    const GOOD: u8 = 0x80;
    let mut single = responses.enter(SEQUENCE)?;
    let mut certificate = single.enter(SEQUENCE)?;
    // The algorithm and the hashes of the issuer's name and key.
    for _ in 0..3 {
        certificate.element()?;
    }
    let serial = certificate.expect(INTEGER)?;
    let is_good = single.element()?.tag == GOOD;
    let this_update = single.time()?;
    let next_update = match single.optional(context(0)) {
        Some(next) => Some(Reader::new(next).time()?),
        None => None,
    };
    Some(SingleResponse {
        serial,
        is_good,
        this_update,
        next_update,
    })
}
