//! What is found while the files of one site are read: warnings, and where a fault lies.
//!
//! Owns nothing but the list. What is a fault and what a warning is decided where it is found.

use std::path::Path;
use std::time::SystemTime;

use super::error::{Place, TlsError, TlsFault, TlsFile};
use super::warning::{TlsConcern, TlsWarning};

/// The findings of one site.
pub(super) struct Findings {
    place: Place,
    /// The moment that certificates and lists are held against.
    pub(super) now: SystemTime,
    warnings: Vec<TlsWarning>,
}

impl Findings {
    /// None yet, of the site with this pattern.
    pub(super) fn new(pattern: &str, now: SystemTime) -> Self {
        Self {
            place: Place::site(pattern),
            now,
            warnings: Vec::new(),
        }
    }

    /// A fault of this file.
    pub(super) fn fault(&self, kind: TlsFile, path: &Path, what: impl Into<TlsFault>) -> TlsError {
        TlsError::new(self.place.in_file(kind, path), what.into())
    }

    /// A fault of the site as a whole.
    pub(super) fn fault_of_site(&self, what: TlsFault) -> TlsError {
        TlsError::new(self.place.clone(), what)
    }

    /// Notes something about this file.
    pub(super) fn warn(&mut self, kind: TlsFile, path: &Path, concern: TlsConcern) {
        let place = self.place.in_file(kind, path);
        self.warnings.push(TlsWarning::new(place, concern));
    }

    /// All that was noted.
    pub(super) fn into_warnings(self) -> Vec<TlsWarning> {
        self.warnings
    }
}
