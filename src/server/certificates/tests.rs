//! The thread with real files and the kernel's own notices: what its tests share, its other duties
//! and its end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

mod faults;
mod renewal;

/// Longer than anything takes that works.
const HANG: Duration = Duration::from_secs(30);

/// Longer than any test: what is found must have been found by another way.
const NEVER: Duration = Duration::from_secs(3600);

/// Notices alone.
const NOTICES: Pace = Pace {
    settle: Duration::from_millis(20),
    writing: HANG,
    patience: NEVER,
    poll: NEVER,
    rotation: NEVER,
};

/// The same where faults are to be told of.
const FAULTS: Pace = Pace {
    patience: Duration::from_millis(60),
    ..NOTICES
};

/// A directory of its own for a test, removed at the end.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lanner-certificates-{}-{number}", std::process::id());
        // Resolved, so that a link to the directory for temporary files is no part of any test.
        let path = fs::canonicalize(std::env::temp_dir()).unwrap().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A certificate with its key.
struct Pair {
    certificate: String,
    key: String,
    der: Vec<u8>,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
            der: made.cert.der().to_vec(),
        }
    }

    /// Writes both files into a directory, in place.
    fn write(&self, directory: &Path) {
        fs::write(directory.join("tls.crt"), &self.certificate).unwrap();
        fs::write(directory.join("tls.key"), &self.key).unwrap();
    }

    /// Puts both files in the place of others, in one step each.
    fn rename_over(&self, directory: &Path) {
        for (name, text) in [("tls.crt", &self.certificate), ("tls.key", &self.key)] {
            let new = directory.join("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, directory.join(name)).unwrap();
        }
    }
}

/// A thread that watches `tls.crt` and `tls.key` of a directory.
struct Watched {
    news: Receiver<News>,
    _certificates: Certificates,
}

impl Watched {
    fn begin(directory: &Path, pace: Pace) -> Self {
        let tls = Tls::files(directory.join("tls.crt"), directory.join("tls.key"));
        let loaded = Loaded::read(tls).unwrap();
        let (to, news) = mpsc::channel();
        let certificates = Certificates::keep(loaded, pace, move |news| {
            let _ = to.send(news);
        });
        Self {
            news,
            _certificates: certificates.unwrap(),
        }
    }

    fn next(&self) -> News {
        self.news.recv_timeout(HANG).expect("there are no news")
    }

    /// The next set, which must have this certificate. Where faults are told of, a machine may be
    /// so slow that certificate and key are found apart before.
    #[track_caller]
    fn expect(&self, pair: &Pair) -> TlsSet {
        loop {
            match self.next() {
                News::Set(set) => {
                    assert_eq!(set.material.first_certificate(), pair.der);
                    assert_eq!(self.line(), Line::Renewed.to_string());
                    return set;
                }
                News::Line(line) => assert!(matches!(line, Line::Refused(_)), "{line}"),
            }
        }
    }

    /// The next news must be a line.
    #[track_caller]
    fn line(&self) -> String {
        match self.next() {
            News::Line(line) => line.to_string(),
            News::Set(_) => panic!("not a line"),
        }
    }

    #[track_caller]
    fn expect_refusal(&self) -> String {
        let line = self.line();
        assert!(line.contains("the old ones stay in use"), "{line}");
        assert_eq!(line.lines().count(), 1);
        line
    }

    /// Changes the files once more, and expects nothing but news of that.
    fn expect_nothing_else(self, directory: &Path) {
        let last = Pair::new();
        last.rename_over(directory);
        self.expect(&last);
    }
}

#[test]
fn ticket_keys_are_rotated_with_the_same_certificates() {
    let scratch = Scratch::new();
    let pair = Pair::new();
    pair.write(scratch.path());
    let pace = Pace {
        rotation: Duration::from_millis(5),
        ..NOTICES
    };
    let watched = Watched::begin(scratch.path(), pace);
    for _ in 0..3 {
        match watched.next() {
            News::Set(set) => assert_eq!(set.material.first_certificate(), pair.der),
            News::Line(line) => panic!("not a set: {line}"),
        }
    }
}

#[test]
fn what_changed_while_the_server_started_is_found() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let tls = Tls::files(
        scratch.path().join("tls.crt"),
        scratch.path().join("tls.key"),
    );
    let loaded = Loaded::read(tls).unwrap();
    let pair = Pair::new();
    pair.write(scratch.path());
    let (to, news) = mpsc::channel();
    let tell = move |news| {
        let _ = to.send(news);
    };
    let certificates = Certificates::keep(loaded, NOTICES, tell).unwrap();
    let watched = Watched {
        news,
        _certificates: certificates,
    };
    watched.expect(&pair);
}

#[test]
fn the_thread_ends_with_its_handle() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let Watched {
        news,
        _certificates: certificates,
    } = Watched::begin(scratch.path(), NOTICES);
    drop(certificates);
    assert!(matches!(
        news.recv_timeout(HANG),
        Err(RecvTimeoutError::Disconnected)
    ));
}

#[test]
fn a_thread_that_hangs_is_asked_and_then_left_behind() {
    let scratch = Scratch::new();
    Pair::new().write(scratch.path());
    let tls = Tls::files(
        scratch.path().join("tls.crt"),
        scratch.path().join("tls.key"),
    );
    let pace = Pace {
        rotation: Duration::ZERO,
        ..NOTICES
    };
    let (release, released) = mpsc::channel::<()>();
    let (hang, hangs) = mpsc::channel();
    let certificates = Certificates::keep(Loaded::read(tls).unwrap(), pace, move |_| {
        // As a file system that does not answer.
        let _ = hang.send(());
        let _ = released.recv();
    });
    hangs.recv_timeout(HANG).unwrap();
    let (done, end) = mpsc::channel();
    thread::spawn(move || {
        let certificates = certificates.unwrap();
        certificates.stop();
        let _ = done.send("asked");
        drop(certificates);
        let _ = done.send("left behind");
    });
    assert_eq!(end.recv_timeout(HANG), Ok("asked"));
    assert_eq!(end.recv_timeout(HANG), Ok("left behind"));
    drop(release);
}

#[test]
fn a_pipe_is_read_once() {
    let scratch = Scratch::new();
    let pair = Pair::new();
    pair.write(scratch.path());
    let pipe = scratch.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert_eq!(
        Content::of(std::slice::from_ref(&pipe)),
        Content::of(&[pipe])
    );
}
