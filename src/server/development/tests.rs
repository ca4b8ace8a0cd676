//! The files of the development certificate: who may read them, when they are made anew, and what
//! several processes at once make of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use super::make::VALIDITY;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory of its own for a test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lanner-development-{}-{number}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A certificate whose directory does not exist yet.
    fn certificate(&self) -> DevelopmentCertificate {
        DevelopmentCertificate {
            directory: self.0.join("share/lanner"),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn fingerprint(certificate: &DevelopmentCertificate) -> [u8; 32] {
    certificate.summaries().unwrap().0.sha256
}

#[test]
fn it_is_made_once_and_its_key_is_for_its_user_only() {
    let scratch = Scratch::new();
    let certificate = scratch.certificate();
    let now = SystemTime::now();
    assert!(certificate.summaries().is_none());
    assert_eq!(certificate.ensure(now).unwrap(), Outcome::Made);
    assert_eq!(mode(&certificate.directory), 0o700);
    assert_eq!(mode(&certificate.server_file()), 0o600);
    let names: Vec<_> = fs::read_dir(&certificate.directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");

    let first = fingerprint(&certificate);
    assert_eq!(certificate.ensure(now).unwrap(), Outcome::Kept);
    assert_eq!(fingerprint(&certificate), first);
    certificate.renew(now).unwrap();
    assert_ne!(fingerprint(&certificate), first);
}

#[test]
fn it_is_valid_for_a_year_and_made_anew_a_month_ahead() {
    let scratch = Scratch::new();
    let certificate = scratch.certificate();
    let now = SystemTime::now();
    certificate.ensure(now).unwrap();
    let (server, authority) = certificate.summaries().unwrap();
    assert!(server.not_before < now);
    let valid = server.not_after.duration_since(now).unwrap();
    assert!(valid > VALIDITY - DAY && valid <= VALIDITY, "{valid:?}");
    assert_eq!(authority.not_after, server.not_after);

    let first = fingerprint(&certificate);
    assert_eq!(certificate.ensure(now + 334 * DAY).unwrap(), Outcome::Kept);
    assert_eq!(fingerprint(&certificate), first);
    assert_eq!(certificate.ensure(now + 336 * DAY).unwrap(), Outcome::Made);
    // Its successor is not valid yet at the time of the first.
    assert_ne!(fingerprint(&certificate), first);
    assert_eq!(certificate.ensure(now).unwrap(), Outcome::Made);
}

#[test]
fn what_cannot_be_read_is_made_anew() {
    let scratch = Scratch::new();
    let certificate = scratch.certificate();
    let now = SystemTime::now();
    certificate.ensure(now).unwrap();
    let whole = fs::read(certificate.server_file()).unwrap();
    for broken in [&b""[..], b"nonsense", &whole[..whole.len() / 2]] {
        fs::write(certificate.server_file(), broken).unwrap();
        assert_eq!(certificate.ensure(now).unwrap(), Outcome::Made);
    }
    fs::remove_file(certificate.authority_file()).unwrap();
    assert_eq!(certificate.ensure(now).unwrap(), Outcome::Made);
    assert_eq!(mode(&certificate.server_file()), 0o600);
}

#[test]
fn of_processes_that_want_it_at_once_one_makes_it() {
    let scratch = Scratch::new();
    let certificate = scratch.certificate();
    let now = SystemTime::now();
    let start = Barrier::new(8);
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let outcome = certificate.ensure(now).unwrap();
                    (outcome, fingerprint(&certificate))
                })
            })
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let made = found
        .iter()
        .filter(|(outcome, _)| *outcome == Outcome::Made);
    assert_eq!(made.count(), 1);
    assert!(found.iter().all(|(_, sha256)| *sha256 == found[0].1));
}

#[test]
fn the_directory_is_the_users_data_directory() {
    let path = |text: &str| Some(OsString::from(text));
    assert_eq!(data_home(path("/x"), path("/h")), Some("/x".into()));
    let fallback = Some(PathBuf::from("/h/.local/share"));
    for ignored in [None, path(""), path("relative")] {
        assert_eq!(data_home(ignored, path("/h")), fallback);
    }
    assert_eq!(data_home(None, None), None);
    assert_eq!(data_home(None, path("")), None);
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let scratch = Scratch::new();
    let certificate = scratch.certificate();
    fs::write(scratch.0.join("share"), "a file").unwrap();
    let line = certificate
        .ensure(SystemTime::now())
        .unwrap_err()
        .to_string();
    let directory = certificate.directory.display().to_string();
    assert!(
        line.contains(&directory) && line.contains("--cert"),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
}
