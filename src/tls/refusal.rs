//! A client's certificate that is refused: whose, issued by whom, and why, for the operator.
//!
//! Owns the text. Whether a certificate is refused is webpki's to say.

use std::fmt;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error};

use super::x509::{CertificateFacts, name_text};

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientRefusal {
    subject: String,
    issuer: String,
    reason: String,
}

impl ClientRefusal {
    pub(super) fn of(certificate: &CertificateDer<'_>, error: &Error) -> Self {
        let facts = CertificateFacts::read(certificate);
        let name = |der: Option<&[u8]>| der.map_or_else(|| "?".to_owned(), name_text);
        Self {
            subject: name(facts.map(|facts| facts.subject)),
            issuer: name(facts.map(|facts| facts.issuer)),
            reason: reason(error),
        }
    }
}

impl fmt::Display for ClientRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            issuer,
            reason,
        } = self;
        write!(
            f,
            "the client certificate of \"{subject}\", issued by \"{issuer}\", is refused: {reason}"
        )
    }
}

fn reason(error: &Error) -> String {
    use CertificateError as C;
    let Error::InvalidCertificate(what) = error else {
        return error.to_string();
    };
    match what {
        C::Expired | C::ExpiredContext { .. } => "it has expired",
        C::NotValidYet | C::NotValidYetContext { .. } => "it is not valid yet",
        C::Revoked => "it has been revoked",
        C::UnknownIssuer => "no authority of the client CA file has issued it",
        C::UnknownRevocationStatus => {
            "there is no revocation list of its issuer, or of that of an intermediate certificate"
        }
        C::ExpiredRevocationList | C::ExpiredRevocationListContext { .. } => {
            "the revocation list of its issuer has expired"
        }
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => "it is not for clients",
        C::BadEncoding => "it is malformed",
        other => return other.to_string(),
    }
    .to_owned()
}
