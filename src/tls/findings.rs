//! What is found while the files of one site are read: warnings, where a fault lies, and for how long
//! all of it holds.
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
    stale_from: Option<SystemTime>,
}

impl Findings {
    /// None yet, of the site with this pattern.
    pub(super) fn new(pattern: &str, now: SystemTime) -> Self {
        Self {
            place: Place::site(pattern),
            now,
            warnings: Vec::new(),
            stale_from: None,
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

    /// Notes that something which is good now is not from `time` on.
    pub(super) fn holds_until(&mut self, time: SystemTime) {
        self.stale_from = Some(self.stale_from.map_or(time, |other| other.min(time)));
    }

    /// All that was noted, and when the first of what is good now ceases to be.
    pub(super) fn into_parts(self) -> (Vec<TlsWarning>, Option<SystemTime>) {
        (self.warnings, self.stale_from)
    }
}
