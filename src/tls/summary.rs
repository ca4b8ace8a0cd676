//! What people compare certificates by: the dates, and the fingerprint that browsers show.

use std::path::Path;
use std::time::SystemTime;

use aws_lc_rs::digest;

use super::pem::{self, Sections};
use super::x509::CertificateFacts;

/// What people compare certificates by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CertificateSummary {
    /// The SHA-256 of its DER form.
    pub(crate) sha256: [u8; 32],
    /// From when on it is valid.
    pub(crate) not_before: SystemTime,
    /// Until when it is valid.
    pub(crate) not_after: SystemTime,
}

impl CertificateSummary {
    /// That of the first certificate of a PEM file; none if it cannot be read.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let content = pem::read_file(path, pem::CERTIFICATES_BYTES_MAX).ok()?;
        let certificates = Sections::read(&content).ok()?.certificates().ok()?;
        Self::of(certificates.first()?)
    }

    fn of(der: &[u8]) -> Option<Self> {
        let facts = CertificateFacts::read(der)?;
        let hash = digest::digest(&digest::SHA256, der);
        Some(Self {
            sha256: hash.as_ref().try_into().ok()?,
            not_before: facts.not_before,
            not_after: facts.not_after,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_that_of_the_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 11, 24);
        params.not_after = rcgen::date_time_ymd(2051, 2, 28);
        let certificate = params.self_signed(&key).unwrap();
        let summary = CertificateSummary::of(certificate.der()).unwrap();
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(seconds(summary.not_before).as_secs(), 1_795_478_400);
        assert_eq!(seconds(summary.not_after).as_secs(), 2_561_155_200);
        let hash = digest::digest(&digest::SHA256, certificate.der());
        assert_eq!(summary.sha256, hash.as_ref());
        assert_eq!(CertificateSummary::of(b"nonsense"), None);
    }
}
