//! The development certificate: for localhost, of one user, made when it is first needed.
//!
//! Owns its files, and when it is made anew. What it consists of, `make` knows; who uses it, the
//! builder and the command. Trusting it is left to the user: nothing here touches a store of trusted
//! certificates.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::tls::CertificateSummary;

mod make;
#[cfg(test)]
mod tests;

pub(crate) use make::NAMES;

/// A certificate with less than this left is made anew at the next start: nobody should have to
/// trust a new one in the middle of a day's work.
const RENEW_AHEAD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The key and the certificate in one file, so that no reader ever sees one without the other.
const SERVER_FILE: &str = "localhost.pem";

/// The authority, for clients to trust.
const AUTHORITY_FILE: &str = "localhost-ca.pem";

/// How often and how long to wait for another process that makes the certificate: five seconds in
/// all, for what takes milliseconds.
const LOCK_ATTEMPTS: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The development certificate of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DevelopmentCertificate {
    directory: PathBuf,
}

/// What has become of the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The one that was there is good.
    Kept,
    /// There was none, or none that can be read, or it ends soon: there is a new one.
    Made,
}

impl DevelopmentCertificate {
    /// The one of the user who runs this process: below `$XDG_DATA_HOME` or `~/.local/share`.
    pub(crate) fn of_user() -> Result<Self, DevelopmentError> {
        let data = data_home(env::var_os("XDG_DATA_HOME"), env::var_os("HOME"))
            .ok_or(DevelopmentError::NoDataDirectory)?;
        Ok(Self {
            directory: data.join("lanner"),
        })
    }

    /// The file with the private key and the certificate; readable for its user only.
    pub(crate) fn server_file(&self) -> PathBuf {
        self.directory.join(SERVER_FILE)
    }

    /// The file with the authority's certificate, which clients are to trust.
    pub(crate) fn authority_file(&self) -> PathBuf {
        self.directory.join(AUTHORITY_FILE)
    }

    /// Dates and fingerprints of the certificate and of its authority; none if they are not both there,
    /// or cannot be read.
    pub(crate) fn summaries(&self) -> Option<(CertificateSummary, CertificateSummary)> {
        let server = CertificateSummary::of_file(&self.server_file())?;
        let authority = CertificateSummary::of_file(&self.authority_file())?;
        Some((server, authority))
    }

    /// Makes the certificate unless there is one that is valid for another 30 days.
    pub(crate) fn ensure(&self, now: SystemTime) -> Result<Outcome, DevelopmentError> {
        if self.is_good(now) {
            return Ok(Outcome::Kept);
        }
        let _lock = self.lock()?;
        // Another process may have made one while this one waited for the lock.
        if self.is_good(now) {
            return Ok(Outcome::Kept);
        }
        self.make(now)?;
        Ok(Outcome::Made)
    }

    /// Makes a new certificate in any case.
    pub(crate) fn renew(&self, now: SystemTime) -> Result<(), DevelopmentError> {
        let _lock = self.lock()?;
        self.make(now)
    }

    fn is_good(&self, now: SystemTime) -> bool {
        self.summaries().is_some_and(|(server, _)| {
            server.not_before <= now && now + RENEW_AHEAD < server.not_after
        })
    }

    fn make(&self, now: SystemTime) -> Result<(), DevelopmentError> {
        let pair = make::pair(now).map_err(|error| DevelopmentError::Make(error.to_string()))?;
        // The authority first: whoever finds a certificate finds its authority too.
        self.replace(AUTHORITY_FILE, 0o644, &pair.authority)?;
        self.replace(SERVER_FILE, 0o600, &pair.server)
    }

    /// Puts a file in the place of another in one step.
    fn replace(&self, name: &str, mode: u32, text: &str) -> Result<(), DevelopmentError> {
        let path = self.directory.join(name);
        // The lock is advisory, so that the name must be this process's own.
        let new = self
            .directory
            .join(format!(".{name}.{}.new", std::process::id()));
        let written = write_new(&new, mode, text).and_then(|()| fs::rename(&new, &path));
        written.map_err(|error| {
            // What could not be written whole is of no use; if it is not even there, so much the
            // better.
            let _ = fs::remove_file(&new);
            DevelopmentError::Write { path, error }
        })
    }

    /// Keeps other processes from making a certificate until the result is dropped. Makes the
    /// directory if there is none.
    fn lock(&self) -> Result<File, DevelopmentError> {
        let failed = |error| DevelopmentError::Write {
            path: self.directory.clone(),
            error,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(failed)?;
        let directory = File::open(&self.directory).map_err(failed)?;
        for _ in 0..LOCK_ATTEMPTS {
            match directory.try_lock() {
                Ok(()) => return Ok(directory),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(_)) => break,
            }
        }
        // Files are replaced whole, so that without the lock the worst is a certificate whose
        // authority was replaced by another process: a file system without locks, or a process that
        // hangs, is no reason to fail.
        Ok(directory)
    }
}

/// Where the data of a user's programs lies (XDG Base Directory Specification). A relative path in
/// `$XDG_DATA_HOME` is to be ignored.
fn data_home(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    xdg.and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".local/share")))
}

/// Writes a file that must not exist yet, down to the disk: after a crash there is the old file or
/// the new one, and no empty one.
fn write_new(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Why there is no development certificate.
#[derive(Debug)]
#[non_exhaustive]
pub enum DevelopmentError {
    /// Neither `XDG_DATA_HOME` nor `HOME` names a directory.
    NoDataDirectory,
    /// A file or directory cannot be written.
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The certificate cannot be made, for this reason.
    Make(String),
}

impl fmt::Display for DevelopmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDataDirectory => f.write_str(
                "there is no place for the development certificate; set XDG_DATA_HOME or HOME, or \
                 name a certificate with --cert and --key",
            ),
            Self::Write { path, error } => write!(
                f,
                "the development certificate cannot be written to {}: {error}; set XDG_DATA_HOME \
                 to a directory that can be written, or name a certificate with --cert and --key",
                path.display()
            ),
            Self::Make(reason) => write!(
                f,
                "the development certificate cannot be made: {reason}; name one with --cert and \
                 --key"
            ),
        }
    }
}

impl std::error::Error for DevelopmentError {}
