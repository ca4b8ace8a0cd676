//! What works, but will not work for every client or for long: one line each.
//!
//! Owns the texts. A server starts, and changes to new files, in spite of all of them.

use std::fmt;
use std::time::SystemTime;

use super::error::Place;
use super::ocsp::OcspFault;

/// Something about the TLS settings of a server that its operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsWarning {
    place: Place,
    concern: TlsConcern,
}

impl TlsWarning {
    pub(super) fn new(place: Place, concern: TlsConcern) -> Self {
        Self { place, concern }
    }
}

impl fmt::Display for TlsWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.concern)
    }
}

/// What an operator should know. Places in a file count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsConcern {
    /// The certificate at this place has expired.
    Expired(usize, SystemTime),
    /// The certificate at this place is not valid yet.
    NotYetValid(usize, SystemTime),
    /// The certificate at this place did not issue the one before it.
    ChainOrder(usize),
    /// The certificate is not for the name of the site.
    OtherName,
    /// The certificate has no names.
    NoNames,
    /// The certificate at this place is not that of an authority.
    NotAuthority(usize),
    /// There is a private key in the file of the certificate too.
    KeyBesideCertificate,
    /// No OCSP response is sent.
    NoStaple(OcspFault),
    /// The revocation list at this place has expired.
    ListExpired(usize, SystemTime),
    /// There are revocation lists, but none of the authority at this place.
    NoListOf(usize),
}

impl fmt::Display for TlsConcern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Expired(place, since) => write!(
                f,
                "certificate {place} of the file expired on {}; clients will refuse it, renew it",
                httpdate::fmt_http_date(since)
            ),
            Self::NotYetValid(place, until) => write!(
                f,
                "certificate {place} of the file is valid from {} on; clients will refuse it, \
                 check the clock of this machine",
                httpdate::fmt_http_date(until)
            ),
            Self::ChainOrder(place) => write!(
                f,
                "certificate {place} of the file is not that of the issuer of the one before it; \
                 some clients will refuse it, put them in order and leave out the rest"
            ),
            Self::OtherName => f.write_str(
                "the certificate is not for the name of this site; clients will refuse it, name \
                 the right file",
            ),
            Self::NoNames => f.write_str(
                "the certificate has no subject alternative name; clients will refuse it, get one \
                 with the names of this site",
            ),
            Self::NotAuthority(place) => write!(
                f,
                "certificate {place} of the file is not that of an authority; no client is \
                 accepted by it, leave it out"
            ),
            Self::KeyBesideCertificate => f.write_str(
                "there is a private key in it, which is not used; take it out if it is not meant \
                 for all who may read certificates",
            ),
            Self::NoStaple(fault) => write!(f, "no OCSP response is sent: {fault}"),
            Self::ListExpired(place, since) => write!(
                f,
                "revocation list {place} of the file expired on {}; clients of this authority are \
                 refused, fetch it anew",
                httpdate::fmt_http_date(since)
            ),
            Self::NoListOf(place) => write!(
                f,
                "there is no revocation list of authority {place} of the file, though there are \
                 of others; its clients are refused, add one"
            ),
        }
    }
}
